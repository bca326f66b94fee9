/**
 * The pcapng format (draft-ietf-opsawg-pcapng): blocks, each with its length before and behind. A
 * section header sets the byte order; an interface description sets link type and time resolution;
 * packets refer to interfaces by number. Blocks of other types are skipped, as the format asks.
 */

import type { ByteSource } from './capture-bytes.ts';
import { RECORD_BYTES_MAX, withoutFcs } from './captured-frame.ts';
import type { CaptureReader, CapturedFrame } from './captured-frame.ts';

export const PCAPNG_SECTION_HEADER = 0x0a0d_0d0a;
const BLOCK_INTERFACE = 1;
const BLOCK_PACKET_OBSOLETE = 2;
const BLOCK_SIMPLE_PACKET = 3;
const BLOCK_ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b_3c4d;
const OPTION_END = 0;
const OPTION_TIME_RESOLUTION = 9;
const OPTION_FCS_LENGTH = 13;
const OPTION_TIME_OFFSET = 14;
/** Of an enhanced packet. */
const OPTION_PACKET_FLAGS = 2;
/** Type and length before the body, length behind it. */
const BLOCK_FRAME_BYTES = 12;

interface Interface {
  readonly linkType: number;
  readonly snapLength: number;
  readonly ticksPerSecond: bigint;
  readonly offsetSeconds: bigint;
  readonly fcsBytes: number;
}

export class PcapngReader implements CaptureReader {
  readonly #source: ByteSource;
  #little = true;
  #interfaces: Interface[] = [];
  #state: 'inSectionHeader' | 'betweenBlocks' = 'inSectionHeader';
  problem: string | undefined;

  /** The first four bytes, the type of the section header, have been read already. */
  constructor(source: ByteSource) {
    this.#source = source;
  }

  next(): CapturedFrame | undefined {
    while (this.problem === undefined) {
      const offset = this.#state === 'inSectionHeader' ? 0 : this.#source.offset;
      const type = this.#blockType();
      if (type === undefined) return undefined;
      const body = this.#blockBody(type, offset);
      if (body === undefined) return undefined;
      const frame = this.#onBlock(type, body, offset);
      if (frame !== undefined) return frame;
    }
    return undefined;
  }

  #blockType(): number | undefined {
    if (this.#state === 'inSectionHeader') {
      this.#state = 'betweenBlocks';
      return PCAPNG_SECTION_HEADER;
    }
    const bytes = this.#source.take(4);
    if (bytes.length === 0) return undefined;
    if (bytes.length < 4) return this.#fail('truncated', this.#source.offset, 'in a block header');
    // The section header's type reads the same in both byte orders.
    return viewOf(bytes).getUint32(0, this.#little);
  }

  /** @returns the block without its type and lengths */
  #blockBody(type: number, offset: number): DataView | undefined {
    const head = this.#source.take(type === PCAPNG_SECTION_HEADER ? 8 : 4);
    const headLength = head.length;
    if (headLength < (type === PCAPNG_SECTION_HEADER ? 8 : 4)) {
      return this.#fail('truncated', this.#source.offset, 'in a block header');
    }
    if (type === PCAPNG_SECTION_HEADER && this.#setByteOrder(viewOf(head), offset) === 'bad') {
      return undefined;
    }
    const length = viewOf(head).getUint32(0, this.#little);
    if (length < BLOCK_FRAME_BYTES + headLength - 4 || length % 4 !== 0) {
      return this.#fail('corrupt', offset, `a block of ${String(length)} bytes`);
    }
    if (length > RECORD_BYTES_MAX) {
      return this.#fail('corrupt', offset, `a block of ${String(length)} bytes`);
    }
    const restBytes = length - 4 - headLength;
    const rest = this.#source.take(restBytes);
    if (rest.length < restBytes) return this.#fail('truncated', this.#source.offset, 'in a block');
    const view = viewOf(rest);
    if (view.getUint32(restBytes - 4, this.#little) !== length) {
      return this.#fail('corrupt', offset, 'the two lengths of a block differ');
    }
    return new DataView(rest.buffer, rest.byteOffset, restBytes - 4);
  }

  #setByteOrder(head: DataView, offset: number): 'ok' | 'bad' {
    if (head.getUint32(4, true) === BYTE_ORDER_MAGIC) this.#little = true;
    else if (head.getUint32(4, false) === BYTE_ORDER_MAGIC) this.#little = false;
    else {
      this.#fail('corrupt', offset + 8, 'no byte-order magic in a section header');
      return 'bad';
    }
    this.#interfaces = [];
    return 'ok';
  }

  #onBlock(type: number, body: DataView, offset: number): CapturedFrame | undefined {
    switch (type) {
      case BLOCK_INTERFACE:
        return this.#onInterface(body, offset);
      case BLOCK_ENHANCED_PACKET:
        if (body.byteLength < 20)
          return this.#fail('corrupt', offset, 'a packet block is too short');
        return this.#packet(body, offset, body.getUint32(0, this.#little));
      case BLOCK_PACKET_OBSOLETE:
        if (body.byteLength < 20)
          return this.#fail('corrupt', offset, 'a packet block is too short');
        return this.#packet(body, offset, body.getUint16(0, this.#little));
      case BLOCK_SIMPLE_PACKET:
        return this.#simplePacket(body, offset);
      default:
        return undefined;
    }
  }

  #onInterface(body: DataView, offset: number): undefined {
    if (body.byteLength < 8) {
      return this.#fail('corrupt', offset, 'an interface description is too short');
    }
    let ticksPerSecond = 1_000_000n;
    let offsetSeconds = 0n;
    let fcsBytes = 0;
    let at = 8;
    while (at + 4 <= body.byteLength) {
      const code = body.getUint16(at, this.#little);
      const length = body.getUint16(at + 2, this.#little);
      if (code === OPTION_END) break;
      if (at + 4 + length > body.byteLength) {
        return this.#fail('corrupt', offset, 'an option of an interface is too long');
      }
      if (code === OPTION_TIME_RESOLUTION && length >= 1) {
        const resolution = body.getUint8(at + 4);
        const exponent = BigInt(resolution & 0x7f);
        ticksPerSecond = (resolution & 0x80) === 0 ? 10n ** exponent : 2n ** exponent;
      } else if (code === OPTION_TIME_OFFSET && length >= 8) {
        offsetSeconds = body.getBigInt64(at + 4, this.#little);
      } else if (code === OPTION_FCS_LENGTH && length >= 1) {
        fcsBytes = fcsBytesOf(body.getUint8(at + 4));
      }
      at += 4 + Math.ceil(length / 4) * 4;
    }
    this.#interfaces.push({
      linkType: body.getUint16(0, this.#little),
      snapLength: body.getUint32(4, this.#little),
      ticksPerSecond,
      offsetSeconds,
      fcsBytes,
    });
    return undefined;
  }

  #packet(body: DataView, offset: number, interfaceNumber: number): CapturedFrame | undefined {
    const from = this.#interfaces[interfaceNumber];
    if (from === undefined) {
      return this.#fail('corrupt', offset, `no interface ${String(interfaceNumber)} is described`);
    }
    const high = body.getUint32(4, this.#little);
    const low = body.getUint32(8, this.#little);
    const capturedLength = body.getUint32(12, this.#little);
    if (capturedLength > body.byteLength - 20) {
      return this.#fail('corrupt', offset, 'a packet is longer than its block');
    }
    const ticks = BigInt(high) * 0x1_0000_0000n + BigInt(low);
    const timeNs =
      (ticks * 1_000_000_000n) / from.ticksPerSecond + from.offsetSeconds * 1_000_000_000n;
    const bytes = new Uint8Array(body.buffer, body.byteOffset + 20, capturedLength);
    const originalLength = body.getUint32(16, this.#little);
    const fcsBytes = this.#fcsOf(body, 20 + Math.ceil(capturedLength / 4) * 4) ?? from.fcsBytes;
    const frame = withoutFcs(bytes, originalLength, fcsBytes);
    return { ...frame, timeNs, linkType: from.linkType, offset };
  }

  /**
   * @param optionsAt where a packet's options begin
   * @returns what its flags say of the frame check sequence, if anything
   */
  #fcsOf(body: DataView, optionsAt: number): number | undefined {
    for (let at = optionsAt; at + 4 <= body.byteLength;) {
      const code = body.getUint16(at, this.#little);
      const length = body.getUint16(at + 2, this.#little);
      if (code === OPTION_END || at + 4 + length > body.byteLength) return undefined;
      if (code === OPTION_PACKET_FLAGS && length === 4) {
        const fcsBytes = (body.getUint32(at + 4, this.#little) >>> 5) & 0xf;
        return fcsBytes === 0 ? undefined : fcsBytes;
      }
      at += 4 + Math.ceil(length / 4) * 4;
    }
    return undefined;
  }

  /** A simple packet belongs to interface 0 and has no time. */
  #simplePacket(body: DataView, offset: number): CapturedFrame | undefined {
    const from = this.#interfaces[0];
    if (from === undefined || body.byteLength < 4) {
      return this.#fail('corrupt', offset, 'a simple packet without an interface');
    }
    const originalLength = body.getUint32(0, this.#little);
    const snapLength = from.snapLength === 0 ? originalLength : from.snapLength;
    const capturedLength = Math.min(originalLength, snapLength, body.byteLength - 4);
    const bytes = new Uint8Array(body.buffer, body.byteOffset + 4, capturedLength);
    const frame = withoutFcs(bytes, originalLength, from.fcsBytes);
    return { ...frame, timeNs: undefined, linkType: from.linkType, offset };
  }

  #fail(how: 'truncated' | 'corrupt', offset: number, what: string): undefined {
    this.problem = `${how} at offset ${String(offset)}: ${what}`;
    return undefined;
  }
}

/**
 * The draft says bits, its example and the programs that write it say bytes: 4 and 32 are the same.
 */
function fcsBytesOf(length: number): number {
  return length > 8 ? length >>> 3 : length;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
