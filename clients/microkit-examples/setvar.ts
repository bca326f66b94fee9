/** Microkit's "setvar": addresses that the description patches into the program. */

import type { EntryPoints, ProtectionDomain } from '../../microkit/pd.ts';

export function main(pd: ProtectionDomain): EntryPoints {
  const say = (what: string, symbol: string): void =>
    pd.log(`${what}: ${pd.vars[symbol] ?? 'missing'}`);
  say("Virtual address of 'mr_with_paddr'", 'mr_with_paddr_vaddr');
  say("Physical address of 'mr_with_paddr'", 'mr_with_paddr_paddr');
  say("Physical address of 'small_mr_no_paddr'", 'small_mr_no_paddr_paddr');
  say("Physical address of 'large_mr_no_paddr'", 'large_mr_no_paddr_paddr');
  say("Physical address of 'rtc_paddr'", 'rtc_paddr');
  return { notified: () => undefined };
}
