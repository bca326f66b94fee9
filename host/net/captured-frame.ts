/** What a reader of captures gives, whatever the format. */

/** LINKTYPE_ETHERNET. */
export const LINK_TYPE_ETHERNET = 1;
/** A record longer than this is not a record: we have lost our place. */
export const RECORD_BYTES_MAX = 16 * 1024 * 1024;

export interface CapturedFrame {
  /** The bytes that were captured; valid until the next frame is read. */
  readonly bytes: Uint8Array;
  /** How long the frame was on the wire. More than `bytes` when the capture has a snap length. */
  readonly originalLength: number;
  /**
   * Nanoseconds since 1970; undefined for a record that has no time, which takes place with its
   * neighbour.
   */
  readonly timeNs: bigint | undefined;
  readonly linkType: number;
  /** Offset of the record in the file. */
  readonly offset: number;
}

/** Takes a declared frame check sequence off: a NIC does not pass it on. */
export function withoutFcs(
  bytes: Uint8Array,
  originalLength: number,
  fcsBytes: number,
): { readonly bytes: Uint8Array; readonly originalLength: number } {
  if (fcsBytes === 0) return { bytes, originalLength };
  const length = Math.max(0, originalLength - fcsBytes);
  return { bytes: bytes.subarray(0, Math.min(bytes.length, length)), originalLength: length };
}

export interface CaptureReader {
  /** @returns `undefined` at the end, or where the capture is damaged: see `problem` */
  next(): CapturedFrame | undefined;
  /** What is wrong with the capture, with its offset; `undefined` as long as nothing is. */
  readonly problem: string | undefined;
}
