/**
 * The oracles that are asked of every system at the end of its world, besides those of its traffic,
 * each by its name. What must hold at all times, `kernel-watch.ts` looks at.
 */

import type { Oracle } from '../../systems/oracle.ts';
import type { Excuse } from '../points/point.ts';
import { netEndsOf } from './net-ends.ts';
import { netLedger } from './net-ledger.ts';
import type { SystemMemory } from './system-memory.ts';

/** An oracle, and the faults that excuse what it finds. */
export interface StandardOracle extends Oracle {
  readonly excuse?: Excuse;
}

export function standardOracles(memory: SystemMemory): readonly StandardOracle[] {
  return [
    {
      name: 'buffer-ledger',
      holds:
        'at rest each network buffer is in one place: a queue, the device, or in the hand of a client',
      excuse: 'ledger',
      check: ({ system, board }) => {
        const ends = netEndsOf(system);
        return ends === undefined ? [] : netLedger(memory, ends, board.ram);
      },
    },
    {
      name: 'missed-interrupt',
      holds:
        'no watchdog of a driver finds anything that an interrupt was to tell, unless that was lost',
      excuse: 'interrupt',
      check: (testbed) =>
        Object.entries(testbed.counters().programs).flatMap(([where, { interruptsLost = 0 }]) =>
          interruptsLost === 0
            ? []
            : [
                {
                  where,
                  what: `has missed ${interruptsLost} interrupts, which its watchdog found`,
                },
              ],
        ),
    },
    {
      name: 'device-rules',
      holds: 'no driver breaks a rule of its device',
      excuse: 'rules',
      check: ({ board }) =>
        board.lint
          .entries()
          .map(({ device, clause, what }) => ({ where: device, what: `${what} (${clause})` })),
    },
  ];
}
