/**
 * The object that a program receives: Microkit's calls on top of the thread's trap instruction. A
 * program reaches its thread through nothing else, so what it can name is what its slots and its
 * page table hold.
 *
 * `notify`, `irqAck`, `ppcall` and the message registers are hot: they write registers and trap,
 * and allocate nothing.
 */

import { assert } from '../../memory/assert.ts';
import { NO_HALFWORDS, NO_UNSIGNED_WORDS } from '../../memory/empty-arrays.ts';
import {
  IPC_BUFFER_BYTES,
  IPC_BUFFER_MESSAGE_WORD,
  IRQ_ACK_IRQ,
  MESSAGE_LENGTH_MAX,
  MESSAGE_REGISTERS,
  messageInfo as kernelMessageInfo,
  REG_A0,
  REG_A1,
  REG_A2,
  REG_A7,
  SYS_CALL,
  SYS_SEND,
} from '../../kernel/abi.ts';
import type { UserThread } from '../../kernel/user.ts';
import { DeviceRegion, ReadonlyRegion, Region } from '../../memory/region.ts';
import type { Channel, MessageInfo, ProtectionDomain, UserTcb } from '../pd.ts';
import { IPC_BUFFER_VADDR } from '../slots.ts';
import { restartChild, resumeChild, stopChild } from './children.ts';
import type { PdCounters, RuntimeObserver } from './observer.ts';
import type { PdProfile } from './profile.ts';
import { mapDevice, mapReadonly, mapWritable, type RegisterAccesses } from './regions.ts';
import { userTcb } from './user-caps.ts';

// Low halves of registers in `regs`. Folded constants: docs/hot-code.md.
const A0 = 2 * REG_A0;
const A1 = 2 * REG_A1;
const A7 = 2 * REG_A7;
const SEND = SYS_SEND;
const TWO_TO_32 = 0x1_0000_0000;
/** Label and length of a message information word: a program cannot send capabilities. */
const PLAIN_INFO = 0xffff_f07f;
const IRQ_ACK_INFO = kernelMessageInfo(IRQ_ACK_IRQ, 0, 0);

/** The one signal that waits to go out together with the next wait; `cptr` 0 is none. */
export interface DeferredSignal {
  cptr: number;
  info: number;
}

export interface PdOptions {
  readonly thread: UserThread;
  readonly profile: PdProfile;
  readonly config: unknown;
  readonly vars: Readonly<Record<string, number>>;
  readonly deferred: DeferredSignal;
  readonly accesses: RegisterAccesses;
  readonly counters: PdCounters;
  readonly observer: RuntimeObserver;
}

/** What a program is given as `pd`: only what its description grants, each call checked. */
export class MicrokitPd implements ProtectionDomain<unknown> {
  static {
    Object.freeze(this.prototype);
    Object.freeze(this);
  }

  readonly name: string;
  readonly config: unknown;
  readonly vars: Readonly<Record<string, number>>;
  readonly #thread: UserThread;
  readonly #regs: Uint32Array = NO_UNSIGNED_WORDS;
  readonly #memory: Uint32Array = NO_UNSIGNED_WORDS;
  /** Index in `#memory` of message register 0's shadow in the IPC buffer. */
  readonly #messageWord: number = 0;
  readonly #profile: PdProfile;
  readonly #notifyCptr: Uint16Array = NO_HALFWORDS;
  readonly #callCptr: Uint16Array = NO_HALFWORDS;
  readonly #irqCptr: Uint16Array = NO_HALFWORDS;
  readonly #deferred: DeferredSignal;
  readonly #accesses: RegisterAccesses;
  readonly #counters: PdCounters;
  readonly #observer: RuntimeObserver;

  constructor(options: PdOptions) {
    const { thread, profile } = options;
    const buffer = thread.mapping(IPC_BUFFER_VADDR, IPC_BUFFER_BYTES, 'write');
    assert(buffer?.kind === 'ram', 'the initialiser maps an IPC buffer for every domain');
    this.name = profile.name;
    this.config = options.config;
    this.vars = options.vars;
    this.#thread = thread;
    this.#regs = thread.regs;
    this.#memory = buffer.memory.ram.u32;
    this.#messageWord = (buffer.at >>> 2) + 2 * IPC_BUFFER_MESSAGE_WORD;
    this.#profile = profile;
    this.#notifyCptr = profile.notifyCptr;
    this.#callCptr = profile.callCptr;
    this.#irqCptr = profile.irqCptr;
    this.#deferred = options.deferred;
    this.#accesses = options.accesses;
    this.#counters = options.counters;
    this.#observer = options.observer;
  }

  region(name: string): Region {
    this.#thread.demandRunning();
    return mapWritable(this.#thread, this.#profile, name);
  }

  readonlyRegion(name: string): ReadonlyRegion {
    this.#thread.demandRunning();
    return mapReadonly(this.#thread, this.#profile, name);
  }

  deviceRegion(name: string): DeviceRegion {
    this.#thread.demandRunning();
    return mapDevice(this.#thread, this.#profile, name, this.#accesses);
  }

  notify(channel: Channel): void {
    const cptr = this.#notifyCptr[channel];
    if (cptr === undefined || cptr === 0 || (channel | 0) !== channel) {
      this.#invalidChannel('microkit_notify', channel);
      return;
    }
    this.#counters.notifies++;
    this.#send(cptr, 0);
  }

  deferredNotify(channel: Channel): void {
    const cptr = this.#notifyCptr[channel];
    if (cptr === undefined || cptr === 0 || (channel | 0) !== channel) {
      this.#invalidChannel('microkit_deferred_notify', channel);
      return;
    }
    this.#counters.notifies++;
    this.#defer(cptr, 0);
  }

  irqAck(channel: Channel): void {
    const cptr = this.#irqCptr[channel];
    if (cptr === undefined || cptr === 0 || (channel | 0) !== channel) {
      this.#invalidChannel('microkit_irq_ack', channel);
      return;
    }
    this.#counters.irqAcks++;
    this.#send(cptr, IRQ_ACK_INFO);
  }

  deferredIrqAck(channel: Channel): void {
    const cptr = this.#irqCptr[channel];
    if (cptr === undefined || cptr === 0 || (channel | 0) !== channel) {
      this.#invalidChannel('microkit_deferred_irq_ack', channel);
      return;
    }
    this.#counters.irqAcks++;
    this.#defer(cptr, IRQ_ACK_INFO);
  }

  ppcall(channel: Channel, message: MessageInfo): MessageInfo {
    const cptr = this.#callCptr[channel];
    if (cptr === undefined || cptr === 0 || (channel | 0) !== channel) {
      this.#invalidChannel('microkit_ppcall', channel);
      return 0;
    }
    if (message >>> 0 !== message) throw messageInfoError(message);
    this.#counters.ppcalls++;
    const regs = this.#regs;
    regs[A0] = cptr;
    regs[A0 + 1] = 0;
    regs[A1] = message & PLAIN_INFO;
    regs[A1 + 1] = 0;
    regs[A7] = SYS_CALL;
    this.#thread.trap();
    return ((regs[A1] as number) & PLAIN_INFO) >>> 0;
  }

  mr(index: number): number {
    this.#thread.demandRunning();
    const isRegister = index >= 0 && index < MESSAGE_LENGTH_MAX && (index | 0) === index;
    if (!isRegister) throw messageRegisterError(index);
    if (index < MESSAGE_REGISTERS) {
      const at = 2 * (REG_A2 + index);
      return (this.#regs[at] as number) + (this.#regs[at + 1] as number) * TWO_TO_32;
    }
    const at = this.#messageWord + 2 * index;
    return (this.#memory[at] as number) + (this.#memory[at + 1] as number) * TWO_TO_32;
  }

  setMr(index: number, value: number): void {
    this.#thread.demandRunning();
    const isRegister = index >= 0 && index < MESSAGE_LENGTH_MAX && (index | 0) === index;
    if (!isRegister) throw messageRegisterError(index);
    if (!(Number.isSafeInteger(value) && value >= 0)) throw messageValueError(value);
    const low = value >>> 0;
    const high = value <= 0xffff_ffff ? 0 : Math.floor(value / TWO_TO_32);
    if (index < MESSAGE_REGISTERS) {
      this.#regs[2 * (REG_A2 + index)] = low;
      this.#regs[2 * (REG_A2 + index) + 1] = high;
    } else {
      this.#memory[this.#messageWord + 2 * index] = low;
      this.#memory[this.#messageWord + 2 * index + 1] = high;
    }
  }

  restart(child: number, memory: 'as it is' | 'fresh' = 'as it is'): void {
    restartChild(this.#thread, this.#profile, { child, memory });
  }

  stop(child: number): void {
    stopChild(this.#thread, this.#profile, child);
  }

  resume(child: number): void {
    resumeChild(this.#thread, this.#profile, child);
  }

  userTcb(slot: number): UserTcb {
    return userTcb(this.#thread, slot);
  }

  log(text: string): void {
    this.#thread.demandRunning();
    this.#observer.log(this.name, String(text));
  }

  #send(cptr: number, info: number): void {
    const regs = this.#regs;
    regs[A0] = cptr;
    regs[A0 + 1] = 0;
    regs[A1] = info;
    regs[A1 + 1] = 0;
    regs[A7] = SEND;
    this.#thread.trap();
  }

  /**
   * Microkit has room for one deferred signal; a second one replaces the first, which is counted as
   * lost.
   */
  #defer(cptr: number, info: number): void {
    this.#thread.demandRunning();
    const deferred = this.#deferred;
    if (deferred.cptr !== 0 && deferred.cptr !== cptr) {
      if (this.#counters.deferredLost++ === 0) {
        this.log(`${this.name}: a second deferred signal replaces the first, which is lost`);
      }
    }
    deferred.cptr = cptr;
    deferred.info = info;
  }

  #invalidChannel(call: string, channel: number): void {
    this.#counters.invalidChannels++;
    this.#observer.log(this.name, `${this.name} ${call}: invalid channel given '${channel}'`);
  }
}

function messageRegisterError(index: number): RangeError {
  return new RangeError(
    `message register ${shown(index)} is not one of 0..${MESSAGE_LENGTH_MAX - 1}`,
  );
}

function messageValueError(value: number): RangeError {
  return new RangeError(`message register value ${shown(value)} is no integer of 0..2^53-1`);
}

function messageInfoError(message: unknown): RangeError {
  return new RangeError(`message information ${shown(message)} is not what messageInfo() makes`);
}

/** An argument that is not of its type: a program's types may have been talked out of it. */
function shown(value: unknown): string {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' ? `'${value}'` : `of type ${typeof value}`;
}
