/**
 * Goal: compiled C does the same in both engines. Method: each kernel of this folder is compiled
 * and run by both; the sum that it returns and the number of its instructions are compared, also
 * with granted pieces that end anywhere.
 */

import { readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { CodeMachine } from './machine.ts';
import { compileKernel, KERNELS } from './programs.ts';

const COMPILER = 'riscv64-unknown-elf-gcc';
const hasCompiler = spawnSync(COMPILER, ['--version']).status === 0;

describe.skipIf(!hasCompiler)(`kernels (needs ${COMPILER})`, () => {
  test.each(KERNELS)('$name: both engines agree on sum and instructions', (kernel) => {
    const image = compileKernel(kernel, 'image');
    const elf = 'path' in image ? readFileSync(image.path) : new Uint8Array();
    const [expected, ...others] = [
      new CodeMachine(elf, 'interpreter', kernel.rounds),
      new CodeMachine(elf, 'translator', kernel.rounds),
      new CodeMachine(elf, 'translator', kernel.rounds, 9973),
      new CodeMachine(elf, 'auto', kernel.rounds),
    ].map((machine) => [machine.work(), machine.instructions]);

    expect(expected?.[1]).toBeGreaterThan(10_000);
    for (const other of others) expect(other).toEqual(expected);
  });
});
