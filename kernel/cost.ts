/**
 * What kernel work costs under the virtual clock, in nanoseconds. Round figures in the proportions
 * of a 1.5 GHz RISC-V core.
 */

export interface CostTable {
  /** Into the kernel and out again, with nothing done. */
  readonly kernelEntry: number;
  /** To another thread: registers, address space, scheduling context. */
  readonly contextSwitch: number;
  /** An invocation of a kernel object. */
  readonly invocation: number;
  readonly interrupt: number;
  readonly fault: number;
}

export const DEFAULT_COSTS: CostTable = {
  kernelEntry: 150,
  contextSwitch: 250,
  invocation: 300,
  interrupt: 300,
  fault: 400,
};

export const NO_COSTS: CostTable = {
  kernelEntry: 0,
  contextSwitch: 0,
  invocation: 0,
  interrupt: 0,
  fault: 0,
};
