/**
 * A system from an XML description (`.system`), and the programs that it names: images and modules
 * along the search path. It is loaded for such systems alone.
 */

import { resolve } from 'node:path';
import { UserMistake } from '../../host/problem.ts';
import { formatDiagnostic, isError } from '../../microkit/diagnostic.ts';
import {
  type PdDescription,
  type SystemDescription,
  flatten,
  symbolsOf,
} from '../../microkit/model.ts';
import type { Program } from '../../microkit/pd.ts';
import { checkRecords } from '../../microkit/sddf/check-records.ts';
import { RISCV64 } from '../../microkit/target.ts';
import type { CounterNames } from '../../queues/counters.ts';
import { isCounterNames } from '../../systems/counter-names.ts';
import type { Oracle } from '../../systems/oracle.ts';
import { domainsToHaveOwn, isPackageProgram } from '../../systems/own-programs.ts';
import { closest } from '../closest.ts';
import { findProgram, readDescriptionFile, withConfigFile } from '../describe/description-file.ts';
import { describedBadly } from './description-problems.ts';
import { machinePrograms } from './machine-programs.ts';
import type { FileSearch, LoadedSystem } from './loaded-system.ts';
import { loadUserModule, MODULE } from './user-modules.ts';
import { readUserOracles } from './user-system.ts';

/** @throws UserMistake */
export async function loadDescription(
  path: string,
  { searchPath, imageLimitBytes }: FileSearch,
): Promise<LoadedSystem> {
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
    oracles: readUserOracles(path, oracles) ?? [],
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
