/**
 * An image of machine code that has been read, before anything executes it. The engines come with
 * it: a system without images loads none of them.
 */

import type { HartThread, MachineCode } from '../../kernel/user.ts';
import type { Ram } from '../../memory/ram.ts';
import type { AddressSpace } from '../../riscv/address-space.ts';
import type { BulkFunction } from '../../riscv/bulk/functions.ts';
import type { Engine, EngineCoverage, EngineKind } from '../../riscv/engine.ts';
import type { Interpreter } from '../../riscv/interpreter/interpreter.ts';
import type { Translations } from '../../riscv/translator/translations.ts';
import type { ElfImage } from '../elf/image.ts';
import type { ImagePlan, ImagePlans } from '../elf/plan.ts';
import type { FlatPd, RegionsByName, SystemDescription } from '../model.ts';
import type { DomainImage } from './domain-image.ts';
import type { HartClock, HartContext, HartPause, HartSampling } from './machine-code.ts';
import type { MachineCosts } from './machine-costs.ts';

/** An image as it was read, and what of it is loaded into this domain. */
export interface MachineProgram {
  /** Where the image was found, for people and tools that look into it. */
  readonly path: string;
  readonly image: ElfImage;
  readonly plan: ImagePlan;
  /** What executes it: `machineRuntime` of `machine-image.ts`. */
  readonly runtime: MachineRuntime;
}

export interface MachineRuntime {
  readonly makeImage: (options: MachineImageOptions) => MachineDomain;
  /** For the images of one testbed. */
  readonly makeTranslations: () => Translations;
}

/** A domain whose program is machine code, as the testbed sees it. */
export interface MachineDomain extends DomainImage {
  readonly kind: 'machine code';
  readonly program: MachineProgram;
  /** The hart of the domain's thread; undefined before it runs. */
  readonly hart: HartContext | undefined;
  /** @param thread of the domain, with its pc at the image's entry */
  start(thread: HartThread): MachineCode;
  /**
   * Where its hart is, how it came there, and its registers: nothing before it runs.
   * @param lineOf file and line of an address, where somebody knows them
   */
  describe(lineOf: (address: number) => string | undefined): readonly string[];
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
  /** Standard ones unless told. */
  readonly costs?: MachineCosts | undefined;
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
