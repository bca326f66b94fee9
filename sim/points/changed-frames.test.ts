// Goal: a frame that a fault has changed on its way is vouched for by nobody, whoever else looks at
// the wire. Method: echo systems whose cable turns bits, with each kind of wire around the cable
// that only looks; what the clients have counted is that of the cable alone.

import { expect, it } from 'vitest';
import type { EthernetWire } from '../../board/ethernet.ts';
import type { TrafficGenerator } from '../../board/links/generator.ts';
import { ObservedWire } from '../../board/links/observed-wire.ts';
import { StagedLink } from '../../board/links/staged-link.ts';
import { SharedWire } from '../../host/net/shared-wire.ts';
import { echo } from '../../systems/echo.ts';
import { guestsOf } from '../../systems/guests.ts';
import { makeNetGenerator } from '../../systems/net-generator.ts';
import { completeChoices } from '../../systems/system.ts';
import { createTestbed, type WireParts } from '../../systems/testbed.ts';
import { WatchedWire } from '../../systems/trace/watched-wire.ts';
import { described } from '../../test/support/echo-testbed.ts';
import type { Plan } from '../plan/plan.ts';
import { PlannedRun } from './planned-run.ts';
import { plannedWires } from './planned-wires.ts';

const RUN_NS = 400_000;
const NOBODY = Uint8Array.of(2, 0, 0, 0, 0, 0x77);
const system = described(echo.build(completeChoices(echo, {})));
const plan: Plan = {
  name: 'turned bits',
  rules: [
    {
      ...{ at: 'net.wire.in', fault: 'corrupt', when: { every: 3 } },
      ...{ for: {}, parameters: {}, optional: 'no' },
    },
  ],
};

type Looking = (wire: EthernetWire, parts: WireParts) => EthernetWire;

function countedWith(looking: Looking) {
  const planned = new PlannedRun({ system, plan, seed: 1, strikesKept: 0 });
  const { instrument, programs } = planned;
  let generator: TrafficGenerator | undefined;
  const testbed = createTestbed({
    ...{ system, clock: 'virtual', instrument, programs },
    wires: (parts) => {
      const place = { parts, clock: 'virtual', guests: guestsOf(system), index: 0 } as const;
      generator = makeNetGenerator({ frame: 60, burst: 32 }, place);
      const { net } = plannedWires(planned, { net: generator }, parts);
      if (net === undefined) throw new Error('the cable is there');
      return { net: looking(net, parts) };
    },
  });
  testbed.settle();
  generator?.start();
  testbed.runUntil(testbed.now() + RUN_NS);
  return testbed.counters().programs;
}

const quiet = { received: () => undefined, lost: () => undefined, sent: () => undefined };

it.each<[string, Looking]>([
  ['watched', (wire) => new WatchedWire(wire, quiet)],
  [
    'observed',
    (wire, { ram, board: { clock } }) =>
      new ObservedWire({ wire, ram, clock, observer: { frame: () => undefined } }),
  ],
  [
    'shared',
    (others, { ram }) => {
      const station = new StagedLink({ ram, checksums: 'right' });
      return new SharedWire({ ram, station, mac: NOBODY, others });
    },
  ],
])('a frame with a turned bit is dropped behind a wire that is %s', (_, looking) => {
  const plain = countedWith((wire) => wire);

  expect(plain['client0']?.['dropUdpChecksum']).toBeGreaterThan(5);
  expect(countedWith(looking)).toEqual(plain);
});
