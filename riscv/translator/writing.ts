/** What those who write the code of an instruction need of the function that they write into. */

import type { Code } from '../../memory/wasm/code.ts';
import type { AccessGroup } from './access-group.ts';
import type { FloatHelpers } from './float-helpers.ts';

/**
 * Number of the local that holds the position of the hart's block: the first parameter of each
 * function.
 */
export const HART_LOCAL = 0;

export interface Writing {
  readonly code: Code;
  readonly helpers: Helpers;
  /** Puts the value of an integer register on the stack. */
  get(x: number): void;
  /** The same, its lower 32 bits. */
  get32(x: number): void;
  /** Takes the new value of an integer register from the stack. */
  set(x: number): void;
  /** @returns the cached run for what a group of the present block accesses */
  cacheOf(group: AccessGroup): Cache;
}

/** Numbers of the functions that every module of translated code has. */
export interface Helpers extends FloatHelpers {
  /** (hart, depth, pc) → what the code at `pc` returned; the pc itself when there is none. */
  readonly dispatch: number;
  /**
   * (hart, remaining) → nanoseconds since power-on at the instruction before which so many remain.
   */
  readonly nanoseconds: number;
  /** (hart, pc) → word of the table of entry points. */
  readonly entryAt: number;
  /** Upper half of an unsigned product. */
  readonly mulhu: number;
  /** Bytes in reverse order. */
  readonly rev8: number;
  /** Each byte all ones unless it is zero. */
  readonly orcb: number;
}

/**
 * A cached run. An address is inside when `address - first` is below the limit; its position in
 * memory is the sum of `delta` and its lower 32 bits, or that of `at` and of the difference. These
 * are numbers of the module's variables.
 */
export interface Cache {
  readonly first: number;
  /** Less than that of the run by `span`. */
  readonly limit: number;
  readonly delta: number;
  readonly at: number;
  /** How much is accessed behind an address that is inside. */
  readonly span: number;
  /** Number of a function: (hart, address, span) → whether the cache now holds the addresses. */
  readonly fill: number;
}
