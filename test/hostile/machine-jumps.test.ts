// Goal: wherever code goes, it ends in the fault that hardware would make, with the exact pc, and
// its domain's alone. Method: jumps to every kind of place on both engines; a recursion that eats
// its stack, in a whole system beside a domain that must not notice.

import { describe, expect, it, test } from 'vitest';
import { FAULT_VM } from '../../kernel/abi.ts';
import { system } from '../../microkit/builder.ts';
import { STACK_TOP } from '../../microkit/elf/plan.ts';
import type { ChildFault } from '../../microkit/pd.ts';
import { createEngine, type EngineKind } from '../../riscv/engine.ts';
import { EXIT } from '../../riscv/hart.ts';
import { createTestbed } from '../../systems/testbed.ts';
import { addi, assemble, j, R, sd } from '../support/assembler.ts';
import { described } from '../support/echo-testbed.ts';
import { machineProgram } from '../support/machine-system.ts';
import { assemble as assembleWords } from '../support/riscv-assembler.ts';
import { DATA, DEVICE, RiscvMachine, TEXT, TEXT_AND_DATA } from '../support/riscv-machine.ts';

const ENGINES = ['interpreter', 'translator', 'auto'] as const satisfies readonly EngineKind[];

/**
 * A jump through a0, and at TEXT + 8 an instruction whose second half is one too: `li a1, 0` and
 * `c.ebreak`.
 */
function jumper(engine: EngineKind): RiscvMachine {
  const made = new RiscvMachine(TEXT_AND_DATA, ({ ram, hart, space }) =>
    createEngine({ engine, ram, at: hart, space, few: 0 }),
  );
  made.load(TEXT, assembleWords('jalr zero, 0(a0)\n nop'));
  made.load(TEXT + 8, [0x9002_0593]);
  return made;
}

const PLACES: readonly (readonly [string, bigint, number, bigint])[] = [
  ['the middle of an instruction', BigInt(TEXT + 10), EXIT.breakpoint, BigInt(TEXT + 10)],
  [
    'an odd address, whose lowest bit is ignored',
    BigInt(TEXT + 11),
    EXIT.breakpoint,
    BigInt(TEXT + 10),
  ],
  ['data', BigInt(DATA), EXIT.fetchPage, BigInt(DATA)],
  ['zeros', BigInt(TEXT + 0x800), EXIT.illegal, BigInt(TEXT + 0x800)],
  ['the page behind the text', BigInt(TEXT + 0x4000), EXIT.fetchPage, BigInt(TEXT + 0x4000)],
  ['address 0', 0n, EXIT.fetchPage, 0n],
  ['the last halfword of all', (1n << 64n) - 2n, EXIT.fetchPage, (1n << 64n) - 2n],
  ['the middle of all', 1n << 63n, EXIT.fetchPage, 1n << 63n],
];

describe.each(ENGINES)('a jump by the %s', (engine) => {
  test.each(PLACES)('to %s', (_, target, exit, pc) => {
    const made = jumper(engine);
    made.setX(10, target);

    expect([made.run(), made.double(0)]).toEqual([exit, pc]);
  });

  test('to a device ends in a fault', () => {
    const made = jumper(engine);
    made.setX(10, BigInt(DEVICE));

    expect(made.run()).toBeOneOf([EXIT.fetchAccess, EXIT.fetchPage]);
    expect(made.accesses).toEqual([]);
  });
});

it('a recursion without end faults on the guard page, and nobody else notices', () => {
  const program = assemble(['again', addi(R.sp, R.sp, -16), sd(R.ra, R.sp, 8), j('again')]);
  const sys = system({ name: 'overflow' });
  sys.pd('deep', { priority: 100 });
  const other = sys.pd('other', {
    priority: 50,
    program: (pd) => {
      pd.log('still here');
      return { notified: () => undefined };
    },
  });
  expect(other).toBeDefined();
  const lines: string[] = [];
  const faults: (ChildFault & { readonly pd: string })[] = [];
  const testbed = createTestbed({
    system: described(sys.build()),
    clock: 'virtual',
    ramBytes: 2 ** 24,
    images: new Map([['deep', machineProgram(program)]]),
    observer: {
      log: (pd, line) => lines.push(`${pd}: ${line}`),
      faulted: (pd, fault) => faults.push({ pd, ...fault }),
    },
  });
  testbed.runUntil(10_000_000);

  expect(faults).toHaveLength(1);
  expect(faults[0]).toMatchObject({ pd: 'deep', label: FAULT_VM });
  const [pc, address] = faults[0]?.words ?? [];
  expect(pc).toBe(TEXT + 4);
  expect(address).toBeLessThan(STACK_TOP - 0x1000);
  expect(address).toBeGreaterThanOrEqual(STACK_TOP - 0x3000);
  expect(lines).toContain('other: still here');
});
