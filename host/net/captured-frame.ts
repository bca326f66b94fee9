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
  /** Nanoseconds since 1970. */
  readonly timeNs: bigint;
  readonly linkType: number;
  /** Offset of the record in the file. */
  readonly offset: number;
}

export interface CaptureReader {
  /** @returns `undefined` at the end, or where the capture is damaged: see `problem` */
  next(): CapturedFrame | undefined;
  /** What is wrong with the capture, with its offset; `undefined` as long as nothing is. */
  readonly problem: string | undefined;
}
