/** Invariant 8: memory above the free index of an untyped is zero, so that new objects are. */

import type { KernelState } from '../../../kernel/state.ts';
import type { Report } from './capabilities.ts';
import { placeOf } from '../../../kernel/inspect/census.ts';
import type { Snapshot } from '../../../kernel/inspect/census.ts';

export function checkFreeMemory(k: KernelState, { slots }: Snapshot, report: Report): void {
  const { ram } = k;
  for (const placed of slots) {
    const cap = placed.slot.cap;
    if (cap.kind !== 'untyped' || cap.isDevice) continue;
    const base = cap.base - ram.base;
    const end = base + 2 ** cap.sizeBits;
    const at = ram.firstUsed(base + cap.freeIndex, end);
    if (at === end) continue;
    const address = (ram.base + at).toString(16);
    report(8, `${placeOf(placed)}: free memory at 0x${address} is not zero`);
  }
}
