/**
 * What a bridge between the board's Ethernet wire and the host is, whatever it is made of.
 *
 *     host socket ──► bridge ──► Ingress (length check, counts) ──► BoardPort ──► NIC
 *     host socket ◄── bridge.transmit ◄─────────────────────────────── wire   ◄── NIC
 */

import {
  ETHERNET_HEADER_BYTES,
  FRAME_BYTES_MIN,
  frameBytesMaxOf,
  MTU_STANDARD,
} from '../../board/ethernet.ts';

const TYPE_AT = 12;

/**
 * How long a bridge reads in one turn of the loop at most, so that the board, the other bridges and
 * whoever types have their turns soon, however much has come. A time, not a number of frames: at
 * the beginning, when V8 has compiled nothing yet, each takes ten times as long.
 */
export const READ_NS = 250_000;
/** Between two looks at the clock, which costs as much as a tenth of a frame. */
export const FRAMES_PER_LOOK = 16;

/** The host's end of the board's wire. */
export interface BoardPort {
  /** Bytes of the longest packet in a frame, 1500 unless told. */
  readonly mtu?: number;
  /**
   * Copies one frame in, of 14 bytes up to those of its longest packet and tags. 'full' changes
   * nothing: the frame may be offered again later.
   */
  offer(frame: Uint8Array): 'ok' | 'full';
  /** Frames that it would take now; not asked for by those that offer one at a time. */
  roomLeft?(): number;
}

/** Told of each frame that never reached the NIC, with the reason in a few words. */
export type DropListener = (frame: Uint8Array, reason: string) => void;

/** One line about something a person should know; never called per frame. */
export type NoticeListener = (line: string) => void;

export interface Bridge {
  /** One frame that the board has sent; its bytes are valid during the call only. */
  transmit(frame: Uint8Array): void;
  /**
   * Sends what has gathered and offers again what had to wait. Called in every turn of the loop.
   */
  flush(): void;
  close(): Promise<void>;
  /** Every frame is counted under exactly one name in each direction. */
  counters(): Record<string, number>;
}

/** The way in: checks what a wire guarantees to a NIC, and counts. */
export class Ingress {
  readonly #port: BoardPort;
  readonly #onDrop: DropListener;
  /** Of a frame without tags. */
  readonly #bytesMax: number;
  frames = 0;
  bytes = 0;
  runts = 0;
  giants = 0;
  overflows = 0;

  constructor(port: BoardPort, onDrop: DropListener = () => undefined) {
    this.#port = port;
    this.#onDrop = onDrop;
    this.#bytesMax = (port.mtu ?? MTU_STANDARD) + ETHERNET_HEADER_BYTES;
  }

  /**
   * @returns 'full' when the board has no room: nothing was counted, the caller keeps the frame or
   * drops it
   */
  offer(frame: Uint8Array): 'ok' | 'full' | 'dropped' {
    if (frame.length < FRAME_BYTES_MIN) {
      this.runts += 1;
      this.#onDrop(frame, `shorter than ${FRAME_BYTES_MIN} bytes`);
      return 'dropped';
    }
    if (frame.length > this.#bytesMax && frame.length > this.#longest(frame)) {
      this.giants += 1;
      this.#onDrop(frame, `longer than ${this.#longest(frame)} bytes`);
      return 'dropped';
    }
    if (this.#port.offer(frame) === 'full') return 'full';
    this.frames += 1;
    this.bytes += frame.length;
    return 'ok';
  }

  #longest(frame: Uint8Array): number {
    return frameBytesMaxOf(frame, TYPE_AT, this.#bytesMax);
  }

  /**
   * For links that cannot hold a frame back: offers it, and counts it as lost when there is no
   * room.
   */
  offerOrDrop(frame: Uint8Array): void {
    if (this.offer(frame) === 'full') this.drop(frame);
  }

  /** Counts a frame as lost for want of room. */
  drop(frame: Uint8Array): void {
    this.overflows += 1;
    this.#onDrop(frame, "the link's receive buffer is full");
  }

  counters(): Record<string, number> {
    return {
      framesIn: this.frames,
      bytesIn: this.bytes,
      runtsDropped: this.runts,
      giantsDropped: this.giants,
      overflowDropped: this.overflows,
    };
  }
}
