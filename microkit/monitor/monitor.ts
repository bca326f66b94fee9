/**
 * The monitor: a protection domain of the highest priority that receives the faults of all domains
 * without a parent. It prints a report and leaves the domain blocked, for good. It also turns
 * domains passive: one that asks for it has its scheduling context bound to its notification, and
 * gives it up with its next wait.
 */

import {
  FAULT_NULL,
  messageInfo,
  messageLabel,
  messageLength,
  NO_ERROR,
  REG_A0,
  REG_A1,
  REG_A6,
  REG_A7,
  SCHED_CONTEXT_BIND,
  SYS_RECV,
} from '../../kernel/abi.ts';
import type { ProgramImage, UserContext, UserThread } from '../../kernel/user.ts';
import type { ChildFault } from '../pd.ts';
import {
  IPC_BUFFER_VADDR,
  MONITOR_SLOT_NOTIFICATION,
  MONITOR_SLOT_SCHED_CONTEXT,
  MONITOR_SLOT_TCB,
  SLOT_INPUT,
  SLOT_REPLY,
} from '../slots.ts';
import { SystemCalls } from '../system-calls.ts';
import { describeFault } from './report.ts';

/** Whose faults it hears, and who is told. */
export interface MonitorOptions {
  /** Names of the protection domains, by their number in the description. */
  readonly names: readonly string[];
  /** Receives the lines that the monitor prints. */
  readonly log: (line: string) => void;
  /** Told of a fault that leaves a domain blocked. */
  readonly faulted: (pd: string, fault: ChildFault) => void;
}

/** @returns the program of the domain that receives all faults and prints them as Microkit does */
export function monitorImage(options: MonitorOptions): ProgramImage {
  return { name: 'monitor', start: (thread): UserContext => new Monitor(options, thread) };
}

class Monitor implements UserContext {
  readonly #options: MonitorOptions;
  readonly #thread: UserThread;
  readonly #calls: SystemCalls;
  #phase: 'created' | 'waiting' = 'created';

  constructor(options: MonitorOptions, thread: UserThread) {
    this.#options = options;
    this.#thread = thread;
    this.#calls = new SystemCalls(thread, IPC_BUFFER_VADDR);
  }

  resume(): void {
    if (this.#phase === 'created') {
      this.#phase = 'waiting';
      this.#options.log('MON|INFO: Microkit Monitor started!');
    } else {
      this.#receive();
    }
    this.#wait();
  }

  #receive(): void {
    const { regs } = this.#thread;
    const badge = regs[2 * REG_A0] as number;
    const info = regs[2 * REG_A1] as number;
    const name = this.#options.names[badge - 1];
    if (name === undefined) {
      this.#options.log(`MON|ERROR: message with unknown badge ${badge}`);
      return;
    }
    if (messageLabel(info) === FAULT_NULL) this.#makePassive(badge - 1, name);
    else this.#report(badge, info, name);
  }

  #makePassive(index: number, name: string): void {
    this.#calls.setCap(0, MONITOR_SLOT_NOTIFICATION + index);
    const error = this.#calls.invoke(MONITOR_SLOT_SCHED_CONTEXT + index, SCHED_CONTEXT_BIND, 1, 0);
    if (error === NO_ERROR) this.#options.log(`MON|INFO: PD '${name}' is now passive!`);
    else this.#options.log(`MON|ERROR: PD '${name}' could not be made passive: error ${error}`);
  }

  #report(badge: number, info: number, name: string): void {
    const words: number[] = [];
    for (let i = 0; i < messageLength(info); i++) words.push(this.#calls.word(i));
    const fault: ChildFault = { label: messageLabel(info), words };
    const { log } = this.#options;
    log(
      `MON|ERROR: received message ${padded(info, 8)}  badge: ${padded(badge, 16)}` +
        `  tcb cap: ${padded(MONITOR_SLOT_TCB + badge - 1, 16)}`,
    );
    log(`MON|ERROR: faulting PD: ${name}`);
    for (const line of describeFault(fault)) log(`MON|ERROR: ${line}`);
    this.#options.faulted(name, fault);
  }

  #wait(): void {
    const { regs } = this.#thread;
    regs[2 * REG_A0] = SLOT_INPUT;
    regs[2 * REG_A0 + 1] = 0;
    regs[2 * REG_A1] = messageInfo(0, 0, 0);
    regs[2 * REG_A1 + 1] = 0;
    regs[2 * REG_A6] = SLOT_REPLY;
    regs[2 * REG_A6 + 1] = 0;
    regs[2 * REG_A7] = SYS_RECV;
    this.#thread.trapLast();
  }
}

function padded(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}
