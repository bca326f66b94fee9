/**
 * Debian's `qemu-riscv64` (package qemu-user) as an independent engine: runs a program of
 * `riscv-random.ts`.
 */

import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { PROGRAM_RECORDS, PROGRAM_TEXT, type RandomProgram } from './riscv-random.ts';

const QEMU = 'qemu-riscv64';

export const hasQemuRiscv64 = spawnSync(QEMU, ['--version']).status === 0;

/** @returns what the program writes: its records after the run */
export async function runInQemu(program: RandomProgram): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), 'sddf-qemu-riscv64-'));
  try {
    const file = join(folder, 'program');
    writeFileSync(file, elfOf(program));
    chmodSync(file, 0o755);
    return await outputOf(QEMU, [file]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function outputOf(command: string, args: readonly string[]): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const parts: Buffer[] = [];
    child.stdout.on('data', (part: Buffer) => parts.push(part));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve(new Uint8Array(Buffer.concat(parts)));
      else reject(new Error(`${command} ended with ${code ?? signal}`));
    });
  });
}

const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const PAGE_BYTES = 4096;

/** A static executable for RISC-V 64 with floating point in registers: two segments. */
function elfOf({ text, records }: RandomProgram): Uint8Array {
  const textAt = PAGE_BYTES;
  const recordsAt = textAt + Math.ceil(text.length / PAGE_BYTES) * PAGE_BYTES;
  const file = new Uint8Array(recordsAt + records.length);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true); // an executable
  view.setUint16(18, 243, true); // for RISC-V
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(PROGRAM_TEXT), true);
  view.setBigUint64(32, BigInt(HEADER_BYTES), true);
  view.setUint32(48, 5, true); // compressed instructions, doubles in registers
  view.setUint16(52, HEADER_BYTES, true);
  view.setUint16(54, PROGRAM_HEADER_BYTES, true);
  view.setUint16(56, 2, true);
  const segment = (
    index: number,
    flags: number,
    at: number,
    vaddr: number,
    length: number,
  ): void => {
    const start = HEADER_BYTES + index * PROGRAM_HEADER_BYTES;
    view.setUint32(start, 1, true); // to be loaded
    view.setUint32(start + 4, flags, true);
    view.setBigUint64(start + 8, BigInt(at), true);
    view.setBigUint64(start + 16, BigInt(vaddr), true);
    view.setBigUint64(start + 32, BigInt(length), true);
    view.setBigUint64(start + 40, BigInt(length), true);
    view.setBigUint64(start + 48, BigInt(PAGE_BYTES), true);
  };
  segment(0, 5, textAt, PROGRAM_TEXT, text.length);
  segment(1, 6, recordsAt, PROGRAM_RECORDS, records.length);
  file.set(text, textAt);
  file.set(records, recordsAt);
  return file;
}
