/** What can be asked of the traffic generator at a NIC's cable. */

export interface NetGeneratorOptions {
  /**
   * Packets per second. Without one: host clock, as fast as they come back; virtual clock, a
   * gigabit link's.
   */
  readonly rate?: number;
  /** Bytes of a frame without its check sequence. */
  readonly frame: number;
  /** Frames sent back to back. */
  readonly burst: number;
}

/** What it sends unless told. */
export const GENERATOR_STANDARD = { frame: 60, burst: 32 } as const;
