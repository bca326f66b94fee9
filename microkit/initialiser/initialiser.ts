/**
 * The initial thread: builds the described system out of the untypeds that the kernel hands over,
 * by system calls alone, and suspends itself. It is an ordinary user thread; that it holds all
 * capabilities at first is what makes it the initial one.
 */

import {
  INIT_SLOT_TCB,
  messageInfo,
  REG_A0,
  REG_A1,
  REG_A7,
  SYS_CALL,
  TCB_SUSPEND,
} from '../../kernel/abi.ts';
import type { BootInfo } from '../../kernel/boot-info.ts';
import type { ProgramImage, UserContext, UserThread } from '../../kernel/user.ts';
import type { ImagePlans } from '../elf/plan.ts';
import { LARGE_PAGE_BYTES, SMALL_PAGE_BYTES, type SystemDescription } from '../model.ts';
import { buildAddressSpace, type MappedOriginals } from './address-spaces.ts';
import {
  grantCapabilities,
  granting,
  type Granting,
  grantMonitor,
  grantUserCaps,
  objectsOf,
} from './capabilities.ts';
import { ContentWriter } from './contents.ts';
import { type BoardLack, BootFailure, RootTask } from './root-task.ts';
import { createObjects } from './system-objects.ts';
import {
  configureDomains,
  configureMonitor,
  configurePd,
  startDomainSchedule,
  startThread,
} from './threads.ts';
import { UntypedMemory } from './untyped-memory.ts';

/** Told, once, how boot went. */
export interface BootObserver {
  /** The system is built and its threads are about to run. */
  systemBuilt(): void;
  /**
   * @param line what was refused, for whom, and why;
   * @param lack what the board would need more of, if that is it
   */
  bootFailed(line: string, lack: BoardLack | undefined): void;
}

/** What the root task builds, and who is told. */
export interface InitialiserOptions {
  readonly system: SystemDescription;
  /** By domain, what is to be loaded where the program is machine code; none unless told. */
  readonly plans?: ImagePlans;
  readonly observer: BootObserver;
  /** Where the board's RAM ends: for messages alone. */
  readonly ramEnd?: number;
}

/** @returns the program of the initial thread */
export function initialiser(options: InitialiserOptions, bootInfo: BootInfo): ProgramImage {
  return {
    name: 'initialiser',
    start: (thread): UserContext => new Initialiser(options, bootInfo, thread),
  };
}

class Initialiser implements UserContext {
  readonly #options: InitialiserOptions;
  readonly #bootInfo: BootInfo;
  readonly #thread: UserThread;

  constructor(options: InitialiserOptions, bootInfo: BootInfo, thread: UserThread) {
    this.#options = options;
    this.#bootInfo = bootInfo;
    this.#thread = thread;
  }

  resume(): void {
    const { observer, system, plans = NO_PLANS, ramEnd } = this.#options;
    try {
      const root = new RootTask(this.#thread, this.#bootInfo);
      buildSystem(root, new UntypedMemory(root, ramEnd), system, plans);
      observer.systemBuilt();
    } catch (error) {
      if (!(error instanceof BootFailure)) throw error;
      observer.bootFailed(error.message, error.lack);
    }
    this.#suspendSelf();
  }

  #suspendSelf(): void {
    const { regs } = this.#thread;
    regs[2 * REG_A0] = INIT_SLOT_TCB;
    regs[2 * REG_A0 + 1] = 0;
    regs[2 * REG_A1] = messageInfo(TCB_SUSPEND, 0, 0);
    regs[2 * REG_A1 + 1] = 0;
    regs[2 * REG_A7] = SYS_CALL;
    this.#thread.trapLast();
  }
}

const NO_PLANS: Readonly<ImagePlans> = new Map();

function buildSystem(
  root: RootTask,
  memory: UntypedMemory,
  system: SystemDescription,
  plans: ImagePlans,
): void {
  const objects = createObjects(system, plans, memory);
  const context = granting(root, system, objects);
  buildAddressSpaces(context);
  const contents = new ContentWriter(root, memory);
  contents.fillRegions(objects);
  contents.patchImages(system, plans, objects);
  contents.loadImages(system, plans, objects);
  for (const flat of context.flat) grantCapabilities(context, flat, plans.get(flat.pd.name));
  for (const flat of context.flat) grantUserCaps(context, flat);
  grantMonitor(context);
  for (const flat of context.flat) configurePd(context, flat, plans.get(flat.pd.name));
  configureMonitor(context);
  if (system.domains !== undefined) configureDomains(context, system.domains);
  startThread(root, 'monitor', objects.monitor.tcb);
  for (const { pd, index } of context.flat) {
    startThread(root, pd.name, objectsOf(objects, index).tcb);
  }
  if (system.domains !== undefined) startDomainSchedule(context, system.domains);
}

function buildAddressSpaces(context: Granting): void {
  const { root, objects } = context;
  const originals: MappedOriginals = new Set();
  for (const flat of context.flat) {
    buildAddressSpace(root, {
      name: flat.pd.name,
      pd: objectsOf(objects, flat.index),
      maps: flat.pd.maps,
      system: objects,
      originals,
    });
  }
  buildAddressSpace(root, {
    name: 'monitor',
    pd: objects.monitor,
    maps: [],
    system: objects,
    originals,
  });
}

/**
 * Slots that each protection domain takes in the initial thread's CSpace beside its frames; rounded
 * up generously.
 */
const SLOTS_PER_PD = 64;
/** The kernel's own, the untypeds, and what fixed addresses cut off. */
const SLOTS_FIXED = 1024;

/** @returns log2 of the slots that the initial thread's CNode needs to build this system */
export function rootCNodeSizeBits(system: SystemDescription, plans: ImagePlans = NO_PLANS): number {
  const pages = new Map(
    system.regions.map((region) => [region.name, Number(region.size) / region.pageBytes]),
  );
  let slots = SLOTS_FIXED;
  for (const count of pages.values()) slots += count;
  const visit = (pds: SystemDescription['protectionDomains']): void => {
    for (const pd of pds) {
      slots += SLOTS_PER_PD + 2 * pd.irqs.length;
      for (const map of pd.maps) {
        const region = pages.get(map.region) ?? 0;
        // A copy of each frame, and the page tables over them.
        slots += region + 2 + Math.ceil((region * 4096) / LARGE_PAGE_BYTES);
      }
      const image = plans.get(pd.name);
      if (image !== undefined) {
        // A page table for each 2 MiB at most, and one more for each run.
        const pages = image.pages.length + pd.stackBytes / SMALL_PAGE_BYTES;
        slots += pages + Math.ceil(pages / 512) + 2 * image.runs.length + 4;
      }
      visit(pd.children);
    }
  };
  visit(system.protectionDomains);
  for (const region of system.regions)
    slots += region.prefill === undefined ? 0 : Number(region.size) / region.pageBytes;
  return Math.max(12, Math.ceil(Math.log2(slots)));
}
