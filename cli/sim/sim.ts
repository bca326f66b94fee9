/** `sddf sim`: a campaign of worlds, each with its own faults, on all cores of this machine. */

import { availableParallelism } from 'node:os';
import { accessSync, constants, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { makeFolder } from '../../host/make-folder.ts';
import { explainSystemError, UserMistake } from '../../host/problem.ts';
import { flatten, type SystemDescription } from '../../microkit/model.ts';
import type { WorldSystem } from '../../sim/world.ts';
import type { Plan } from '../../sim/plan/plan.ts';
import { planJson } from '../../sim/plan/write-plan.ts';
import {
  failureText,
  type SystemDigests,
  type SystemReference,
} from '../../sim/failure/failure-file.ts';
import {
  type CampaignSystem,
  type DistinctFailure,
  possibleFaults,
  type SeedReport,
  Tally,
} from '../../sim/campaign/campaign.ts';
import {
  readSeedRange,
  readShard,
  seedCount,
  type SeedRange,
  shardOf,
} from '../../sim/campaign/seed-range.ts';
import { junitOf } from '../../sim/campaign/junit.ts';
import type { PointKind } from '../../sim/points/point.ts';
import { pointsOf } from '../../sim/points/system-points.ts';
import { type FileUse, refuseClashes } from '../../host/file-use.ts';
import { groupDigits, significant } from '../../systems/figures.ts';
import { systemFile } from '../run/system-source.ts';
import { type CoverageFlags, CoverageReport, extentOf } from '../coverage/report.ts';
import { OutputFile } from '../output-file.ts';
import { parseCount, parseDuration } from '../quantities.ts';
import { type CaughtInterrupts, catchInterrupts } from '../run/interrupt.ts';
import type { CampaignPages } from '../ui/campaign-pages.ts';
import { UI_PORT_HELP, uiPortOf } from '../ui/page-folder.ts';
import { readChoice } from '../run/choices.ts';
import { shellText } from '../../systems/shell-text.ts';
import { openTerminal, type Terminal } from '../terminal.ts';
import { listFaults } from './list-faults.ts';
import { loadPlan } from './plan-file.ts';
import { GuidedPool } from './guided-pool.ts';
import { SeedPool } from './pool.ts';
import type { CoverageEars } from './world-process.ts';
import { boundedRequest, type CampaignRequest } from './request.ts';
import { loadTarget } from './target.ts';
import { jsonText } from '../../systems/json-text.ts';

export const EXIT_FAILED = 1;
export const EXIT_VOID = 3;
const TWICE_EVERY = 100;
const NAMES_MAX = 12;
const JOBS = { min: 1, max: 256 };
const INVARIANTS = { min: 1, max: 1_000_000 };
const SEEDS = '1..100';
const AMOUNT = { min: 1, max: 1_000_000 };

interface SimFlags extends CoverageFlags {
  readonly seeds?: string;
  readonly plan?: string;
  readonly amount?: string;
  readonly for?: string;
  readonly jobs?: string;
  readonly shard?: string;
  readonly redis?: string;
  readonly explore: string;
  readonly guided?: true;
  readonly points?: string;
  readonly limit: string;
  readonly twice: string;
  readonly invariants?: string;
  readonly junit?: string;
  readonly out?: string;
  readonly set: readonly string[];
  readonly searchPath: readonly string[];
  readonly listFaults?: true;
  readonly ui?: true;
  readonly uiPort?: string;
  readonly json?: true;
}

export function simCommand(): Command {
  return new Command('sim')
    .description('Runs many worlds of a system, with other faults in each, and says what broke.')
    .argument('<system>', 'a name from sddf list, ./my-system.ts, or FILE.system')
    .option('--seeds <range>', `worlds to run (default: ${SEEDS}; with bounded: all orders)`)
    .option('--plan <file>', 'the same plan of faults for all (default: standard chaos)')
    .option('--amount <count>', 'questions or requests in each world (default: 500)')
    .option('--for <duration>', 'traffic and faults end after this much virtual time')
    .option('--jobs <count>', 'processes (default: one for each core)')
    .option('--shard <i/n>', 'runs the i-th of n equal parts of the seeds')
    .option('--redis <url>', 'has the worlds run by whoever works there: sddf worker URL')
    .option('--explore <how>', 'orders of events: random, pct:3, bounded:2 or none', 'none')
    .option('--guided', 'varies the plans of worlds that came to what few others came to')
    .option('--points <domains>', 'with bounded: whose points are tried, such as client0,client1')
    .option('--limit <runs>', 'with bounded: refuses to try more orders than this', '1000000')
    .option('--twice <n>', 'runs each n-th world twice and compares; 0: none', String(TWICE_EVERY))
    .option('--invariants <n>', 'looks at the whole kernel after each n-th kernel entry (slow)')
    .option('--junit <file>', 'writes the result for CI systems')
    .option('--out <dir>', 'writes a file for each distinct failure, for sddf replay')
    .option(
      '--coverage <file>',
      'writes which lines and branches of programs run, as lcov reads it',
    )
    .option('--coverage-per-test <dir>', 'the same of each world, for sddf coverage why')
    .option('--set <name=value>', 'chooses an option of the system; may be repeated', collect, [])
    .option('--search-path <dir>', 'where a .system file finds its programs', collect, [])
    .option('--list-faults', 'lists every point of this system at which something can go wrong')
    .option('--ui', 'shows it in a page of your browser, which opens failures, until Ctrl-C')
    .option('--ui-port <port>', UI_PORT_HELP)
    .option('--json', 'prints the result as JSON')
    .addHelpText(
      'after',
      '\nEnds with 0 when every world held, 1 when one failed, 3 when nothing was proved:\na planned fault never struck, or there is no traffic for this system.\n' +
        '\nExamples:\n  sddf sim echo --seeds 1..2000\n  sddf sim echo --list-faults\n' +
        '  sddf sim echo --plan faults.json --seeds 1..100 --out failures/',
    )
    .action(runSim);
}

/** @throws UserMistake when the result would be written over what the campaign reads */
function checkFiles(
  reference: string,
  { junit, plan, coverage }: Partial<Pick<SimFlags, 'junit' | 'plan' | 'coverage'>>,
): void {
  const files: FileUse[] = [...systemFile(reference)];
  if (plan !== undefined) files.push({ path: plan, use: 'read', by: '--plan' });
  if (junit !== undefined) files.push({ path: junit, use: 'written', by: '--junit' });
  if (coverage !== undefined) files.push({ path: coverage, use: 'written', by: '--coverage' });
  refuseClashes(files);
}

async function runSim(reference: string, flags: SimFlags): Promise<void> {
  const terminal = openTerminal(flags.json === true ? 'stderr' : 'stdout');
  const system = {
    reference,
    choices: Object.fromEntries(flags.set.map((text) => readChoice(text, '--set'))),
    searchPath: flags.searchPath,
  };
  const target = await loadTarget(system);
  const description = target.target.system;
  if (flags.listFaults === true) {
    listFaults(description, flags.json === true ? 'json' : 'text');
    return;
  }
  const plan = flags.plan === undefined ? undefined : loadPlan(flags.plan, description);
  const request = requestOf(system, plan, description, flags);
  checkStrategy(flags);
  checkGuided(flags);
  const orders = ordersOf(request, target.target, flags, terminal);
  const seeds = seedsOf(flags, orders);
  checkFiles(reference, flags);
  const junit = flags.junit === undefined ? undefined : new OutputFile(flags.junit, 'replace');
  if (flags.out !== undefined) makeOutFolder(flags.out);
  const runners = runnersOf(flags, target);
  const faults = possibleFaults(description, plan);
  const coverage = CoverageReport.open(flags);
  const pages = await openPages(flags, target, { plan, total: seedCount(seeds), terminal });
  const interrupt = catchInterrupts();
  const campaign = await runCampaign({
    ...{ request, faults, seeds, runners, terminal, points: pointsOf(description) },
    coverage: coverage && coverageEars(coverage, reference, flags),
    interrupt,
    onProgress: (tally) => pages?.show(tally, 'going on'),
  });
  const { tally, next, seconds } = campaign;
  coverage?.close(reference, terminal);
  const distinct = tally.distinct();
  junit?.write(junitOf(reference, tally));
  junit?.close();
  const files = flags.out === undefined ? [] : writeFailures(flags.out, distinct);
  const never = tally.neverStruck(faults);
  if (flags.json === true) {
    const report = reportOf(reference, tally, { seconds, never, files, next });
    process.stdout.write(`${jsonText(report)}\n`);
  } else {
    const guidedFrom = flags.guided === true ? seeds.first : undefined;
    printVerdict(terminal, { tally, distinct, files, never, seconds, guidedFrom });
  }
  if (next !== undefined) {
    terminal.note(`sddf: stopped; to go on: --seeds ${next}..${seeds.last}`);
  }
  const hasShownNothing = next !== undefined && tally.worlds === 0;
  process.exitCode = hasShownNothing ? EXIT_VOID : exitCodeOf(tally);
  pages?.show(tally, 'over');
  await pages?.hold(interrupt);
}

/** What `--json` prints. */
function reportOf(
  reference: string,
  tally: Tally,
  end: {
    readonly seconds: number;
    readonly never: readonly string[];
    readonly files: readonly string[];
    /** The first seed that is left, when it was stopped. */
    readonly next: number | undefined;
  },
): Readonly<Record<string, unknown>> {
  const { seconds, never, files, next } = end;
  const { worlds, failed, unasked, virtualNs } = tally;
  const failures = tally.distinct().map(({ signature, seed, count, seeds, failure }) => ({
    signature,
    seed,
    count,
    seeds,
    violations: failure.violations,
    ...(failure.stopped === undefined ? {} : { stopped: failure.stopped }),
  }));
  const result = { system: reference, worlds, failed, void: tally.void, unasked, virtualNs };
  const strikes = Object.fromEntries(tally.strikes);
  return { ...result, seconds, failures, strikes, neverStruck: never, files, next };
}

/** The campaign's pages, if they were asked for. @throws UserMistake */
async function openPages(
  flags: SimFlags,
  target: CampaignSystem,
  about: { readonly plan: Plan | undefined; readonly total: number; readonly terminal: Terminal },
): Promise<CampaignPages | undefined> {
  const port = uiPortOf(flags);
  if (port === undefined) return undefined;
  const { CampaignPages: Pages } = await import('../ui/campaign-pages.ts');
  const pages = await Pages.open(target, { ...about, port });
  pages.show(new Tally(), 'going on');
  about.terminal.note(`sddf: the campaign is shown at ${pages.url}; Ctrl-C ends it`);
  return pages;
}

function coverageEars(
  report: CoverageReport,
  reference: string,
  { set, searchPath, explore, plan, amount, for: duration }: SimFlags,
): CoverageEars {
  const options = [
    ...(plan === undefined ? [] : [`--plan ${shellText(plan)}`]),
    ...(amount === undefined ? [] : [`--amount ${amount}`]),
    ...(duration === undefined ? [] : [`--for ${duration}`]),
    ...set.map((choice) => `--set ${shellText(choice)}`),
    ...searchPath.map((path) => `--search-path ${shellText(path)}`),
    ...(explore === 'none' ? [] : [`--explore ${explore}`]),
  ];
  const command = ['sddf sim', shellText(reference), ...options].join(' ');
  return {
    onLoaded: (executed) => report.addLoading(executed),
    onWorld: (seed, executed) => {
      const again = `${command} --seeds ${seed}`;
      report.addRun({ number: seed, name: `world ${seed}`, command: again }, executed);
    },
    onEnded: (executed) => report.add(executed),
  };
}

/**
 * Who runs the worlds: processes of this machine, or whoever works for a Redis, on the same version
 * of the system.
 */
type Runners =
  | { readonly kind: 'here'; readonly jobs: number }
  | { readonly kind: 'redis'; readonly url: string; readonly digests: SystemDigests };

/** @throws UserMistake */
function runnersOf(flags: SimFlags, { digests }: CampaignSystem): Runners {
  const { jobs, redis } = flags;
  if (redis !== undefined && extentOf(flags) !== 'none') {
    throw new UserMistake('--coverage: is of processes of this machine; leave --redis out');
  }
  if (redis === undefined) {
    const count = jobs === undefined ? availableParallelism() : parseCount(jobs, '--jobs', JOBS);
    return { kind: 'here', jobs: count };
  }
  if (jobs === undefined) return { kind: 'redis', url: redis, digests };
  throw new UserMistake(
    '--jobs: is for processes of this machine; with --redis, sddf worker takes it',
  );
}

/** @throws UserMistake */
function requestOf(
  system: CampaignRequest['system'],
  plan: Plan | undefined,
  description: SystemDescription,
  flags: SimFlags,
): CampaignRequest {
  return {
    system,
    plan: plan === undefined ? undefined : JSON.stringify(planJson(plan)),
    amount: flags.amount === undefined ? undefined : parseCount(flags.amount, '--amount', AMOUNT),
    forNs: flags.for === undefined ? undefined : parseDuration(flags.for, '--for'),
    explore: flags.explore,
    domains: domainsOf(flags.points, description),
    coverage: extentOf(flags),
    isGuided: flags.guided === true,
    twiceEvery: parseCount(flags.twice, '--twice', { min: 0, max: 1_000_000 }),
    ...(flags.invariants === undefined
      ? {}
      : { invariantsEvery: parseCount(flags.invariants, '--invariants', INVARIANTS) }),
  };
}

/** @throws UserMistake: a strategy that there is not is said here, and not by each worker */
function checkStrategy({ explore, points }: SimFlags): void {
  if (!/^(?:none|random|pct:[1-9]\d?|bounded:[1-9])$/.test(explore)) {
    throw new UserMistake(`--explore: '${explore}' is not random, pct:3, bounded:2 or none`);
  }
  if (points === undefined || explore.startsWith('bounded')) return;
  throw new UserMistake('--points: is for --explore bounded, which tries the points of domains');
}

/** @throws UserMistake when something else says what worlds are to be */
function checkGuided(flags: SimFlags): void {
  if (flags.guided !== true) return;
  const others: readonly (readonly [name: string, isGiven: boolean])[] = [
    ['--plan', flags.plan !== undefined],
    ['--redis', flags.redis !== undefined],
    ['--explore bounded', flags.explore.startsWith('bounded')],
    ['--coverage', extentOf(flags) !== 'none'],
  ];
  const other = others.find(([, isGiven]) => isGiven);
  if (other === undefined) return;
  throw new UserMistake(`--guided: chooses plans by what worlds come to; leave ${other[0]} out`);
}

function exitCodeOf({ failed, void: proveNothing }: Tally): number {
  if (failed > 0) return EXIT_FAILED;
  return proveNothing > 0 ? EXIT_VOID : 0;
}

/** @param of how many worlds and kinds of faults there are, and how many worlds end in a second */
export function progressLine(
  tally: Pick<Tally, 'worlds' | 'failedBy' | 'strikes'>,
  of: { readonly total: number; readonly faults: number; readonly rate: number },
): string {
  const failed = [...tally.failedBy].map(([oracle, count]) => `${count} × ${oracle}`).join(', ');
  return [
    `${groupDigits(tally.worlds)} of ${groupDigits(of.total)} worlds, ${significant(of.rate)}/s`,
    failed === '' ? 'none failed' : `failed: ${failed}`,
    `${of.faults - tally.strikes.size} of ${of.faults} faults have not struck`,
  ].join('; ');
}

interface CampaignEnd {
  readonly tally: Tally;
  readonly next: number | undefined;
  readonly seconds: number;
}

async function runCampaign(options: {
  readonly request: CampaignRequest;
  /** All that can strike. */
  readonly faults: readonly string[];
  readonly points: readonly PointKind[];
  readonly seeds: SeedRange;
  readonly runners: Runners;
  readonly terminal: Terminal;
  readonly coverage: CoverageEars | undefined;
  readonly interrupt: CaughtInterrupts;
  readonly onProgress: (tally: Tally) => void;
}): Promise<CampaignEnd> {
  const { seeds, terminal } = options;
  const tally = new Tally();
  const total = seedCount(seeds);
  const faults = options.faults.length;
  const startedAt = process.hrtime.bigint();
  const seconds = (): number => Number(process.hrtime.bigint() - startedAt) / 1e9;
  const pool = await makePool({
    ...options,
    onReport: (report) => {
      tally.add(report);
      terminal.live(progressLine(tally, { total, faults, rate: tally.worlds / seconds() }));
      options.onProgress(tally);
    },
  });
  options.interrupt.onRequest(() => pool.stop());
  const { next } = await pool.run();
  return { tally, next, seconds: seconds() };
}

async function makePool({
  runners,
  terminal,
  points,
  ...common
}: {
  readonly points: readonly PointKind[];
  readonly request: CampaignRequest;
  readonly seeds: SeedRange;
  readonly runners: Runners;
  readonly terminal: Terminal;
  readonly onReport: (report: SeedReport) => void;
  readonly coverage: CoverageEars | undefined;
}): Promise<Pick<SeedPool, 'run' | 'stop'>> {
  const onNotice = (line: string): void => terminal.note(`sddf: ${line}`);
  if (runners.kind === 'here') {
    const jobs = Math.min(runners.jobs, seedCount(common.seeds));
    return common.request.isGuided === true
      ? new GuidedPool({ ...common, jobs, points, onNotice })
      : new SeedPool({ ...common, jobs, onNotice });
  }
  const { SeedFleet } = await import('./fleet.ts');
  const { url, digests } = runners;
  return new SeedFleet({
    ...common,
    request: { ...common.request, system: fromAnywhere(common.request.system), digests },
    url,
    onNotice,
  });
}

/** A worker's working directory is another one. */
function fromAnywhere({ reference, choices, searchPath }: SystemReference): SystemReference {
  const isFile = systemFile(reference).length > 0;
  return {
    reference: isFile ? resolve(reference) : reference,
    choices,
    searchPath: searchPath.map((path) => resolve(path)),
  };
}

/** @returns how many orders there are to try; undefined without bounded exploration */
function ordersOf(
  request: CampaignRequest,
  target: WorldSystem,
  flags: SimFlags,
  terminal: Terminal,
): number | undefined {
  const limit = parseCount(flags.limit, '--limit', { min: 1, max: 4_294_967_295 });
  const found = boundedRequest(request, target);
  if (found === undefined) return undefined;
  const { runs, bounded } = found;
  const count = Number.isFinite(runs) ? groupDigits(runs) : 'more than 2^53';
  const what = `${count} orders of ${groupDigits(bounded.points)} points`;
  if (runs > limit) {
    throw new UserMistake(
      `--explore ${flags.explore}: ${what}, and --limit is ${groupDigits(limit)}; a smaller --amount or --points with fewer domains makes fewer`,
    );
  }
  terminal.note(`sddf: ${what}`);
  return runs;
}

/** @throws UserMistake when the system has no such domain */
function domainsOf(text: string | undefined, system: SystemDescription): readonly string[] {
  const names = text?.split(',') ?? [];
  const known = flatten(system).map(({ pd }) => pd.name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return names;
  throw new UserMistake(`--points: no domain '${unknown}', of ${known.join(', ')}`);
}

function seedsOf(flags: SimFlags, orders: number | undefined): SeedRange {
  const seeds = flags.seeds ?? (orders === undefined ? SEEDS : `1..${orders}`);
  const range = readSeedRange(seeds);
  if (range !== undefined && orders !== undefined && range.last > orders) {
    throw new UserMistake(`--seeds: '${seeds}' goes beyond the ${groupDigits(orders)} orders`);
  }
  if (range === undefined) {
    throw new UserMistake(`--seeds: '${seeds}' is no range such as 1..2000, up to 4294967295`);
  }
  if (flags.shard === undefined) return range;
  const shard = readShard(flags.shard);
  if (shard === undefined) {
    throw new UserMistake(`--shard: '${flags.shard}' is not one part of several, such as 3/16`);
  }
  const part = shardOf(range, shard);
  if (part !== undefined) return part;
  throw new UserMistake(`--shard: ${seeds} has fewer seeds than there are parts`);
}

/**
 * Before the first world: a long campaign is not to end with files that it cannot write.
 *
 * @throws UserMistake
 */
function makeOutFolder(folder: string): void {
  try {
    makeFolder(folder);
    // With the dot, a file of this name is told from a folder.
    accessSync(`${folder}/.`, constants.W_OK);
  } catch (error) {
    throw explainSystemError(error, folder);
  }
}

function writeFailures(folder: string, distinct: readonly DistinctFailure[]): readonly string[] {
  try {
    return distinct.map(({ seed, failure }) => {
      const path = join(folder, `seed-${seed}.json`);
      writeFileSync(path, failureText(failure));
      return path;
    });
  } catch (error) {
    throw explainSystemError(error, folder);
  }
}

function printVerdict(
  terminal: Terminal,
  result: {
    readonly tally: Tally;
    readonly distinct: readonly DistinctFailure[];
    readonly files: readonly string[];
    readonly never: readonly string[];
    readonly seconds: number;
    /** The first seed of a campaign that is guided. */
    readonly guidedFrom: number | undefined;
  },
): void {
  const { tally, distinct, files, never, seconds, guidedFrom } = result;
  const strikes = [...tally.strikes.values()].reduce((sum, count) => sum + count, 0);
  const rate = tally.worlds / seconds;
  terminal.print(
    `${worldsInWords(tally.worlds)} in ${seconds.toFixed(1)} s (${significant(rate)}/s), ` +
      `${groupDigits(strikes)} faults struck`,
  );
  if (never.length > 0) terminal.print(`never struck: ${listed(never)}`);
  if (tally.void > 0) {
    const why =
      tally.unasked === 0
        ? 'a planned fault never struck'
        : 'there is no traffic for this system; give it oracles of its own (docs/breaking.md)';
    const are = tally.void === 1 ? 'is' : 'are';
    terminal.print(`${worldsInWords(tally.void)} ${are} void: ${why}`);
  }
  if (distinct.length === 0) {
    terminal.print(tally.void === tally.worlds ? 'nothing was shown' : 'nothing broke');
    return;
  }
  const ways = distinct.length === 1 ? 'one way' : `${distinct.length} ways`;
  terminal.print(`${worldsInWords(tally.failed)} failed, in ${ways}:`);
  distinct.forEach(({ signature, seed, count }, index) => {
    const file = files[index];
    // A world that was guided is what it is by those before it.
    const seeds = guidedFrom === undefined ? `${seed}` : `${guidedFrom}..${seed} --guided`;
    const again = file === undefined ? `--seeds ${seeds}` : `sddf replay ${file}`;
    terminal.print(`  ${groupDigits(count)} × ${signature}   (${again})`);
  });
}

function worldsInWords(count: number): string {
  return count === 1 ? '1 world' : `${groupDigits(count)} worlds`;
}

/** A line of names, without the last of very many: `--json` has them all. */
function listed(names: readonly string[]): string {
  if (names.length <= NAMES_MAX) return names.join(', ');
  return `${names.slice(0, NAMES_MAX).join(', ')} and ${names.length - NAMES_MAX} more`;
}

/** For options that may be repeated. */
function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
