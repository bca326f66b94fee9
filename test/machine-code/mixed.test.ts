// Goal: machine code and TypeScript programs live in one system, at the same addresses, and faults
// of machine code say exactly what and where. Method: small systems under the virtual clock;
// programs are words that are assembled here.

import { describe, expect, it } from 'vitest';
import { FAULT_UNKNOWN_SYSCALL, FAULT_USER_EXCEPTION, FAULT_VM } from '../../kernel/abi.ts';
import { system } from '../../microkit/builder.ts';
import type { ChildFault, EntryPoints, ProtectionDomain } from '../../microkit/pd.ts';
import { createTestbed, type Testbed } from '../../systems/testbed.ts';
import {
  addi,
  assemble,
  ebreak,
  ecall,
  fcvtDW,
  jr,
  ld,
  li,
  lui,
  R,
  sd,
  sw,
  unimp,
} from '../support/assembler.ts';
import { DATA, machineProgram, TEXT } from '../support/machine-system.ts';

type Lines = Parameters<typeof assemble>[0];

/** Microkit's calls, as libmicrokit makes them. */
const notify = (channel: number): Lines => [
  li(R.a0, 10 + channel),
  li(R.a1, 0),
  li(R.a7, -5),
  ecall,
];
const receive: Lines = [li(R.a0, 1), li(R.a6, 4), li(R.a7, -7), ecall];
const putChar = (text: string): Lines =>
  Array.from(text, (c) => c.charCodeAt(0)).flatMap((c) => [li(R.a0, c), li(R.a7, -12), ecall]);
/** x0 + 0x300000: where the data page is. */
const dataIn = (register: number): Lines => [lui(register, DATA >>> 12)];

interface Harness {
  readonly lines: string[];
  readonly faults: (ChildFault & { readonly pd: string })[];
  readonly testbed: Testbed;
}

interface Domain {
  readonly name: string;
  readonly priority: number;
  readonly code?: Lines;
  readonly main?: (pd: ProtectionDomain<never>) => EntryPoints;
  readonly more?: object;
}

/** Domains, each with a channel 0 to the one before it and a channel 1 to the one behind it. */
function run(domains: readonly Domain[], untilNs = Infinity): Harness {
  const sys = system({ name: 'mixed' });
  const built = domains.map(({ name, priority, main, more }) =>
    sys.pd(name, { priority, ...(main === undefined ? {} : { program: main }), ...more }),
  );
  built.forEach((pd, index) => {
    const next = built[index + 1];
    if (next !== undefined) sys.channel(pd, next, { a: { id: 1 }, b: { id: 0 } });
  });
  const description = sys.build();
  if (!description.ok) throw new Error(description.errors.map(({ message }) => message).join('\n'));
  const lines: string[] = [];
  const faults: Harness['faults'] = [];
  const testbed = createTestbed({
    system: description.system,
    clock: 'virtual',
    ramBytes: 2 ** 24,
    images: new Map(
      domains.flatMap(({ name, code }) =>
        code === undefined ? [] : [[name, machineProgram(assemble(code))] as const],
      ),
    ),
    observer: {
      log: (pd, line) => lines.push(pd === 'monitor' ? line : `${pd}: ${line}`),
      faulted: (pd, fault) => faults.push({ pd, ...fault }),
    },
  });
  testbed.runUntil(untilNs);
  return { lines, faults, testbed };
}

function faultOf(code: Lines, more: object = {}): ChildFault {
  const { faults } = run([{ name: 'c', priority: 10, code, more }]);
  expect(faults.map(({ pd }) => pd)).toEqual(['c']);
  const [{ label, words } = { label: -1, words: [] }] = faults;
  return { label, words };
}

describe('machine code beside TypeScript', () => {
  it('prints, waits and is woken', () => {
    const { lines } = run([
      {
        name: 'c',
        priority: 10,
        code: [...putChar('hi\n'), ...receive, ...putChar('woken\n'), ...receive],
      },
      {
        name: 'ts',
        priority: 5,
        main: (pd) => {
          pd.log('notifies');
          pd.notify(0);
          pd.log('goes on');
          return { notified: () => undefined };
        },
      },
    ]);

    expect(lines.slice(1)).toEqual(['c: hi', 'ts: notifies', 'c: woken', 'ts: goes on']);
  });

  it('starts at 0x200000 as the first TypeScript program does', () => {
    const { lines, testbed } = run([
      {
        name: 'ts',
        priority: 5,
        main: (pd) => ({ notified: (channel) => pd.log(`channel ${channel}`) }),
      },
      { name: 'c', priority: 10, code: [...notify(0), ...receive] },
    ]);

    expect(lines.slice(1)).toEqual(['ts: channel 1']);
    expect(testbed.counters().harts).toEqual({ c: { instructions: 6, userNs: 6 } });
    expect(testbed.counters().pds['c']).toMatchObject({ notifies: 1, wakeUps: 0 });
  });
});

describe('a fault of machine code', () => {
  it('of a load from nowhere is a VM fault with the exact address', () => {
    const { label, words } = faultOf([li(R.t0, -8), ld(R.t1, R.t0, 0)]);

    expect(label).toBe(FAULT_VM);
    expect(words[0]).toBe(TEXT + 4);
    expect(words[1]).toBe(Number(0xffff_ffff_ffff_fff8n));
    expect(words.slice(2)).toEqual([0, 13]);
  });

  it('of a store to its text, and of fetching data, says which', () => {
    const store = faultOf([lui(R.t0, TEXT >>> 12), sw(R.t0, R.t0, 4)]);
    const fetch = faultOf([...dataIn(R.t0), jr(R.t0, 8)]);

    expect(store).toEqual({ label: FAULT_VM, words: [TEXT + 4, TEXT + 4, 0, 15] });
    expect(fetch).toEqual({ label: FAULT_VM, words: [DATA + 8, DATA + 8, 1, 12] });
  });

  it('of running into the guard page below the IPC buffer is one of its stack', () => {
    const top = 0x3f_ffff_d000;
    const { words } = faultOf([sd(R.zero, R.sp, -8), ld(R.t0, R.sp, -8), sd(R.zero, R.sp, 0)]);

    expect(words).toEqual([TEXT + 8, top, 0, 15]);
  });

  it('of an instruction is a user exception with its number', () => {
    expect(faultOf([unimp])).toEqual({
      label: FAULT_USER_EXCEPTION,
      words: [TEXT, 0x3f_ffff_d000, 2, 0],
    });
    expect(faultOf([ebreak]).words.slice(2)).toEqual([3, 0]);
  });

  it('of a system call that there is not keeps number and pc', () => {
    const { label, words } = faultOf([addi(R.a7, R.zero, -99), ecall]);

    expect(label).toBe(FAULT_UNKNOWN_SYSCALL);
    expect(words[0]).toBe(TEXT + 4);
    expect(words[10]).toBe(Number(BigInt.asUintN(64, -99n)));
  });

  it('of floating-point instructions there is none unless the description takes the unit away', () => {
    const withFloat: Lines = [fcvtDW(0, R.zero), ...receive];

    expect(faultOf(withFloat, { fpu: false }).words.slice(2)).toEqual([2, 0]);
    expect(run([{ name: 'c', priority: 10, code: withFloat }]).faults).toEqual([]);
  });

  it('leaves everybody else alone', () => {
    const { lines, faults } = run([
      { name: 'bad', priority: 200, code: [unimp] },
      {
        name: 'ts',
        priority: 5,
        main: (pd) => {
          pd.log('lives');
          return { notified: () => undefined };
        },
      },
    ]);

    expect(lines.at(-1)).toBe('ts: lives');
    expect(faults).toHaveLength(1);
  });
});

describe('registers', () => {
  it('survive a system call, but for those that carry its answer', () => {
    const marked = [R.ra, R.gp, R.tp, R.s1, R.t0, R.t6, R.a6];
    const { testbed } = run([
      {
        name: 'c',
        priority: 10,
        code: [
          ...marked.map((register, i) => li(register, 100 + i)),
          ...notify(1),
          ...dataIn(R.s2),
          ...marked.map((register, i) => sd(register, R.s2, 8 * i)),
          ...receive,
        ],
      },
      { name: 'ts', priority: 5, main: () => ({ notified: () => undefined }) },
    ]);

    const at = (testbed.hartOf('c')?.runAt(DATA)?.at ?? 0) >>> 2;
    const kept = marked.map((_, i) => testbed.board.ram.u32[at + 2 * i]);
    expect(kept).toEqual(marked.map((_, i) => 100 + i));
    expect(testbed.counters().pds['c']).toMatchObject({ notifies: 1 });
  });
});
