/** Which buffer an entry names, as steps write it: `buffer: 3`, `of: client1`, or `offset: 0x…`. */

import { hex } from '../../memory/hex.ts';
import type { Given } from '../given/given.ts';
import type { TestRun } from '../run/test-run.ts';
import type { BenchConnection, DataArea } from './bench.ts';
import { unitNumber, unitWords } from './places.ts';

export interface BufferSpec {
  /** What the entry says, low and high 32 bits. */
  readonly number: (run: TestRun) => number;
  readonly words: string;
  /** Undefined for a number that is no buffer. */
  readonly area: DataArea | undefined;
  readonly unit: number;
}

const TWO_53 = Number.MAX_SAFE_INTEGER;

/** @returns undefined when the step does not say */
export function readBuffer(given: Given, { data }: BenchConnection): BufferSpec | undefined {
  const [buffer, of, offset] = ['buffer', 'of', 'offset'].map((name) => given.field(name));
  if (data === undefined) return undefined;
  if (offset !== undefined) {
    if (buffer !== undefined) offset.problem('an entry has a buffer or an offset, not both');
    const number = offset.number({ min: 0, max: TWO_53 });
    return {
      number: () => number,
      words: `offset ${hex(number)}`,
      area: undefined,
      unit: 0,
    };
  }
  if (buffer === undefined) return undefined;
  const names = data.areas.map(({ name }) => name);
  const name = of?.choice(names) ?? names[0];
  const area = data.areas.find((each) => each.name === name);
  if (area === undefined) return undefined;
  const unit = buffer.number({ min: 0, max: area.units - 1 });
  return {
    number: (run) => unitNumber(run, data, area, unit),
    words: names.length > 1 ? `buffer ${unit} of ${area.name}` : `buffer ${unit}`,
    area,
    unit,
  };
}

export function entryWords(run: TestRun, { data }: BenchConnection, number: number): string {
  return data === undefined ? hex(number) : unitWords(run, data, number);
}
