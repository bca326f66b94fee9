/**
 * What `--faults` adds to a run: devices, wires and programs that the plan can reach, and what has
 * struck at the end.
 */

import { UserMistake } from '../../host/problem.ts';
import { flatten, type SystemDescription } from '../../microkit/model.ts';
import { readDurationNs } from '../../sim/plan/duration.ts';
import { NO_FAULTS, type Plan, type Rule } from '../../sim/plan/plan.ts';
import { PlannedRun } from '../../sim/points/planned-run.ts';
import { plannedWires } from '../../sim/points/planned-wires.ts';
import { didYouMean } from '../closest.ts';
import { loadPlan } from '../sim/plan-file.ts';
import type { RunWatch, WatchedRun } from './part.ts';

/** Of a run in which a planned fault never struck: it proves nothing. */
const EXIT_VOID = 3;

/** A domain that is to die, and from when on: as it is written. */
export interface AskedKill {
  readonly domain: string;
  readonly time: string;
}

/** What goes wrong in a run. */
export interface AskedFaults {
  /** File of a plan. */
  readonly path: string | undefined;
  readonly kills: readonly AskedKill[];
  readonly faultSeed: number | undefined;
}

/** @throws UserMistake for a plan that does not fit the system, or the clock */
export function watchFaults(
  { loaded, options, terminal, injected }: WatchedRun,
  { path, kills, faultSeed }: AskedFaults,
): RunWatch {
  const { system } = loaded;
  const { clock, seed: runSeed } = options.testbed;
  const read = path === undefined ? NO_FAULTS : loadPlan(path, system);
  if (clock === 'host' && path !== undefined) refuseSlowness(read, path);
  const killed = kills.map((kill) => killRule(kill, system));
  const plan = { ...read, rules: [...read.rules, ...killed, ...injected] };
  const seed = faultSeed ?? runSeed;
  // A live run has no end: what has struck is counted, and not kept.
  const planned = new PlannedRun({ system, plan, seed, strikesKept: 0 });
  return {
    files: path === undefined ? [] : [{ path, use: 'read', by: '--faults' }],
    instrument: () => planned.instrument,
    programs: (usual) => planned.programsAround(usual),
    wires: (wires, parts) => plannedWires(planned, wires, parts),
    counters: () => ({
      faults: {
        seed,
        strikes: planned.injector.strikeCounts(),
        neverStruck: neverStruck(planned),
      },
    }),
    finish: () => {
      const never = neverStruck(planned);
      if (never.length === 0) return;
      terminal.note(
        `sddf: this run is void: planned and never struck: ${never.join(', ')}; "optional": true in the plan allows it`,
      );
      process.exitCode ??= EXIT_VOID;
    },
  };
}

/** @throws UserMistake when there is no such domain, or no such time */
function killRule({ domain, time }: AskedKill, system: SystemDescription): Rule {
  const domains = flatten(system).map(({ pd }) => pd.name);
  if (!domains.includes(domain)) {
    const guess = didYouMean(domain, domains);
    throw new UserMistake(`--kill: there is no domain '${domain}'${guess}`);
  }
  const timeNs = readDurationNs(time);
  if (timeNs === undefined) {
    throw new UserMistake(`--kill: '${time}' is not a time such as 5ms or 1.5s`);
  }
  const once = { for: {}, parameters: {}, optional: 'no' } as const;
  return { at: `pd.${domain}`, fault: 'kill', when: { timeNs }, ...once };
}

/** @throws UserMistake: time passes by itself, and a program cannot be made to take longer */
function refuseSlowness({ rules }: Plan, path: string): void {
  const slow = rules.find(({ at }) => at.startsWith('pd.') && at.endsWith('.entry'));
  if (slow === undefined) return;
  throw new UserMistake(
    `${path}: ${slow.at} ${slow.fault}: is for the virtual clock; give --clock virtual too`,
  );
}

function neverStruck({ injector }: PlannedRun): readonly string[] {
  return [...new Set(injector.neverStruck().map(({ at, fault }) => `${at} ${fault}`))];
}
