/**
 * Goal: machine code does here what it does on seL4. Method: the systems of programs/ run under the
 * virtual clock, and what their domains print is held against what the manuals say, and against the
 * same sums in JavaScript.
 */

import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  BUILD_FOLDER,
  buildPrograms,
  COMPILER,
  hasCompiler,
  PROGRAMS_FOLDER,
} from '../support/c-programs.ts';
import { sddfInProcess } from '../support/sddf-in-process.ts';

/** A hundredth of the million in the suite; a multiple of 4096, as the size of a region is. */
const RANDOM_CALLS = Math.ceil(Number(process.env['SDDF_RANDOM_CALLS'] ?? 10_000) / 4096) * 4096;
const WHOLE_MILLION = 'size="0xf5000"';

/**
 * The lines that each domain has printed; they go to standard error, and the summary to standard
 * output.
 */
async function run(
  system: string,
  time: string,
): Promise<{ readonly status: number; of(pd: string): readonly string[] }> {
  const file = system.includes('/') ? system : join(PROGRAMS_FOLDER, `${system}.system`);
  const options = ['--search-path', BUILD_FOLDER, '--clock', 'virtual', '--for', time];
  const { status, stderr } = await sddfInProcess('run', file, ...options);
  const lines = stderr.split('\n');
  const of = (pd: string): readonly string[] =>
    lines.filter((line) => line.startsWith(`${pd}: `)).map((line) => line.slice(pd.length + 2));
  return { status, of };
}

/** `syscalls.system` with another number of calls, in a folder of its own. */
function systemWithCalls(): string {
  const text = readFileSync(join(PROGRAMS_FOLDER, 'syscalls.system'), 'utf8');
  expect(text).toContain(WHOLE_MILLION);
  const file = join(mkdtempSync(join(tmpdir(), 'sddf-calls-')), 'syscalls.system');
  writeFileSync(file, text.replace(WHOLE_MILLION, `size="${RANDOM_CALLS}"`));
  return file;
}

/** What `samples/float.c` computes: each operation is rounded once, there as here. */
function pi(): number {
  let [a, b, t, p] = [1, 1 / Math.sqrt(2), 0.25, 1];
  for (let round = 0; round < 4; round += 1) {
    const next = (a + b) / 2;
    b = Math.sqrt(a * b);
    t -= p * (a - next) * (a - next);
    p *= 2;
    a = next;
  }
  return ((a + b) * (a + b)) / (4 * t);
}

/**
 * What the faulting child does, and the fault that it makes: RISC-V privileged architecture, table
 * of `scause`.
 */
const FAULTS: readonly (readonly [string, RegExp])[] = [
  ['store to address 0', /VMFault at 20\w+, address 0, prefetch 0, cause 15$/],
  ['load from unmapped memory', /VMFault at 20\w+, address 50000000, prefetch 0, cause 13$/],
  ['store to text', /VMFault at 20\w+, address 200000, prefetch 0, cause 15$/],
  ['jump to unmapped memory', /VMFault at 50000000, address 50000000, prefetch 1, cause 12$/],
  ['jump into data', /VMFault at (20\w+), address \1, prefetch 1, cause 12$/],
  ['jump into an instruction', /UserException at 20\w+[26ae], number 3$/],
  ['illegal instruction', /UserException at 20\w+, number 2$/],
  ['breakpoint', /UserException at 20\w+, number 3$/],
  ['privileged register', /UserException at 20\w+, number 2$/],
  ['privileged instruction', /UserException at 20\w+, number 2$/],
  ['misaligned amo', /UserException at 20\w+, number 6$/],
  ['misaligned lr', /UserException at 20\w+, number 4$/],
  ['system call that does not exist', /UnknownSyscall at 20\w+$/],
];

describe.skipIf(!hasCompiler)(`systems of programs/ (${COMPILER})`, () => {
  beforeAll(buildPrograms);

  it('hello says hello', async () => {
    const { status, of } = await run('hello', '1ms');

    expect(status).toBe(0);
    expect(of('hello')).toEqual(['hello, world']);
  });

  it('pingpong calls a passive domain, signals it, and is told of a channel that is none', async () => {
    const { of } = await run('pingpong', '20ms');

    expect(of('ping')).toEqual([
      'ping: 10 calls, sum 38780',
      "ping microkit_notify: invalid channel given '61'",
      'ping: signal on channel 1',
    ]);
    expect(of('pong')).toEqual(['pong: signal on channel 2']);
  });

  it('fault: a parent hears of every fault of its child, and starts it again', async () => {
    const { of } = await run('fault', '100ms');

    const told = of('supervisor');
    for (const [index, [what, fault]] of FAULTS.entries()) {
      expect(of('faults')).toContain(`faults: ${what}`);
      expect(told[index]).toMatch(/^supervisor: child 1: /);
      expect(told[index], what).toMatch(fault);
    }
    expect(of('faults').slice(-5)).toEqual([
      'faults: system call that does not exist',
      'faults: went on behind the call',
      'faults: send to an empty slot',
      'faults: went on behind a send to nothing',
      'faults: that was all',
    ]);
    expect(told.at(-1)).toBe('supervisor: child 1 is finished, after 13 faults of all children');
  });

  it('fault: a stack that overflows is a fault for the monitor, below the stack', async () => {
    const { status, of } = await run('fault', '100ms');

    expect(status).toBe(1);
    expect(of('overflow')).toEqual(['overflow: going down']);
    const report = of('monitor').join('\n');
    expect(report).toContain('MON|ERROR: faulting PD: overflow');
    const [, address = ''] =
      /VMFault: ip=0x20\w+ {2}fault_addr=0x(\w+) {2}fsr=0xf/.exec(report) ?? [];
    const stackBottom = 0x3f_ffff_d000 - 0x4000;
    expect(Number.parseInt(address, 16)).toBeLessThan(stackBottom);
    expect(Number.parseInt(address, 16)).toBeGreaterThan(stackBottom - 0x1000);
  });

  it('float computes and prints as IEEE 754 has it, in every rounding mode', async () => {
    const { of } = await run('float', '100ms');

    expect(of('float')).toEqual([
      `float: pi is ${pi().toFixed(15)}`,
      `float: 0.1 is ${(0.1).toFixed(17)}, and ${Math.fround(0.1).toFixed(10)} in 32 bits`,
      'float:    3.142|-0002.50|2|1.000000e+20',
      'float: 1/3 nearest: 3fd5555555555555 bfd5555555555555',
      'float: 1/3 zero: 3fd5555555555555 bfd5555555555555',
      'float: 1/3 down: 3fd5555555555555 bfd5555555555556',
      'float: 1/3 up: 3fd5555555555556 bfd5555555555555',
      'float: 1/3 away: 3fd5555555555555 bfd5555555555555',
      'float: flags 0 1 8 16',
      'float: 0/0 is nan, 1/0 is inf, -1/0 is -inf',
    ]);
  });

  it('float: domains that take turns keep their registers and rounding modes', async () => {
    const { of } = await run('float', '100ms');

    for (const pd of ['fp_context_a', 'fp_context_b']) {
      expect(of(pd)).toEqual([`${pd}: 200 rounds, registers and rounding mode kept`]);
    }
  });

  it('memory: misaligned accesses, thread-local variables and reservations work', async () => {
    const { of } = await run('memory', '20ms');

    expect(of('misaligned')).toEqual(['misaligned: 192 accesses, all right']);
    // f0 + 100 + 10f + f + fff0 is what the words were before each operation, and 9 after the last.
    const before = 0xf0 + 0x100 + 0x10f + 0x0f + (0x0f ^ 0xffff) + 9;
    expect(of('tls')).toEqual([
      'tls: counter 1040, zeroed 2000',
      `tls: total 3000, atomics ${before.toString(16)}`,
      'tls: sc without lr answers 1 and leaves 5',
    ]);
  });

  it('loop: an endless loop of high priority costs its budget and nobody else', async () => {
    const { of } = await run('loop', '100ms');

    expect(of('loop')).toEqual(['loop: spinning']);
    expect(of('steady')).toEqual(['steady: 20000 calls, all answered']);
  });

  it('utilisation: the kernel and the idle domain tell the same of a domain that has a tenth of the time', async () => {
    const { of } = await run('utilisation', '1ms');

    const [total = [], work = []] = of('meter').map((line) =>
      (line.match(/\d+/g) ?? []).map(Number),
    );
    const [[idle = 0, cycles = 0] = []] = of('work').map((line) =>
      (line.match(/\d+/g) ?? []).map(Number),
    );
    // Two instructions a round, 100,000 rounds, in three budgets of 100 µs, each a millisecond
    // after the other.
    expect(work[0]).toBeGreaterThanOrEqual(200_000);
    expect(work[0]).toBeLessThan(202_000);
    expect(work.slice(2)).toEqual([3, 3]);
    expect(total[0]).toBeGreaterThan(2_000_000);
    expect(total[0]).toBeLessThan(2_010_000);
    // What is not idle is that work, the kernel's, and greetings.
    expect(cycles - idle).toBeGreaterThan(work[0] ?? 0);
    expect(idle / cycles).toBeGreaterThan(0.85);
    expect(idle / cycles).toBeLessThan(0.9);
  });

  it(`syscalls: ${RANDOM_CALLS} random calls harm neither their parent nor a good client`, async () => {
    const { of } = await run(systemWithCalls(), '60s');

    expect(of('steady')).toEqual(['steady: 20000 calls, all answered']);
    expect(of('syscalls')).toEqual([`syscalls: ${RANDOM_CALLS} calls made`]);
    expect(of('supervisor').at(-1)).toMatch(/^supervisor: child 1 is finished, after \d+ faults/);
  }, 600_000);
});
