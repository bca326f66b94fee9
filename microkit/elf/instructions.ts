/**
 * What instructions an image is made of: a count by extension, over its functions. Between
 * functions lie constants, so that only what a symbol says to be code is looked at.
 */

import { decode, lengthOf } from '../../riscv/decode.ts';
import { OPERATIONS } from '../../riscv/operations.ts';
import type { ElfImage } from './image.ts';

/** How many instructions of each kind an image has. */
export interface InstructionCounts {
  readonly total: number;
  /** Those of two bytes, which abbreviate others. */
  readonly compressed: number;
  /** By the extension that defines it, 'I' and on; without those of which there are none. */
  readonly byExtension: ReadonlyMap<string, number>;
  /** System calls. */
  readonly ecall: number;
  /** What is none of RV64GC in user mode; a compiler puts some behind calls that do not return. */
  readonly illegal: number;
}

/** Counts once over all functions that have a symbol. */
export function countInstructions(image: ElfImage): InstructionCounts {
  const byExtension = new Map<string, number>();
  const counts = { total: 0, compressed: 0, ecall: 0, illegal: 0 };
  for (const bytes of codeOf(image)) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at + 2 <= bytes.length;) {
      const low = view.getUint16(at, true);
      const length = lengthOf(low);
      if (at + length > bytes.length) break;
      const { op } = decode(length === 2 ? low : view.getUint32(at, true));
      at += length;
      const operation = OPERATIONS[op];
      counts.total += 1;
      if (length === 2) counts.compressed += 1;
      if (operation === undefined || operation.format === 'illegal') {
        counts.illegal += 1;
        continue;
      }
      if (operation.name === 'ecall') counts.ecall += 1;
      byExtension.set(operation.extension, (byExtension.get(operation.extension) ?? 0) + 1);
    }
  }
  return { ...counts, byExtension };
}

/** The bytes of functions, each byte once: several names may be given to one place. */
function codeOf({ segments, symbols }: ElfImage): readonly Uint8Array[] {
  const code: Uint8Array[] = [];
  const functions = symbols.functions();
  for (const segment of segments) {
    if (!segment.permissions.includes('x')) continue;
    let done = segment.vaddr;
    for (const { start, end } of functions.extents(segment.vaddr, segment.contents.length)) {
      const first = Math.max(start, done);
      if (end <= first) continue;
      code.push(segment.contents.subarray(first - segment.vaddr, end - segment.vaddr));
      done = end;
    }
  }
  return code;
}
