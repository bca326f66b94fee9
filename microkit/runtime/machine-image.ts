/**
 * A domain whose program is machine code, as the testbed sees it: what its thread runs once the
 * kernel has found that it may execute at its pc, and what has been counted.
 */

import type { HartThread, MachineCode } from '../../kernel/user.ts';
import type { ReadonlyRegion } from '../../memory/region.ts';
import { BareSpace } from '../../riscv/bare-space.ts';
import { createEngine } from '../../riscv/engine.ts';
import { Interpreter } from '../../riscv/interpreter/interpreter.ts';
import { Translations } from '../../riscv/translator/translations.ts';
import { bulkFunctions } from '../elf/bulk.ts';
import { codeExtent } from '../elf/code-extent.ts';
import { describeHart } from './hart-report.ts';
import { HartContext, type HartPause } from './machine-code.ts';
import { DEFAULT_MACHINE_COSTS } from './machine-costs.ts';
import type {
  HartMachine,
  MachineDomain,
  MachineImageOptions,
  MachineProgram,
  MachineRuntime,
} from './machine-program.ts';
import { type PdCounters, pdCounters } from './observer.ts';
import { pdProfile, type PdProfile } from './profile.ts';
import { mapReadonly } from './regions.ts';

/** A machine-code program in its domain: started by the kernel, looked at from outside. */
export class MachineImage implements MachineDomain {
  readonly kind = 'machine code';
  readonly name: string;
  readonly counters: PdCounters = pdCounters();
  readonly config: unknown;
  readonly program: MachineProgram;
  readonly #profile: PdProfile;
  readonly #machine: HartMachine;
  readonly #log: (pd: string, text: string) => void;
  #thread: HartThread | undefined;
  #context: HartContext | undefined;

  constructor(options: MachineImageOptions) {
    const { system, pd, regions, plans } = options;
    this.name = pd.pd.name;
    this.config = pd.pd.config;
    this.program = options.program;
    this.#profile = pdProfile(system, pd, regions, plans);
    this.#machine = options.machine;
    this.#log = options.log;
  }

  /** The hart of the domain's thread; undefined before it runs. */
  get hart(): HartContext | undefined {
    return this.#context;
  }

  /** @param thread of the domain, with its pc at the image's entry */
  start(thread: HartThread): MachineCode {
    const { ram, clock, engine, translations, sampling } = this.#machine;
    const { costs = DEFAULT_MACHINE_COSTS } = this.#machine;
    const pause: HartPause = { at: Infinity };
    const bulk = this.#machine.bulk === 'at once' ? bulkFunctions(this.program.image) : [];
    const functionStarts = (vaddr: number): readonly number[] => this.#functionStarts(vaddr);
    const context = new HartContext({
      thread,
      ram,
      clock,
      costs,
      counters: this.counters,
      codeExtent: ({ vaddr, sizeBytes }) => codeExtent(this.program.image, vaddr, sizeBytes),
      ...(sampling === undefined ? {} : { sampling: { ...sampling, pd: this.name } }),
      pause,
      makeEngine: (parts) => {
        const coverage = this.#machine.coverage?.(this.name, this.program, ram);
        const how = { engine, translations, functionStarts, bulk, coverage };
        const usual = createEngine({ ...parts, ...how });
        return this.#machine.debugger === undefined
          ? usual
          : this.#machine.debugger({
              ...parts,
              pd: this.name,
              program: this.program,
              engine: usual,
              stepper: new Interpreter({ ...parts, space: new BareSpace(ram, parts.space), bulk }),
              context: () => context,
              pause,
              bulk,
            });
      },
      log: (text) => this.#log(this.name, text),
    });
    this.#thread = thread;
    this.#context = context;
    return context;
  }

  /** Asked for once for each text that is translated. */
  #functionStarts(vaddr: number): readonly number[] {
    const { segments, symbols } = this.program.image;
    const text = segments.find(
      (each) => vaddr >= each.vaddr && vaddr < each.vaddr + each.memoryBytes,
    );
    if (text === undefined) return [];
    const lengthBytes = text.vaddr + text.memoryBytes - vaddr;
    return Array.from(symbols.functions().extents(vaddr, lengthBytes), ({ start }) => start);
  }

  /**
   * Where its hart is, how it came there, and its registers: nothing before it runs.
   * @param lineOf file and line of an address, where somebody knows them
   */
  describe(lineOf: (address: number) => string | undefined): readonly string[] {
    const hart = this.#context;
    if (hart === undefined) return [];
    return describeHart({ hart, functions: this.program.image.symbols.functions(), lineOf });
  }

  inspect(region: string): ReadonlyRegion | undefined {
    return this.#thread === undefined
      ? undefined
      : mapReadonly(this.#thread, this.#profile, region);
  }
}

/** For programs whose images have been read: see {@link MachineProgram.runtime}. */
export const machineRuntime: MachineRuntime = {
  makeImage: (options) => new MachineImage(options),
  makeTranslations: () => new Translations(),
};
