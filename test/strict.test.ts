// By strict rules devices refuse what their specifications forbid; the drivers of this project get
// on with that. Who breaks a rule is named: a domain, and the instruction where it is machine code.

import { describe, expect, it } from 'vitest';
import type { LintEntry } from '../board/lint.ts';
import { system } from '../microkit/builder.ts';
import { timerDevice } from '../systems/devices.ts';
import { createTestbed } from '../systems/testbed.ts';
import { assemble, ecall, li, lui, lw, R } from './support/assembler.ts';
import { machineProgram, TEXT } from './support/machine-system.ts';
import { sddfInProcess } from './support/sddf-in-process.ts';

const SYSTEMS: Record<string, readonly string[]> = {
  'the network and the timer': ['echo', '--net', 'loop'],
  'a switch': ['vswitch', '--net', 'loop'],
  'a disk': ['blk', '--disk', 'mem=4M'],
  'the 16550': ['serial', '--serial', 'none', '--uart', 'ns16550a'],
  'the PL011': ['serial', '--serial', 'none', '--uart', 'pl011'],
  'the virtio console': ['serial', '--serial', 'none', '--uart', 'virtio'],
};

describe('drivers of this project, by strict rules', () => {
  for (const [name, words] of Object.entries(SYSTEMS)) {
    it(`break none with ${name}`, async () => {
      const more = ['--strict', '--clock', 'virtual', '--for', '5ms', '--json'];
      const { status, stdout } = await sddfInProcess('run', ...words, ...more);
      expect(status).toBe(0);
      const { board, pds } = JSON.parse(stdout);
      expect(board.lint).toEqual([]);
      expect(Object.values<{ exceptions: number }>(pds).map((pd) => pd.exceptions)).not.toContain(
        1,
      );
    });
  }
});

describe('who breaks a rule', () => {
  /**
   * A domain writes what can only be read, and one of machine code reads twice what can only be
   * written.
   */
  function run(): readonly LintEntry[] {
    const noted: LintEntry[] = [];
    const sys = system({ name: 'breakers' });
    const regs = sys.region('regs', { size: '4K', physAddr: timerDevice.physAddr });
    const first = sys.pd('first', {
      priority: 9,
      program: (pd) => {
        pd.deviceRegion('regs').write32(0x18, 1);
        return { notified: () => undefined };
      },
    });
    const second = sys.pd('second', { priority: 8 });
    first.map(regs, { perms: 'rw', cached: false, vaddr: 0x2000_0000 });
    second.map(regs, { perms: 'rw', cached: false, vaddr: 0x2000_0000 });
    const built = sys.build();
    if (!built.ok) throw new Error(built.errors.map(({ message }) => message).join('\n'));
    const text = assemble([
      lui(R.t0, 0x2000_0000 >>> 12),
      lw(R.t1, R.t0, 0x14),
      lw(R.t1, R.t0, 0x14),
      ...[li(R.a0, 1), li(R.a6, 4), li(R.a7, -7), ecall],
    ]);
    const testbed = createTestbed({
      system: built.system,
      clock: 'virtual',
      images: new Map([['second', machineProgram(text)]]),
      observer: { log: () => undefined, noted: (entry) => noted.push({ ...entry }) },
    });
    testbed.runUntilQuiet();
    expect(testbed.board.lint.total).toBe(3);
    return noted;
  }

  it('is told once, with domain and pc', () => {
    const device = 'goldfish-rtc';
    const clause = 'bus';
    const pc = `0x${(TEXT + 4).toString(16)}`;
    expect(run()).toEqual([
      {
        device,
        clause,
        what: 'a register that is not writable is written',
        domain: 'first',
        count: 1,
      },
      {
        device,
        clause,
        what: 'a register that is not readable is read',
        domain: 'second',
        pc,
        count: 1,
      },
    ]);
  });
});
