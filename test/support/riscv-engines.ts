/** The engines that tests compare with an independent one, by name. */

import { createEngine, type Engine } from '../../riscv/engine.ts';
import type { RiscvMachine } from './riscv-machine.ts';

export const ENGINES: readonly (readonly [string, (machine: RiscvMachine) => Engine])[] = (
  ['interpreter', 'translator'] as const
).map((engine) => [
  engine,
  ({ ram, hart, space }) => createEngine({ engine, ram, at: hart, space }),
]);
