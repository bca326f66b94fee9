/**
 * A hart with an address space made of runs, for tests of the engines: RAM at addresses of one's
 * choice, and a device whose accesses are written down.
 */

import { Ram } from '../../memory/ram.ts';
import { AddressSpace, type CodeExtent } from '../../riscv/address-space.ts';
import { HART, HART_BYTES, type Outside, type Run, SLOT_OF_X } from '../../riscv/hart.ts';
import { Interpreter } from '../../riscv/interpreter/interpreter.ts';

/** What an engine of either kind is to a test. */
export interface Engine {
  run(): number;
}

export interface Mapping {
  readonly vaddr: number;
  readonly sizeBytes: number;
  /** Of r, w and x. */
  readonly rights: string;
  /** Offset in RAM of its first byte. */
  readonly at: number;
}

export interface DeviceAccess {
  readonly kind: 'read' | 'write';
  readonly offset: number;
  readonly width: number;
  readonly value: number;
}

export const TEXT = 0x20_0000;
export const DATA = 0x30_0000;
export const DEVICE = 0x50_0000;

/** Code that may not be written, and data; a hole of a page lies between all mappings. */
export const TEXT_AND_DATA: readonly Mapping[] = [
  { vaddr: TEXT, sizeBytes: 0x4000, rights: 'rx', at: 0x1000 },
  { vaddr: DATA, sizeBytes: 0x4000, rights: 'rw', at: 0x8000 },
];

export class RiscvMachine {
  readonly ram: Ram;
  /** Offset in RAM of the hart block. */
  readonly hart: number;
  readonly accesses: DeviceAccess[] = [];
  /** Called at each access to the device. */
  onDevice: () => void = () => {};
  /** What the device answers. */
  deviceValue = 0x8765_4321;
  nowNs = 0;
  /** What remained whenever the time was asked. */
  readonly asked: number[] = [];
  #mappings: readonly Run[] = [];
  #generation = 0;
  readonly space: AddressSpace;
  readonly engine: Engine;

  constructor(
    mappings: readonly Mapping[] = TEXT_AND_DATA,
    makeEngine: (machine: RiscvMachine) => Engine = interpreter,
    ramBytes = 0x10_0000,
    codeExtent?: CodeExtent,
  ) {
    this.ram = new Ram({
      sizeBytes: wholeWasmPages(ramBytes),
      stagingBytes: 0x1_0000 + wholeWasmPages(tableBytes(mappings)),
    });
    this.hart = this.ram.takeStaging(HART_BYTES);
    this.space = new AddressSpace(this.ram, this.#outside(), codeExtent);
    this.map(mappings);
    this.setWord(HART.hasFloatingPoint, 1);
    this.setX(2, BigInt(DATA + 0x3000));
    this.pc = TEXT;
    this.engine = makeEngine(this);
  }

  /** Replaces all mappings of RAM. The device stays. */
  map(mappings: readonly Mapping[]): void {
    this.#mappings = [
      ...mappings.map(({ rights, ...rest }) => ({
        ...rest,
        isReadable: rights.includes('r'),
        isWritable: rights.includes('w'),
        isExecutable: rights.includes('x'),
        device: undefined,
        deviceOffset: 0,
      })),
      {
        vaddr: DEVICE,
        sizeBytes: 0x1000,
        isReadable: true,
        isWritable: true,
        isExecutable: true,
        at: -1,
        device: { read: () => 0, write: () => {} },
        deviceOffset: 0x100,
      },
    ];
    this.#generation += 1;
  }

  /** Writes instruction words, or bytes, to where an address is mapped. */
  load(vaddr: number, words: readonly number[]): void {
    words.forEach((word, index) => {
      this.ram.view.setUint32(this.place(vaddr + 4 * index), word >>> 0, true);
    });
  }

  /** Runs for at most so many instructions. @returns why it has stopped */
  run(limit = 1_000_000): number {
    this.setWord(HART.remaining, limit);
    return this.engine.run();
  }

  place(vaddr: number): number {
    const run = this.#mappings.find(
      (each) => vaddr >= each.vaddr && vaddr < each.vaddr + each.sizeBytes && each.at >= 0,
    );
    if (run === undefined) throw new Error(`nothing at 0x${vaddr.toString(16)}`);
    return run.at + vaddr - run.vaddr;
  }

  x(register: number): bigint {
    return register === 0 ? 0n : this.double(HART.registers + 8 * (SLOT_OF_X[register] as number));
  }

  setX(register: number, value: bigint): void {
    this.setDouble(HART.registers + 8 * (SLOT_OF_X[register] as number), value);
  }

  f(register: number): bigint {
    return this.double(HART.floats + 8 * register);
  }

  setF(register: number, value: bigint): void {
    this.setDouble(HART.floats + 8 * register, value);
  }

  /** Address of the instruction of the last trap. */
  get trapPc(): number {
    return Number(this.double(HART.registers));
  }

  /** Where it goes on. */
  get pc(): number {
    return Number(this.double(HART.nextPc));
  }

  set pc(vaddr: number) {
    this.setDouble(HART.nextPc, BigInt(vaddr));
  }

  double(offset: number): bigint {
    return this.ram.view.getBigUint64(this.hart + offset, true);
  }

  setDouble(offset: number, value: bigint): void {
    this.ram.view.setBigUint64(this.hart + offset, BigInt.asUintN(64, value), true);
  }

  word(offset: number): number {
    return this.ram.view.getUint32(this.hart + offset, true);
  }

  setWord(offset: number, value: number): void {
    this.ram.view.setUint32(this.hart + offset, value, true);
  }

  #outside(): Outside {
    return {
      runAt: (vaddr) =>
        this.#mappings.find((run) => vaddr >= run.vaddr && vaddr < run.vaddr + run.sizeBytes),
      generation: () => this.#generation,
      readDevice: (_, offset, width) => {
        this.onDevice();
        this.accesses.push({ kind: 'read', offset, width, value: 0 });
        return this.deviceValue % 2 ** (8 * width);
      },
      writeDevice: (_, offset, value, width) => {
        this.onDevice();
        this.accesses.push({ kind: 'write', offset, width, value });
      },
      nowNs: () => {
        this.asked.push(this.word(HART.remaining));
        return this.nowNs;
      },
    };
  }
}

function wholeWasmPages(bytes: number): number {
  return Math.ceil(bytes / 0x1_0000) * 0x1_0000;
}

/**
 * The translator's entry points: a word for each halfword of code. Without room for them it leaves
 * all to the interpreter.
 */
function tableBytes(mappings: readonly Mapping[]): number {
  return mappings.reduce(
    (sum, { rights, sizeBytes }) => sum + (rights.includes('x') ? 2 * sizeBytes : 0),
    0,
  );
}

export function interpreter({ ram, hart, space }: RiscvMachine): Engine {
  return new Interpreter({ ram, at: hart, space });
}
