/**
 * Any domain of the router's system may die, on either side: packets that come afterwards pass both
 * ways, as many as there are buffers, so none is lost. Method: hosts on both cables, of which the
 * test plays the part; a domain that dies when it is woken.
 */

import { expect, it } from 'vitest';
import { StagedLink } from '../../board/links/staged-link.ts';
import type { Program } from '../../microkit/pd.ts';
import { flatten } from '../../microkit/model.ts';
import { router } from '../../systems/router.ts';
import { completeChoices } from '../../systems/system.ts';
import { createTestbed } from '../../systems/testbed.ts';
import { described } from '../support/echo-testbed.ts';
import { checksum } from '../support/udp-frame.ts';

interface Host {
  readonly mac: readonly number[];
  readonly ip: readonly number[];
}

const ROUTER: readonly [Host, Host] = [
  { mac: [0x52, 0x54, 1, 0, 0, 0x0a], ip: [10, 0, 2, 1] },
  { mac: [0x52, 0x54, 1, 0, 1, 0x0a], ip: [10, 0, 3, 1] },
];
const HOSTS: readonly [Host, Host] = [
  { mac: [2, 0, 0, 0, 0, 1], ip: [10, 0, 2, 2] },
  { mac: [2, 0, 0, 0, 0, 2], ip: [10, 0, 3, 15] },
];
/** More than the router has buffers to send from: one that were lost each time would be missed. */
const PACKETS = 1200;
const BATCH = 50;
const MS = 1e6;

type Side = 0 | 1;

function ethernet(to: Host | 'all', from: Host, type: number, body: readonly number[]): Uint8Array {
  const address = to === 'all' ? [255, 255, 255, 255, 255, 255] : to.mac;
  return Uint8Array.of(...address, ...from.mac, type >> 8, type & 255, ...body);
}

/** A host says which address is its. */
function arpReply(side: Side): Uint8Array {
  const [host, via] = [HOSTS[side], ROUTER[side]];
  const body = [0, 1, 8, 0, 6, 4, 0, 2, ...host.mac, ...host.ip, ...via.mac, ...via.ip];
  return ethernet(via, host, 0x0806, body);
}

/** A datagram from the host of one side to that of the other. */
function datagram(side: Side): Uint8Array {
  const [from, to] = [HOSTS[side], HOSTS[side === 0 ? 1 : 0]];
  const header = Uint8Array.of(0x45, 0, 0, 32, 7, 7, 0, 0, 64, 17, 0, 0, ...from.ip, ...to.ip);
  new DataView(header.buffer).setUint16(10, checksum(header));
  const udp = [0x13, 0x88, 0, 7, 0, 12, 0, 0, 1, 2, 3, 4];
  return ethernet(ROUTER[side], from, 0x0800, [...header, ...udp]);
}

interface Mortal {
  readonly programs: ReadonlyMap<string, Program>;
  readonly die: () => void;
}

function mortal(domain: string, system: ReturnType<typeof described>): Mortal {
  const program = flatten(system).find(({ pd }) => pd.name === domain)?.pd.image.program as Program;
  let isDue = false;
  const dying: Program = (pd) => {
    const entry = program(pd);
    return {
      ...entry,
      notified: (channel) => {
        if (isDue) {
          isDue = false;
          throw new Error('dies');
        }
        entry.notified(channel);
      },
    };
  };
  return { programs: new Map([[domain, dying]]), die: () => (isDue = true) };
}

function routerBed(domain: string) {
  const links: StagedLink[] = [];
  const system = described(router.build(completeChoices(router, { supervised: 'on' })));
  const { programs, die } = mortal(domain, system);
  const testbed = createTestbed({
    system,
    clock: 'virtual',
    programs,
    ...(router.counters === undefined ? {} : { counters: router.counters }),
    wires: ({ ram }) => {
      links.push(new StagedLink({ ram }), new StagedLink({ ram }));
      const [net, second] = links;
      return net === undefined ? {} : { net, furtherNets: [second] };
    },
  });
  testbed.settle();
  const run = (): void => void testbed.runUntil(testbed.now() + 2 * MS);
  const arrived = (side: Side): number => {
    let frames = 0;
    links[side]?.drain({
      transmit: (frame) => (frames += frame[12] === 8 && frame[13] === 0 ? 1 : 0),
    });
    return frames;
  };
  const offer = (side: Side, frame: Uint8Array): void => void links[side]?.offer(frame);
  /** @returns packets that have come out on the other side */
  const send = (side: Side, count: number): number => {
    for (let sent = 0; sent < count; sent += 1) offer(side, datagram(side));
    run();
    return arrived(side === 0 ? 1 : 0);
  };
  const meet = (): void => {
    for (const side of [0, 1] as const) {
      send(side === 0 ? 1 : 0, 1);
      offer(side, arpReply(side));
      run();
      arrived(side);
    }
  };
  return { testbed, die, send, meet };
}

it.each([
  'nic0_driver',
  'nic0_virt_tx',
  'nic0_virt_rx',
  'nic1_driver',
  'nic1_virt_tx',
  'nic1_virt_rx',
  'router',
])('packets pass both ways again when %s has died', (domain) => {
  const bed = routerBed(domain);
  bed.meet();
  expect([bed.send(0, BATCH), bed.send(1, BATCH)]).toEqual([BATCH, BATCH]);

  bed.die();
  const lost = 2 * BATCH - bed.send(0, BATCH) - bed.send(1, BATCH);
  // A router that begins again asks once more whose the addresses are.
  bed.meet();

  expect(lost).toBeGreaterThan(0);
  expect(bed.testbed.counters().programs['supervisor']).toMatchObject({
    deaths: 1,
    restarts: 1,
    unanswered: 0,
  });
  for (let sent = 0; sent < PACKETS; sent += BATCH) {
    expect([bed.send(0, BATCH), bed.send(1, BATCH)]).toEqual([BATCH, BATCH]);
  }
});
