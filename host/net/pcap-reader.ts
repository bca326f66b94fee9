/**
 * The classic pcap format (draft-ietf-opsawg-pcap): a file header of 24 bytes, then records of 16
 * bytes and the frame. The magic number tells byte order and whether time stamps are in
 * microseconds or nanoseconds.
 */

import type { ByteSource } from './capture-bytes.ts';
import { RECORD_BYTES_MAX, withoutFcs } from './captured-frame.ts';
import type { CaptureReader, CapturedFrame } from './captured-frame.ts';

const MAGIC_MICROSECONDS = 0xa1b2_c3d4;
const MAGIC_NANOSECONDS = 0xa1b2_3c4d;
const HEADER_REST_BYTES = 20;
const RECORD_HEADER_BYTES = 16;
const FCS_KNOWN = 1 << 26;

/** @param magic the first four bytes, read as little-endian */
export function isPcapMagic(magic: number): boolean {
  return [magic, swapped(magic)].some(
    (value) => value === MAGIC_MICROSECONDS || value === MAGIC_NANOSECONDS,
  );
}

function swapped(word: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, word, true);
  return view.getUint32(0, false);
}

export class PcapReader implements CaptureReader {
  readonly #source: ByteSource;
  readonly #little: boolean;
  readonly #nsPerFraction: bigint;
  readonly #linkType: number;
  readonly #fcsBytes: number = 0;
  problem: string | undefined;

  /** @param magic the first four bytes, which have been read already, as little-endian */
  constructor(source: ByteSource, magic: number) {
    this.#source = source;
    this.#little = magic === MAGIC_MICROSECONDS || magic === MAGIC_NANOSECONDS;
    const plain = this.#little ? magic : swapped(magic);
    this.#nsPerFraction = plain === MAGIC_NANOSECONDS ? 1n : 1000n;
    const header = source.take(HEADER_REST_BYTES);
    if (header.length < HEADER_REST_BYTES) {
      this.#linkType = -1;
      this.#fail('truncated', source.offset, 'in the file header');
      return;
    }
    // Link type, whether the length of the frame check sequence is known, and that in units of two
    // bytes.
    const word = viewOf(header).getUint32(16, this.#little);
    this.#linkType = word & 0xffff;
    if ((word & FCS_KNOWN) !== 0) this.#fcsBytes = (word >>> 28) * 2;
  }

  next(): CapturedFrame | undefined {
    if (this.problem !== undefined) return undefined;
    const offset = this.#source.offset;
    const header = this.#source.take(RECORD_HEADER_BYTES);
    if (header.length === 0) return undefined;
    if (header.length < RECORD_HEADER_BYTES) {
      return this.#fail('truncated', this.#source.offset, 'in a record header');
    }
    const view = viewOf(header);
    const seconds = view.getUint32(0, this.#little);
    const fraction = view.getUint32(4, this.#little);
    const capturedLength = view.getUint32(8, this.#little);
    const originalLength = view.getUint32(12, this.#little);
    if (capturedLength > RECORD_BYTES_MAX) {
      return this.#fail('corrupt', offset, `a record of ${String(capturedLength)} bytes`);
    }
    const bytes = this.#source.take(capturedLength);
    if (bytes.length < capturedLength) {
      return this.#fail('truncated', this.#source.offset, 'in a frame');
    }
    const timeNs = BigInt(seconds) * 1_000_000_000n + BigInt(fraction) * this.#nsPerFraction;
    const frame = withoutFcs(bytes, originalLength, this.#fcsBytes);
    return { ...frame, timeNs, linkType: this.#linkType, offset };
  }

  #fail(how: 'truncated' | 'corrupt', offset: number, what: string): undefined {
    this.problem = `${how} at offset ${String(offset)}: ${what}`;
    return undefined;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
