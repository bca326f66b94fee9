/** All planted bugs. */

import type { Mutant } from './mutant.ts';
import { BLK_MUTANTS } from './blk-mutants.ts';
import { C_MUTANTS } from './c-mutants.ts';
import { NET_MUTANTS } from './net-mutants.ts';
import { RESTART_MUTANTS } from './restart-mutants.ts';
import { SERIAL_MUTANTS } from './serial-mutants.ts';

export const MUTANTS: readonly Mutant[] = [
  ...NET_MUTANTS,
  ...BLK_MUTANTS,
  ...SERIAL_MUTANTS,
  ...C_MUTANTS,
  ...RESTART_MUTANTS,
];
