/**
 * The engines against qemu-riscv64, on random programs: registers, floating-point flags and memory
 * must be equal.
 *
 * Sequences of 20 to 200 instructions run in batches: one program, one process of QEMU and one
 * memory for each batch. Seeds alone say what is in it; fast-check comes in when something differs,
 * to shrink it. `SDDF_RISCV_SEQUENCES` says how many there are in all, `SDDF_RISCV_SEED` with which
 * seed.
 */

import { setFlagsFromString } from 'node:v8';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { disassemble } from '../../riscv/disassemble.ts';
import { decode, lengthOf } from '../../riscv/decode.ts';
import { createEngine, type EngineKind } from '../../riscv/engine.ts';
import { EXIT } from '../../riscv/hart.ts';
import { Translations } from '../../riscv/translator/translations.ts';
import { hasQemuRiscv64, runInQemu } from '../support/qemu-riscv64.ts';
import { RiscvMachine } from '../support/riscv-machine.ts';
import {
  makeProgram,
  PROGRAM_RECORDS,
  PROGRAM_TEXT,
  type RandomProgram,
  randomSequence,
  RECORD,
  type Sequence,
} from '../support/riscv-random.ts';

const COUNT = Number(process.env['SDDF_RISCV_SEQUENCES'] ?? 500);
const SEED = Number(process.env['SDDF_RISCV_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const BATCH = 500;
const PAGE_BYTES = 4096;
const ENGINES: readonly EngineKind[] = ['interpreter', 'translator'];

// Functions of the text are large and left at every third instruction, so that V8 takes them for
// hot. None runs twice: half of the time would go into code that is never executed.
setFlagsFromString('--liftoff-only');

interface Outcome {
  readonly records: Uint8Array;
  readonly translations: Translations;
}

function pages(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
}

/** Runs a program up to its first system call, which would write the records. */
function runHere({ text, records }: RandomProgram, engine: EngineKind): Outcome {
  const recordsAt = PAGE_BYTES + pages(text.length);
  const mappings = [
    { vaddr: PROGRAM_TEXT, sizeBytes: pages(text.length), rights: 'rx', at: PAGE_BYTES },
    { vaddr: PROGRAM_RECORDS, sizeBytes: pages(records.length), rights: 'rw', at: recordsAt },
  ];
  const translations = new Translations();
  const machine = new RiscvMachine(
    mappings,
    ({ ram, hart, space }) => createEngine({ engine, ram, at: hart, space, translations }),
    recordsAt + pages(records.length),
  );
  machine.ram.u8.set(text, PAGE_BYTES);
  machine.ram.u8.set(records, recordsAt);
  const exit = machine.run(100_000_000);
  expect([exit, machine.x(17)]).toEqual([EXIT.ecall, 64n]);
  const after = machine.ram.u8.slice(recordsAt, recordsAt + records.length);
  return { records: after, translations };
}

/** Which of the sequences ended differently. */
function differing(a: Uint8Array, b: Uint8Array): number[] {
  expect(a).toHaveLength(b.length);
  const found: number[] = [];
  for (let at = 0; at < a.length; at += RECORD.bytes) {
    const same = Buffer.compare(
      a.subarray(at, at + RECORD.bytes),
      b.subarray(at, at + RECORD.bytes),
    );
    if (same !== 0) found.push(at / RECORD.bytes);
  }
  return found;
}

/** What differs in the one record of a program, for a person. */
function explain(program: RandomProgram, ours: Uint8Array, theirs: Uint8Array): string {
  const lines: string[] = [];
  const a = new DataView(ours.buffer, ours.byteOffset);
  const b = new DataView(theirs.buffer, theirs.byteOffset);
  for (let at = 0; at < RECORD.bytes; at += 8) {
    const left = a.getBigUint64(at, true);
    const right = b.getBigUint64(at, true);
    if (left !== right)
      lines.push(`${placeName(at)}: ${left.toString(16)} | ${right.toString(16)}`);
  }
  return [...lines, ...listing(program.text)].join('\n');
}

function placeName(at: number): string {
  if (at < RECORD.floats) return `x${at / 8}`;
  if (at < RECORD.fcsr) return `f${(at - RECORD.floats) / 8}`;
  return at === RECORD.fcsr ? 'fcsr' : `data+${at - RECORD.middle}`;
}

/** The program behind its prologue and epilogue. */
function listing(text: Uint8Array): string[] {
  const view = new DataView(text.buffer, text.byteOffset, text.length);
  const lines: string[] = [];
  for (let at = 0; at < text.length;) {
    const half = view.getUint16(at, true);
    const word = lengthOf(half) === 4 ? view.getUint32(at, true) : half;
    const line = disassemble(decode(word), PROGRAM_TEXT + at);
    lines.push(`${(PROGRAM_TEXT + at).toString(16)}: ${line}`);
    at += lengthOf(half);
  }
  const first = lines.findLastIndex((line) => line.includes(' ret') || line.endsWith('jr gp'));
  return lines.slice(first + 1);
}

/** Shrinks one sequence that ends differently, and fails with what is left of it. */
async function failWith(sequence: Sequence, engine: EngineKind): Promise<void> {
  const sequences: fc.Arbitrary<Sequence> = fc.record({
    seed: fc.integer(),
    genes: fc.array(fc.integer(), { minLength: 20, maxLength: 200, size: 'max' }),
  });
  await fc.assert(
    fc.asyncProperty(sequences, async (each) => {
      const program = makeProgram([each]);
      const ours = runHere(program, engine).records;
      const theirs = await runInQemu(program);
      if (differing(ours, theirs).length > 0) throw new Error(explain(program, ours, theirs));
    }),
    { seed: SEED, examples: [[sequence]], numRuns: 1, interruptAfterTimeLimit: 20_000 },
  );
}

/**
 * Makes sure that the translator has not left the program to the interpreter.
 * @returns how many instructions it has translated
 */
function translated({ refused, texts: [text] }: Translations): number {
  expect(refused).toBe(0);
  if (text === undefined) return 0;
  const { translation, units } = text;
  expect(translation.functionsGivenUp).toBeLessThanOrEqual(translation.size / 50);
  return units
    .flatMap(({ functions }) => functions)
    .reduce((sum, index) => sum + translation.lengthOf(index), 0);
}

describe.skipIf(!hasQemuRiscv64)('random programs beside qemu-riscv64 (qemu-user)', () => {
  it(`end alike: ${COUNT} sequences, SDDF_RISCV_SEED=${SEED}`, { timeout: 3_600_000 }, async () => {
    let instructions = 0;
    for (let done = 0; done < COUNT; done += BATCH) {
      const length = Math.min(BATCH, COUNT - done);
      const batch = Array.from({ length }, (_, index) => randomSequence(SEED + done + index));
      const program = makeProgram(batch);
      const theirs = runInQemu(program);
      for (const engine of ENGINES) {
        const { records, translations } = runHere(program, engine);
        if (engine === 'translator') instructions += translated(translations);
        const [first] = differing(records, await theirs);
        const sequence = first === undefined ? undefined : batch[first];
        if (sequence !== undefined) await failWith(sequence, engine);
        expect(first).toBeUndefined();
      }
    }
    // The mean length of a sequence is 64, and groups are more than one instruction.
    expect(instructions).toBeGreaterThan(64 * COUNT);
    console.log(
      `random programs: SDDF_RISCV_SEED=${SEED}, ${COUNT} sequences, ${instructions} instructions translated`,
    );
  });
});
