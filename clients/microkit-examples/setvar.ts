/** Microkit's "setvar": addresses that the description patches into the program. */

import type { EntryPoints, ProtectionDomain } from '../../microkit/pd.ts';

/**
 * The variables that a description may set, as an ELF file's symbols are in Microkit: any other is
 * refused.
 */
export const symbols = [
  'mr_with_paddr_vaddr',
  'mr_with_paddr_paddr',
  'small_mr_no_paddr_paddr',
  'large_mr_no_paddr_paddr',
  'rtc_paddr',
] as const;

export function main(pd: ProtectionDomain<unknown, (typeof symbols)[number]>): EntryPoints {
  const { vars } = pd;
  pd.log(`Virtual address of 'mr_with_paddr': ${vars.mr_with_paddr_vaddr}`);
  pd.log(`Physical address of 'mr_with_paddr': ${vars.mr_with_paddr_paddr}`);
  pd.log(`Physical address of 'small_mr_no_paddr': ${vars.small_mr_no_paddr_paddr}`);
  pd.log(`Physical address of 'large_mr_no_paddr': ${vars.large_mr_no_paddr_paddr}`);
  pd.log(`Physical address of 'rtc_paddr': ${vars.rtc_paddr}`);
  return { notified: () => undefined };
}
