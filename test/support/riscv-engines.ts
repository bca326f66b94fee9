/** The engines that tests compare, by name. */

import { type Engine, interpreter, type RiscvMachine } from './riscv-machine.ts';

export const ENGINES: readonly (readonly [string, (machine: RiscvMachine) => Engine])[] = [
  ['interpreter', interpreter],
];
