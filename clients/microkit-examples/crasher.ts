/** Microkit's "hierarchy", the child: crashes in `init`. */

import { MemoryFault } from '../../memory/region.ts';
import type { EntryPoints, ProtectionDomain } from '../../microkit/pd.ts';

export function main(pd: ProtectionDomain): EntryPoints {
  pd.log('crasher, starting');
  // A store through a null pointer.
  throw new MemoryFault(0, 'write');
}
