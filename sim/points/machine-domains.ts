/**
 * A domain that runs machine code as a point of faults. The image is not touched: what goes wrong
 * is done with the registers of its thread, between two system calls, where `domains.ts` puts
 * something around a program in TypeScript.
 */

import {
  REG_A0,
  REG_A1,
  REG_A6,
  REG_A7,
  SYS_NB_SEND_RECV,
  SYS_NB_SEND_WAIT,
  SYS_RECV,
  SYS_REPLY_RECV,
  SYS_SEND,
  SYS_WAIT,
} from '../../kernel/abi.ts';
import type { HartThread, MachineCode } from '../../kernel/user.ts';
import {
  BADGE_HIGH_CALL,
  BADGE_HIGH_FAULT,
  SLOT_OUTPUT_NOTIFICATION,
} from '../../microkit/slots.ts';
import { LateThread } from './late-thread.ts';
import type { Point } from './injector.ts';

/** What a killed program does: an illegal instruction, as `scause` has it. */
const ILLEGAL_INSTRUCTION = 2;
/** System calls with which a thread waits, and which of two they are when nothing is sent first. */
const WAITS: ReadonlyMap<number, number> = new Map([
  [SYS_RECV, SYS_RECV],
  [SYS_REPLY_RECV, SYS_RECV],
  [SYS_NB_SEND_RECV, SYS_RECV],
  [SYS_WAIT, SYS_WAIT],
  [SYS_NB_SEND_WAIT, SYS_WAIT],
]);
/** With these nothing is told to anybody: to be late for them is to be late for nothing. */
const SILENT: ReadonlySet<number> = new Set([SYS_RECV, SYS_WAIT]);

export interface PlannedMachineCodeOptions {
  /** Makes the body that is the domain's own. */
  readonly start: (thread: HartThread) => MachineCode;
  /** Channels on which the domain may notify. */
  readonly channels: readonly number[];
  /** Each wake-up by a notification is an opportunity; undefined when nothing is planned there. */
  readonly program: (() => Point) | undefined;
  /** Each system call in the middle of its work is one. */
  readonly entry: (() => Point) | undefined;
}

export function plannedMachineCode(options: PlannedMachineCodeOptions) {
  return (thread: HartThread): MachineCode => {
    const { start, entry } = options;
    const late = new LateThread(thread, {
      ofCall: (registers) =>
        entry === undefined || SILENT.has(callIn(registers)) ? 0 : lateness(entry()),
    });
    return new PlannedMachineCode(options, late, start(late));
  };
}

function lateness(point: Point): number {
  return point.next()?.parameters['by'] ?? 0;
}

class PlannedMachineCode implements MachineCode {
  readonly registers: Uint32Array;
  readonly #options: PlannedMachineCodeOptions;
  readonly #thread: LateThread;
  readonly #body: MachineCode;
  /** Registers of the wait that the thread is in; undefined while it works. */
  #wait: WaitRegisters | undefined;
  /**
   * What the program had in a7 when it began to wait: to be put back, its compiler may count on it.
   */
  #callOfProgram: readonly [low: number, high: number] | undefined;
  /** Signals that are still to be sent, and the registers to go on with behind them. */
  readonly #babble: number[] = [];
  #afterBabble: Uint32Array | undefined;

  constructor(options: PlannedMachineCodeOptions, thread: LateThread, body: MachineCode) {
    this.#options = options;
    this.#thread = thread;
    this.#body = body;
    this.registers = body.registers;
  }

  get userNs(): number {
    return this.#body.userNs;
  }

  allowFloatingPoint(isAllowed: boolean): void {
    this.#body.allowFloatingPoint(isAllowed);
  }

  resume(): void {
    if (this.#thread.trapIsOwed()) return;
    if (this.#wait !== undefined) {
      if (this.#woken(this.#wait) === 'instead') return;
    } else if (this.#sendNext()) {
      return;
    }
    this.#body.resume();
    // Late or not, the call that it has made is in its registers.
    if (this.#thread.hasTrapped || this.#thread.owesTrap) this.#wait = waitIn(this.registers);
  }

  /** @returns 'instead' when something else than the program's own work has been done */
  #woken(wait: WaitRegisters): 'instead' | 'as usual' {
    this.#wait = undefined;
    const { registers } = this;
    const strike = isNotification(registers) ? this.#options.program?.().next() : undefined;
    if (strike?.fault === 'sleep') return this.#waitAgain(wait);
    if (this.#callOfProgram !== undefined) setWord(registers, REG_A7, this.#callOfProgram);
    this.#callOfProgram = undefined;
    if (strike?.fault === 'kill') {
      this.#thread.raiseLast(ILLEGAL_INSTRUCTION, 0, 0);
      return 'instead';
    }
    if (strike?.fault !== 'babble') return 'as usual';
    const { channels } = this.#options;
    for (let i = 0; i < (strike.parameters['times'] ?? 0); i += 1) this.#babble.push(...channels);
    this.#afterBabble = registers.slice();
    return this.#sendNext() ? 'instead' : 'as usual';
  }

  /** The notification is lost on it: it waits for the next, and sends nothing before that. */
  #waitAgain(wait: WaitRegisters): 'instead' {
    const { registers } = this;
    this.#callOfProgram ??= wait.call;
    setWord(registers, REG_A0, wait.from);
    setWord(registers, REG_A6, wait.reply);
    setNumber(registers, REG_A7, WAITS.get(wait.call[0] | 0) ?? SYS_RECV);
    this.#wait = wait;
    this.#thread.trapNow();
    return 'instead';
  }

  /**
   * One signal of a babbling program.
   * @returns whether there was one; else the registers are the program's own again
   */
  #sendNext(): boolean {
    if (this.#afterBabble === undefined) return false;
    const { registers } = this;
    const channel = this.#babble.shift();
    if (channel === undefined) {
      registers.set(this.#afterBabble);
      this.#afterBabble = undefined;
      return false;
    }
    setNumber(registers, REG_A0, SLOT_OUTPUT_NOTIFICATION + channel);
    setNumber(registers, REG_A1, 0);
    setNumber(registers, REG_A7, SYS_SEND);
    this.#thread.trapNow();
    return true;
  }
}

type Word = readonly [low: number, high: number];

interface WaitRegisters {
  readonly from: Word;
  readonly reply: Word;
  readonly call: Word;
}

function waitIn(registers: Uint32Array): WaitRegisters | undefined {
  if (!WAITS.has(callIn(registers))) return undefined;
  const [from, reply, call] = [REG_A0, REG_A6, REG_A7].map((register) =>
    wordAt(registers, register),
  );
  return from && reply && call && { from, reply, call };
}

/** Neither a protected call nor a fault of a child. */
function isNotification(registers: Uint32Array): boolean {
  const badgeHigh = registers[2 * REG_A0 + 1] as number;
  return (badgeHigh & (BADGE_HIGH_CALL | BADGE_HIGH_FAULT)) === 0;
}

function callIn(registers: Uint32Array): number {
  return (registers[2 * REG_A7] as number) | 0;
}

function wordAt(registers: Uint32Array, register: number): Word {
  return [registers[2 * register] as number, registers[2 * register + 1] as number];
}

function setWord(registers: Uint32Array, register: number, [low, high]: Word): void {
  registers[2 * register] = low;
  registers[2 * register + 1] = high;
}

/** @param value a small integer, which may be negative */
function setNumber(registers: Uint32Array, register: number, value: number): void {
  setWord(registers, register, [value, value >> 31]);
}
