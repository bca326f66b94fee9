// Goal: whatever the bytes of an image are, it ends in one clear line or it runs, with faults of
// its own: no exception of ours, no hang, no memory by the file's wish. Method: seeded mutations of
// headers, symbols and text; what is still an image is executed, each second one by both engines,
// which must agree in every trap, register and byte, and each fiftieth is a domain of a whole
// system. (To translate one takes twenty times as long as to interpret it.)
// SDDF_CODE_FUZZ_RUNS sets how many, SDDF_CODE_FUZZ_SEED where to begin; a failure names the seed.

import { describe, expect, it } from 'vitest';
import { Random } from '../../board/random.ts';
import { system } from '../../microkit/builder.ts';
import type { ElfImage } from '../../microkit/elf/image.ts';
import { type ImagePlan, planImage } from '../../microkit/elf/plan.ts';
import { readElf } from '../../microkit/elf/reader.ts';
import { machineRuntime } from '../../microkit/runtime/machine-image.ts';
import { createEngine, type EngineKind } from '../../riscv/engine.ts';
import { EXIT, HART } from '../../riscv/hart.ts';
import { createTestbed } from '../../systems/testbed.ts';
import { mutateElf } from '../elf/mutate-elf.ts';
import {
  addi,
  assemble,
  bne,
  ecall,
  j,
  jr,
  ld,
  li,
  lui,
  mul,
  R,
  sd,
} from '../support/assembler.ts';
import { described } from '../support/echo-testbed.ts';
import { microkitElf } from '../support/microkit-elf.ts';
import { RiscvMachine } from '../support/riscv-machine.ts';

const RUNS = Number(process.env['SDDF_CODE_FUZZ_RUNS'] ?? 100);
const SEED = Number(process.env['SDDF_CODE_FUZZ_SEED'] ?? 1);
const INSTRUCTIONS = 5_000;
/** A domain that faults is sent elsewhere so often, as a debugger or a parent could. */
const TRAPS = 20;
const WHOLE_SYSTEM_EVERY = 50;
const MOST_BYTES = 512 * 2 ** 20;
const MACHINE_BYTES = 2 ** 20;
const PAGE_BYTES = 4096;
const DATA_PAGE = 0x20_2000;

/**
 * Loops, calls, loads, stores and system calls, so that a changed bit changes something that is
 * executed.
 */
const CODE = assemble([
  lui(R.s0, DATA_PAGE >>> 12),
  li(R.s1, 50),
  'loop',
  mul(R.t0, R.s1, R.s1),
  sd(R.t0, R.s0, 8),
  ld(R.t1, R.s0, 8),
  addi(R.s0, R.s0, 8),
  addi(R.s1, R.s1, -1),
  bne(R.s1, R.zero, 'loop'),
  lui(R.t2, 0x200),
  bne(R.t1, R.t2, 'on'),
  jr(R.t2, 4),
  'on',
  li(R.a7, -7),
  ecall,
  j('loop'),
]);

const FILE = microkitElf({
  change: (elf) => {
    const withCode = (bytes: Uint8Array): Uint8Array => {
      const text = bytes.slice();
      for (let at = 0; at < 0x400; at += CODE.length) text.set(CODE, at);
      return text;
    };
    return {
      ...elf,
      segments: elf.segments.map((each, index) =>
        index === 0 ? { ...each, bytes: withCode(each.bytes) } : each,
      ),
      sections: elf.sections.map((each) =>
        each.name === '.text' ? { ...each, bytes: withCode(each.bytes) } : each,
      ),
    };
  },
});
/** Where the text's segment begins in the file, and what of it is executed. */
const TEXT_AT = PAGE_BYTES;
const TEXT_BYTES = 0x400;

const SYSTEM = described(oneDomain().build());

function oneDomain(): ReturnType<typeof system> {
  const sys = system({ name: 'hostile' });
  sys.pd('image', { priority: 100 });
  return sys;
}

/** Half of the files keep their headers, so that their code is reached. */
function mutated(random: Random): Uint8Array {
  const file = random.below(2) === 0 ? mutateElf(FILE, random) : FILE.slice();
  for (let changes = random.below(12); changes > 0; changes -= 1) {
    const at = TEXT_AT + random.below(TEXT_BYTES);
    for (let byte = random.below(8); byte >= 0; byte -= 1) {
      if (at + byte < file.length) file[at + byte] = random.below(256);
    }
  }
  return file;
}

function isLine(text: string): boolean {
  return /^[\x20-\x7e]{1,400}$/.test(text);
}

/** All that can be seen of a run. */
interface Seen {
  readonly traps: string;
  /** Registers, and the image's pages. */
  readonly bytes: readonly Uint8Array[];
}

/** Runs an image's pages on a bare hart, and sends it elsewhere after each trap. */
function execute(plan: ImagePlan, engine: EngineKind, seed: number): Seen {
  const machine = machineWith(plan, engine);
  const random = new Random(seed);
  const traps: string[] = [];
  while (traps.length < TRAPS) {
    const left = INSTRUCTIONS - Number(machine.double(HART.retired));
    if (left <= 0) break;
    const exit = machine.run(left);
    traps.push(`${exit} at ${machine.trapPc}`);
    if (exit !== EXIT.limit && exit !== EXIT.ecall) machine.pc = 0x20_0000 + random.below(0x1000);
  }
  const { ram, hart } = machine;
  const bytes = (from: number, to: number): Uint8Array => ram.u8.subarray(from, to);
  return {
    traps: traps.join(', '),
    bytes: [
      bytes(hart, hart + HART.fcsr),
      bytes(hart + HART.floats, hart + HART.zero),
      bytes(0, machineBytes(plan)),
    ],
  };
}

function expectAlike(a: Seen, b: Seen): void {
  expect(a.traps).toBe(b.traps);
  const differing = a.bytes.findIndex(
    (bytes, index) => Buffer.compare(bytes, b.bytes[index] ?? new Uint8Array(0)) !== 0,
  );
  if (differing >= 0) expect(a.bytes[differing]).toEqual(b.bytes[differing]);
}

function machineBytes(plan: ImagePlan): number {
  return Math.min(plan.pages.length * PAGE_BYTES, MACHINE_BYTES);
}

/** Pages that there is no room for are left out: an image may have 64 MiB of them. */
function machineWith(plan: ImagePlan, engine: EngineKind): RiscvMachine {
  const pages = plan.pages.slice(0, MACHINE_BYTES / PAGE_BYTES);
  const machine = new RiscvMachine(
    pages.map(({ vaddr, permissions }, index) => ({
      vaddr,
      sizeBytes: PAGE_BYTES,
      rights: permissions,
      at: index * PAGE_BYTES,
    })),
    ({ ram, hart, space }) => createEngine({ engine, ram, at: hart, space }),
    MACHINE_BYTES,
  );
  pages.forEach(({ bytes }, index) => machine.ram.u8.set(bytes, index * PAGE_BYTES));
  machine.pc = plan.entry;
  return machine;
}

/** Runs it as a domain. @returns what it said */
function runWhole(image: ElfImage, plan: ImagePlan): string[] {
  const lines: string[] = [];
  const testbed = createTestbed({
    system: SYSTEM,
    clock: 'virtual',
    engine: 'translator',
    ramBytes: 2 ** 27,
    images: new Map([['image', { path: 'a.elf', image, plan, runtime: machineRuntime }]]),
    observer: { log: (pd, line) => lines.push(`${pd}: ${line}`) },
  });
  testbed.runUntil(200_000);
  return lines;
}

describe('the bytes of an image', () => {
  it(`end in a line or run: ${RUNS} from seed ${SEED}`, { timeout: 7_200_000 }, () => {
    const [pd] = SYSTEM.protectionDomains;
    if (pd === undefined) throw new Error('no domain');
    const seen = { refused: 0, run: 0, whole: 0 };
    // In CI this file has a process to itself. Else other files' tests have run in it before, and
    // left what nobody has swept.
    const isAlone = process.env['SDDF_CODE_FUZZ_RUNS'] !== undefined;
    const bytesBefore = isAlone ? 0 : process.memoryUsage().rss;
    let mostBytes = 0;
    const one = (seed: number): void => {
      const random = new Random(seed);
      const read = readElf(mutated(random));
      if (!read.ok) {
        expect(read.problem).toSatisfy(isLine);
        seen.refused += 1;
        return;
      }
      const planned = planImage({ system: SYSTEM, pd, image: read.image });
      if (!planned.ok) {
        for (const problem of planned.problems) expect(problem).toSatisfy(isLine);
        seen.refused += 1;
        return;
      }
      const interpreted = execute(planned.plan, 'interpreter', seed);
      if (seen.run % 2 === 0) expectAlike(execute(planned.plan, 'translator', seed), interpreted);
      seen.run += 1;
      if (seen.run % WHOLE_SYSTEM_EVERY !== 0) return;
      for (const line of runWhole(read.image, planned.plan)) expect(line).toSatisfy(isLine);
      seen.whole += 1;
    };
    for (let seed = SEED; seed < SEED + RUNS; seed += 1) {
      try {
        one(seed);
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
      mostBytes = Math.max(mostBytes, process.memoryUsage().rss);
    }

    console.log(
      `seed ${SEED}: ${JSON.stringify(seen)}, at most ${Math.ceil(mostBytes / 2 ** 20)} MB`,
    );
    expect(mostBytes - bytesBefore).toBeLessThan(MOST_BYTES);
    expect(seen.refused).toBeGreaterThan(RUNS / 50);
    expect(seen.run).toBeGreaterThan(RUNS / 4);
  });
});
