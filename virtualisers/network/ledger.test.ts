/**
 * Goal: no buffer is ever lost for good or owned twice, whatever clients and traffic do. Method:
 * after every step, each buffer is looked for in every place where it can be; a step that does not
 * hold is reported with its seed. How many packets while a client writes random bytes:
 * SDDF_HOSTILE_PACKETS, over all seeds (a million in CI).
 */

import { describe, expect, it } from 'vitest';
import { ECHO_COUNTERS } from '../../clients/echo/responder.ts';
import { readCounters } from '../../queues/counters.ts';
import { clientIp, clientMac } from '../../test/support/bare-echo.ts';
import { BUFFERS, LedgerWorld, type Mischief } from '../../test/support/network-ledger.ts';
import type { Chain } from '../../test/support/scripted-nic.ts';
import { udpFrame } from '../../test/support/udp-frame.ts';
import { NET_VIRT_RX_COUNTERS } from './rx/virt-rx.ts';

const SEEDS = [1, 2, 3, 4];
const PACKETS = Number(process.env['SDDF_HOSTILE_PACKETS'] ?? 4_000) / SEEDS.length;
const STEPS = 400;
const HOUR = { timeout: 3_600_000 };
const ALL = Array.from({ length: BUFFERS }, (_, index) => index);

/** Random bytes over its own queues and buffers. */
const scribble: Mischief = (peer, random) => {
  for (const direction of ['rx', 'tx'] as const) {
    for (const kind of ['freeQueue', 'activeQueue'] as const) {
      const region = peer.queueRegion(direction, kind);
      const bytes = 8 + 16 * BUFFERS;
      for (let i = 0; i < 24; i += 1) region.write8(random(bytes), random(256));
    }
  }
  for (let i = 0; i < 64; i += 1) peer.txData.write8(random(BUFFERS * 2048), random(256));
};

/** Plausible entries with implausible contents go deeper than noise does. */
const forge: Mischief = (peer, random) => {
  for (let i = 0; i < 6; i += 1) {
    peer.txActive.enqueue(
      2048 * random(BUFFERS + 2) + (random(4) === 0 ? random(2048) : 0),
      random(9) === 0 ? 1 : 0,
      random(1600),
      random(3),
    );
    peer.rxFree.enqueue(2048 * random(BUFFERS + 2), 0, 0, 0);
  }
  peer.txActive.publish();
  peer.rxFree.publish();
  if (random(3) === 0) peer.collect();
};

/** Gives back what it has, and what it has not. */
const returnAll: Mischief = (peer) => {
  for (const index of ALL) peer.rxFree.enqueue(2048 * index, 0, 0, 0);
  peer.rxFree.publish();
};

describe.each(SEEDS)('the ledger, seed %i', (seed) => {
  it('holds after every step of honest traffic', () => {
    const world = new LedgerWorld('5pd', seed);
    for (let step = 0; step < STEPS; step += 1) {
      world.step();
      world.checkOneOwnerOrShared();
      for (const client of [0, 1]) {
        world.checkTransmit(client, 'with');
        world.checkCopied(client);
      }
    }
    expect(
      readCounters(ECHO_COUNTERS, world.echo.system.region('client0_stats')).udpEchoed,
    ).toBeGreaterThan(50);
  });

  it.each([
    ['random bytes', scribble, PACKETS],
    ['forged entries', forge, 250],
  ])('holds for everybody else while a client writes %s', HOUR, (_, mischief, packets) => {
    const world = new LedgerWorld('5pd', seed, mischief);
    let answers = 0;
    // Of eight steps, five receive a packet if the device has a buffer.
    for (let step = 0; step < 4 * packets && world.sent < packets; step += 1) {
      world.step();
      world.checkOneOwnerOrShared();
      world.checkTransmit(0, 'with');
      world.checkTransmit(1, 'without');
      world.checkCopied(0);
      answers += world.takeAnswers().length;
    }
    expect(world.sent).toBe(packets);
    // Half of the packets are for client 0.
    expect(answers).toBeGreaterThan(world.sent / 3);
  });

  it.each([
    ['random bytes', scribble],
    ['forged entries', forge],
  ])('loses no packet of the honest client while the other writes %s', (_, mischief) => {
    const world = new LedgerWorld('5pd', seed, mischief);
    const before = world.answers.length;
    for (let packet = 0; packet < 300; packet += 1) {
      const chain = world.rxChains.shift() as Chain;
      const payload = new Uint8Array(64);
      new DataView(payload.buffer).setUint32(0, 1_000_000 + packet);
      world.nic.rx.receive(chain, udpFrame({ mac: clientMac(0), ip: clientIp(0), payload }));
      world.raiseHostile();
      world.interrupt();
      world.finish(BUFFERS);
      world.interrupt();
    }
    const answered = world.answers.slice(before).filter((mark) => mark >= 1_000_000);
    expect(answered).toEqual(Array.from({ length: 300 }, (__, packet) => 1_000_000 + packet));
  });

  it.each([
    ['random bytes', scribble],
    ['forged entries', forge],
    ['returns of all buffers', returnAll],
  ])('holds without copiers while a client writes %s', (_, mischief) => {
    // Client 0, which runs, and whose returns are looked at, while its neighbour's packets are
    // still on their way.
    const world = new LedgerWorld('4pd', seed, mischief, 0);
    for (let step = 0; step < STEPS; step += 1) {
      world.raiseHostile();
      world.step();
      world.checkOneOwnerBesidesHostile();
    }
    const rx = readCounters(NET_VIRT_RX_COUNTERS, world.echo.system.region('rx_stats'));
    expect(rx.refusedNoBuffer + rx.refusedNotHeld).toBeGreaterThan(0);
    expect(rx.driverBadBuffer).toBe(0);
  });

  it('holds without copiers: no DMA buffer is anywhere twice, and the device never runs dry', () => {
    const world = new LedgerWorld('4pd', seed);
    for (let step = 0; step < STEPS; step += 1) {
      world.step();
      world.checkOneOwnerOrShared();
    }
    expect(world.rxChains.length).toBeGreaterThan(0);
  });
});
