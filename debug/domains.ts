/**
 * The domains of a world as a debugger shows them: registers, memory through their page tables, and
 * what each is doing. Reading changes nothing; what a user writes changes the world.
 */

import type { BusRange } from '../board/bus.ts';
import { REG_PC } from '../kernel/abi.ts';
import { mappedRunAt } from '../kernel/memory/mapped-run.ts';
import { translate, vspaceOf } from '../kernel/memory/vspace.ts';
import type { MappedRun } from '../kernel/user.ts';
import { HART, SLOT_OF_X } from '../riscv/hart.ts';
import { threadState } from '../sim/oracles/domain-states.ts';
import type { WatchedPlace } from './conditions.ts';
import type { Debugger } from './debugger.ts';

export const REGISTERS = { pc: 32, f0: 33, fflags: 65, frm: 66, fcsr: 67, count: 68 } as const;
const REGISTER_BYTES = 8;
const FFLAGS_MASK = 0x1f;
const FRM_SHIFT = 5;
const FRM_MASK = 7;

export class DomainView {
  readonly pd: string;
  readonly #debugger: Debugger;

  constructor(pd: string, debug: Debugger) {
    this.pd = pd;
    this.#debugger = debug;
  }

  /** What its thread is doing. */
  get state(): string {
    const { world } = this.#debugger;
    const tcb = this.#debugger.tcbOf(this.pd);
    if (world === undefined || tcb === undefined) return 'not there yet';
    return threadState(world.kernel.state, tcb);
  }

  get isMachineCode(): boolean {
    return this.#debugger.hartOf(this.pd) !== undefined;
  }

  /**
   * @param number see {@link REGISTERS}; x0 to x31 are 0 to 31
   * @returns its bytes, or undefined where there is none
   */
  register(number: number): Uint8Array | undefined {
    const bytes = new Uint8Array(registerBytes(number));
    const place = this.#place(number);
    if (place === undefined) return number < REGISTERS.count ? bytes : undefined;
    const { source, at, shift, mask } = place;
    const view = new DataView(bytes.buffer);
    if (bytes.length === 4) {
      view.setUint32(0, ((source[at] as number) >>> shift) & mask, true);
    } else {
      view.setUint32(0, source[at] as number, true);
      view.setUint32(4, source[at + 1] as number, true);
    }
    return bytes;
  }

  /** @returns whether there is such a register, and it may be written */
  setRegister(number: number, bytes: Uint8Array): boolean {
    const place = this.#place(number);
    if (place === undefined || bytes.length !== registerBytes(number)) return number === 0;
    const { source, at, shift, mask } = place;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    if (bytes.length === 4) {
      const others = (source[at] as number) & ~(mask << shift);
      source[at] = others | ((view.getUint32(0, true) & mask) << shift);
      return true;
    }
    source[at] = view.getUint32(0, true);
    source[at + 1] = view.getUint32(4, true);
    const hart = this.#debugger.hartOf(this.pd);
    if (number === REGISTERS.pc && hart !== undefined) hart.haltedAt = -1;
    return true;
  }

  #place(number: number): RegisterPlace | undefined {
    if (number === 0 || number >= REGISTERS.count) return undefined;
    const hart = this.#debugger.hartOf(this.pd);
    if (hart === undefined) {
      const regs = this.#debugger.tcbOf(this.pd)?.regs;
      if (regs === undefined || number > REGISTERS.pc) return undefined;
      // That of a program in TypeScript is a number for the kernel alone: an image may lie there.
      if (number === REGISTERS.pc && !this.#debugger.isMachineCode(this.pd)) return undefined;
      const slot = number === REGISTERS.pc ? REG_PC : (SLOT_OF_X[number] as number);
      return { source: regs, at: 2 * slot, shift: 0, mask: -1 };
    }
    const { ram, at } = hart.parts;
    const source = ram.u32;
    const word = (offset: number): number => (at + offset) >>> 2;
    if (number < REGISTERS.pc) {
      return { source, at: word(8 * (SLOT_OF_X[number] as number)), shift: 0, mask: -1 };
    }
    if (number === REGISTERS.pc) return { source, at: word(HART.nextPc), shift: 0, mask: -1 };
    if (number < REGISTERS.fflags) {
      return { source, at: word(HART.floats + 8 * (number - REGISTERS.f0)), shift: 0, mask: -1 };
    }
    return {
      source,
      at: word(HART.fcsr),
      ...FCSR_PARTS[number - REGISTERS.fflags],
    } as RegisterPlace;
  }

  /**
   * @returns as many bytes as there are from an address on; of a device, what its registers would
   *   give, without anything that a read does besides
   */
  look(vaddr: number, bytes: number): Uint8Array {
    const register = this.registerAt(vaddr);
    return register === undefined ? this.read(vaddr, bytes) : peekBytes(register, bytes);
  }

  /** @returns as many bytes as there are from an address on, in RAM; none where a device is */
  read(vaddr: number, bytes: number): Uint8Array {
    const read = new Uint8Array(bytes);
    let done = 0;
    while (done < bytes) {
      const run = this.runAt(vaddr + done);
      const ram = this.#debugger.world?.board.ram;
      if (run === undefined || run.at < 0 || ram === undefined) break;
      const from = run.at + (vaddr + done - run.vaddr);
      const piece = ram.u8.subarray(from, Math.min(run.at + run.sizeBytes, from + bytes - done));
      read.set(piece, done);
      done += piece.length;
    }
    return read.subarray(0, done);
  }

  /** @returns whether all of it is RAM, which has been written */
  write(vaddr: number, bytes: Uint8Array): boolean {
    if (this.read(vaddr, bytes.length).length < bytes.length) return false;
    const ram = this.#debugger.world?.board.ram;
    bytes.forEach((byte, index) => {
      const run = this.runAt(vaddr + index);
      if (run === undefined || ram === undefined) return;
      ram.u8[run.at + (vaddr + index - run.vaddr)] = byte;
    });
    // It may be code that is executed from a snapshot.
    this.#debugger.hartOf(this.pd)?.parts.space.fenceInstructions();
    return true;
  }

  runAt(vaddr: number): MappedRun | undefined {
    const { world } = this.#debugger;
    const tcb = this.#debugger.tcbOf(this.pd);
    if (world === undefined || tcb === undefined || !Number.isSafeInteger(vaddr)) return undefined;
    const { state } = world.kernel;
    const root = vspaceOf(state, tcb);
    return root === null ? undefined : mappedRunAt(state.machine, root, vaddr);
  }

  /** Where the bytes of an address are, whoever else reaches them. */
  placeOf(vaddr: number): WatchedPlace | undefined {
    const run = this.runAt(vaddr);
    if (run === undefined) return undefined;
    if (run.at >= 0) return { kind: 'ram', at: run.at + (vaddr - run.vaddr) };
    const found = this.registerAt(vaddr);
    return found && { kind: 'device', name: found.range.name, offset: found.offset };
  }

  /** The device whose registers lie at an address, and the offset among them. */
  registerAt(vaddr: number): DeviceRegister | undefined {
    const { world } = this.#debugger;
    const tcb = this.#debugger.tcbOf(this.pd);
    if (!Number.isSafeInteger(vaddr)) return undefined;
    const root = world && tcb ? vspaceOf(world.kernel.state, tcb) : null;
    const found = root === null ? undefined : translate(root, vaddr);
    if (found === undefined || !found.entry.isDevice || world === undefined) return undefined;
    const paddr = found.entry.base + (vaddr - found.start);
    const range = world.board.bus.deviceAt(paddr);
    return range && { range, offset: paddr - range.base };
  }
}

/** A register of a device, among its others. */
export interface DeviceRegister {
  readonly range: BusRange;
  readonly offset: number;
}

const PEEK_WIDTHS = [4, 2, 1];

/** Registers are as wide as they are: the widest that answers at an offset is the one. */
function peekBytes({ range, offset }: DeviceRegister, bytes: number): Uint8Array {
  const peeked: number[] = [];
  while (peeked.length < bytes) {
    const register = peekRegister(range, offset + peeked.length);
    if (register === undefined) break;
    for (let byte = register.skipped; byte < register.width; byte += 1) {
      peeked.push((register.value >>> (8 * byte)) & 0xff);
    }
  }
  return Uint8Array.from(peeked.slice(0, bytes));
}

/** `skipped`: bytes of the register that lie before the offset. */
function peekRegister({ device, sizeBytes }: BusRange, offset: number) {
  for (const width of PEEK_WIDTHS) {
    const skipped = offset % width;
    const value =
      offset - skipped + width <= sizeBytes ? device.peek?.(offset - skipped, width) : undefined;
    if (value !== undefined) return { value, width, skipped };
  }
  return undefined;
}

interface RegisterPlace {
  readonly source: Uint32Array;
  readonly at: number;
  readonly shift: number;
  readonly mask: number;
}

/** fflags, frm, fcsr. */
const FCSR_PARTS: readonly Pick<RegisterPlace, 'shift' | 'mask'>[] = [
  { shift: 0, mask: FFLAGS_MASK },
  { shift: FRM_SHIFT, mask: FRM_MASK },
  { shift: 0, mask: 0xff },
];

function registerBytes(number: number): number {
  return number < REGISTERS.fflags ? REGISTER_BYTES : 4;
}
