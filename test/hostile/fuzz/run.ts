/**
 * Runs a target on inputs, each made from a seed of its own, so that one that fails can be had
 * again alone.
 */

import { Random } from '../../../board/random.ts';
import { mutated } from './mutation.ts';
import type { FuzzTarget } from './fuzz-target.ts';

/** @throws Error that names target and seed, when an input does what none may */
export async function runInputs(
  target: FuzzTarget,
  firstSeed: number,
  inputs: number,
): Promise<void> {
  for (let seed = firstSeed; seed < firstSeed + inputs; seed += 1) await runInput(target, seed);
}

/** @throws Error as {@link runInputs} does */
export async function runInput(target: FuzzTarget, seed: number): Promise<void> {
  const random = new Random(seed).fork(target.name);
  const bytes = mutated(target.seeds, random);
  try {
    await target.run(bytes, random);
  } catch (error) {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const start = Buffer.from(bytes.subarray(0, 400)).toString('hex');
    throw new Error(`${target.name}, seed ${seed} (${bytes.length} bytes: ${start}): ${why}`);
  }
}
