/**
 * The one door for chance: a seeded generator (xoshiro128**, Blackman and Vigna 2018), so that one
 * seed gives one run.
 *
 * Parts that need chance get a generator of their own by {@link Random.fork}, named after what they
 * are: then one part's draws do not disturb another's when something is added.
 */

import { assert } from '../memory/assert.ts';

export class Random {
  readonly #seed: number;
  #s0 = 0;
  #s1 = 0;
  #s2 = 0;
  #s3 = 0;

  /** @param seed an integer; its low 32 bits count */
  constructor(seed: number) {
    assert(Number.isInteger(seed), 'a seed is an integer');
    this.#seed = seed >>> 0;
    // Four different words from one seed; the state must not be all zero, which the odd constants
    // exclude.
    this.#s0 = scramble(this.#seed + 0x9e3779b9);
    this.#s1 = scramble(this.#seed + 0x3c6ef372);
    this.#s2 = scramble(this.#seed + 0xdaa66d2b);
    this.#s3 = scramble(this.#seed + 0x78dde6e4);
    if ((this.#s0 | this.#s1 | this.#s2 | this.#s3) === 0) this.#s0 = 1;
  }

  /**
   * A generator that depends on this one's seed and `name` only, not on how far this one has got.
   */
  fork(name: string): Random {
    let hash = scramble(this.#seed ^ 0x51ed270b);
    for (let i = 0; i < name.length; i++) {
      hash = scramble(hash ^ Math.imul(name.charCodeAt(i) + 1, 0x01000193));
    }
    return new Random(hash);
  }

  /** @returns an integer, 0 to 2^32 - 1 */
  u32(): number {
    const scaled = Math.imul(this.#s1, 5);
    const result = Math.imul((scaled << 7) | (scaled >>> 25), 9);
    const shifted = this.#s1 << 9;
    this.#s2 ^= this.#s0;
    this.#s3 ^= this.#s1;
    this.#s1 ^= this.#s2;
    this.#s0 ^= this.#s3;
    this.#s2 ^= shifted;
    this.#s3 = (this.#s3 << 11) | (this.#s3 >>> 21);
    return result >>> 0;
  }

  /**
   * @returns an integer, 0 to `bound` - 1, each as likely: draws that would favour small results
   * are thrown away
   */
  below(bound: number): number {
    assert(Number.isInteger(bound) && bound > 0 && bound <= 0x1_0000_0000, 'a bound is 1 to 2^32');
    const fair = 0x1_0000_0000 - (0x1_0000_0000 % bound);
    let drawn = this.u32();
    while (drawn >= fair) drawn = this.u32();
    return drawn % bound;
  }

  /** @returns a number from 0 up to but not including 1, in steps of 2^-32 */
  float(): number {
    return this.u32() / 0x1_0000_0000;
  }
}

/** Mixes the bits of a word: a bijection, so different words stay different. */
function scramble(word: number): number {
  let mixed = word | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x7feb352d);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b);
  return mixed ^ (mixed >>> 16);
}
