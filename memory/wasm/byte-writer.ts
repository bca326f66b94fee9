/**
 * Bytes that are written one after the other, with the variable-length integers of WebAssembly
 * (LEB128: seven bits a byte, lowest first, the top bit says that more follow). WebAssembly core
 * specification, section 5.2.2.
 */

const FIRST_CAPACITY = 1024;

export class ByteWriter {
  #bytes = new Uint8Array(FIRST_CAPACITY);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    if (this.#length === this.#bytes.length) {
      this.#grow(1);
    }
    this.#bytes[this.#length] = value;
    this.#length += 1;
  }

  append(bytes: ArrayLike<number>): void {
    if (this.#length + bytes.length > this.#bytes.length) {
      this.#grow(bytes.length);
    }
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** @param value a whole number from 0 to 2^32 - 1 */
  unsigned(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /** @param value a whole number whose double is exact: between -2^53 and 2^53 */
  signed(value: number): void {
    let rest = value;
    // One byte holds -64..63: its bit 6 is the sign.
    while (rest < -64 || rest > 63) {
      const low = ((rest % 128) + 128) % 128;
      this.byte(low | 0x80);
      rest = (rest - low) / 128;
    }
    this.byte(rest & 0x7f);
  }

  /** A 64-bit value by its halves, as a signed LEB128. */
  signed64(low: number, high: number): void {
    let lowRest = low | 0;
    let highRest = high | 0;
    for (;;) {
      const isLast =
        (highRest === 0 && lowRest >= 0 && lowRest < 64) ||
        (highRest === -1 && lowRest < 0 && lowRest >= -64);
      if (isLast) {
        this.byte(lowRest & 0x7f);
        return;
      }
      this.byte((lowRest & 0x7f) | 0x80);
      lowRest = (lowRest >>> 7) | (highRest << 25);
      highRest >>= 7;
    }
  }

  /** A name: its length and its bytes; ASCII only. */
  name(text: string): void {
    this.unsigned(text.length);
    for (let index = 0; index < text.length; index += 1) {
      this.byte(text.charCodeAt(index));
    }
  }

  /** What has been written, as a view that is good until the next byte is written. */
  written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(more: number): void {
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    larger.set(this.written());
    this.#bytes = larger;
  }
}
