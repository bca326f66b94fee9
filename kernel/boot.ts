/**
 * Boot: everything that exists before the first system call. The initial thread's objects are taken
 * from the top of RAM, all the rest of memory goes to it as untypeds. Afterwards objects come into
 * being by retype alone.
 */

import {
  INIT_SLOT_ASID_CONTROL,
  INIT_SLOT_ASID_POOL,
  INIT_SLOT_BOOT_INFO,
  INIT_SLOT_CNODE,
  INIT_SLOT_DOMAIN,
  INIT_SLOT_FIRST_FREE,
  INIT_SLOT_IPC_BUFFER,
  INIT_SLOT_IRQ_CONTROL,
  INIT_SLOT_SCHED_CONTEXT,
  INIT_SLOT_TCB,
  INIT_SLOT_VSPACE,
  REG_A0,
  REG_TP,
  TCB_FLAGS_MASK,
} from './abi.ts';
import { writeBootInfo } from './boot-info.ts';
import type { BootInfo, UntypedDescription } from './boot-info.ts';
import { BootError } from './boot-error.ts';
import { bootUntypeds, RootServerMemory } from './boot-memory.ts';
import type { CostTable } from './cost.ts';
import { DEFAULT_COSTS } from './cost.ts';
import { setPc } from './ipc/fault.ts';
import { Kernel, type KernelOptions } from './kernel.ts';
import type { Machine } from './machine.ts';
import { cteInsert } from './objects/mdb.ts';
import {
  ASID_POOL_BITS,
  PAGE_BITS,
  PAGE_TABLE_BITS,
  SLOT_BITS,
  TCB_BITS,
  VM_READ_WRITE,
} from './objects/object-sizes.ts';
import { CNode, SchedContext, Tcb } from './objects/objects.ts';
import { AsidPool, PageTable } from './memory/page-table.ts';
import type {
  Cap,
  CNodeCap,
  FrameCap,
  KernelObject,
  PageTableCap,
  Slot,
} from './objects/objects.ts';
import { rescheduleRequired, schedEnqueue } from './sched/ready-queue.ts';
import { refillNew } from './sched/sporadic.ts';
import { IRQ_TIMER, KernelState, MIN_REFILLS, NS_PER_TICK, TICKS_PER_US } from './state.ts';
import type { HartThread, MachineCode, ProgramImage } from './user.ts';

export { BootError } from './boot-error.ts';
export { Kernel } from './kernel.ts';
export type { KernelCounters } from './state.ts';

/** The pc at which the root task starts. */
export const ROOT_TASK_ENTRY = 0x1_0000;
/** Where the initial thread finds its IPC buffer, and the boot information. */
const IPC_BUFFER_VADDR = 0x4b_1000;
const BOOT_INFO_VADDR = 0x4b_2000;
/** Index in the second-level table of the third-level table that holds both. */
const LEAF_INDEX = IPC_BUFFER_VADDR >>> 21;
const ROOT_PRIORITY = 255;
const ROOT_TIMESLICE_US = 5_000;
const ROOT_SCHED_CONTEXT_BITS = 8;
const ROOT_ASID = 1;
const ROOT_CNODE_BITS_DEFAULT = 12;

/**
 * A program and the pc at which it starts: TCB_WriteRegisters of this pc, with resume, runs
 * `image.start()`.
 */
export interface LoadedImage {
  /** A multiple of 64, below 2^32. */
  readonly entry: number;
  readonly image: ProgramImage;
}

export interface BootOptions extends Pick<
  KernelOptions,
  'runningEntry' | 'onOverdue' | 'onOutside'
> {
  readonly machine: Machine;
  /** The initial thread: priority and MCP 255. It gets the boot information when it is made. */
  readonly rootTask: (bootInfo: BootInfo) => ProgramImage;
  /** All other programs. */
  readonly images?: readonly LoadedImage[];
  /**
   * Where machine code would have its entry, all programs the same one: a thread that is set to
   * this pc starts the program that it was made for. None unless told.
   */
  readonly linkedAt?: number;
  /** log2 of the slots of the root CNode; 12 when left out. */
  readonly rootCNodeSizeBits?: number;
  /** What kernel work costs under the virtual clock. */
  readonly costs?: CostTable;
  /**
   * The most that is charged to a thread at once, in nanoseconds: for a clock that goes on while
   * nobody runs. No limit unless told.
   */
  readonly longestChargeNs?: number;
  /** Work units between preemption points: 100, fewer in tests. */
  readonly workUnitsMax?: number;
  /** The fast path makes no difference but in speed: off in tests of the general path. */
  readonly fastPath?: 'on' | 'off';
  /** Told of every error that a program has thrown, before it becomes a fault. */
  readonly onProgramError?: (threadName: string, error: unknown) => void;
  /**
   * Makes the body of a thread whose pc lies in memory that it may execute. Without it there are
   * TypeScript programs only, at symbolic pcs; with it there are both, in one system and at the
   * same addresses. Undefined leaves the thread to its TypeScript program.
   */
  readonly machineCode?: (thread: HartThread) => MachineCode | undefined;
  /** Receives what threads print with DebugPutChar, a character at a time. */
  readonly onDebugChar?: (threadName: string, code: number) => void;
  /** RAM holds nothing but zeros yet: the untypeds need not be cleared before their first use. */
  readonly ramIsClear?: boolean;
  /** Told of every object made, from the initial thread's on: for checks and dumps. */
  readonly onCreate?: (object: KernelObject) => void;
}

/** @throws BootError when the configuration cannot be met */
export function boot(options: BootOptions): Kernel {
  const state = new KernelState({
    machine: options.machine,
    costs: options.costs ?? DEFAULT_COSTS,
    workUnitsMax: options.workUnitsMax ?? 100,
    fastPath: options.fastPath ?? 'on',
    longestCharge: (options.longestChargeNs ?? Number.MAX_SAFE_INTEGER) / NS_PER_TICK,
  });
  state.onCreate = options.onCreate ?? null;
  state.currentTime = Math.floor(options.machine.now() / NS_PER_TICK);
  state.irqState[options.machine.irqMax] = IRQ_TIMER;
  makeIdle(state);
  const { onDebugChar, machineCode } = options;
  if (machineCode !== undefined) {
    state.threadFlagsMask = TCB_FLAGS_MASK;
    state.hasBenchmarkCalls = true;
  }
  if (onDebugChar !== undefined) state.onDebugChar = ({ name }, code) => onDebugChar(name, code);
  const { bootInfo, tcb } = makeInitialThread(state, options);
  const images = new Map<number, ProgramImage>([[ROOT_TASK_ENTRY, options.rootTask(bootInfo)]]);
  for (const { entry, image } of options.images ?? []) {
    if (entry % 64 !== 0 || entry <= 0 || entry >= 2 ** 32) {
      throw new BootError(
        `the entry 0x${entry.toString(16)} of ${image.name} is no multiple of 64`,
      );
    }
    if (images.has(entry)) {
      throw new BootError(`two programs start at 0x${entry.toString(16)}: ${image.name} is one`);
    }
    images.set(entry, image);
  }
  tcb.state = 'running';
  schedEnqueue(state, tcb);
  rescheduleRequired(state);
  const { onProgramError, linkedAt, runningEntry, onOverdue, onOutside } = options;
  const watched = { runningEntry, onOverdue, onOutside };
  return new Kernel({ state, bootInfo, images, linkedAt, onProgramError, machineCode, ...watched });
}

function makeIdle(k: KernelState): void {
  const sc = k.idleSchedContext;
  sc.refillMax = 1;
  sc.refillCount = 1;
  sc.refillAmount[0] = Infinity;
  sc.tcb = k.idleThread;
}

function checkCNodeBits(bits: number): void {
  if (Number.isInteger(bits) && bits >= 5 && bits <= 22) return;
  throw new BootError(`a root CNode of 2^${bits} slots is not possible: 2^5 to 2^22 are`);
}

interface InitialThread {
  readonly bootInfo: BootInfo;
  readonly tcb: Tcb;
}

function makeInitialThread(k: KernelState, options: BootOptions): InitialThread {
  const cnodeBits = options.rootCNodeSizeBits ?? ROOT_CNODE_BITS_DEFAULT;
  checkCNodeBits(cnodeBits);
  const memory = new RootServerMemory(k.ram);
  const cnode = new CNode(memory.take(cnodeBits + SLOT_BITS), cnodeBits);
  const vspace = new PageTable(memory.take(PAGE_TABLE_BITS));
  const middle = new PageTable(memory.take(PAGE_TABLE_BITS));
  const leaf = new PageTable(memory.take(PAGE_TABLE_BITS));
  const pool = new AsidPool(memory.take(ASID_POOL_BITS), 0);
  const bootInfoFrame = memory.take(PAGE_BITS);
  const ipcBufferFrame = memory.take(PAGE_BITS);
  const tcb = new Tcb(memory.take(TCB_BITS));
  const sc = new SchedContext(memory.take(ROOT_SCHED_CONTEXT_BITS), ROOT_SCHED_CONTEXT_BITS);
  for (const object of [cnode, vspace, middle, leaf, pool, tcb, sc]) k.onCreate?.(object);

  k.asidTable[0] = pool;
  pool.roots[ROOT_ASID] = vspace;
  linkTables(vspace, middle, leaf);

  const put = (index: number, cap: Cap): Slot => putOriginal(cnode.slotAt(index), cap);
  const rootCap = rootCNodeCap(cnode);
  const rootSlot = put(INIT_SLOT_CNODE, rootCap);
  const vspaceSlot = put(INIT_SLOT_VSPACE, tableCap(vspace, 0));
  put(INIT_SLOT_TCB, { kind: 'thread', tcb });
  put(INIT_SLOT_IRQ_CONTROL, { kind: 'irqControl' });
  put(INIT_SLOT_ASID_CONTROL, { kind: 'asidControl' });
  put(INIT_SLOT_ASID_POOL, { kind: 'asidPool', pool });
  put(INIT_SLOT_BOOT_INFO, mapFrame(leaf, bootInfoFrame, BOOT_INFO_VADDR));
  const buffer = put(INIT_SLOT_IPC_BUFFER, mapFrame(leaf, ipcBufferFrame, IPC_BUFFER_VADDR));
  put(INIT_SLOT_DOMAIN, { kind: 'domain' });
  put(INIT_SLOT_SCHED_CONTEXT, { kind: 'schedContext', schedContext: sc });
  const schedControl = { start: INIT_SLOT_FIRST_FREE, end: INIT_SLOT_FIRST_FREE + 1 };
  put(schedControl.start, { kind: 'schedControl' });
  const userImagePaging = { start: schedControl.end, end: schedControl.end + 2 };
  put(userImagePaging.start, tableCap(middle, 0));
  put(userImagePaging.start + 1, tableCap(leaf, LEAF_INDEX << 21));
  const untypedList = putUntypeds(k, cnode, userImagePaging.end, memory.top(), options);
  const untyped = { start: userImagePaging.end, end: userImagePaging.end + untypedList.length };

  cteInsert(rootCap, rootSlot, tcb.ctable);
  cteInsert(vspaceSlot.cap, vspaceSlot, tcb.vtable);
  cteInsert({ ...(buffer.cap as FrameCap), mappedAsid: 0, mappedAddress: 0 }, buffer, tcb.buffer);
  startInitialThread(k, tcb, sc);

  const bootInfo: BootInfo = {
    ipcBufferVaddr: IPC_BUFFER_VADDR,
    bootInfoVaddr: BOOT_INFO_VADDR,
    empty: { start: untyped.end, end: 2 ** cnodeBits },
    userImageFrames: { start: 0, end: 0 },
    userImagePaging,
    schedControl,
    untyped,
    untypedList,
    initThreadCNodeSizeBits: cnodeBits,
    initThreadDomain: 0,
  };
  writeBootInfo(k.ram.view, bootInfoFrame - k.ram.base, bootInfo);
  return { bootInfo, tcb };
}

/** The guard makes a capability pointer of 64 bits of a slot number. */
function rootCNodeCap(cnode: CNode): CNodeCap {
  return { kind: 'cnode', cnode, guardLow: 0, guardHigh: 0, guardSize: 64 - cnode.radix };
}

/**
 * Gives the initial thread all memory that is left below `top`, and the devices, from slot `first`
 * on.
 */
function putUntypeds(
  k: KernelState,
  cnode: CNode,
  first: number,
  top: number,
  { ramIsClear = false }: BootOptions,
): UntypedDescription[] {
  return bootUntypeds(k.machine, top).map(({ base, sizeBits, isDevice }, index) => {
    const slot = first + index;
    if (slot >= 2 ** cnode.radix) {
      throw new BootError(`the root CNode of 2^${cnode.radix} slots is too small for the untypeds`);
    }
    // Full: whatever lies there is cleared before the first object is made of it.
    const freeIndex = ramIsClear ? 0 : 2 ** sizeBits;
    const cap: Cap = { kind: 'untyped', base, sizeBits, isDevice, freeIndex };
    putOriginal(cnode.slotAt(slot), cap);
    return { slot, paddr: base, sizeBits, isDevice: isDevice ? 'yes' : 'no' };
  });
}

function linkTables(root: PageTable, middle: PageTable, leaf: PageTable): void {
  root.entries[0] = { kind: 'table', table: middle };
  middle.entries[LEAF_INDEX] = { kind: 'table', table: leaf };
}

function putOriginal(slot: Slot, cap: Cap): Slot {
  slot.cap = cap;
  slot.revocable = true;
  slot.firstBadged = true;
  return slot;
}

function tableCap(table: PageTable, mappedAddress: number): PageTableCap {
  return { kind: 'pageTable', table, isMapped: true, mappedAsid: ROOT_ASID, mappedAddress };
}

function mapFrame(leaf: PageTable, base: number, vaddr: number): FrameCap {
  leaf.entries[Math.floor(vaddr / 4096) & 511] = {
    kind: 'page',
    base,
    sizeBits: PAGE_BITS,
    vmRights: VM_READ_WRITE,
    isExecutable: false,
    isDevice: false,
  };
  return {
    kind: 'frame',
    base,
    sizeBits: PAGE_BITS,
    vmRights: VM_READ_WRITE,
    isDevice: false,
    mappedAsid: ROOT_ASID,
    mappedAddress: vaddr,
  };
}

function startInitialThread(k: KernelState, tcb: Tcb, sc: SchedContext): void {
  tcb.name = 'root task';
  tcb.priority = ROOT_PRIORITY;
  tcb.maxPriority = ROOT_PRIORITY;
  tcb.ipcBufferLow = IPC_BUFFER_VADDR;
  tcb.regs[REG_A0 << 1] = BOOT_INFO_VADDR;
  tcb.regs[REG_TP << 1] = IPC_BUFFER_VADDR;
  setPc(tcb, ROOT_TASK_ENTRY);
  refillNew(k, sc, MIN_REFILLS, ROOT_TIMESLICE_US * TICKS_PER_US, 0);
  sc.tcb = tcb;
  tcb.schedContext = sc;
}
