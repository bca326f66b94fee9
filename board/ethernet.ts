/**
 * The Ethernet wire, as a NIC model sees it. Captures, impairments, switches and traffic generators are wrappers that
 * implement the same interface, so any of them fits any NIC.
 *
 * Frames are 14 to 1514 bytes, without preamble and frame check sequence; a wire may carry damaged ones of 1 to 2048
 * bytes, which NICs count and drop. Bytes are copied straight between the wire
 * and RAM: positions are offsets in the board's `Ram` (see `memory/ram.ts`), whose staging area holds frames in flight.
 */

export const FRAME_BYTES_MIN = 14;
export const FRAME_BYTES_MAX = 1514;
/** The longest that a wire carries, damaged or not. */
export const WIRE_BYTES_MAX = 2048;

/** What a wire tells the NIC at its end. */
export interface EthernetEnd {
  /** At least one frame waits to be received. */
  frameArrived(): void;
  linkChanged(): void;
}

export interface EthernetWire {
  /** Plugs in the NIC; one at a time. */
  attach(end: EthernetEnd): void;
  linkUp(): boolean;
  /** @returns bytes of the oldest frame that waits to be received, 0 when none does */
  nextLength(): number;
  /** Copies part of the oldest waiting frame to RAM. */
  copyNext(from: number, to: number, lengthBytes: number): void;
  /** Removes the oldest waiting frame: it has been received. */
  takeNext(): void;
  /** Removes the oldest waiting frame, which is lost. @param reason a constant, such as "no buffer" */
  dropNext(reason: string): void;
  /** Sends one frame that lies in RAM at `at`; the bytes are valid during the call only. */
  transmit(at: number, lengthBytes: number): void;
  /** Tells of a frame that was to be sent and is lost; nothing is sent. For captures. */
  dropTransmit(at: number, lengthBytes: number, reason: string): void;
}
