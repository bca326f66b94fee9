/** Invariant 8: memory above the free index of an untyped is zero, so that new objects are. */

import type { KernelState } from '../../../kernel/state.ts';
import type { Report } from './capabilities.ts';
import { placeOf } from '../../../kernel/inspect/census.ts';
import type { Snapshot } from '../../../kernel/inspect/census.ts';

export function checkFreeMemory(k: KernelState, { slots }: Snapshot, report: Report): void {
  const words = k.u32;
  for (const placed of slots) {
    const cap = placed.slot.cap;
    if (cap.kind !== 'untyped' || cap.isDevice) continue;
    const start = (cap.base - k.ram.base + cap.freeIndex) >>> 2;
    const end = (cap.base - k.ram.base + 2 ** cap.sizeBits) >>> 2;
    for (let at = start; at < end; at += 1) {
      if (words[at] === 0) continue;
      const address = (k.ram.base + at * 4).toString(16);
      report(8, `${placeOf(placed)}: free memory at 0x${address} is not zero`);
      break;
    }
  }
}
