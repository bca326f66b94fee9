/**
 * Which instructions translated code executes itself, jumps and branches apart. The others are the
 * interpreter's.
 */

import type { Instruction } from '../decode.ts';
import { OP_OF } from '../operations.ts';
import { isCounterRead } from './counters.ts';
import { memoryOperationOf } from './memory-operations.ts';
import { arithmeticOf } from './arithmetic.ts';
import { isAtomic } from './atomic.ts';
import { isFloatTranslated } from './float.ts';

export function isTranslated(instruction: Instruction): boolean {
  const { op } = instruction;
  return (
    op === OP_OF.fence ||
    arithmeticOf(op) !== undefined ||
    memoryOperationOf(op) !== undefined ||
    isAtomic(op) ||
    isFloatTranslated(instruction) ||
    isCounterRead(instruction)
  );
}
