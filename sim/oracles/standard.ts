/** The oracles that hold for every system, besides those of the traffic: each by its name, on in every world. */

import type { Census } from '../../kernel/inspect/census.ts';
import type { Finding, Oracle } from '../../systems/oracle.ts';
import type { Excuse } from '../points/point.ts';
import { InvariantChecker } from './kernel/invariants.ts';
import { netEndsOf } from './net-ends.ts';
import { netLedger } from './net-ledger.ts';
import type { SystemMemory } from './system-memory.ts';

/** With what takes its blame away. */
export interface StandardOracle extends Oracle {
  readonly excuse?: Excuse;
}

export function standardOracles(memory: SystemMemory, census: Census): readonly StandardOracle[] {
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
      name: 'device-rules',
      holds: 'no driver breaks a rule of its device',
      excuse: 'rules',
      check: ({ board }) =>
        board.lint
          .entries()
          .map(({ device, clause, what }) => ({ where: device, what: `${what} (${clause})` })),
    },
    {
      name: 'kernel-invariants',
      holds: 'what must always hold between two kernel entries holds',
      check: ({ kernel }) => findingsOf(new InvariantChecker(kernel.state, census).broken('all')),
    },
  ];
}

function findingsOf(broken: readonly string[]): readonly Finding[] {
  return broken.map((what) => ({ where: 'kernel', what }));
}
