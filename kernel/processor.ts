/** The processor as one program sees it: the kernel's side of `UserThread`. */

import type { Access } from '../memory/region.ts';
import type { Tcb } from './objects/objects.ts';
import type { KernelState } from './state.ts';
import { mappedRunAt } from './memory/mapped-run.ts';
import type { PageEntry } from './memory/page-table.ts';
import { bytesOf } from './objects/object-sizes.ts';
import type { HartThread, MappedRun, Mapping, ProgramImage } from './user.ts';
import { allows, offsetIn, pageAt, vspaceOf } from './memory/vspace.ts';

/** What a processor needs of the dispatcher. */
export interface TrapHandler {
  readonly state: KernelState;
  trap(tcb: Tcb, processor: Processor): void;
  demandRunning(tcb: Tcb): void;
  spend(durationNs: number): number;
  pass(tcb: Tcb, processor: Processor, durationNs: number): void;
  preemptionAt(): number;
}

/** No exception has been raised. */
export const NO_EXCEPTION = -1;

/** Made anew for each start of an image on a thread: an old program's processor is dead. */
export class Processor implements HartThread {
  regs: Uint32Array;
  readonly image: ProgramImage;
  /** The program has made its last system call of this `resume()`. */
  hasTrapped = false;
  /** Which of all calls of programs its present one is. */
  call = 0;
  /** The frame is to be left: every trap throws. */
  isUnwound = false;
  /** The frame was left although its thread waits for an answer. */
  hasLostFrame = false;
  /** The program keeps its own pc: a memory fault is at an instruction that can be made again. */
  isExact = false;
  /**
   * The exception that the program has ended this `resume()` with, as `scause` has it, and the
   * halves of `stval`.
   */
  exception = NO_EXCEPTION;
  exceptionLow = 0;
  exceptionHigh = 0;
  readonly #handler: TrapHandler;
  readonly #tcb: Tcb;

  constructor(handler: TrapHandler, tcb: Tcb, image: ProgramImage) {
    this.#handler = handler;
    this.#tcb = tcb;
    this.regs = tcb.regs;
    this.image = image;
  }

  trap(): void {
    this.#handler.trap(this.#tcb, this);
  }

  trapLast(): void {
    this.hasTrapped = true;
  }

  demandRunning(): void {
    this.#handler.demandRunning(this.#tcb);
  }

  keepsPc(): void {
    this.isExact = true;
  }

  spend(durationNs: number): number {
    return this.#handler.spend(durationNs);
  }

  pass(durationNs: number): void {
    this.#handler.pass(this.#tcb, this, durationNs);
  }

  raiseLast(cause: number, valueLow: number, valueHigh: number): void {
    this.exception = cause;
    this.exceptionLow = valueLow;
    this.exceptionHigh = valueHigh;
  }

  get name(): string {
    return this.#tcb.name;
  }

  now(): number {
    return this.#handler.state.machine.now();
  }

  charge(durationNs: number): void {
    this.#handler.state.machine.charge(durationNs);
  }

  preemptionAt(): number {
    return this.#handler.preemptionAt();
  }

  nextEventAt(): number {
    return this.#handler.state.machine.nextEventAt();
  }

  get isInterruptPending(): boolean {
    return this.#handler.state.machine.irqPending;
  }

  get mappingGeneration(): number {
    return this.#handler.state.mappingGeneration;
  }

  runAt(vaddr: number): MappedRun | undefined {
    const k = this.#handler.state;
    const root = vspaceOf(k, this.#tcb);
    return root === null ? undefined : mappedRunAt(k.machine, root, vaddr);
  }

  mapping(vaddr: number, lengthBytes: number, access: Access): Mapping | undefined {
    const k = this.#handler.state;
    const root = vspaceOf(k, this.#tcb);
    if (root === null) return undefined;
    const first = pageAt(root, vaddr);
    if (first === undefined || !allows(first, access)) return undefined;
    const paddr = first.base + offsetIn(first, vaddr);
    let isWritable = allows(first, 'write');
    let end = endOf(first, vaddr);
    while (end < vaddr + lengthBytes) {
      const next = pageAt(root, end);
      if (next === undefined || !allows(next, access)) return undefined;
      if (next.isDevice !== first.isDevice) return undefined;
      if (next.base + offsetIn(next, end) - paddr !== end - vaddr) return undefined;
      isWritable = isWritable && allows(next, 'write');
      end = endOf(next, end);
    }
    if (!first.isDevice) {
      const at = paddr - k.ram.base;
      const memory = { ram: k.ram, at, sizeBytes: lengthBytes };
      return { kind: 'ram', at, memory, writable: isWritable ? 'yes' : 'no' };
    }
    const found = k.machine.deviceAt(paddr);
    if (found === undefined) return undefined;
    return { kind: 'device', device: found.device, offset: paddr - found.base };
  }
}

/** @returns the address behind a page that maps `vaddr` */
function endOf(page: PageEntry, vaddr: number): number {
  return vaddr - offsetIn(page, vaddr) + bytesOf(page.sizeBits);
}
