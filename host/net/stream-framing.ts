/**
 * The framing of QEMU's `-netdev stream` (and `socket`): each frame is preceded by its length, a
 * 32-bit big-endian number. A reader gets the bytes in pieces of any size.
 */

export const LENGTH_BYTES = 4;
/**
 * The longest that QEMU accepts: its NET_BUFSIZE, room for offloaded segments. Longer means that we
 * lost our place.
 */
export const STREAM_FRAME_BYTES_MAX = 4096 + 65_536;

const NOTHING = new Uint8Array(0);

/**
 * Takes pieces of a stream and gives whole frames. A byte is copied once at most, however small the
 * pieces are.
 */
export class StreamDecoder {
  #rest: Uint8Array = NOTHING;
  /** A length of which not all has come. */
  readonly #length = new Uint8Array(LENGTH_BYTES);
  #lengthFilled = 0;
  /** A frame of which not all has come. */
  #frame: Uint8Array = NOTHING;
  #frameFilled = 0;

  /**
   * Adds a piece, when {@link next} has answered `undefined`. The bytes must not change until it
   * does so again.
   */
  push(piece: Uint8Array): void {
    this.#rest = piece;
  }

  /**
   * The next whole frame, which stays valid; 'badLength' when no frame can begin here: the stream
   * cannot be read on.
   *
   * @returns `undefined` when more bytes are needed
   */
  next(): Uint8Array | 'badLength' | undefined {
    if (this.#frame.length === 0) {
      if (this.#lengthFilled < LENGTH_BYTES) this.#fillLength();
      if (this.#lengthFilled < LENGTH_BYTES) return undefined;
      const lengthBytes = new DataView(this.#length.buffer).getUint32(0, false);
      if (lengthBytes === 0 || lengthBytes > STREAM_FRAME_BYTES_MAX) return 'badLength';
      if (this.#rest.length >= lengthBytes) {
        this.#lengthFilled = 0;
        return this.#take(lengthBytes);
      }
      this.#frame = new Uint8Array(lengthBytes);
      this.#frameFilled = 0;
    }
    const part = this.#take(Math.min(this.#rest.length, this.#frame.length - this.#frameFilled));
    this.#frame.set(part, this.#frameFilled);
    this.#frameFilled += part.length;
    if (this.#frameFilled < this.#frame.length) return undefined;
    const whole = this.#frame;
    this.#frame = NOTHING;
    this.#lengthFilled = 0;
    return whole;
  }

  #fillLength(): void {
    const part = this.#take(Math.min(this.#rest.length, LENGTH_BYTES - this.#lengthFilled));
    this.#length.set(part, this.#lengthFilled);
    this.#lengthFilled += part.length;
  }

  #take(count: number): Uint8Array {
    const taken = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    return taken;
  }

  /** Forgets what has been read in part: the connection is a new one. */
  reset(): void {
    this.#rest = NOTHING;
    this.#lengthFilled = 0;
    this.#frame = NOTHING;
  }
}

/** Gathers frames for one write to the socket. */
export class StreamEncoder {
  #buffer = Buffer.allocUnsafe(64 * 1024);
  #length = 0;

  add(frame: Uint8Array): void {
    const needed = this.#length + LENGTH_BYTES + frame.length;
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    this.#buffer.writeUInt32BE(frame.length, this.#length);
    this.#buffer.set(frame, this.#length + LENGTH_BYTES);
    this.#length = needed;
  }

  /** Bytes gathered so far. */
  get length(): number {
    return this.#length;
  }

  /** @returns the gathered bytes, which the caller may keep */
  take(): Buffer {
    const bytes = Buffer.from(this.#buffer.subarray(0, this.#length));
    this.#length = 0;
    return bytes;
  }
}
