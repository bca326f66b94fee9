/**
 * Files of tests: which system, what it is plugged into, what goes wrong, and the steps.
 *
 *     system: echo                      # or unit: my_virt_rx.elf with role: net/virt-rx
 *     tests:
 *       - name: answers an ARP request
 *         steps:
 *           - send: {arp: {to: 10.0.2.15}}
 *           - expect frame: {arp: {op: reply, from: 10.0.2.15}}
 *
 * What stands above `tests` holds for all of them (`before`: steps that each begins with); a test
 * may say it again for itself. With `each`, a test is there once for each row, with `$name`
 * standing for the row's value.
 */

import type { UserMistake } from '../../host/problem.ts';
import type { SystemDescription } from '../../microkit/model.ts';
import { NO_FAULTS, type Plan } from '../../sim/plan/plan.ts';
import type { SeedRange } from '../../sim/campaign/seed-range.ts';
import { readSeedRange } from '../../sim/campaign/seed-range.ts';
import type { Given } from '../given/given.ts';
import { readYaml } from '../given/yaml.ts';
import type { Scene } from '../run/scene.ts';
import type { Step } from '../run/step.ts';
import type { DiskSetting, Settings } from '../run/test-run.ts';
import { readContents, CONTENT_FIELDS } from '../verbs/bytes.ts';
import { readStep } from '../verbs/verbs.ts';
import { filledIn, type Row } from './rows.ts';

/** Which scene a test asks for: plain data. */
export interface SceneRequest {
  readonly system?: string;
  readonly choices: Readonly<Record<string, string>>;
  readonly searchPath: readonly string[];
  /** A single domain: its image or module, its role, and the numbers of its bench. */
  readonly unit?: string;
  readonly role?: string;
  readonly bench: Readonly<Record<string, number | string>>;
}

/** Finds what files name: a room that knows the host has it. */
export interface SceneLoader {
  /** @throws UserMistake */
  scene(request: SceneRequest): Promise<Scene>;
  /** @returns the plan, or problems, a line each */
  plan(text: string, system: SystemDescription): PlanAnswer;
  /** @returns the text of a plan's file, or why there is none */
  planFile(path: string): { readonly text: string } | string;
}

export type PlanAnswer =
  | { readonly ok: true; readonly plan: Plan }
  | { readonly ok: false; readonly problems: readonly string[] };

export interface TestCase {
  readonly name: string;
  readonly file: string;
  /** Such as "tests/echo.yaml:12:5". */
  readonly where: string;
  /** Undefined when the file does not say. */
  readonly seeds: SeedRange | undefined;
  readonly scene: Scene;
  readonly settings: Settings;
  readonly steps: readonly Step[];
}

export interface ReadFile {
  readonly tests: readonly TestCase[];
  readonly problems: readonly string[];
}

const SHARED = ['before', 'set', 'bench', 'faults', 'disks', 'uart', 'registers', 'seeds'];
const TOP = ['name', 'system', 'search-path', 'unit', 'role', 'steps', 'tests', 'each', ...SHARED];
const OWN = ['name', 'each', 'steps', ...SHARED];
const TESTS_MAX = 10_000;
const ROWS_MAX = 1000;
const STEPS_MAX = 10_000;
const DISKS_MAX = 6;
/** Disks lie in 4 MiB of staging, beside frames in flight. */
const DISK_BYTES_MAX = 0x20_0000;

/**
 * @param unit in place of the file's own, from the command line
 * @throws UserMistake when what it names cannot be loaded
 */
export async function readTestFile(
  file: string,
  text: string,
  loader: SceneLoader,
  unit?: string,
): Promise<ReadFile> {
  const { given, problems } = readYaml(file, text);
  if (problems.length > 0) return { tests: [], problems };
  const reader = new FileReader(file, given, loader, unit);
  const tests = await reader.read();
  return { tests, problems };
}

class FileReader {
  readonly #file: string;
  readonly #top: Given;
  readonly #loader: SceneLoader;
  readonly #unit: string | undefined;
  readonly #refused = new Set<string>();

  constructor(file: string, top: Given, loader: SceneLoader, unit: string | undefined) {
    this.#file = file;
    this.#top = top;
    this.#loader = loader;
    this.#unit = unit;
  }

  async read(): Promise<readonly TestCase[]> {
    const top = this.#top;
    if (!top.isMap) {
      top.problem('a file of tests begins with system: NAME, or unit: FILE and role: CLASS/ROLE');
      return [];
    }
    top.onlyHas(TOP);
    const list = top.field('tests');
    if ((list === undefined) === (top.field('steps') === undefined)) {
      top.problem('a file of tests has tests, a list, or steps, for a single one');
      return [];
    }
    if (list !== undefined && !list.isList)
      list.problem('tests is a list; begin each with - name:');
    const cases = list === undefined ? [top] : list.items();
    if (cases.length === 0) list?.problem('there is no test in the list');
    if (cases.length > TESTS_MAX) list?.problem(`more than ${TESTS_MAX} tests in one file`);
    const read: TestCase[] = [];
    for (const each of cases.slice(0, TESTS_MAX)) read.push(...(await this.#cases(each)));
    this.#refuseTwins(read);
    return read;
  }

  async #cases(given: Given): Promise<readonly TestCase[]> {
    if (!given.isMap) {
      given.problem('a test has a name and steps');
      return [];
    }
    if (given !== this.#top) given.onlyHas(OWN);
    const rows = rowsOf(given);
    const read: TestCase[] = [];
    for (const row of rows) {
      const one = await this.#case(
        row === undefined ? given : given.with(filledIn(given.value, row)),
      );
      if (one !== undefined) read.push(one);
    }
    return read;
  }

  async #case(given: Given): Promise<TestCase | undefined> {
    const name = given.field('name')?.text() ?? (given === this.#top ? this.#file : '');
    if (name === '') given.problem('a test has a name');
    const request = this.#request(given);
    const scene = request === undefined ? undefined : await this.#scene(request);
    if (scene === undefined) return undefined;
    const list = given.field('steps');
    if (list === undefined || !list.isList) given.problem('steps is a list; begin each with - ');
    const items = list?.isList === true ? list.items() : [];
    if (items.length === 0) given.problem('a test without a step tries nothing');
    if (items.length > STEPS_MAX) given.problem(`more than ${STEPS_MAX} steps in one test`);
    const before = this.#shared(given, 'before')?.items() ?? [];
    const steps = [...before, ...items.slice(0, STEPS_MAX)].map((each) => readStep(each, scene));
    const settings: Settings = {
      plan: this.#plan(this.#shared(given, 'faults'), scene),
      disks: readDisks(this.#shared(given, 'disks'), scene),
      uartRate: readUart(this.#shared(given, 'uart'), scene),
      registers: readRegisters(this.#shared(given, 'registers'), scene),
    };
    const seeds = readSeeds(this.#shared(given, 'seeds'));
    return { name, file: this.#file, where: given.where, seeds, scene, settings, steps };
  }

  /** A field of the test, or else of the file. */
  #shared(given: Given, name: string): Given | undefined {
    return given.field(name) ?? this.#top.field(name);
  }

  #request(given: Given): SceneRequest | undefined {
    const top = this.#top;
    const [system, unit, role] = ['system', 'unit', 'role'].map((name) => top.field(name));
    const isBench = role !== undefined;
    if (isBench === (system !== undefined)) {
      top.problem('a file of tests is about a system, or about a unit in a role: one of them');
      return undefined;
    }
    const file = this.#unit ?? unit?.text();
    if (isBench && file === undefined) {
      top.problem('unit: FILE says which image or module is tried in this role');
      return undefined;
    }
    const set = this.#shared(given, 'set');
    const choices = (set?.entries() ?? []).map(([name, value]) => [name, value.text()] as const);
    const paths = top.field('search-path');
    return {
      choices: Object.fromEntries(choices),
      searchPath: paths?.items().map((each) => each.text()) ?? [],
      bench: readNumbers(this.#shared(given, 'bench')),
      ...(system === undefined ? {} : { system: system.text() }),
      ...(file === undefined ? {} : { unit: file }),
      ...(role === undefined ? {} : { role: role.text() }),
    };
  }

  async #scene(request: SceneRequest): Promise<Scene | undefined> {
    try {
      return await this.#loader.scene(request);
    } catch (error) {
      if (!isMistake(error)) throw error;
      const field = ['system', 'unit', 'role'].find((name) => this.#top.field(name) !== undefined);
      const message = error.message.replaceAll(/\s*\n\s*/g, '; ');
      // Many tests may ask for it; it is said once.
      if (!this.#refused.has(message)) this.#top.field(field ?? '')?.problem(message);
      this.#refused.add(message);
      return undefined;
    }
  }

  #plan(given: Given | undefined, scene: Scene): Plan {
    if (given === undefined) return NO_FAULTS;
    if (typeof given.value === 'string') return this.#planOf(given, this.#fileText(given), scene);
    const rules = given.items().flatMap((each) => this.#rule(each, scene));
    return { name: 'faults', rules };
  }

  #rule(given: Given, scene: Scene): Plan['rules'] {
    const isInclude = typeof given.value === 'string';
    const part = isInclude ? { include: [given.value] } : { rules: [given.value] };
    return this.#planOf(given, JSON.stringify({ schema: 1, ...part }), scene).rules;
  }

  #fileText(given: Given): string | undefined {
    const answer = this.#loader.planFile(given.text());
    if (typeof answer !== 'string') return answer.text;
    given.problem(answer);
    return undefined;
  }

  #planOf(given: Given, text: string | undefined, scene: Scene): Plan {
    if (text === undefined) return NO_FAULTS;
    const answer = this.#loader.plan(text, scene.system);
    if (answer.ok) return answer.plan;
    for (const problem of answer.problems) given.problem(problem);
    return NO_FAULTS;
  }

  /** Results of tests are told apart by their names. */
  #refuseTwins(tests: readonly TestCase[]): void {
    const seen = new Set<string>();
    for (const { name } of tests) {
      if (seen.has(name)) {
        this.#top.problem(`two tests are called '${name}'; with each, the name says which: $name`);
      }
      seen.add(name);
    }
  }
}

function isMistake(error: unknown): error is UserMistake {
  return error instanceof Error && error.name === 'UserMistake';
}

function rowsOf(given: Given): readonly (Row | undefined)[] {
  const each = given.field('each');
  if (each === undefined) return [undefined];
  if (!each.isList) each.problem('each is a list of rows, such as - {len: 60}');
  const rows = each.isList ? each.items() : [];
  if (rows.length > ROWS_MAX) each.problem(`more than ${ROWS_MAX} rows`);
  return rows
    .slice(0, ROWS_MAX)
    .map((row) => Object.fromEntries(row.entries().map(([name, value]) => [name, value.value])));
}

function readNumbers(given: Given | undefined): Readonly<Record<string, number | string>> {
  const entries = given?.entries() ?? [];
  return Object.fromEntries(
    entries.map(([name, value]) => [
      name,
      typeof value.value === 'string' ? value.value : value.number({ min: 0, max: 0x100_0000 }),
    ]),
  );
}

function readSeeds(given: Given | undefined): SeedRange | undefined {
  if (given === undefined) return undefined;
  const range = readSeedRange(given.text());
  if (range === undefined) given.problem('seeds is a range such as 1..20');
  return range;
}

function readUart(given: Given | undefined, { has }: Scene): 'fast' | 'real' {
  if (given === undefined) return 'fast';
  if (!has.uart) given.problem('this system has no serial device');
  return given.choice(['fast', 'real']);
}

/** What registers of a scripted device read as, by their offsets. */
function readRegisters(
  given: Given | undefined,
  { bench }: Scene,
): ReadonlyMap<number, number> | undefined {
  if (given === undefined) return undefined;
  if (bench?.hasDevice !== true || bench.role === 'timer/driver') {
    given.problem('a scripted device is for drivers of net, blk and serial on a bench');
  }
  const values = new Map<number, number>();
  for (const [name, value] of given.entries()) {
    const at = Number(name);
    if (!Number.isInteger(at) || at < 0 || at > 0xffff)
      value.problem(`${name} is no offset of a register`);
    values.set(at, value.number({ min: 0, max: 0xffff_ffff }));
  }
  return values;
}

function readDisks(given: Given | undefined, { has }: Scene): readonly DiskSetting[] {
  if (given === undefined) return [];
  const disks = given.items();
  if (disks.length > Math.min(has.disks, DISKS_MAX)) {
    given.problem(`this system has ${has.disks === 0 ? 'no disk' : `${has.disks} disk(s)`}`);
  }
  return disks.map((disk) => {
    disk.onlyHas(['size', 'blocks']);
    const sizeBytes = disk.field('size')?.size() ?? 0x10_0000;
    if (sizeBytes % 4096 !== 0 || sizeBytes > DISK_BYTES_MAX) {
      disk.problem('the size of a disk is a multiple of 4096, and 2M at most');
    }
    const blocks = disk.field('blocks')?.items() ?? [];
    const contents = blocks.map((block) => {
      block.onlyHas(['block', ...CONTENT_FIELDS]);
      const number = block.field('block')?.number({ min: 0, max: sizeBytes / 4096 - 1 }) ?? 0;
      return { at: number * 4096, bytes: readContents(block, 4096) };
    });
    return { sizeBytes, contents };
  });
}
