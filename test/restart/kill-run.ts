/**
 * One world in which domains of a supervised system die, and what came of it: the verdict of all
 * oracles, and how long the network's clients had to wait.
 */

import type { EthernetEnd, EthernetWire } from '../../board/ethernet.ts';
import { PAYLOAD_AT } from '../../board/links/udp-frame.ts';
import { flatten, type SystemDescription } from '../../microkit/model.ts';
import type { Program } from '../../microkit/pd.ts';
import type { MachinePrograms } from '../../microkit/runtime/machine-program.ts';
import type { SupervisorConfig } from '../../queues/restart/config.ts';
import { readDownTime } from '../../queues/restart/pages.ts';
import type { Plan, When } from '../../sim/plan/plan.ts';
import { runWorld, type WorldOutcome } from '../../sim/world.ts';
import type { WorldMemory } from '../../sim/world-memory.ts';
import type { ProgramCounterNames } from '../../systems/counter-names.ts';
import type { Oracle } from '../../systems/oracle.ts';
import type { Testbed, WireParts } from '../../systems/testbed.ts';

/** A death, at these wake-ups of the domain, or at the first from a moment on; or another fault. */
export interface Kill {
  /** With '.entry' behind its name, system calls count instead of wake-ups. */
  readonly domain: string;
  readonly when: Pick<When, 'nth' | 'timeNs'>;
  /** A death, unless told; the others are those of `sim/points/domains.ts`. */
  readonly fault?: 'sleep' | 'late';
  readonly forNs?: number;
  readonly parameters?: Readonly<Record<string, number>>;
}

export interface KillRunOptions {
  readonly system: SystemDescription;
  readonly counters: ProgramCounterNames | undefined;
  readonly kills: readonly Kill[];
  readonly amount: number;
  readonly memory: WorldMemory;
  readonly seed?: number;
  /** How long traffic lasts, ns, where it is not `amount` that ends it. */
  readonly forNs?: number;
  /** What must hold of this system besides what holds of all. */
  readonly oracles?: readonly Oracle[];
  /** In place of those of the description. */
  readonly programs?: ReadonlyMap<string, Program>;
  /** Of the domains that are machine code. */
  readonly images?: MachinePrograms;
}

export interface KillRun {
  readonly outcome: WorldOutcome;
  /** The supervisor's counters. */
  readonly supervisor: Readonly<Record<string, number>>;
  /** The counters of every program, by domain. */
  readonly counters: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** How long each domain was down in all, ns. */
  readonly downNs: ReadonlyMap<string, number>;
  /** The longest that a question of each client of the network has waited for its answer, ns. */
  readonly longestNs: ReadonlyMap<number, number>;
}

export function killRun(options: KillRunOptions): KillRun {
  const { system, counters, kills, amount, memory, seed = 1, programs, images } = options;
  const { forNs, oracles = [] } = options;
  const downNs = new Map<string, number>();
  let counted: KillRun['counters'] = {};
  let waits: WaitingWire | undefined;
  const seen = {
    name: 'seen',
    holds: 'what the supervisor knows is looked at',
    check: (testbed: Testbed) => {
      counted = testbed.counters().programs;
      for (const [domain, ns] of downTimes(testbed)) downNs.set(domain, ns);
      return [];
    },
  };
  const outcome = runWorld({
    target: {
      system,
      memory,
      oracles: [seen, ...oracles],
      ...(counters === undefined ? {} : { counters }),
      ...(programs === undefined ? {} : { programs }),
      ...(images === undefined ? {} : { images }),
    },
    plan: planOf(kills),
    seed,
    amount,
    ...(forNs === undefined ? {} : { forNs }),
    watch: { net: (wire, parts) => (waits = new WaitingWire(wire, parts)) },
  });
  return {
    outcome,
    supervisor: counted['supervisor'] ?? {},
    counters: counted,
    downNs,
    longestNs: waits?.longestNs ?? new Map(),
  };
}

function planOf(kills: readonly Kill[]): Plan {
  return {
    name: 'kills',
    rules: kills.map(({ domain, when, fault = 'kill', forNs, parameters = {} }) => ({
      at: `pd.${domain}`,
      fault,
      when,
      for: forNs === undefined ? {} : { durationNs: forNs },
      parameters,
      optional: 'no',
    })),
  };
}

function downTimes(testbed: Testbed): readonly (readonly [string, number])[] {
  const pd = flatten(testbed.system).find((each) => each.pd.name === 'supervisor')?.pd;
  const config = pd?.config as SupervisorConfig;
  const page = testbed.inspect('supervisor', config.epochs);
  if (page === undefined) return [];
  return config.children.map(({ name, child }) => [name, readDownTime(page, child)] as const);
}

/** Between the NIC and the cable: when each question was taken, and when answered. */
class WaitingWire implements EthernetWire {
  readonly longestNs = new Map<number, number>();
  readonly #wire: EthernetWire;
  readonly #parts: WireParts;
  readonly #copyAt: number;
  readonly #waiting = new Map<number, { readonly client: number; readonly sinceNs: number }>();

  constructor(wire: EthernetWire, parts: WireParts) {
    this.#wire = wire;
    this.#parts = parts;
    this.#copyAt = parts.ram.takeStaging(2048);
  }

  takeNext(): void {
    const bytes = this.#wire.nextLength();
    this.#wire.copyNext(0, this.#copyAt, bytes);
    this.#wire.takeNext();
    const { number, client } = this.#questionAt(this.#copyAt);
    if (client < 64) this.#waiting.set(number, { client, sinceNs: this.#nowNs() });
  }

  transmit(at: number, lengthBytes: number): void {
    const { number } = this.#questionAt(at);
    const waiting = this.#waiting.get(number);
    if (waiting !== undefined) {
      const ns = this.#nowNs() - waiting.sinceNs;
      const longest = this.longestNs.get(waiting.client) ?? 0;
      this.longestNs.set(waiting.client, Math.max(longest, ns));
      this.#waiting.delete(number);
    }
    this.#wire.transmit(at, lengthBytes);
  }

  #questionAt(at: number): { readonly number: number; readonly client: number } {
    const { view } = this.#parts.ram;
    return {
      number: view.getUint32(at + PAYLOAD_AT, true),
      client: view.getUint32(at + PAYLOAD_AT + 4, true),
    };
  }

  #nowNs(): number {
    return this.#parts.board.clock.now();
  }

  attach(end: EthernetEnd): void {
    this.#wire.attach(end);
  }

  linkUp(): boolean {
    return this.#wire.linkUp();
  }

  nextLength(): number {
    return this.#wire.nextLength();
  }

  copyNext(from: number, to: number, lengthBytes: number): void {
    this.#wire.copyNext(from, to, lengthBytes);
  }

  dropNext(reason: string): void {
    this.#wire.dropNext(reason);
  }

  dropTransmit(at: number, lengthBytes: number, reason: string): void {
    this.#wire.dropTransmit(at, lengthBytes, reason);
  }
}
