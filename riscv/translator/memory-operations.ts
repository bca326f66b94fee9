/** Loads and stores of integers and floating-point registers, and what does them in WebAssembly. */

import { ACCESS } from '../../memory/wasm/opcodes.ts';
import { OP_OF, type OperationName } from '../operations.ts';

export interface MemoryOperation {
  readonly isStore: boolean;
  /** The member of `ACCESS` that does it. */
  readonly opcode: number;
  /** Whether it goes to or comes from a floating-point register. */
  readonly isFloat: boolean;
}

/** @returns what a load or store does; undefined for other operations */
export function memoryOperationOf(op: number): MemoryOperation | undefined {
  return OPERATIONS_IN_MEMORY[op];
}

const OPCODES: Partial<Record<OperationName, number>> = {
  lb: ACCESS.i64Load8S,
  lh: ACCESS.i64Load16S,
  lw: ACCESS.i64Load32S,
  ld: ACCESS.i64Load,
  lbu: ACCESS.i64Load8U,
  lhu: ACCESS.i64Load16U,
  lwu: ACCESS.i64Load32U,
  sb: ACCESS.i64Store8,
  sh: ACCESS.i64Store16,
  sw: ACCESS.i64Store32,
  sd: ACCESS.i64Store,
  flw: ACCESS.i64Load32U,
  fld: ACCESS.i64Load,
  fsw: ACCESS.i64Store32,
  fsd: ACCESS.i64Store,
};

const OPERATIONS_IN_MEMORY: (MemoryOperation | undefined)[] = [];
for (const [name, opcode] of Object.entries(OPCODES)) {
  const op = OP_OF[name as OperationName];
  const isFloat = name.startsWith('f');
  OPERATIONS_IN_MEMORY[op] = { isStore: name.startsWith(isFloat ? 'fs' : 's'), opcode, isFloat };
}
