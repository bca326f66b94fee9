/**
 * A system of one's own, from files: as `sddf run ./my-system.ts` or `sddf run my.system` makes it.
 * Each world is made of new instances, so that what a program keeps outside `main` begins anew.
 */

import type { Board } from '../../../board/board.ts';
import { isElf } from '../../../microkit/elf/format.ts';
import type { ElfImage } from '../../../microkit/elf/image.ts';
import { readElf } from '../../../microkit/elf/reader.ts';
import { flatten, type SystemDescription } from '../../../microkit/model.ts';
import type { Program } from '../../../microkit/pd.ts';
import type { MachinePrograms } from '../../../microkit/runtime/machine-program.ts';
import { thrownText } from '../../../memory/thrown-text.ts';
import { isCounterNames, type ProgramCounterNames } from '../../../systems/counter-names.ts';
import {
  isBuildResult,
  programsOfModule,
  systemIn,
  wrongBuildResult,
} from '../../../systems/described-module.ts';
import { planMachinePrograms } from '../../../systems/machine-programs.ts';
import { areOracles, type Oracle, ORACLES_FORM } from '../../../systems/oracle.ts';
import { completeChoices, type SystemModule } from '../../../systems/system.ts';
import type { OwnSystem } from '../scenario.ts';
import { readDescription } from './description.ts';
import { fileCalled } from './file-names.ts';
import { BLOBS, Linker } from './linker.ts';
import type { ScriptStore } from './script-store.ts';
import { type Exports, packageProgram } from './package-modules.ts';
import { placed, SourceProblem } from './source-problem.ts';

/** What a world is made of. */
export interface SystemParts {
  readonly module: Pick<SystemModule, 'counters' | 'attachDevices' | 'options' | 'oracles'>;
  readonly system: SystemDescription;
  readonly programs: ReadonlyMap<string, Program>;
  readonly images: MachinePrograms;
}

export interface OwnOptions {
  readonly own: OwnSystem;
  readonly choices: Readonly<Record<string, string>>;
  /** Files that are no text: program images, what regions are filled from. */
  readonly binaries: Readonly<Record<string, Uint8Array>>;
  /** Told what is begun that may never end, and '' when it has ended. */
  readonly begins: (what: string) => void;
  readonly store?: ScriptStore;
}

export class OwnSystemMaker {
  readonly #options: OwnOptions;
  readonly #linker: Linker;
  readonly #elfs = new Map<string, ElfImage>();

  constructor(options: OwnOptions) {
    this.#options = options;
    this.#linker = new Linker(options.own.files, options.store ?? BLOBS);
  }

  /** No further world is made: what was made for all of them is forgotten. */
  close(): void {
    this.#linker.close();
  }

  /** @throws Error with what is wrong, a line each; SourceProblem where it is in a file */
  async make(): Promise<SystemParts> {
    const { main } = this.#options.own;
    if (main.endsWith('.system')) return this.#fromDescription();
    const { module, system } = await this.#described('board');
    const own = await programsOfModule(system, {
      describe: async (domain) => (await this.#described(domain)).system,
      // One of the package's is the same function again: it keeps nothing outside itself.
      isShared: async () => false,
      lacks: (what) => new SourceProblem(main, 0, what),
    });
    return { module: this.#guarded(module), system, ...this.#machine(system, own) };
  }

  async #described(
    domain: string,
  ): Promise<{ readonly module: SystemModule; readonly system: SystemDescription }> {
    const { own, choices } = this.#options;
    const loaded = await this.#load(own.main, domain);
    const module = systemIn(loaded);
    if (module === undefined) {
      throw new SourceProblem(own.main, 0, 'exports no system; export function build()');
    }
    const complete = completeChoices(module, choices);
    const built: unknown = await this.#blamed(`build() of ${own.main}`, async () =>
      module.build(complete),
    );
    if (!isBuildResult(built)) {
      throw new SourceProblem(own.main, 0, `build() ${wrongBuildResult(built)}`);
    }
    if (built.ok) return { module, system: built.system };
    throw new Error(built.errors.map(({ message }) => `${own.main}: ${message}`).join('\n'));
  }

  async #fromDescription(): Promise<SystemParts> {
    const { own, binaries } = this.#options;
    const system = readDescription(own, binaries);
    const programs = new Map<string, Program>();
    const counters: Record<string, ProgramCounterNames[string]> = {};
    const oracles: Oracle[] = [];
    for (const { pd } of flatten(system)) {
      const { path } = pd.image;
      const file = fileCalled(path, Object.keys(own.files));
      if (file === undefined || !path.endsWith('.ts')) continue;
      const loaded = await this.#load(file, pd.name);
      const { main, counters: named } = loaded;
      if (typeof main !== 'function') {
        throw new SourceProblem(file, 0, 'exports no function main, which a program has to');
      }
      programs.set(pd.name, main as Program);
      if (isCounterNames(named)) counters[pd.name] = named;
      // Domains of one module bring the same ones.
      const known = new Set(oracles.map(({ name }) => name));
      oracles.push(...this.#oraclesOf(file, loaded).filter(({ name }) => !known.has(name)));
    }
    return { module: { counters, oracles }, system, ...this.#machine(system, programs) };
  }

  /** @throws Error with a line for each domain whose program is not there, or cannot be run */
  #machine(
    system: SystemDescription,
    own: ReadonlyMap<string, Program>,
  ): Pick<SystemParts, 'programs' | 'images'> {
    const planned = planMachinePrograms(system, {
      program: (path) => this.#image(path),
      symbols: (path) => this.#image(path)?.image,
      advice: 'drop it onto the page too',
    });
    if (!planned.ok) throw new Error(planned.problems.join('\n'));
    const programs = new Map(own);
    const lacking: string[] = [];
    for (const { pd } of flatten(system)) {
      const { path, program } = pd.image;
      if (program !== undefined || programs.has(pd.name) || planned.programs.has(pd.name)) continue;
      const ofPackage = packageProgram(path);
      if (typeof ofPackage === 'function') programs.set(pd.name, ofPackage as Program);
      else lacking.push(`protection domain '${pd.name}': no ${path}; drop it onto the page too`);
    }
    if (lacking.length > 0) throw new Error(lacking.join('\n'));
    return { programs, images: planned.programs };
  }

  /** @throws SourceProblem when it is an image that cannot be read */
  #image(path: string): { readonly path: string; readonly image: ElfImage } | undefined {
    const { binaries } = this.#options;
    const file = fileCalled(path, Object.keys(binaries));
    const bytes = file === undefined ? undefined : binaries[file];
    if (file === undefined || bytes === undefined || !isElf(bytes)) return undefined;
    const known = this.#elfs.get(file);
    if (known !== undefined) return { path: file, image: known };
    const read = readElf(bytes);
    if (!read.ok) throw new SourceProblem(file, 0, read.problem);
    this.#elfs.set(file, read.image);
    return { path: file, image: read.image };
  }

  #load(file: string, domain: string): Promise<Exports> {
    return this.#blamed(`loading ${file} for ${domain}`, () => this.#linker.load(file));
  }

  /** @throws SourceProblem when what a module exports as its oracles is something else */
  #oraclesOf(file: string, { oracles }: { readonly oracles?: unknown }): readonly Oracle[] {
    if (oracles === undefined || areOracles(oracles)) return oracles ?? [];
    throw new SourceProblem(file, 0, ORACLES_FORM);
  }

  #guarded(module: SystemModule): SystemParts['module'] {
    const { attachDevices, counters, options } = module;
    return {
      oracles: this.#oraclesOf(this.#options.own.main, module),
      ...(counters === undefined ? {} : { counters }),
      ...(options === undefined ? {} : { options }),
      ...(attachDevices === undefined
        ? {}
        : { attachDevices: (board: Board) => this.#attach(board, attachDevices) }),
    };
  }

  #attach(board: Board, attachDevices: NonNullable<SystemModule['attachDevices']>): void {
    this.#options.begins('attachDevices()');
    try {
      attachDevices(board);
    } catch (error) {
      throw placed(error, Object.keys(this.#options.own.files), thrownText(error));
    } finally {
      this.#options.begins('');
    }
  }

  async #blamed<Value>(what: string, action: () => Promise<Value>): Promise<Value> {
    this.#options.begins(what);
    try {
      return await action();
    } catch (error) {
      throw placed(error, Object.keys(this.#options.own.files), thrownText(error));
    } finally {
      this.#options.begins('');
    }
  }
}
