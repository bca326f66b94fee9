/** Program text for threads that tests make while they run: entries whose bodies are filled in later. */

import type { LoadedImage } from '../../../kernel/boot.ts';
import { generatorImage } from '../../../kernel/generator-context.ts';
import type { ThreadBody } from '../../../kernel/system-call.ts';
import { check } from './check.ts';

const FIRST_ENTRY = 0x10_0000;
const ENTRY_BYTES = 64;
const ENTRIES = 1024;

export class Programs {
  readonly images: readonly LoadedImage[];
  readonly #bodies: (() => ThreadBody)[] = [];

  constructor() {
    this.images = Array.from({ length: ENTRIES }, (_, i) => ({
      entry: FIRST_ENTRY + i * ENTRY_BYTES,
      image: generatorImage(`thread ${i}`, () => (this.#bodies[i] as () => ThreadBody)()),
    }));
  }

  /** @returns the pc at which threads run `body` */
  add(body: () => ThreadBody): number {
    check(this.#bodies.length < ENTRIES, 'the test has too many threads');
    this.#bodies.push(body);
    return FIRST_ENTRY + (this.#bodies.length - 1) * ENTRY_BYTES;
  }
}
