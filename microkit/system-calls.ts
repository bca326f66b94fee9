/**
 * System calls from the user's side: how a thread puts an invocation into its registers and its IPC
 * buffer. The initialiser, the monitor and a parent that stops its children use this; the hot path
 * of `runtime/` writes its registers itself.
 */

import { assert } from '../memory/assert.ts';
import {
  IPC_BUFFER_BYTES,
  IPC_BUFFER_CAPS_WORD,
  IPC_BUFFER_MESSAGE_WORD,
  MESSAGE_EXTRA_CAPS_MAX,
  MESSAGE_LENGTH_MAX,
  MESSAGE_REGISTERS,
  messageInfo,
  messageLabel,
  REG_A0,
  REG_A1,
  REG_A2,
  REG_A7,
  SYS_CALL,
  SYS_DEBUG_NAME_THREAD,
} from '../kernel/abi.ts';
import type { UserThread } from '../kernel/user.ts';

const TWO_TO_32 = 0x1_0000_0000;

/** @returns the low half of a word given as a number below 2^53 */
export function lowHalf(value: number): number {
  return value >>> 0;
}

/** @returns the high half of a word given as a number below 2^53 */
export function highHalf(value: number): number {
  return Math.floor(value / TWO_TO_32);
}

/** Message registers and invocations of one thread. */
export class SystemCalls {
  readonly thread: UserThread;
  readonly #regs: Uint32Array;
  readonly #memory: Uint32Array;
  /** Index of the IPC buffer's first word in `#memory`. */
  readonly #bufferWord: number;

  /** @param bufferVaddr where the thread's IPC buffer is mapped for writing */
  constructor(thread: UserThread, bufferVaddr: number) {
    const buffer = thread.mapping(bufferVaddr, IPC_BUFFER_BYTES, 'write');
    assert(buffer?.kind === 'ram', 'the IPC buffer of a thread that makes system calls is mapped');
    this.thread = thread;
    this.#regs = thread.regs;
    this.#memory = buffer.memory.ram.u32;
    this.#bufferWord = buffer.at >>> 2;
  }

  /** Message register `index` as a number; words of 2^53 and above lose their lowest bits. */
  word(index: number): number {
    return this.#low(index) + this.#high(index) * TWO_TO_32;
  }

  /** Sets message register `index` to a number below 2^53. */
  setWord(index: number, value: number): void {
    this.setHalves(index, lowHalf(value), highHalf(value));
  }

  setHalves(index: number, low: number, high: number): void {
    assert(index >= 0 && index < MESSAGE_LENGTH_MAX, 'a message register has an index below 120');
    if (index < MESSAGE_REGISTERS) {
      this.#regs[2 * (REG_A2 + index)] = low;
      this.#regs[2 * (REG_A2 + index) + 1] = high;
    } else {
      const at = this.#bufferWord + 2 * (IPC_BUFFER_MESSAGE_WORD + index);
      this.#memory[at] = low;
      this.#memory[at + 1] = high;
    }
  }

  /** Names an extra capability of the next message. */
  setCap(index: number, cptr: number): void {
    assert(index >= 0 && index < MESSAGE_EXTRA_CAPS_MAX, 'a message has three extra capabilities');
    const at = this.#bufferWord + 2 * (IPC_BUFFER_CAPS_WORD + index);
    this.#memory[at] = lowHalf(cptr);
    this.#memory[at + 1] = highHalf(cptr);
  }

  /**
   * Calls a kernel object with `length` message registers and `extraCaps` capabilities set before.
   *
   * @returns the error number, 0 for none; what it says more is in the message registers
   */
  invoke(cptr: number, label: number, extraCaps: number, length: number): number {
    const regs = this.#regs;
    regs[2 * REG_A0] = lowHalf(cptr);
    regs[2 * REG_A0 + 1] = highHalf(cptr);
    regs[2 * REG_A1] = messageInfo(label, extraCaps, length);
    regs[2 * REG_A1 + 1] = 0;
    regs[2 * REG_A7] = SYS_CALL;
    regs[2 * REG_A7 + 1] = -1;
    this.thread.trap();
    return messageLabel(regs[2 * REG_A1] as number);
  }

  /**
   * DebugNameThread: the name is that of Microkit, ASCII, and lies in the message registers of the
   * buffer.
   */
  nameThread(tcb: number, name: string): void {
    const bytes = new Uint8Array(8 * Math.ceil((name.length + 1) / 8));
    for (let i = 0; i < name.length; i += 1) bytes[i] = name.charCodeAt(i) & 0x7f;
    const words = new Uint32Array(bytes.buffer);
    this.#memory.set(words, this.#bufferWord + 2 * IPC_BUFFER_MESSAGE_WORD);
    const regs = this.#regs;
    regs[2 * REG_A0] = lowHalf(tcb);
    regs[2 * REG_A0 + 1] = highHalf(tcb);
    regs[2 * REG_A7] = SYS_DEBUG_NAME_THREAD;
    regs[2 * REG_A7 + 1] = -1;
    this.thread.trap();
  }

  #low(index: number): number {
    assert(index >= 0 && index < MESSAGE_LENGTH_MAX, 'a message register has an index below 120');
    if (index < MESSAGE_REGISTERS) return this.#regs[2 * (REG_A2 + index)] as number;
    return this.#memory[this.#bufferWord + 2 * (IPC_BUFFER_MESSAGE_WORD + index)] as number;
  }

  #high(index: number): number {
    if (index < MESSAGE_REGISTERS) return this.#regs[2 * (REG_A2 + index) + 1] as number;
    return this.#memory[this.#bufferWord + 2 * (IPC_BUFFER_MESSAGE_WORD + index) + 1] as number;
  }
}
