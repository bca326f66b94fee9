/** What those who write the code of an instruction need of the function that they write into. */

import type { Code } from '../../memory/wasm/code.ts';

export interface Writing {
  readonly code: Code;
  readonly helpers: Helpers;
  /** Puts the value of an integer register on the stack. */
  get(x: number): void;
  /** The same, its lower 32 bits. */
  get32(x: number): void;
  /** Takes the new value of an integer register from the stack. */
  set(x: number): void;
}

/** Numbers of the functions that every module of translated code has. */
export interface Helpers {
  /** (hart, cache, address, span, isWrite) → whether the cached run now holds the addresses. */
  readonly fill: number;
  /** (hart, depth, pc) → what the code at `pc` returned; the pc itself when there is none. */
  readonly dispatch: number;
  /** Upper half of an unsigned product. */
  readonly mulhu: number;
  /** Bytes in reverse order. */
  readonly rev8: number;
  /** Each byte all ones unless it is zero. */
  readonly orcb: number;
}
