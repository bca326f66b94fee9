/**
 * A hart with some memory, for tests of engines: a text that may not be written, data that may,
 * data that may not, a stack, a device, and nothing in between.
 */

import { Ram } from '../../memory/ram.ts';
import { AddressSpace } from '../../riscv/address-space.ts';
import { createEngine, type Engine, type EngineKind } from '../../riscv/engine.ts';
import { EXIT, HART, HART_BYTES, type Run, SLOT_OF_X } from '../../riscv/hart.ts';
import type { Laziness } from '../../riscv/translator/translator.ts';
import type { Translations } from '../../riscv/translator/translations.ts';

const PAGE = 4096;

export const TEXT = 0x20_0000;
export const DATA = 0x40_0000;
export const CONSTANTS = 0x50_0000;
export const STACK = 0x7f_0000;
export const DEVICE = 0x60_0000;
export const STACK_TOP = STACK + 4 * PAGE;

export interface Rig {
  readonly ram: Ram;
  readonly engine: Engine;
  /** Position of the hart's block. */
  readonly at: number;
  readonly x: Int32Array;
  readonly textBytes: number;
  /** What the device has been asked: one line for each access. */
  readonly deviceLog: string[];
  /** Set to what `remaining` becomes at the next access to the device. */
  lowered: number | undefined;
  /** To be increased when mappings have changed. */
  generation: number;
}

export interface RigOptions {
  readonly engine: EngineKind;
  readonly text: Uint8Array;
  readonly translations?: Translations;
  readonly laziness?: Laziness;
}

export function makeRig({ engine, text, translations, laziness }: RigOptions): Rig {
  const ram = new Ram({ sizeBytes: 0x10_0000, stagingBytes: 0x20_0000 });
  ram.u8.set(text);
  const at = ram.takeStaging(HART_BYTES);
  const x = new Int32Array(ram.u8.buffer, at, HART_BYTES >> 2);
  x[HART.hasFloatingPoint >> 2] = 1;
  const textBytes = Math.ceil((text.length + 2) / PAGE) * PAGE;
  const common = {
    isReadable: true,
    isWritable: true,
    isExecutable: false,
    device: undefined,
    deviceOffset: 0,
  };
  const rig: Omit<Rig, 'engine'> = {
    ram,
    at,
    x,
    textBytes: text.length,
    deviceLog: [],
    lowered: undefined,
    generation: 1,
  };
  const device = { read: () => 0, write: () => undefined };
  const runs: Run[] = [
    { ...common, vaddr: TEXT, sizeBytes: textBytes, at: 0, isWritable: false, isExecutable: true },
    { ...common, vaddr: DATA, sizeBytes: 2 * PAGE, at: 0x8_0000 },
    { ...common, vaddr: DATA + 2 * PAGE, sizeBytes: PAGE, at: 0x9_0000 },
    { ...common, vaddr: CONSTANTS, sizeBytes: PAGE, at: 0xa_0000, isWritable: false },
    { ...common, vaddr: STACK, sizeBytes: 4 * PAGE, at: 0xb_0000 },
    { ...common, vaddr: DEVICE, sizeBytes: PAGE, at: -1, device },
  ];
  const note = (line: string): void => {
    rig.deviceLog.push(`${line} after ${String(x[HART.retired >> 2])}`);
    if (rig.lowered !== undefined) x[HART.remaining >> 2] = rig.lowered;
  };
  const space = new AddressSpace(ram, {
    runAt: (vaddr) => runs.find((run) => vaddr >= run.vaddr && vaddr < run.vaddr + run.sizeBytes),
    generation: () => rig.generation,
    readDevice: (_run, offset, width) => {
      note(`read ${offset} ${width}`);
      return (offset * 0x0101_0101) % 2 ** (8 * width);
    },
    writeDevice: (_run, offset, value, width) => note(`write ${offset} ${value} ${width}`),
    nowNs: () => 700,
  });
  const made = createEngine({
    engine,
    ram,
    at,
    space,
    few: 0,
    ...(translations && { translations }),
    ...(laziness && { laziness }),
  });
  reset({ ...rig, engine: made });
  return Object.assign(rig, { engine: made });
}

/**
 * Registers and memory as they are at the start of every test: pointers, small and large numbers,
 * -1.
 */
export function reset(rig: Rig): void {
  const { ram, x } = rig;
  ram.u8.fill(0, 0x8_0000, 0x10_0000);
  for (let at = 0x8_0000; at < 0xb_0000; at += 4)
    ram.view.setInt32(at, Math.imul(at, 0x9e37_79b1), true);
  x.fill(0, 0, HART.hasFloatingPoint >> 2);
  x.fill(0, HART.retired >> 2, HART.engine >> 2);
  for (let register = 1; register < 32; register += 1) {
    setX(rig, register, Math.imul(register, 0x1234_5677), register % 3 === 0 ? -1 : register % 5);
  }
  setX(rig, 2, STACK_TOP - 256, 0);
  for (const [register, value] of POINTERS) setX(rig, register, value, 0);
  x[HART.nextPc >> 2] = TEXT;
}

/**
 * Registers that begin as addresses: inside, at ends of runs, misaligned, read-only, of the device.
 */
export const POINTERS: readonly (readonly [register: number, value: number])[] = [
  [1, TEXT + 80],
  [7, TEXT + 120],
  [8, DATA + 64],
  [9, DATA + 2 * PAGE - 16],
  [10, DATA + 3 * PAGE - 9],
  [11, CONSTANTS + 128],
  [12, DEVICE + 64],
  [13, DATA + 1027],
  [14, 8],
  [15, 3],
];

export function setX(rig: Rig, register: number, low: number, high: number): void {
  const word = (HART.registers >> 2) + 2 * (SLOT_OF_X[register] as number);
  rig.x[word] = low;
  rig.x[word + 1] = high;
}

/**
 * All of a hart and its memory that both engines have to agree on, the record of branches apart.
 */
export function stateOf({ ram, x, deviceLog }: Rig): string {
  const before = x.subarray(0, HART.branchCount >> 2);
  const floats = x.subarray(HART.floats >> 2, HART.engine >> 2);
  const memory = new Int32Array(ram.u8.buffer, 0x8_0000, 0x4_0000 >> 2);
  let hash = 0;
  for (const word of memory) hash = (Math.imul(hash, 31) + word) | 0;
  const zeros = (HART.zero - HART.floats) >> 2;
  return [
    [...before].map((word) => (word >>> 0).toString(16)).join(' '),
    [...floats.subarray(0, zeros)].map((word) => (word >>> 0).toString(16)).join(' '),
    hash,
    deviceLog.join('; '),
  ].join('\n');
}

/**
 * Runs for some instructions, in pieces. After a system call it goes on; what traps is stepped
 * over, as a handler would, and who has left the text begins somewhere in it again.
 *
 * @returns exits, one for each time the engine has returned
 */
export function runFor(rig: Rig, instructions: number, piece: number): number[] {
  const { x, engine, textBytes } = rig;
  const exits: number[] = [];
  let left = instructions;
  while (left > 0) {
    const granted = Math.min(piece, left);
    x[HART.remaining >> 2] = granted;
    const before = x[HART.retired >> 2] as number;
    const exit = engine.run();
    const done = (x[HART.retired >> 2] as number) - before;
    left -= done;
    if (exit === EXIT.limit) continue;
    exits.push(exit, x[HART.trapValue >> 2] as number);
    // A handler takes time, too: a program that only traps comes to its end.
    left -= 1;
    const pc = x[HART.nextPc >> 2] as number;
    const isInText = pc >= TEXT && pc < TEXT + textBytes && x[(HART.nextPc >> 2) + 1] === 0;
    if (!isInText) x.set([TEXT + 8 * (exits.length % 20), 0], HART.nextPc >> 2);
    else if (exit !== EXIT.ecall) x[HART.nextPc >> 2] = pc + 4;
  }
  x[HART.remaining >> 2] = 0;
  return exits;
}
