/**
 * Goal: no buffer is ever lost for good or owned twice, whatever clients and traffic do. Method: after every step, each
 * buffer is looked for in every place where it can be: the queues' memory, the device, the client. Traffic, order and
 * what the hostile client writes come from a seed, which a failure prints.
 */

import { describe, expect, it } from 'vitest';
import { main as echoProgram } from '../../clients/echo/echo.ts';
import { ECHO_COUNTERS } from '../../clients/echo/responder.ts';
import type { Region } from '../../memory/region.ts';
import { readCounters } from '../../queues/counters.ts';
import {
  type BareEcho,
  bareEcho,
  clientIp,
  clientMac,
  type EchoPath,
  IRQ,
} from '../../test/support/bare-echo.ts';
import { NetPeer } from '../../test/support/net-peer.ts';
import { type Chain, ScriptedNic } from '../../test/support/scripted-nic.ts';
import { udpFrame } from '../../test/support/udp-frame.ts';
import { NET_VIRT_RX_COUNTERS } from './rx/virt-rx.ts';

const BUFFERS = 16;
const START = 65_530;

/** xorshift32: small, and the same everywhere. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed | 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

type Mischief = (peer: NetPeer, random: (below: number) => number) => void;

class World {
  readonly echo: BareEcho;
  readonly nic: ScriptedNic;
  readonly random: (below: number) => number;
  readonly rxChains: Chain[] = [];
  readonly txChains: Chain[] = [];
  /** Marks of client 0's answers. */
  readonly answers: number[] = [];
  readonly #hostile: number;
  #sent = 0;

  /** @param hostile index of the client that makes the mischief */
  constructor(path: EchoPath, seed: number, mischief?: Mischief, hostile = 1) {
    const made: { nic?: ScriptedNic } = {};
    this.random = randomFrom(seed);
    this.#hostile = hostile;
    this.echo = bareEcho({
      path,
      clients: 2,
      buffers: BUFFERS,
      startIndex: START,
      device: (system) => (made.nic = new ScriptedNic({ ram: system.ram })),
      clientProgram: (index) => {
        if (index !== hostile || mischief === undefined) return echoProgram;
        return (pd) => {
          const peer = new NetPeer(pd);
          return {
            notified: () => {
              mischief(peer, this.random);
              pd.notify(pd.config.net.rx.channel);
              pd.notify(pd.config.net.tx.channel);
            },
          };
        };
      },
    });
    this.nic = made.nic as ScriptedNic;
    this.interrupt();
  }

  interrupt(): void {
    this.nic.interruptStatus = 1;
    this.echo.driver.raise(IRQ);
    this.echo.system.run();
    this.rxChains.push(...this.nic.rx.takeAll());
    for (const chain of this.nic.tx.takeAll()) {
      this.txChains.push(chain);
      const frame = this.nic.tx.frame(chain);
      const view = new DataView(frame.buffer, frame.byteOffset);
      const fromClient0 = frame[11] === 0x0a && frame[9] === 0 && frame[6] === 0x52;
      if (fromClient0 && frame.length >= 46) this.answers.push(view.getUint32(42));
    }
  }

  /** One random step: a frame arrives, sent frames are finished, or the hostile client runs. */
  step(): void {
    const what = this.random(8);
    if (what < 5) this.receive();
    else if (what < 7) this.finish(1 + this.random(4));
    else this.echo.clients[this.#hostile]?.raise(1);
    this.interrupt();
  }

  receive(): void {
    const chain = this.rxChains.splice(this.random(Math.max(1, this.rxChains.length)), 1)[0];
    if (chain === undefined) return;
    const kind = this.random(10);
    const client = kind < 5 ? 0 : 1;
    const mac =
      kind === 8 ? 'ff:ff:ff:ff:ff:ff' : kind === 9 ? '02:00:00:00:00:09' : clientMac(client);
    const payload = new Uint8Array(4 + this.random(200));
    this.#sent += 1;
    new DataView(payload.buffer).setUint32(0, this.#sent);
    this.nic.rx.receive(chain, udpFrame({ mac, ip: clientIp(client), payload }));
  }

  /** The device has sent some of its frames, in any order. */
  finish(count: number): void {
    for (let i = 0; i < count && this.txChains.length > 0; i += 1) {
      const [chain] = this.txChains.splice(this.random(this.txChains.length), 1);
      this.nic.tx.complete((chain as Chain).head, 0);
    }
  }

  /** Lows of the entries between head and tail of a queue. */
  entries(name: string): number[] {
    const region: Region = this.echo.system.region(name);
    const capacity = name.startsWith('driver_tx') ? 2 * BUFFERS : BUFFERS;
    const lows: number[] = [];
    for (let i = region.read16(2); i !== region.read16(0); i = (i + 1) & 0xffff) {
      lows.push(region.read32(8 + 16 * (i & (capacity - 1))));
      if (lows.length > capacity) throw new Error(`${name} holds more than fits`);
    }
    return lows;
  }

  /** Every place in which each buffer of the DMA region is; in whose queues to look, besides the driver's. */
  dmaPlaces(clients: readonly number[]): readonly (readonly string[])[] {
    const base = this.echo.system.paddr('dma');
    const places: string[][] = ALL.map(() => []);
    const found = (offset: number, place: string): void => {
      const at = places[offset / 2048];
      if (at === undefined) throw new Error(`no buffer begins at ${offset} (${place})`);
      at.push(place);
    };
    for (const chain of this.rxChains) {
      found(chain.bufferAt + this.echo.system.ram.base - base, 'device');
    }
    for (const name of ['driver_rx_free', 'driver_rx_active']) {
      for (const low of this.entries(name)) found(low - base, 'driver');
    }
    for (const client of clients) {
      for (const name of [`virt_rx${client}_free`, `virt_rx${client}_active`]) {
        for (const low of this.entries(name)) found(low, `client ${client}`);
      }
    }
    return places;
  }

  /** The receive virtualiser's reference counts. */
  references(): number[] {
    const region = this.echo.system.region('metadata');
    return ALL.map((index) => region.read8(index));
  }

  /** Buffers of a client's transmit region by index, wherever they are. */
  txBuffers(client: number, clientQueues: readonly string[]): number[] {
    const base = this.echo.system.paddr(`tx_data${client}`);
    const isOurs = (offset: number): boolean => offset >= 0 && offset < BUFFERS * 2048;
    const places = [
      ...this.txChains.map((chain) => chain.bufferAt + this.echo.system.ram.base - base),
      ...['driver_tx_free', 'driver_tx_active'].flatMap((name) =>
        this.entries(name).map((low) => low - base),
      ),
      ...clientQueues.flatMap((name) => this.entries(name)),
    ];
    return places
      .filter(isOurs)
      .map((offset) => offset / 2048)
      .toSorted((a, b) => a - b);
  }
}

const ALL = Array.from({ length: BUFFERS }, (_, index) => index);

/** A set, or nothing is owned twice; at most one missing: the transmit buffer that the echo client has in hand. */
function expectAllButOneInHand(buffers: readonly number[]): void {
  expect(new Set(buffers).size).toBe(buffers.length);
  expect(buffers.length).toBeGreaterThanOrEqual(BUFFERS - 1);
}

/**
 * Each DMA buffer is in one place, and the reference count is that of the clients who hold it: none while it is with
 * the driver. Only a broadcast buffer is in two places, which are then different clients' queues.
 */
function expectOneOwnerOrShared(world: World): void {
  const owners = ['client 0', 'client 1', 'client 0,client 1', 'device', 'driver'];
  const references = world.references();
  const wrong = world.dmaPlaces([0, 1]).flatMap((places, index) => {
    const owner = places.toSorted().join();
    const holders = places.filter((place) => place.startsWith('client')).length;
    const isRight = owners.includes(owner) && references[index] === holders;
    return isRight ? [] : [`buffer ${index}: in [${owner}], ${references[index]} references`];
  });
  expect(wrong).toEqual([]);
}

/**
 * The same, when client 0 returns DMA buffers itself and its queues hold anything: a buffer that somebody refers to is
 * not with the driver, and every other is, once.
 */
function expectOneOwnerBesidesHostile(world: World): void {
  const references = world.references();
  const wrong = world.dmaPlaces([1]).flatMap((places, index) => {
    const owner = places.join();
    const held = references[index] as number;
    const isRight =
      held === 0
        ? owner === 'device' || owner === 'driver'
        : held === 1
          ? owner === '' || owner === 'client 1'
          : held === 2 && owner === 'client 1';
    return isRight ? [] : [`buffer ${index}: in [${owner}], ${held} references`];
  });
  expect(wrong).toEqual([]);
}

describe.each([1, 2, 3, 4])('the ledger, seed %i', (seed) => {
  it('holds after every step of honest traffic', () => {
    const world = new World('5pd', seed);
    for (let step = 0; step < 400; step += 1) {
      world.step();
      expectOneOwnerOrShared(world);
      for (const client of [0, 1]) {
        expectAllButOneInHand(
          world.txBuffers(client, [`virt_tx${client}_free`, `virt_tx${client}_active`]),
        );
        const own = [
          ...world.entries(`client${client}_free`),
          ...world.entries(`client${client}_active`),
        ];
        expect(own.map((low) => low / 2048).toSorted((a, b) => a - b)).toEqual(ALL);
      }
    }
    expect(
      readCounters(ECHO_COUNTERS, world.echo.system.region('client0_stats')).udpEchoed,
    ).toBeGreaterThan(50);
  });

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

  it.each([
    ['random bytes', scribble],
    ['forged entries', forge],
  ])('holds for everybody else while a client writes %s', (_, mischief) => {
    const world = new World('5pd', seed, mischief);
    for (let step = 0; step < 400; step += 1) {
      world.step();
      expectOneOwnerOrShared(world);
      expectAllButOneInHand(world.txBuffers(0, ['virt_tx0_free', 'virt_tx0_active']));
      // What the hostile client has is its own affair; but no buffer of it is with the driver twice.
      const away = world.txBuffers(1, []);
      expect(new Set(away).size).toBe(away.length);
      const own = [...world.entries('client0_free'), ...world.entries('client0_active')];
      expect(own.map((low) => low / 2048).toSorted((a, b) => a - b)).toEqual(ALL);
    }
  });

  it.each([
    ['random bytes', scribble],
    ['forged entries', forge],
  ])('loses no packet of the honest client while the other writes %s', (_, mischief) => {
    const world = new World('5pd', seed, mischief);
    const before = world.answers.length;
    for (let packet = 0; packet < 300; packet += 1) {
      const chain = world.rxChains.shift() as Chain;
      const payload = new Uint8Array(64);
      new DataView(payload.buffer).setUint32(0, 1_000_000 + packet);
      world.nic.rx.receive(chain, udpFrame({ mac: clientMac(0), ip: clientIp(0), payload }));
      world.echo.clients[1]?.raise(1);
      world.interrupt();
      world.finish(BUFFERS);
      world.interrupt();
    }
    const answered = world.answers.slice(before).filter((mark) => mark >= 1_000_000);
    expect(answered).toEqual(Array.from({ length: 300 }, (__, packet) => 1_000_000 + packet));
  });

  /** Gives back what it has, and what it has not. */
  const returnAll: Mischief = (peer) => {
    for (const index of ALL) peer.rxFree.enqueue(2048 * index, 0, 0, 0);
    peer.rxFree.publish();
  };

  it.each([
    ['random bytes', scribble],
    ['forged entries', forge],
    ['returns of all buffers', returnAll],
  ])('holds without copiers while a client writes %s', (_, mischief) => {
    // Client 0, which runs, and whose returns are looked at, while its neighbour's packets are still on their way.
    const world = new World('4pd', seed, mischief, 0);
    for (let step = 0; step < 400; step += 1) {
      world.echo.clients[0]?.raise(1);
      world.step();
      expectOneOwnerBesidesHostile(world);
    }
    const rx = readCounters(NET_VIRT_RX_COUNTERS, world.echo.system.region('rx_stats'));
    expect(rx.refusedNoBuffer + rx.refusedNotHeld).toBeGreaterThan(0);
    expect(rx.driverBadBuffer).toBe(0);
  });

  it('holds without copiers: no DMA buffer is anywhere twice, and the device never runs dry', () => {
    const world = new World('4pd', seed);
    for (let step = 0; step < 400; step += 1) {
      world.step();
      expectOneOwnerOrShared(world);
    }
    expect(world.rxChains.length).toBeGreaterThan(0);
  });
});
