/**
 * A domain whose program is machine code, as the testbed sees it: what its thread runs once the
 * kernel has found that it may execute at its pc, and what has been counted.
 */

import type { HartThread, MachineCode } from '../../kernel/user.ts';
import type { Ram } from '../../memory/ram.ts';
import type { ReadonlyRegion } from '../../memory/region.ts';
import type { AddressSpace } from '../../riscv/address-space.ts';
import { BareSpace } from '../../riscv/bare-space.ts';
import {
  createEngine,
  type Engine,
  type EngineCoverage,
  type EngineKind,
} from '../../riscv/engine.ts';
import { Interpreter } from '../../riscv/interpreter/interpreter.ts';
import type { BulkFunction } from '../../riscv/bulk/functions.ts';
import type { Translations } from '../../riscv/translator/translations.ts';
import { bulkFunctions } from '../elf/bulk.ts';
import { codeExtent } from '../elf/code-extent.ts';
import type { ElfImage } from '../elf/image.ts';
import type { ImagePlan, ImagePlans } from '../elf/plan.ts';
import type { FlatPd, RegionsByName, SystemDescription } from '../model.ts';
import type { DomainImage } from './domain-image.ts';
import {
  type HartClock,
  HartContext,
  type HartPause,
  type HartSampling,
  type MachineCosts,
} from './machine-code.ts';
import { type PdCounters, pdCounters } from './observer.ts';
import { pdProfile, type PdProfile } from './profile.ts';
import { mapReadonly } from './regions.ts';

/** An image as it was read, and what of it is loaded into this domain. */
export interface MachineProgram {
  /** Where the image was found, for people and tools that look into it. */
  readonly path: string;
  readonly image: ElfImage;
  readonly plan: ImagePlan;
}

/** By domain. */
export type MachinePrograms = ReadonlyMap<string, MachineProgram>;

/** @returns what the initialiser has to load for these domains */
export function plansOf(programs: MachinePrograms): ImagePlans {
  return new Map([...programs].map(([name, { plan }]) => [name, plan]));
}

/** Calls of an image's `memcpy` and its like: done at once, or executed as they are written. */
export type BulkCalls = 'at once' | 'executed';

/** A hart as a debugger takes it over, before it executes anything. */
export interface DebuggableHart {
  readonly pd: string;
  readonly program: MachineProgram;
  readonly ram: Ram;
  /** Offset of the hart's block in RAM. */
  readonly at: number;
  readonly space: AddressSpace;
  /** What the hart would be executed by without a debugger. */
  readonly engine: Engine;
  /** Executes instructions one by one, without heeding stops that are planted in `space`. */
  readonly stepper: Interpreter;
  /** Made after the engine, and there whenever it is entered. */
  readonly context: () => HartContext;
  /** Where the context lets the engine be entered anew. */
  readonly pause: HartPause;
  /** Functions that are done at once: one instruction as far as anybody sees. */
  readonly bulk: readonly BulkFunction[];
}

/** Makes the engine that executes a hart in place of the usual one. */
export type HartDebugger = (hart: DebuggableHart) => Engine;

/**
 * Asked for each hart before it executes anything.
 *
 * @returns where to note what it executes; undefined to note nothing
 */
export type HartCoverage = (
  pd: string,
  program: MachineProgram,
  ram: Ram,
) => EngineCoverage | undefined;

/** What all harts of a machine have in common. */
export interface HartMachine {
  readonly ram: Ram;
  readonly clock: HartClock;
  readonly costs: MachineCosts;
  readonly engine: EngineKind;
  readonly bulk: BulkCalls;
  readonly translations: Translations;
  readonly sampling?: HartSampling | undefined;
  readonly debugger?: HartDebugger | undefined;
  readonly coverage?: HartCoverage | undefined;
}

export interface MachineImageOptions {
  readonly system: SystemDescription;
  readonly pd: FlatPd;
  readonly regions: RegionsByName;
  readonly plans: ImagePlans;
  readonly program: MachineProgram;
  readonly machine: HartMachine;
  readonly log: (pd: string, text: string) => void;
}

/** A machine-code program in its domain: started by the kernel, looked at from outside. */
export class MachineImage implements DomainImage {
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
    const { ram, clock, costs, engine, translations, sampling } = this.#machine;
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

  inspect(region: string): ReadonlyRegion | undefined {
    return this.#thread === undefined
      ? undefined
      : mapReadonly(this.#thread, this.#profile, region);
  }
}
