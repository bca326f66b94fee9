/** All planted bugs. */

import type { Mutant } from './mutant.ts';
import { NET_MUTANTS } from './net-mutants.ts';

export const MUTANTS: readonly Mutant[] = [...NET_MUTANTS];
