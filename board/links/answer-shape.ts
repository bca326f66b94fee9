/**
 * What the answers of one echo server look like, in the words of memory: judged with a dozen loads,
 * where the way by fields takes three times as many. For answers that begin at a word; any other
 * one is judged by fields.
 */

import type { Ram } from '../../memory/ram.ts';
import { DevicePart } from '../device.ts';
import { FRONT_AT } from './answer-loop.ts';
import { GENERATOR_MARK_BYTES, MAGIC } from './generator-mark.ts';
import { PAYLOAD_AT, type Station, writeUdpFrame } from './udp-frame.ts';

/** Ethertype, version and header length: the type of service is the server's affair. */
const TYPE_AND_VERSION = 0x00ff_ffff;
/** What of words 3 to 10 counts; the magic number apart. */
const MASKS = [TYPE_AND_VERSION, 0, 0xff00_0000, 0xffff_0000, -1, -1, 0xffff, 0];

export interface AnswerShapeOptions {
  readonly ram: Ram;
  readonly server: Station;
  readonly asker: Station;
}

export class AnswerShape extends DevicePart<AnswerShapeOptions> {
  readonly #i32: Int32Array = this.options.ram.i32;
  readonly #sample: Int32Array = sample(this.options);
  readonly #word3: number = (this.#sample[3] as number) & TYPE_AND_VERSION;
  readonly #protocol: number = (this.#sample[5] as number) >>> 24;
  /** Source address, upper half. */
  readonly #word6: number = (this.#sample[6] as number) >>> 16;
  /** Source address, lower half; destination address, upper half. */
  readonly #word7: number = this.#sample[7] as number;
  /** Destination address, lower half; source port. */
  readonly #word8: number = this.#sample[8] as number;
  /** Destination port. */
  readonly #word9: number = (this.#sample[9] as number) & 0xffff;
  readonly #magic: number = magicOf(this.#sample, 0);

  /**
   * Writes the shape where `answer-loop.ts` looks for it: words 3 to 6 and 7 to 10, each four
   * behind their masks, and the magic number.
   *
   * @param word index of its first word
   */
  write(word: number): void {
    const words = this.#sample.subarray(FRONT_AT >>> 2, (FRONT_AT >>> 2) + MASKS.length);
    const wanted = words.map((each, index) => each & (MASKS[index] as number));
    for (const first of [0, 4]) {
      const vectors = [...MASKS.slice(first, first + 4), ...wanted.subarray(first, first + 4)];
      this.#i32.set(vectors, word + 2 * first);
    }
    this.#i32[word + 16] = this.#magic;
  }

  /**
   * @param word index of the word at which the frame begins; it is long enough for the generator's
   * mark
   */
  matches(word: number): boolean {
    const i32 = this.#i32;
    return (
      i32[word + 7] === this.#word7 &&
      i32[word + 8] === this.#word8 &&
      ((i32[word + 3] as number) & TYPE_AND_VERSION) === this.#word3 &&
      (i32[word + 5] as number) >>> 24 === this.#protocol &&
      (i32[word + 6] as number) >>> 16 === this.#word6 &&
      ((i32[word + 9] as number) & 0xffff) === this.#word9 &&
      magicOf(i32, word) === this.#magic
    );
  }
}

/** The magic number lies in the middle of words 10 and 11. */
function magicOf(i32: Int32Array, word: number): number {
  return ((i32[word + 10] as number) >>> 16) | ((i32[word + 11] as number) << 16);
}

/** @returns an answer, as its server would send it */
function sample({ ram, server, asker }: AnswerShapeOptions): Int32Array {
  const frameBytes = PAYLOAD_AT + GENERATOR_MARK_BYTES;
  const at = ram.takeStaging(frameBytes + 2);
  ram.view.setUint32(at + PAYLOAD_AT, MAGIC);
  writeUdpFrame(ram, at, { from: server, to: asker, identification: 0 }, frameBytes);
  return ram.i32.slice(at >>> 2, (at + frameBytes + 2) >>> 2);
}
