/**
 * What a driver remembers of a virtqueue's chains, in memory that the device does not see: which
 * ones are free, and of each what was posted with it last. It lies where loops over batches can
 * reach it and no program's region can; where there is no such loop, in ordinary memory.
 */

import type { Ram } from '../../memory/ram.ts';
import { hasStaging } from '../loops/block.ts';

/** Words of a chain's shadow: 2 to this power. The first is the buffer's address, its low half. */
export const SHADOW_SHIFT = 2;
export const SHADOW_HIGH = 1;
export const SHADOW_LEN = 2;
export const SHADOW_OUTSTANDING = 3;
/** What the last of these holds; 0: finished. */
export const PLAIN = 1;
export const HEADED = 2;

export interface Books {
  /** Chains that are not outstanding: a stack. */
  readonly free: Uint16Array;
  readonly shadow: Int32Array;
  /** Offsets in RAM of both; -1 where no loop can reach them. */
  readonly freeAt: number;
  readonly shadowAt: number;
}

/** All chains are free, chain 0 first. */
export function makeBooks(ram: Ram, chains: number): Books {
  const shadowWords = chains << SHADOW_SHIFT;
  const free = Uint16Array.from({ length: chains }, (_, index) => chains - 1 - index);
  if (ram.batches === 'steps' || !hasStaging(ram, 2 * chains + 4 * shadowWords + 64)) {
    return { free, shadow: new Int32Array(shadowWords), freeAt: -1, shadowAt: -1 };
  }
  const freeAt = ram.takeStaging(2 * chains);
  const shadowAt = ram.takeStaging(4 * shadowWords);
  const shared = new Uint16Array(ram.u8.buffer, freeAt, chains);
  shared.set(free);
  const shadow = new Int32Array(ram.u8.buffer, shadowAt, shadowWords).fill(0);
  return { free: shared, shadow, freeAt, shadowAt };
}
