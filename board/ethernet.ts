/**
 * The Ethernet wire, as a NIC model sees it. Captures, impairments, switches and traffic generators
 * are wrappers that implement the same interface, so any of them fits any NIC.
 *
 * Frames are 14 to 1514 bytes, and up to 1522 with two VLAN tags, without preamble and frame check
 * sequence; a wire may carry damaged ones of 1 to 2048 bytes, which NICs count and drop. Bytes are
 * copied straight between the wire and RAM: positions are offsets in the board's `Ram` (see
 * `memory/ram.ts`), whose staging area holds frames in flight.
 */

export const FRAME_BYTES_MIN = 14;
export const FRAME_BYTES_MAX = 1514;
/** The longest frame with two VLAN tags (IEEE 802.3 3.2.7, 802.1Q). */
export const TAGS_BYTES_MAX = 8;
export const TAGGED_FRAME_BYTES_MAX = FRAME_BYTES_MAX + TAGS_BYTES_MAX;
const TAG_BYTES = 4;
const TYPE_C_TAG = 0x8100;
const TYPE_S_TAG = 0x88a8;

/**
 * @param typeAt where the frame's type field is
 * @param untaggedMax how long it may be without tags
 * @returns how long the frame may be, by the tags that it has
 */
export function frameBytesMaxOf(
  bytes: Uint8Array,
  typeAt: number,
  untaggedMax: number = FRAME_BYTES_MAX,
): number {
  let most = untaggedMax;
  for (let at = typeAt; most < untaggedMax + TAGS_BYTES_MAX; at += TAG_BYTES) {
    const type = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    if (type !== TYPE_C_TAG && type !== TYPE_S_TAG) break;
    most += TAG_BYTES;
  }
  return most;
}

/** The longest that a wire carries, damaged or not. */
export const WIRE_BYTES_MAX = 2048;

export const ETHERNET_HEADER_BYTES = 14;
/** The bytes of a packet that a frame carries: IPv4's least, Ethernet's, and a wire's most. */
export const MTU_MIN = 68;
export const MTU_STANDARD = FRAME_BYTES_MAX - ETHERNET_HEADER_BYTES;
export const MTU_MAX = WIRE_BYTES_MAX - TAGS_BYTES_MAX - ETHERNET_HEADER_BYTES;

/** What a wire tells the NIC at its end. */
export interface EthernetEnd {
  /** At least one frame waits to be received. */
  frameArrived(): void;
  linkChanged(): void;
}

export interface EthernetWire {
  /**
   * 'right': whoever sends to the NIC here has made the checksums itself and nothing changes a
   * frame on its way, but those that {@link nextIsChanged} tells of, as with a NIC that checks in
   * hardware. Left out: nobody knows.
   */
  readonly checksums?: 'right' | 'unknown' | undefined;
  /** Whether the oldest frame that waits has been changed on its way. */
  readonly nextIsChanged?: boolean;
  /** Bytes of the longest packet in a frame, {@link MTU_STANDARD} unless told. */
  readonly mtu?: number | undefined;
  /** Plugs in the NIC; one at a time. */
  attach(end: EthernetEnd): void;
  linkUp(): boolean;
  /** @returns bytes of the oldest frame that waits to be received, 0 when none does */
  nextLength(): number;
  /** Copies part of the oldest waiting frame to RAM. */
  copyNext(from: number, to: number, lengthBytes: number): void;
  /** Removes the oldest waiting frame: it has been received. */
  takeNext(): void;
  /**
   * Removes the oldest waiting frame, which is lost.
   * @param reason a constant, such as "no buffer"
   */
  dropNext(reason: string): void;
  /** Sends one frame that lies in RAM at `at`; the bytes are valid during the call only. */
  transmit(at: number, lengthBytes: number): void;
  /**
   * Lists the oldest frames that wait to be received, as far as they can be taken from where they
   * lie: two words for each, where it lies in RAM or staging and its bytes. A wire without lists
   * has none of this, and neither has one that changes or notes each frame.
   *
   * @param bytesMax no longer frame is listed
   * @returns how many; they still wait
   */
  listWaiting?(listAt: number, most: number, bytesMax: number): number;
  /** As {@link EthernetWire.takeNext}, of the first frames that were listed. */
  takeListed?(count: number): void;
  /**
   * As {@link EthernetWire.transmit} of the first frames of a list, which is overwritten.
   *
   * @returns how many; the next one, if there is any, is for `transmit`
   */
  transmitListed?(listAt: number, count: number): number;
  /**
   * Reports a frame that is lost on its way out, so that captures can show it. Nothing is
   * transmitted.
   */
  dropTransmit(at: number, lengthBytes: number, reason: string): void;
}
