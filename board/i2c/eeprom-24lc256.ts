/**
 * The 24LC256, an EEPROM of 32 KiB: two bytes of address, then data. A write stays in its page of
 * 64 bytes, beginning again at its first byte; it takes effect at the stop condition, and for 5 ms
 * after it the chip acknowledges nothing, which is how a driver knows that it is done.
 *
 * Source: Microchip DS20001203, sections 4 to 8 and table 1-2.
 */

import type { I2cTarget } from './i2c-bus.ts';

const ADDRESS = 0x50;
const BYTES = 32_768;
const PAGE_BYTES = 64;
const WRITE_CYCLE_NS = 5e6;

export interface EepromOptions {
  /** Of the chip's pins A0 to A2, 0 to 7; 0 unless told. */
  readonly pins?: number;
  /** Contents; what is not given is erased. */
  readonly contents?: Uint8Array;
}

export class Eeprom24Lc256 implements I2cTarget {
  readonly name: string;
  readonly address: number;
  readonly speedMax = 400_000;
  readonly #bytes = new Uint8Array(BYTES).fill(0xff);
  /** Bytes of the page that this write changes, by place in the page. */
  readonly #page = new Map<number, number>();
  #pointer = 0;
  #addressBytes = 0;
  #busyUntilNs = -1;
  #isWriting = false;

  constructor({ pins = 0, contents = new Uint8Array() }: EepromOptions = {}) {
    this.address = ADDRESS + pins;
    this.name = pins === 0 ? '24lc256' : `24lc256-${pins}`;
    this.#bytes.set(contents.subarray(0, BYTES));
  }

  start(way: 'read' | 'write', nowNs: number): boolean {
    // A start that comes instead of a stop drops what was to be written.
    this.#page.clear();
    this.#isWriting = way === 'write';
    if (nowNs < this.#busyUntilNs) return false;
    if (way === 'write') this.#addressBytes = 0;
    return true;
  }

  startOfOther(): void {
    this.#page.clear();
    this.#isWriting = false;
  }

  write(byte: number): boolean {
    if (this.#addressBytes < 2) {
      this.#pointer = ((this.#pointer << 8) | byte) & (BYTES - 1);
      this.#addressBytes += 1;
      return true;
    }
    this.#page.set(this.#pointer % PAGE_BYTES, byte);
    const page = this.#pointer - (this.#pointer % PAGE_BYTES);
    this.#pointer = page + ((this.#pointer + 1) % PAGE_BYTES);
    return true;
  }

  read(): number {
    const byte = this.#bytes[this.#pointer] as number;
    this.#pointer = (this.#pointer + 1) % BYTES;
    return byte;
  }

  stop(nowNs: number): void {
    if (!this.#isWriting || this.#page.size === 0) return;
    const page = this.#pointer - (this.#pointer % PAGE_BYTES);
    for (const [place, byte] of this.#page) this.#bytes[page + place] = byte;
    this.#page.clear();
    this.#isWriting = false;
    this.#busyUntilNs = nowNs + WRITE_CYCLE_NS;
  }

  /** @returns a copy of what is stored there */
  contents(from: number, lengthBytes: number): Uint8Array {
    return this.#bytes.slice(from, from + lengthBytes);
  }

  snapshot(): Record<string, unknown> {
    return { pointer: this.#pointer, waiting: this.#page.size, busyUntilNs: this.#busyUntilNs };
  }
}
