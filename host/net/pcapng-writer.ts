/**
 * Writes pcapng (draft-ietf-opsawg-pcapng): one section, Ethernet interfaces with a name and
 * nanosecond stamps, and for each frame a block with its direction and, when it was dropped, a
 * comment that says why. No host names, no dates: the same run writes the same bytes.
 */

import { assert } from '../../memory/assert.ts';

const BLOCK_SECTION = 0x0a0d_0d0a;
const BLOCK_INTERFACE = 1;
const BLOCK_ENHANCED_PACKET = 6;
const OPTION_END = 0;
const OPTION_COMMENT = 1;
const OPTION_USER_APPLICATION = 4;
const OPTION_INTERFACE_NAME = 2;
const OPTION_TIME_RESOLUTION = 9;
const OPTION_PACKET_FLAGS = 2;
const LINK_TYPE_ETHERNET = 1;
const NANOSECONDS = 9;
const SNAP_LENGTH = 65_535;
const BUFFER_BYTES = 256 * 1024;
/** Room for one block: a giant frame and its comment. */
const BLOCK_BYTES_MAX = 80 * 1024;

/** Seen from the board: 'in' is towards the NIC. */
export type FrameDirection = 'in' | 'out';

/** Takes the bytes of the capture, in order. They are valid during the call only. */
export type CaptureSink = (bytes: Uint8Array) => void;

export interface PcapngWriterOptions {
  readonly sink: CaptureSink;
  /** Of the first interface. */
  readonly interfaceName: string;
  /** What time 0 of the board is, in nanoseconds since 1970; 0 for a virtual clock. */
  readonly epochNs: bigint;
}

/** One interface of a capture. */
export interface FrameWriter {
  /**
   * Adds a frame.
   *
   * @param timeNs on the board's clock
   * @param comment why the frame was dropped; `undefined` when it was not
   */
  frame(timeNs: number, direction: FrameDirection, frame: Uint8Array, comment?: string): void;
}

export class PcapngWriter implements FrameWriter {
  readonly #sink: CaptureSink;
  readonly #bytes = Buffer.alloc(BUFFER_BYTES);
  readonly #epochHigh: number;
  readonly #epochLow: number;
  #length = 0;
  #interfaces = 0;
  frames = 0;

  constructor(options: PcapngWriterOptions) {
    this.#sink = options.sink;
    this.#epochHigh = Number(options.epochNs >> 32n);
    this.#epochLow = Number(options.epochNs & 0xffff_ffffn);
    this.#section();
    this.addInterface(options.interfaceName);
  }

  /** Adds an interface, to whose frames the answer writes. */
  addInterface(name: string): FrameWriter {
    const id = this.#interfaces;
    this.#interfaces += 1;
    this.#interface(name);
    this.flush();
    return { frame: (timeNs, ...rest) => this.#add(id, timeNs, ...rest) };
  }

  /** Adds a frame of the first interface. */
  frame(timeNs: number, direction: FrameDirection, frame: Uint8Array, comment?: string): void {
    this.#add(0, timeNs, direction, frame, comment);
  }

  #add(
    id: number,
    timeNs: number,
    direction: FrameDirection,
    frame: Uint8Array,
    comment?: string,
  ): void {
    if (this.#length + BLOCK_BYTES_MAX > BUFFER_BYTES) this.flush();
    const kept = Math.min(frame.length, SNAP_LENGTH);
    const start = this.#begin(BLOCK_ENHANCED_PACKET);
    // 64-bit addition in halves: epoch + time.
    const low = this.#epochLow + (timeNs % 0x1_0000_0000);
    const carry = low > 0xffff_ffff ? 1 : 0;
    this.#u32(id);
    this.#u32(this.#epochHigh + Math.floor(timeNs / 0x1_0000_0000) + carry);
    this.#u32(low - carry * 0x1_0000_0000);
    this.#u32(kept);
    this.#u32(frame.length);
    this.#bytes.set(kept === frame.length ? frame : frame.subarray(0, kept), this.#length);
    this.#length += kept;
    this.#pad();
    if (comment !== undefined) this.#textOption(OPTION_COMMENT, comment);
    this.#u16(OPTION_PACKET_FLAGS);
    this.#u16(4);
    this.#u32(direction === 'in' ? 1 : 2);
    this.#end(start);
    this.frames += 1;
  }

  /** Hands what has gathered to the sink. */
  flush(): void {
    if (this.#length === 0) return;
    this.#sink(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
  }

  #section(): void {
    const start = this.#begin(BLOCK_SECTION);
    this.#u32(0x1a2b_3c4d);
    this.#u16(1);
    this.#u16(0);
    this.#u32(0xffff_ffff); // length of the section: not told
    this.#u32(0xffff_ffff);
    this.#textOption(OPTION_USER_APPLICATION, 'sddf-testbed');
    this.#end(start);
  }

  #interface(name: string): void {
    const start = this.#begin(BLOCK_INTERFACE);
    this.#u16(LINK_TYPE_ETHERNET);
    this.#u16(0);
    this.#u32(SNAP_LENGTH);
    this.#textOption(OPTION_INTERFACE_NAME, name);
    this.#u16(OPTION_TIME_RESOLUTION);
    this.#u16(1);
    this.#bytes[this.#length] = NANOSECONDS;
    this.#length += 1;
    this.#pad();
    this.#end(start);
  }

  #begin(type: number): number {
    const start = this.#length;
    this.#u32(type);
    this.#u32(0); // the length, when it is known
    return start;
  }

  #end(start: number): void {
    this.#u16(OPTION_END);
    this.#u16(0);
    const blockBytes = this.#length + 4 - start;
    this.#u32(blockBytes);
    this.#bytes.writeUInt32LE(blockBytes, start + 4);
    assert(blockBytes % 4 === 0, 'a block is padded to 32 bits');
  }

  #textOption(code: number, text: string): void {
    const bytes = Buffer.from(text, 'utf8').subarray(0, 1024);
    this.#u16(code);
    this.#u16(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    this.#pad();
  }

  #pad(): void {
    while (this.#length % 4 !== 0) {
      this.#bytes[this.#length] = 0;
      this.#length += 1;
    }
  }

  #u16(value: number): void {
    this.#bytes.writeUInt16LE(value, this.#length);
    this.#length += 2;
  }

  #u32(value: number): void {
    this.#bytes.writeUInt32LE(value, this.#length);
    this.#length += 4;
  }
}
