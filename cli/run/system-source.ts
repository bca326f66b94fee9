/**
 * Finds the system that a command is about: a ready-made one by name, a module, or an XML
 * description.
 */

import { dirname, resolve } from 'node:path';
import type { FileUse } from '../../host/file-use.ts';
import { UserMistake } from '../../host/problem.ts';
import type { BuildResult } from '../../microkit/builder.ts';
import { type Diagnostic, formatDiagnostic, isError } from '../../microkit/diagnostic.ts';
import {
  type PdDescription,
  type SystemDescription,
  flatten,
  symbolsOf,
} from '../../microkit/model.ts';
import type { Program } from '../../microkit/pd.ts';
import type { MachinePrograms } from '../../microkit/runtime/machine-image.ts';
import { checkRecords } from '../../microkit/sddf/check-records.ts';
import type { CounterNames } from '../../queues/counters.ts';
import { systems } from '../../systems/index.ts';
import type { Oracle } from '../../systems/oracle.ts';
import { domainsToHaveOwn, isPackageProgram } from '../../systems/own-programs.ts';
import {
  ChoiceError,
  type SystemModule,
  asSystemModule,
  completeChoices,
} from '../../systems/system.ts';
import { programsOfModule } from '../../systems/user-modules.ts';
import { closest, didYouMean } from '../closest.ts';
import { explainChoice, type SystemOptions } from './choices.ts';
import { findProgram, readDescriptionFile, withConfigFile } from '../describe/description-file.ts';
import { refuseSdkOutput } from '../describe/sdk-output.ts';
import { machinePrograms } from './machine-programs.ts';
import { loadUserModule } from './user-modules.ts';
import { attachUserDevices, buildUserSystem, checkUserOptions } from './user-system.ts';

/** A system, ready to be put on a board. */
export interface LoadedSystem {
  readonly name: string;
  readonly system: SystemDescription;
  readonly counters: NonNullable<SystemModule['counters']>;
  /** Programs of domains whose description names a path only. */
  readonly programs: ReadonlyMap<string, Program>;
  /** Domains whose program is machine code. */
  readonly images: MachinePrograms;
  readonly warnings: readonly string[];
  readonly from: 'module' | 'description';
  /** Its TypeScript programs are the user's own, or may be. */
  readonly hasUserPrograms: boolean;
  readonly attachDevices?: SystemModule['attachDevices'];
  readonly oracles?: SystemModule['oracles'];
  /**
   * Choices meant for options that the system does not have: whoever meant them refuses what cannot
   * be left out.
   */
  readonly notOffered: readonly string[];
}

/** Where a system's files are looked for, and how large its images may be. */
export interface FileSearch {
  /** Folders besides that of a `.system` file. */
  readonly searchPath: readonly string[];
  /** See `microkit/elf/reader.ts`. */
  readonly imageLimitBytes?: number | undefined;
}

/**
 * @param reference a name of `sddf list`, `./file.ts`, or `FILE.system`
 * @param choices made by name: the system has to offer them
 * @param implied what other options come to, as far as the system offers it; `choices` come first
 * @throws UserMistake
 */
export async function loadSystem(
  reference: string,
  choices: Readonly<Record<string, string>>,
  search: FileSearch,
  implied: Readonly<Record<string, string>> = {},
): Promise<LoadedSystem> {
  if (reference.endsWith('.system')) return loadDescription(reference, search);
  const module = await systemModule(reference);
  const request = { ...search, choices, implied };
  const loaded = buildSystem(reference, module, request);
  if (!loaded.hasUserPrograms) return loaded;
  return { ...loaded, programs: await ownInstances(reference, loaded.system, request) };
}

/** @throws UserMistake when the module describes another system for a domain */
function ownInstances(
  path: string,
  system: SystemDescription,
  request: BuildRequest,
): Promise<LoadedSystem['programs']> {
  const describe = async (domain: string): Promise<SystemDescription> =>
    describeSystem(path, await loadModule(path, domain), request).system;
  return programsOfModule(system, describe, (problem) => new UserMistake(`${path}: ${problem}`));
}

/**
 * What a system lets be chosen; nothing for a `.system` file.
 *
 * @throws UserMistake when there is no such system
 */
export async function optionsOf(reference: string): Promise<SystemOptions> {
  if (reference.endsWith('.system')) return {};
  return (await systemModule(reference)).options ?? {};
}

async function systemModule(reference: string): Promise<SystemModule> {
  if (MODULE.test(reference)) return loadModule(reference);
  refuseSdkOutput(reference);
  if (BUILT.test(reference)) {
    throw new UserMistake(
      `${reference}: is what a system is built into; give its .system file, and --search-path with the folder of its images`,
    );
  }
  const ready = systems.find((system) => system.name === reference);
  if (ready !== undefined) return ready.load();
  const names = systems.map((system) => system.name);
  throw new UserMistake(
    `no system '${reference}'${didYouMean(reference, names)}; sddf list shows them, ./file.ts and FILE.system run too`,
  );
}

/** The file that a system is read from, if it is not a ready-made one. */
export function systemFile(reference: string): readonly FileUse[] {
  const isFile = /\.[a-z]+$/.test(reference);
  return isFile ? [{ path: reference, use: 'read', by: 'the system' }] : [];
}

interface BuildRequest extends Pick<FileSearch, 'imageLimitBytes'> {
  readonly choices: Readonly<Record<string, string>>;
  readonly implied: Readonly<Record<string, string>>;
}

function buildSystem(name: string, module: SystemModule, request: BuildRequest): LoadedSystem {
  const { system, warnings } = describeSystem(name, module, request);
  const { attachDevices, oracles } = module;
  const folders = [dirname(name), '.'];
  const { imageLimitBytes } = request;
  return {
    name: system.name,
    system,
    counters: module.counters ?? {},
    programs: new Map(),
    images: machinePrograms({ system, folders, imageLimitBytes }),
    warnings: warnings.map((warning) => formatDiagnostic(warning, name, [])),
    notOffered: Object.keys(request.implied).filter((option) => !isOffered(module, option)),
    from: 'module',
    hasUserPrograms: MODULE.test(name),
    ...(oracles === undefined ? {} : { oracles }),
    ...(attachDevices === undefined
      ? {}
      : { attachDevices: attachUserDevices(name, attachDevices) }),
  };
}

function describeSystem(
  name: string,
  module: SystemModule,
  { choices, implied }: BuildRequest,
): Extract<BuildResult, { ok: true }> {
  const wanted = Object.entries(implied).filter(([option]) => isOffered(module, option));
  let complete: Readonly<Record<string, string>>;
  try {
    complete = completeChoices(module, { ...Object.fromEntries(wanted), ...choices });
  } catch (error) {
    if (error instanceof ChoiceError) throw explainChoice(name, error);
    throw error;
  }
  const built = buildUserSystem(name, module, complete);
  if (!built.ok) throw describedBadly(name, built.errors, []);
  return built;
}

function isOffered(module: SystemModule, option: string): boolean {
  return Object.hasOwn(module.options ?? {}, option);
}

/** One line that says how many errors there are, then each as the checker prints it. */
function describedBadly(
  file: string,
  diagnostics: readonly Diagnostic[],
  source: readonly string[],
): UserMistake {
  const errors = diagnostics.filter(isError).length;
  const count = errors === 1 ? '1 error' : `${String(errors)} errors`;
  const texts = diagnostics.map((each) => formatDiagnostic(each, file, source));
  return new UserMistake(`${file}: ${count} in the system description\n${texts.join('\n')}`);
}

async function loadModule(path: string, domain?: string): Promise<SystemModule> {
  const loaded = await loadUserModule(path, domain);
  const candidates = [loaded, ...Object.values(loaded)];
  const module = candidates.map(asSystemModule).find((found) => found !== undefined);
  if (module === undefined) {
    throw new UserMistake(
      `${path}: exports no system; export function build(), see docs/writing-a-driver.md`,
    );
  }
  checkUserOptions(path, module);
  return module;
}

async function loadDescription(
  path: string,
  { searchPath, imageLimitBytes }: FileSearch,
): Promise<LoadedSystem> {
  const { RISCV64 } = await import('../../microkit/target.ts');
  const { read, source, folders } = readDescriptionFile(path, RISCV64, searchPath);
  if (!read.ok) throw describedBadly(path, read.diagnostics, source);
  const system = withConfigFile(read.system, path);
  const records = checkRecords(system);
  if (records.some(isError)) throw describedBadly(path, records, source);
  const programs = new Map<string, Program>();
  const counters: Record<string, CounterNames<string>> = {};
  const unset: string[] = [];
  const oracles: Oracle[] = [];
  const images = machinePrograms({ system, folders, imageLimitBytes });
  const domains = flatten(system).filter(({ pd }) => !images.has(pd.name));
  const toHave = domainsToHaveOwn(domains.map(({ pd }) => [pd.name, pd.image.path]));
  for (const { pd } of domains) {
    const loaded = await loadProgram(pd, folders, toHave);
    programs.set(pd.name, loaded.main);
    // Domains of one module bring the same ones.
    oracles.push(
      ...loaded.oracles.filter((each) => !oracles.some(({ name }) => name === each.name)),
    );
    unset.push(...checkSymbols(system, pd, loaded.symbols));
    if (loaded.counters !== undefined) counters[pd.name] = loaded.counters;
  }
  const warnings = [...read.warnings, ...records].map((warning) =>
    formatDiagnostic(warning, path, source),
  );
  return {
    name: system.name,
    system,
    counters,
    programs,
    images,
    warnings: [...warnings, ...unset],
    ...(oracles.length === 0 ? {} : { oracles }),
    notOffered: [],
    from: 'description',
    hasUserPrograms: programs.size > 0,
  };
}

/** What the SDK makes of a system: its image for the loader, images of domains, its report. */
const BUILT = /(?:^|[/])report\.txt$|\.(?:img|elf)$/;
const MODULE = /\.[cm]?[jt]s$/;

/** A program's module: its entry function and, when it keeps counters, their names. */
interface ProgramModule {
  readonly main: Program;
  readonly counters: CounterNames<string> | undefined;
  /** Variables that a description may set; undefined when the program does not say. */
  readonly symbols: readonly string[] | undefined;
  /** What it says must hold of the system that it is part of. */
  readonly oracles: readonly Oracle[];
}

/**
 * @param toHave domains that have an instance of one of this package's programs; of a user's module
 * each has its own
 */
async function loadProgram(
  { name: pd, image: { path: image } }: PdDescription,
  folders: readonly string[],
  toHave: ReadonlySet<string>,
): Promise<ProgramModule> {
  const path = findProgram(folders, image);
  if (path === undefined) {
    const places = [...new Set(folders)].join(', ');
    throw new UserMistake(
      `protection domain '${pd}': no program ${image} in ${places}; see --search-path`,
    );
  }
  if (!MODULE.test(image)) {
    throw new UserMistake(
      `protection domain '${pd}': ${image} is neither an ELF file nor a .ts or .js module; see docs/machine-code.md`,
    );
  }
  const isOwn = toHave.has(pd) || !isPackageProgram(resolve(path));
  const loaded = await loadUserModule(path, isOwn ? pd : undefined);
  if (typeof loaded['main'] !== 'function') {
    throw new UserMistake(`${path}: exports no function main, which a program's module has to`);
  }
  const { counters, symbols, oracles } = loaded;
  return {
    main: loaded['main'] as Program,
    counters: isCounterNames(counters) ? counters : undefined,
    symbols: Array.isArray(symbols) ? symbols.map(String) : undefined,
    oracles: readOracles(path, oracles),
  };
}

/**
 * As the Microkit tool refuses to patch a symbol that the ELF file does not have.
 *
 * @returns warnings for variables that nothing sets
 */
function checkSymbols(
  system: SystemDescription,
  pd: PdDescription,
  declared: readonly string[] | undefined,
): readonly string[] {
  if (declared === undefined) return [];
  const set = symbolsOf(system, pd).map(({ symbol }) => symbol);
  const unknown = set.find((symbol) => !declared.includes(symbol));
  const place = `protection domain '${pd.name}'`;
  if (unknown !== undefined) {
    const guess = closest(unknown, declared);
    const hint =
      guess === undefined ? `it declares ${declared.join(', ')}` : `did you mean ${guess}?`;
    const what = `setvar on symbol '${unknown}', which ${pd.image.path} does not declare`;
    throw new UserMistake(`${place}: ${what}; ${hint}`);
  }
  return declared
    .filter((symbol) => !set.includes(symbol))
    .map((symbol) => `warning: ${place}: no setvar sets '${symbol}', which its program declares`);
}

/** @throws UserMistake when they are not of the form that `systems/oracle.ts` gives */
function readOracles(path: string, oracles: unknown): readonly Oracle[] {
  if (oracles === undefined) return [];
  const isOracle = (each: unknown): each is Oracle => {
    const { name, check } = (each ?? {}) as Partial<Record<keyof Oracle, unknown>>;
    return typeof name === 'string' && typeof check === 'function';
  };
  if (Array.isArray(oracles) && oracles.every(isOracle)) return oracles;
  throw new UserMistake(`${path}: oracles is a list of { name, holds, check(testbed) }`);
}

function isCounterNames(value: unknown): value is CounterNames<string> {
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).every((index) => Number.isInteger(index));
}
