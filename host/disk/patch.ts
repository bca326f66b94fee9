/** Bytes to be written at places of a disk image. */
export interface Patch {
  readonly at: number;
  readonly bytes: Uint8Array;
}
