/**
 * The initialiser's hands: invocations that must succeed. Boot either builds the whole system or
 * ends with one line that says what was refused, for which protection domain, and why.
 */

import {
  ALIGNMENT_ERROR,
  CNODE_COPY,
  CNODE_DELETE,
  CNODE_MINT,
  DELETE_FIRST,
  FAILED_LOOKUP,
  ILLEGAL_OPERATION,
  INIT_SLOT_CNODE,
  INVALID_ARGUMENT,
  INVALID_CAPABILITY,
  NO_ERROR,
  NOT_ENOUGH_MEMORY,
  RANGE_ERROR,
  REVOKE_FIRST,
  RIGHTS_ALL,
  TRUNCATED_MESSAGE,
} from '../../kernel/abi.ts';
import type { BootInfo } from '../../kernel/boot-info.ts';
import type { UserThread } from '../../kernel/user.ts';
import { SystemCalls } from '../system-calls.ts';

const ERROR_NAMES: Readonly<Record<number, string>> = {
  [INVALID_ARGUMENT]: 'invalid argument',
  [INVALID_CAPABILITY]: 'invalid capability',
  [ILLEGAL_OPERATION]: 'illegal operation',
  [RANGE_ERROR]: 'range error',
  [ALIGNMENT_ERROR]: 'alignment error',
  [FAILED_LOOKUP]: 'failed lookup',
  [TRUNCATED_MESSAGE]: 'truncated message',
  [DELETE_FIRST]: 'slot in use (delete first)',
  [REVOKE_FIRST]: 'has children (revoke first)',
  [NOT_ENOUGH_MEMORY]: 'not enough memory',
};

/** Bits of a capability address: the whole word. */
export const WORD_BITS = 64;

/** What a board can lack that a system asks for: enough memory, or a device at an address. */
export type BoardLack = 'memory' | 'device';

/** The system cannot be built; the message is the one line that the user reads. */
export class BootFailure extends Error {
  override readonly name = 'BootFailure';
  readonly lack: BoardLack | undefined;

  /** @param lack what the board would need more of, if that is what is wrong */
  constructor(line: string, lack?: BoardLack) {
    super(line);
    this.lack = lack;
  }
}

/** A capability to put somewhere: where it lies now, and what it may do there. */
export interface MintOptions {
  readonly what: string;
  /** The CNode that receives it, its slot there, and the CNode's radix. */
  readonly cnode: number;
  readonly index: number;
  readonly depth: number;
  /** Slot of the initial thread's CSpace that holds the original. */
  readonly source: number;
  readonly rights?: number;
  /** The badge, or a CNode's guard; 0 for none. */
  readonly badgeLow?: number;
  readonly badgeHigh?: number;
}

export class RootTask {
  readonly calls: SystemCalls;
  readonly bootInfo: BootInfo;
  #nextSlot: number;

  constructor(thread: UserThread, bootInfo: BootInfo) {
    this.bootInfo = bootInfo;
    this.calls = new SystemCalls(thread, bootInfo.ipcBufferVaddr);
    this.#nextSlot = bootInfo.empty.start;
  }

  /** Takes `count` consecutive empty slots of the initial thread's CSpace. */
  takeSlots(count: number, what: string): number {
    const first = this.#nextSlot;
    if (first + count > this.bootInfo.empty.end) {
      throw new BootFailure(
        `${what}: the initialiser's CNode is full (${this.bootInfo.empty.end} slots)`,
      );
    }
    this.#nextSlot += count;
    return first;
  }

  /** Makes the call that `calls` has been loaded with. @throws BootFailure when it is refused */
  invoke(what: string, cptr: number, label: number, extraCaps: number, length: number): void {
    const error = this.calls.invoke(cptr, label, extraCaps, length);
    if (error !== NO_ERROR) {
      throw new BootFailure(`${what}: ${ERROR_NAMES[error] ?? `error ${error}`}`);
    }
  }

  /**
   * Copies `count` capabilities in a row of the initial thread's CSpace to new slots there.
   * @returns the first of these
   */
  copyRow(source: number, count: number, what: string): number {
    const first = this.takeSlots(count, what);
    this.#loadCopy();
    for (let at = 0; at < count; at += 1) this.#copyLoaded(first + at, source + at, what);
    return first;
  }

  /** Copies a capability of the initial thread's CSpace to an empty slot there. */
  copyTo(slot: number, source: number, what: string): void {
    this.#loadCopy();
    this.#copyLoaded(slot, source, what);
  }

  /** What all copies have in common. The kernel leaves the words of a call as they were. */
  #loadCopy(): void {
    const { calls } = this;
    calls.setWord(1, WORD_BITS);
    calls.setWord(3, WORD_BITS);
    calls.setWord(4, RIGHTS_ALL);
    calls.setCap(0, INIT_SLOT_CNODE);
  }

  #copyLoaded(slot: number, source: number, what: string): void {
    this.calls.setWord(0, slot);
    this.calls.setWord(2, source);
    this.invoke(what, INIT_SLOT_CNODE, CNODE_COPY, 1, 5);
  }

  mint(options: MintOptions): void {
    const { calls } = this;
    calls.setWord(0, options.index);
    calls.setWord(1, options.depth);
    calls.setWord(2, options.source);
    calls.setWord(3, WORD_BITS);
    calls.setWord(4, options.rights ?? RIGHTS_ALL);
    calls.setHalves(5, options.badgeLow ?? 0, options.badgeHigh ?? 0);
    calls.setCap(0, INIT_SLOT_CNODE);
    this.invoke(options.what, options.cnode, CNODE_MINT, 1, 6);
  }

  /** Mints into a new slot of the initial thread's own CSpace. */
  mintHere(
    what: string,
    source: number,
    badge: { readonly low: number; readonly high: number },
  ): number {
    const slot = this.takeSlots(1, what);
    this.mint({
      what,
      cnode: INIT_SLOT_CNODE,
      index: slot,
      depth: WORD_BITS,
      source,
      badgeLow: badge.low,
      badgeHigh: badge.high,
    });
    return slot;
  }

  /**
   * Tells the kernel a thread's name, for reports (a debug call, as Microkit's monitor makes it).
   */
  nameThread(tcb: number, name: string): void {
    this.calls.nameThread(tcb, name);
  }

  /** Deletes the capability in a slot of the initial thread's CSpace. */
  delete(slot: number, what: string): void {
    this.calls.setWord(0, slot);
    this.calls.setWord(1, WORD_BITS);
    this.invoke(what, INIT_SLOT_CNODE, CNODE_DELETE, 0, 2);
  }
}
