/**
 * A record of a run, by which the next run of the same world is proved to be the same: digests of
 * times, counters and registers at every so-many-th event, and of memory, too, where the world
 * halted.
 */

import type { DebuggedWorld } from './debugged-world.ts';
import type { DebuggedHart } from './debugged-hart.ts';
import { bytesOf, VM_READ_WRITE } from '../kernel/objects/object-sizes.ts';
import { HART } from '../riscv/hart.ts';
import type { Moment } from './moment.ts';

/** Of the events that somebody looks at anyway, each so-many-th is noted. */
const LOOKS = 64;
const PC_WORDS = 2;

export class Journal {
  readonly #everyEvents: number;
  readonly #byEvent = new Map<number, number>();
  readonly #byMoment = new Map<string, number>();
  /** The first event at which another run was not the same. */
  #difference: number | undefined;

  /** @param lookEvery {@link note} is called at each so-many-th event at least */
  constructor(lookEvery: number) {
    this.#everyEvents = LOOKS * lookEvery;
  }

  /** Some of a hart's registers may still be locals of translated code now. */
  note(event: number, { kernel, board }: DebuggedWorld): void {
    if (event % this.#everyEvents !== 0) return;
    const digest = new Digest();
    digest.add(board.now());
    for (const count of Object.values(kernel.counters)) digest.add(count);
    this.#noted(event, digest.value);
  }

  #noted(event: number, digest: number): void {
    const before = this.#byEvent.get(event);
    if (before === undefined) this.#byEvent.set(event, digest);
    else if (before !== digest) this.#difference ??= event;
  }

  /**
   * Called where it has halted.
   *
   * @param nowNs when that is: the board's clock may be behind
   * @returns a line when this is not what was seen at this moment before
   */
  compare(
    moment: Moment,
    nowNs: number,
    world: DebuggedWorld,
    harts: ReadonlyMap<string, DebuggedHart>,
  ): string | undefined {
    const key = JSON.stringify(moment);
    const digest = digestOf(nowNs, world, harts);
    const before = this.#byMoment.get(key);
    if (before === undefined) this.#byMoment.set(key, digest);
    const isOther = before !== undefined && before !== digest;
    if (this.#difference === undefined && !isOther) return undefined;
    const since = this.#difference === undefined ? '' : `, from event ${this.#difference} on`;
    this.#difference = undefined;
    return `this is not the same world as before${since}: its programs or what it is plugged into do not do the same again`;
  }

  /** From a moment on the world is to be another one: what was recorded holds up to there. */
  forgetBehind(event: number, moment: Moment): void {
    for (const each of this.#byEvent.keys()) if (each > event) this.#byEvent.delete(each);
    const key = JSON.stringify(moment);
    const digest = this.#byMoment.get(key);
    this.#byMoment.clear();
    if (digest !== undefined) this.#byMoment.set(key, digest);
  }

  /** The user has changed the world: what was recorded holds no longer. */
  forget(): void {
    this.#byEvent.clear();
    this.#byMoment.clear();
    this.#difference = undefined;
  }
}

class Digest {
  value = 0x811c_9dc5;

  /** FNV-1a, by words. */
  add(word: number): void {
    this.value = Math.imul(this.value ^ (word | 0), 0x0100_0193);
  }
}

/**
 * A number for all that is known of a world's state: time, counters, registers of harts, and the
 * memory that somebody may write to.
 */
export function digestOf(
  nowNs: number,
  world: DebuggedWorld,
  harts: ReadonlyMap<string, DebuggedHart>,
): number {
  const digest = new Digest();
  digest.add(nowNs);
  for (const count of Object.values(world.kernel.counters)) digest.add(count);
  for (const { parts, steps } of harts.values()) {
    digest.add(steps);
    const { i32 } = parts.ram;
    const first = parts.at >>> 2;
    // Where the last trap was, or the last pause, is no matter: where it goes on is behind it.
    for (let word = PC_WORDS; word <= HART.fcsr >>> 2; word += 1) {
      digest.add(i32[first + word] as number);
    }
    for (let word = HART.floats >>> 2; word < HART.zero >>> 2; word += 1) {
      digest.add(i32[first + word] as number);
    }
  }
  addMemory(digest, world);
  return digest.value;
}

/** All memory that somebody may write to. */
function addMemory(digest: Digest, { board, tables }: DebuggedWorld): void {
  const { i32, base } = board.ram;
  const seen = new Set<number>();
  for (const { entries } of tables) {
    for (const entry of entries) {
      if (entry?.kind !== 'page' || entry.isDevice || entry.vmRights !== VM_READ_WRITE) continue;
      if (seen.has(entry.base)) continue;
      seen.add(entry.base);
      const first = (entry.base - base) >>> 2;
      digest.add(sumOf(i32, first, first + (bytesOf(entry.sizeBits) >>> 2)));
    }
  }
}

function sumOf(words: Int32Array, first: number, behind: number): number {
  let sum = 0;
  for (let word = first; word < behind; word += 1) {
    sum = (Math.imul(sum, 31) + (words[word] as number)) | 0;
  }
  return sum;
}
