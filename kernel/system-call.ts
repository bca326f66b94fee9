/**
 * System calls as values: what a generator thread yields, and what it gets back. For root tasks and
 * tests; the data path fills registers itself.
 */

/** A 64-bit word: a number below 2^53, a bigint from there on. */
export type Word = number | bigint;

/**
 * Where a received capability goes: the fields receiveCNode, receiveIndex, receiveDepth of the IPC
 * buffer.
 */
export interface ReceiveSlot {
  readonly cnode: Word;
  readonly index: Word;
  readonly depth: Word;
}

/** One system call; fields left out are zero or empty. */
export interface SystemCallRequest {
  readonly kind: 'call';
  /** `SYS_…` of `abi.ts`. */
  readonly sys: number;
  /** Register a0: the capability invoked, or received on. */
  readonly cptr?: Word;
  readonly label?: Word;
  /** Message registers. Those beyond the fourth travel in the IPC buffer. */
  readonly mrs?: readonly Word[];
  /** Length sent, when it is not the number of `mrs`. */
  readonly length?: number;
  /** Extra capabilities; they travel in the IPC buffer. */
  readonly caps?: readonly Word[];
  /**
   * Register a6: the reply object; for ReplyRecv also where the reply goes, for NBSendWait the
   * destination.
   */
  readonly reply?: Word;
  /** Register t0: destination of NBSendRecv. */
  readonly dest?: Word;
  readonly receive?: ReceiveSlot;
}

/** A load, store or instruction fetch through the page table. */
export interface MemoryRequest {
  readonly kind: 'load' | 'store' | 'execute';
  readonly vaddr: number;
  /** Bytes: 1, 2, 4. */
  readonly width: 1 | 2 | 4;
  /** For a store. */
  readonly value?: number;
}

/**
 * An instruction that no program contains on purpose: raises a user exception with this number and
 * code.
 */
export interface ExceptionRequest {
  readonly kind: 'exception';
  readonly number: number;
  readonly code: number;
}

/** Work that takes time but makes no system call, `durationNs` long under the virtual clock. */
export interface ComputeRequest {
  readonly kind: 'compute';
  readonly durationNs: number;
}

export type ThreadRequest = SystemCallRequest | MemoryRequest | ExceptionRequest | ComputeRequest;

/** The registers after a system call. For a memory request, `value` is what was loaded. */
export interface ThreadAnswer {
  /** Register a0: badge of the sender, 0 for replies. */
  readonly badge: Word;
  /** Label: for an invocation of a kernel object 0 or the error number. */
  readonly label: Word;
  readonly length: number;
  /** Capabilities that came with the message, and which of them were unwrapped (bit mask). */
  readonly extraCaps: number;
  readonly capsUnwrapped: number;
  /** Badges of the capabilities that were unwrapped; meaningless for the others. */
  readonly capBadges: readonly Word[];
  /** The first `length` message registers. */
  readonly mrs: readonly Word[];
  readonly value: number;
}

/** The body of a generator thread. */
export type ThreadBody = Generator<ThreadRequest, void, ThreadAnswer>;

/** Part of such a body that has a result: use with `yield*`. */
export type ThreadStep<Result> = Generator<ThreadRequest, Result, ThreadAnswer>;
