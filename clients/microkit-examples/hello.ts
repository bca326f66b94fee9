/** Microkit's "hello": prints a line. */

import type { EntryPoints, ProtectionDomain } from '../../microkit/pd.ts';

export function main(pd: ProtectionDomain): EntryPoints {
  pd.log('hello, world');
  return { notified: () => undefined };
}
