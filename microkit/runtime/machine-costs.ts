/** What machine code costs under the virtual clock. */

/** Nanoseconds under the virtual clock. */
export interface MachineCosts {
  readonly instruction: number;
  /** On top, for a load from or a store to a device's registers. */
  readonly deviceAccess: number;
}

/** 1 GHz, one instruction a cycle; a device is 50 cycles away. */
export const DEFAULT_MACHINE_COSTS: MachineCosts = { instruction: 1, deviceAccess: 50 };
