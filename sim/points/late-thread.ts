/**
 * A thread of machine code whose system calls may come late: time passes first, in which interrupts
 * come and other threads run, as if the instructions up to the call had taken longer. Such a body
 * cannot be held up in the middle. So it returns without having made the call, and makes it when it
 * is resumed.
 *
 * The same behind an access to a device's register: the body is told of an interrupt and stops
 * behind that instruction. Time passes before the next one.
 */

import type { Access, MmioDevice } from '../../memory/region.ts';
import { REG_NEXT_PC } from '../../kernel/abi.ts';
import type { HartThread, MachineCode, MappedRun, Mapping } from '../../kernel/user.ts';

/** Nanoseconds that pass at a place; 0 for none. */
export interface Lateness {
  /** Before the system call in the registers. */
  readonly ofCall: (registers: Uint32Array) => number;
  /** Behind an access to a device's register. */
  readonly ofAccess?: () => number;
}

export class LateThread implements HartThread {
  readonly #thread: HartThread;
  readonly #lateness: Lateness;
  readonly #devices = new Map<MmioDevice, MmioDevice>();
  /** Where the thread goes on after the call that it owes. */
  #owedAt: readonly [low: number, high: number] | undefined;
  /** What passes behind the access that has just been made. */
  #owedNs = 0;

  constructor(thread: HartThread, lateness: Lateness) {
    this.#thread = thread;
    this.#lateness = lateness;
  }

  get regs(): Uint32Array {
    return this.#thread.regs;
  }

  get name(): string {
    return this.#thread.name;
  }

  get isInterruptPending(): boolean {
    return this.#owedNs > 0 || this.#thread.isInterruptPending;
  }

  get hasTrapped(): boolean {
    return this.#thread.hasTrapped;
  }

  get exception(): number {
    return this.#thread.exception;
  }

  get mappingGeneration(): number {
    return this.#thread.mappingGeneration;
  }

  get owesTrap(): boolean {
    return this.#owedAt !== undefined;
  }

  /** Makes the call that is owed. @returns whether there was one: then `resume()` is over */
  trapIsOwed(): boolean {
    const at = this.#owedAt;
    if (at === undefined) return false;
    this.#owedAt = undefined;
    const [low, high] = this.#nextPc();
    // Somebody has set it to run elsewhere meanwhile, as a monitor does that restarts it: the call
    // is no longer its own.
    if (low !== at[0] || high !== at[1]) return false;
    this.#thread.trapLast();
    return true;
  }

  /** Lets the time pass that is owed for an access: `resume()` has stopped for it. */
  passIsOwed(): void {
    const ns = this.#owedNs;
    this.#owedNs = 0;
    if (ns > 0) this.#thread.charge(ns);
  }

  /** A system call that is not late. */
  trapNow(): void {
    this.#thread.trapLast();
  }

  trapLast(): void {
    const ns = this.#lateness.ofCall(this.regs);
    if (ns === 0) {
      this.#thread.trapLast();
      return;
    }
    this.#owedAt = this.#nextPc();
    this.#thread.charge(ns);
  }

  trap(): void {
    this.#thread.trap();
  }

  spend(durationNs: number): number {
    return this.#thread.spend(durationNs);
  }

  pass(durationNs: number): void {
    this.#thread.pass(durationNs);
  }

  keepsPc(): void {
    this.#thread.keepsPc();
  }

  demandRunning(): void {
    this.#thread.demandRunning();
  }

  now(): number {
    return this.#thread.now();
  }

  charge(durationNs: number): void {
    this.#thread.charge(durationNs);
  }

  preemptionAt(): number {
    return this.#thread.preemptionAt();
  }

  nextEventAt(): number {
    return this.#thread.nextEventAt();
  }

  raiseLast(cause: number, valueLow: number, valueHigh: number): void {
    this.#thread.raiseLast(cause, valueLow, valueHigh);
  }

  runAt(vaddr: number): MappedRun | undefined {
    const run = this.#thread.runAt(vaddr);
    const { ofAccess } = this.#lateness;
    if (run?.device === undefined || ofAccess === undefined) return run;
    return { ...run, device: this.#lateDevice(run.device, ofAccess) };
  }

  mapping(vaddr: number, lengthBytes: number, access: Access): Mapping | undefined {
    return this.#thread.mapping(vaddr, lengthBytes, access);
  }

  #lateDevice(plain: MmioDevice, ofAccess: () => number): MmioDevice {
    const known = this.#devices.get(plain);
    if (known !== undefined) return known;
    const late: MmioDevice = {
      read: (offset, width) => {
        const value = plain.read(offset, width);
        this.#owedNs += ofAccess();
        return value;
      },
      write: (offset, value, width) => {
        plain.write(offset, value, width);
        this.#owedNs += ofAccess();
      },
    };
    this.#devices.set(plain, late);
    return late;
  }

  #nextPc(): readonly [low: number, high: number] {
    const { regs } = this;
    return [regs[2 * REG_NEXT_PC] as number, regs[2 * REG_NEXT_PC + 1] as number];
  }
}

/** A body that makes the calls that its thread owes, and stops where time is to pass. */
export function lateMachineCode(thread: LateThread, body: MachineCode): MachineCode {
  return {
    registers: body.registers,
    get userNs() {
      return body.userNs;
    },
    allowFloatingPoint: (isAllowed) => body.allowFloatingPoint(isAllowed),
    resume: () => {
      if (thread.trapIsOwed()) return;
      body.resume();
      thread.passIsOwed();
    },
  };
}
