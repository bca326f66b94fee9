/**
 * How fast this machine is now, beside the one on which the parts were timed: for the first
 * estimate of the time that is left.
 */

import { hostNow } from '../../host/host-time.ts';

const WORDS = 1 << 16;
const ROUNDS = 12;
/** Longer, quiet, than another process keeps a processor at a time. */
const SAMPLES = 25;
/** What the work takes on the machine that the table's seconds are of, when it is quiet. */
const REFERENCE_NS = 1_100_000;

/** @returns how much longer things take here: 2 on a machine of half the speed, or a busy one */
export function machinePace(): number {
  const words = new Uint32Array(WORDS);
  for (let round = 0; round < ROUNDS; round += 1) mix(words); // until the engine has compiled it
  const startedAt = hostNow();
  // The whole of it: where processes take turns, a single sample meets none of the others'.
  for (let round = 0; round < ROUNDS * SAMPLES; round += 1) mix(words);
  return (hostNow() - startedAt) / SAMPLES / REFERENCE_NS;
}

/** Loads, stores and arithmetic, as a data path has them. */
function mix(words: Uint32Array): void {
  let sum = words[0] ?? 0;
  for (let at = 0; at < words.length; at += 1) {
    sum = (Math.imul(sum ^ (words[at] ?? 0), 0x0100_0193) + at) >>> 0;
    words[at] = sum;
  }
}
