/**
 * Program text for threads that tests make while they run: entries whose bodies are filled in
 * later.
 */

import type { LoadedImage } from '../../../kernel/boot.ts';
import { generatorImage } from '../../../kernel/generator-context.ts';
import type { ThreadBody } from '../../../kernel/system-call.ts';
import type { UserThread } from '../../../kernel/user.ts';
import { check } from './check.ts';

const FIRST_ENTRY = 0x10_0000;
const ENTRY_BYTES = 64;
const ENTRIES = 1024;

type Body = (thread: UserThread) => ThreadBody;

export class Programs {
  readonly images: readonly LoadedImage[];
  readonly #bodies: Body[] = [];

  constructor() {
    this.images = Array.from({ length: ENTRIES }, (_, i) => ({
      entry: FIRST_ENTRY + i * ENTRY_BYTES,
      image: generatorImage(`thread ${i}`, (thread) => (this.#bodies[i] as Body)(thread)),
    }));
  }

  /** @returns the pc at which threads run `body` */
  add(body: Body): number {
    check(this.#bodies.length < ENTRIES, 'the test has too many threads');
    this.#bodies.push(body);
    return FIRST_ENTRY + (this.#bodies.length - 1) * ENTRY_BYTES;
  }
}
