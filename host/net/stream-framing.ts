/**
 * The framing of QEMU's `-netdev stream` (and `socket`): each frame is preceded by its length, a 32-bit big-endian
 * number. A reader gets the bytes in pieces of any size.
 */

export const LENGTH_BYTES = 4;
/** The longest that QEMU accepts: its NET_BUFSIZE, room for offloaded segments. Longer means that we lost our place. */
export const STREAM_FRAME_BYTES_MAX = 4096 + 65_536;

/** Takes pieces of a stream and gives whole frames. */
export class StreamDecoder {
  #rest: Uint8Array = new Uint8Array(0);

  /** Adds a piece. The bytes must not change until {@link next} has answered `undefined`. */
  push(piece: Uint8Array): void {
    if (this.#rest.length === 0) {
      this.#rest = piece;
      return;
    }
    const joined = new Uint8Array(this.#rest.length + piece.length);
    joined.set(this.#rest);
    joined.set(piece, this.#rest.length);
    this.#rest = joined;
  }

  /**
   * The next whole frame, which stays valid; 'badLength' when no frame can begin here: the stream cannot be read on.
   *
   * @returns `undefined` when more bytes are needed
   */
  next(): Uint8Array | 'badLength' | undefined {
    const rest = this.#rest;
    if (rest.length < LENGTH_BYTES) return undefined;
    const lengthBytes = new DataView(rest.buffer, rest.byteOffset).getUint32(0, false);
    if (lengthBytes === 0 || lengthBytes > STREAM_FRAME_BYTES_MAX) return 'badLength';
    const end = LENGTH_BYTES + lengthBytes;
    if (rest.length < end) return undefined;
    this.#rest = rest.subarray(end);
    return rest.subarray(LENGTH_BYTES, end);
  }

  /** Forgets what has been read in part: the connection is a new one. */
  reset(): void {
    this.#rest = new Uint8Array(0);
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
