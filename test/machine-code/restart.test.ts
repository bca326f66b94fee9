// Goal: a parent restarts a child of the other kind as it would one of its own: 0x200000 is the
// entry of each child's own program, whichever number its domain has. Method: parents in TypeScript
// and in machine code, which restart children whose program throws.

import { describe, expect, it } from 'vitest';
import { TCB_WRITE_REGISTERS } from '../../kernel/abi.ts';
import { system } from '../../microkit/builder.ts';
import type { Program } from '../../microkit/pd.ts';
import { IMAGE_BASE, SLOT_CHILD_TCB } from '../../microkit/slots.ts';
import { createTestbed, type Testbed } from '../../systems/testbed.ts';
import { addi, assemble, bne, ecall, j, ld, li, lui, R, sd, unimp } from '../support/assembler.ts';
import { DATA, machineProgram } from '../support/machine-system.ts';

type Lines = Parameters<typeof assemble>[0];

/**
 * As libmicrokit does it: a message of three words to the child's TCB, of which the last is the pc.
 */
const restart = (child: number): Lines => [
  li(R.a0, SLOT_CHILD_TCB + child),
  li(R.a1, 3),
  lui(R.t0, TCB_WRITE_REGISTERS), // the label is above the lowest 12 bits
  addi(R.a1, R.t0, 3),
  li(R.a2, 1),
  li(R.a3, 1),
  lui(R.a4, IMAGE_BASE >>> 12),
  li(R.a7, -1),
  ecall,
];
const receive: Lines = [li(R.a0, 1), li(R.a6, 4), li(R.a7, -7), ecall];

/** Restarts both children as soon as one of them has a fault, and waits. */
const PARENT: Lines = [...receive, ...restart(0), ...restart(1), ...receive, ...receive];

const restarter: Program = (pd) => ({
  notified: () => undefined,
  fault: (child) => {
    pd.restart(child);
    return 'stay';
  },
});

interface Domain {
  readonly code?: Lines;
  readonly main?: Program;
}

function run(parent: Domain, children: readonly Domain[]): Testbed {
  const sys = system({ name: 'restart' });
  // Another domain has number 0, whose entry is the address that machine code is linked to.
  sys.pd('first', { priority: 1, program: () => ({ notified: () => undefined }) });
  const optionsOf = ({ main }: Domain) => (main === undefined ? {} : { program: main });
  const built = sys.pd('parent', { priority: 10, ...optionsOf(parent) });
  children.forEach((child, id) =>
    built.child(`child${id}`, { id, priority: 9 - id, ...optionsOf(child) }),
  );
  const description = sys.build();
  if (!description.ok) throw new Error(description.errors.map(({ message }) => message).join('\n'));
  const named = [['parent', parent], ...children.map((child, id) => [`child${id}`, child])] as [
    string,
    Domain,
  ][];
  const testbed = createTestbed({
    system: description.system,
    clock: 'virtual',
    ramBytes: 2 ** 24,
    images: new Map(
      named.flatMap(([name, { code }]) =>
        code === undefined ? [] : [[name, machineProgram(assemble(code))] as const],
      ),
    ),
  });
  testbed.runUntilQuiet();
  return testbed;
}

/** Adds up in its memory how often it has been started, and faults the first time. */
const CHILD: Lines = [
  lui(R.t0, DATA >>> 12),
  ld(R.t1, R.t0, 0),
  addi(R.t1, R.t1, 1),
  sd(R.t1, R.t0, 0),
  li(R.t2, 1),
  bne(R.t1, R.t2, 'again'),
  unimp,
  'again',
  ...receive,
  j('again'),
];

describe('a child that its parent restarts', () => {
  it('runs its own program, whichever kind its parent and its siblings are', () => {
    const starts: string[] = [];
    const child =
      (name: string): Program =>
      () => {
        starts.push(name);
        if (starts.filter((each) => each === name).length === 1) throw new Error('crash');
        return { notified: () => undefined };
      };
    run({ code: PARENT }, [{ main: child('a') }, { main: child('b') }]);

    expect(starts).toEqual(['a', 'a', 'b']);
  });

  it.each([
    ['machine code', { code: PARENT }, [2, 1]],
    ['TypeScript', { main: restarter }, [2, 2]],
  ] as const)('runs its machine code again, and its parent is %s', (_, parent, starts) => {
    const testbed = run(parent, [{ code: CHILD }, { code: CHILD }]);

    const counted = ['child0', 'child1'].map((name) => {
      const at = testbed.hartOf(name)?.runAt(DATA)?.at ?? 0;
      return testbed.board.ram.u32[at >>> 2];
    });
    expect(counted).toEqual(starts);
  });
});
