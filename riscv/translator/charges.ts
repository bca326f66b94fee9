/**
 * How `remaining` is counted with few instructions.
 *
 * At a *checkpoint* (where the function is entered, and where a loop begins) the longest way to the
 * next one is charged in advance, or the function is left when that much may not be executed any
 * more. A way that turns out shorter gets the rest back where it branches off. So a loop costs one
 * subtraction and one comparison in each round, and the count is exact wherever the function is
 * left.
 */

export interface Charges {
  readonly isCheckpoint: (block: number) => boolean;
  /** Of a block: what has been charged for it and all behind it when it begins. */
  ahead(block: number): number;
}

export interface ChargedBlock {
  /** Instructions that it executes. */
  readonly length: number;
  /** Blocks of the function that it goes to. */
  readonly ways: readonly number[];
}

/**
 * @param order the blocks, each before those that it leads to, loops apart
 * @param checkpoints at least one of each loop's blocks, so that every way ends
 */
export function chargesOf(
  blocks: readonly ChargedBlock[],
  order: readonly number[],
  checkpoints: ReadonlySet<number>,
): Charges {
  const ahead = new Int32Array(blocks.length);
  for (const block of order.toReversed()) {
    const { length, ways } = blocks[block] as ChargedBlock;
    let longest = 0;
    for (const way of ways) {
      if (!checkpoints.has(way)) longest = Math.max(longest, ahead[way] as number);
    }
    ahead[block] = length + longest;
  }
  return {
    isCheckpoint: (block) => checkpoints.has(block),
    ahead: (block) => ahead[block] as number,
  };
}
