/**
 * Threads whose body is a generator: each `yield` is a system call or a memory access. For root
 * tasks and tests.
 *
 *     const rootTask = generatorImage('root task', function* () {
 *       const answer = yield { kind: 'call', sys: SYS_CALL, cptr: 17, label: UNTYPED_RETYPE, mrs: […], caps: [2] };
 *       if (answer.label !== NO_ERROR) …
 *     });
 *
 * Register tp holds the address of the thread's IPC buffer, as the thread-local storage of seL4's
 * library does. A thread without one (tp 0) can send and receive four words and no capabilities.
 * When the body returns, the thread waits on cptr 0, which is a fault.
 */

import { assert } from '../memory/assert.ts';
import { MemoryFault } from '../memory/region.ts';
import {
  IPC_BUFFER_BYTES,
  IPC_BUFFER_CAPS_WORD,
  IPC_BUFFER_MESSAGE_WORD,
  IPC_BUFFER_RECEIVE_CNODE_WORD,
  IPC_BUFFER_RECEIVE_DEPTH_WORD,
  IPC_BUFFER_RECEIVE_INDEX_WORD,
  MESSAGE_LENGTH_MAX,
  MESSAGE_REGISTERS,
  REG_A0,
  REG_A1,
  REG_A2,
  REG_A6,
  REG_A7,
  REG_PC,
  REG_T0,
  REG_TP,
  SYS_WAIT,
} from './abi.ts';
import type {
  MemoryRequest,
  SystemCallRequest,
  ThreadAnswer,
  ThreadBody,
  ThreadRequest,
  Word,
} from './system-call.ts';
import { PC_IN_PROGRAM } from './sched/thread.ts';
import type { Mapping, ProgramImage, UserContext, UserThread } from './user.ts';
import { UserException } from './user.ts';

/** The pc, from the entry, of an instruction that can fault, and of the one behind it. */
const PC_INSTRUCTION = 12;

/** @returns an image whose threads run `body`; each start makes a new generator */
export function generatorImage(
  name: string,
  body: (thread: UserThread) => ThreadBody,
  options: GeneratorOptions = {},
): ProgramImage {
  const start = (thread: UserThread): UserContext =>
    new GeneratorContext(thread, body(thread), options);
  return { name, start };
}

export interface GeneratorOptions {
  /** Address of the IPC buffer, when register tp is not to be relied on. */
  readonly ipcBufferVaddr?: number;
}

class GeneratorContext implements UserContext {
  readonly #thread: UserThread;
  readonly #body: ThreadBody;
  readonly #entryPc: number;
  readonly #ipcBufferVaddr: number | undefined;
  /** What was yielded and is not answered yet. */
  #pending: ThreadRequest | undefined;
  #computeLeftNs = 0;
  #value = 0;

  constructor(thread: UserThread, body: ThreadBody, options: GeneratorOptions) {
    this.#thread = thread;
    this.#ipcBufferVaddr = options.ipcBufferVaddr;
    this.#body = body;
    this.#entryPc = (thread.regs[REG_PC << 1] as number) - PC_IN_PROGRAM;
    thread.keepsPc();
  }

  resume(): void {
    if (this.#pending !== undefined && !this.#finish(this.#pending)) return;
    for (;;) {
      const answer = this.#pending === undefined ? NO_ANSWER : this.#answer(this.#pending);
      const { done, value } = this.#body.next(answer);
      if (done === true) {
        this.#pending = { kind: 'call', sys: SYS_WAIT };
        this.#call(this.#pending);
        return;
      }
      this.#pending = value;
      if (!this.#begin(value)) return;
    }
  }

  /** @returns whether the request is done already */
  #begin(request: ThreadRequest): boolean {
    switch (request.kind) {
      case 'call':
        this.#call(request);
        return false;
      case 'compute':
        this.#computeLeftNs = this.#thread.spend(request.durationNs);
        return false;
      case 'exception':
        this.#setPc(PC_INSTRUCTION);
        throw new UserException(request.number, request.code);
      case 'load':
      case 'store':
      case 'execute':
        this.#access(request);
        return true;
      default:
        return request satisfies never;
    }
  }

  /** The thread has the processor again. @returns whether the request is done now */
  #finish(request: ThreadRequest): boolean {
    const faulted = this.#thread.regs[REG_PC << 1] === this.#entryPc + PC_INSTRUCTION;
    switch (request.kind) {
      case 'call':
        return true;
      case 'compute':
        if (this.#computeLeftNs > 0) this.#computeLeftNs = this.#thread.spend(this.#computeLeftNs);
        else return true;
        return false;
      case 'exception':
        if (faulted) throw new UserException(request.number, request.code);
        return true;
      default:
        // A handler that has moved the pc on skips the instruction.
        if (faulted) this.#access(request);
        return true;
    }
  }

  #setPc(offset: number): void {
    this.#thread.regs[REG_PC << 1] = this.#entryPc + offset;
    this.#thread.regs[(REG_PC << 1) + 1] = 0;
  }

  /** Makes one memory access; throws the fault with the pc at the instruction. */
  #access(request: MemoryRequest): void {
    this.#setPc(PC_INSTRUCTION);
    const access = ACCESS_OF[request.kind];
    const mapping = this.#thread.mapping(request.vaddr, request.width, access);
    if (mapping === undefined) throw new MemoryFault(request.vaddr, access);
    this.#value = 0;
    if (request.kind === 'load') this.#value = load(mapping, request.width);
    if (request.kind === 'store') store(mapping, request.width, request.value ?? 0);
    this.#setPc(PC_IN_PROGRAM);
  }

  // ---------------------------------------------------------------------------------- system calls

  #call(request: SystemCallRequest): void {
    const regs = this.#thread.regs;
    const mrs = request.mrs ?? [];
    const caps = request.caps ?? [];
    const length = request.length ?? mrs.length;
    setWord(regs, REG_A7, BigInt(request.sys));
    setWord(regs, REG_A0, request.cptr ?? 0);
    if (request.reply !== undefined) setWord(regs, REG_A6, request.reply);
    if (request.dest !== undefined) setWord(regs, REG_T0, request.dest);
    const label = BigInt(request.label ?? 0);
    setWord(regs, REG_A1, (label << 12n) | BigInt((caps.length << 7) | length));
    for (let i = 0; i < MESSAGE_REGISTERS; i += 1) setWord(regs, REG_A2 + i, mrs[i] ?? 0);
    if (length > MESSAGE_REGISTERS || caps.length > 0 || request.receive !== undefined) {
      this.#fillBuffer(request, length);
    }
    this.#thread.trapLast();
  }

  #fillBuffer(request: SystemCallRequest, length: number): void {
    const buffer = this.#buffer('write');
    if (buffer === undefined) return;
    const mrs = request.mrs ?? [];
    for (let i = MESSAGE_REGISTERS; i < Math.min(length, MESSAGE_LENGTH_MAX); i += 1) {
      setWord(buffer, IPC_BUFFER_MESSAGE_WORD + i, mrs[i] ?? 0);
    }
    request.caps?.forEach((cptr, i) => setWord(buffer, IPC_BUFFER_CAPS_WORD + i, cptr));
    if (request.receive !== undefined) {
      setWord(buffer, IPC_BUFFER_RECEIVE_CNODE_WORD, request.receive.cnode);
      setWord(buffer, IPC_BUFFER_RECEIVE_INDEX_WORD, request.receive.index);
      setWord(buffer, IPC_BUFFER_RECEIVE_DEPTH_WORD, request.receive.depth);
    }
  }

  /** @returns the IPC buffer as half-words, if the thread has one */
  #buffer(access: 'read' | 'write'): Uint32Array | undefined {
    const vaddr = this.#ipcBufferVaddr ?? Number(getWord(this.#thread.regs, REG_TP));
    if (vaddr === 0) return undefined;
    const mapping = this.#thread.mapping(vaddr, IPC_BUFFER_BYTES, access);
    if (mapping?.kind !== 'ram') return undefined;
    const at = mapping.at >>> 2;
    return mapping.memory.ram.u32.subarray(at, at + IPC_BUFFER_BYTES / 4);
  }

  #answer(request: ThreadRequest): ThreadAnswer {
    if (request.kind !== 'call') return { ...NO_ANSWER, value: this.#value };
    const regs = this.#thread.regs;
    const info = BigInt(getWord(regs, REG_A1));
    const length = Math.min(Number(info & 0x7fn), MESSAGE_LENGTH_MAX);
    const buffer = length > MESSAGE_REGISTERS ? this.#buffer('read') : undefined;
    const mrs: Word[] = [];
    for (let i = 0; i < length; i += 1) {
      if (i < MESSAGE_REGISTERS) mrs.push(getWord(regs, REG_A2 + i));
      else if (buffer !== undefined) mrs.push(getWord(buffer, IPC_BUFFER_MESSAGE_WORD + i));
    }
    const extraCaps = Number((info >> 7n) & 3n);
    return {
      badge: getWord(regs, REG_A0),
      label: asWord(info >> 12n),
      length,
      extraCaps,
      capsUnwrapped: Number((info >> 9n) & 7n),
      capBadges: extraCaps === 0 ? [] : this.#capBadges(extraCaps),
      mrs,
      value: 0,
    };
  }

  #capBadges(count: number): Word[] {
    const buffer = this.#buffer('read');
    if (buffer === undefined) return [];
    return Array.from({ length: count }, (_, i) => getWord(buffer, IPC_BUFFER_CAPS_WORD + i));
  }
}

const NO_ANSWER: ThreadAnswer = {
  badge: 0,
  label: 0,
  length: 0,
  extraCaps: 0,
  capsUnwrapped: 0,
  capBadges: [],
  mrs: [],
  value: 0,
};

const ACCESS_OF = { load: 'read', store: 'write', execute: 'execute' } as const;

function load(mapping: Mapping, width: 1 | 2 | 4): number {
  if (mapping.kind === 'device') return mapping.device.read(mapping.offset, width);
  const { ram } = mapping.memory;
  if (width === 1) return ram.view.getUint8(mapping.at);
  return width === 2 ? ram.view.getUint16(mapping.at, true) : ram.view.getUint32(mapping.at, true);
}

function store(mapping: Mapping, width: 1 | 2 | 4, value: number): void {
  if (mapping.kind === 'device') return mapping.device.write(mapping.offset, value, width);
  const { ram } = mapping.memory;
  if (width === 1) return ram.view.setUint8(mapping.at, value);
  if (width === 2) return ram.view.setUint16(mapping.at, value, true);
  return ram.view.setUint32(mapping.at, value, true);
}

/** Sets word `index` of an array of half-words. */
export function setWord(words: Uint32Array, index: number, value: Word): void {
  if (typeof value === 'bigint') {
    words[index << 1] = Number(value & 0xffff_ffffn);
    words[(index << 1) + 1] = Number((value >> 32n) & 0xffff_ffffn);
    return;
  }
  assert(Number.isSafeInteger(value) && value >= 0, 'a word is a safe integer or a bigint');
  words[index << 1] = value;
  words[(index << 1) + 1] = Math.floor(value / 2 ** 32);
}

/** @returns word `index` of an array of half-words */
export function getWord(words: Uint32Array, index: number): Word {
  const low = words[index << 1] as number;
  const high = words[(index << 1) + 1] as number;
  return high < 2 ** 21 ? high * 2 ** 32 + low : (BigInt(high) << 32n) | BigInt(low);
}

function asWord(value: bigint): Word {
  return value < 2n ** 53n ? Number(value) : value;
}
