/**
 * What a program remembers, in words, where loops over batches can reach it and no program's region
 * can; where batches are moved step by step, in ordinary memory.
 */

import type { Ram } from '../../memory/ram.ts';
import { hasStaging } from './block.ts';

export interface Table {
  /** All zero. */
  readonly words: Int32Array;
  /** Offset in RAM; -1 where no loop can reach them. */
  readonly at: number;
}

export function makeTable(ram: Ram, words: number): Table {
  // What follows takes memory, too: a block, and what aligns them.
  const lengthBytes = 4 * words;
  if (ram.batches === 'steps' || !hasStaging(ram, lengthBytes + 256)) {
    return { words: new Int32Array(words), at: -1 };
  }
  const at = ram.takeStaging(lengthBytes);
  return { words: new Int32Array(ram.u8.buffer, at, words).fill(0), at };
}
