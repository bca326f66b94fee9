/**
 * Goal: the virtio network driver initialises as the specification says, moves buffers, and
 * survives a device that breaks the rules: it resets it and goes on, with every buffer in exactly
 * one place. Method: the real driver in the two-domain path, a device of which the test writes each
 * move, and a client that records what it gets. Rows a to j are those of a hostile device: used
 * index, used id, used length, buffer count, (e is a block device's), configuration, interrupts,
 * negotiation, descriptor table, NEEDS_RESET.
 */

import { beforeEach, describe, expect, it } from 'vitest';
import type { EchoConfig } from '../../../clients/echo/echo.ts';
import type { EntryPoints, ProtectionDomain } from '../../../microkit/pd.ts';
import { readCounters } from '../../../queues/counters.ts';
import { NET_BUFFER_BYTES, NetConsumer, NetProducer } from '../../../queues/net/queue.ts';
import {
  type BareEcho,
  bareEcho,
  type BareEchoOptions,
  IRQ,
} from '../../../test/support/bare-echo.ts';
import {
  type Chain,
  F_EVENT_IDX,
  F_INDIRECT_DESC,
  F_MAC,
  F_STATUS,
  type NicOptions,
  ScriptedNic,
} from '../../../test/support/scripted-nic.ts';
import { NET_DRIVER_COUNTERS } from './counters.ts';

const BUFFERS = 16;
const FRAME = new Uint8Array(60).fill(0x5a);
const WATCHDOG_NS = 5e8;
const F_CSUM = 1 << 0;
/** A frame's checksum is left to the device: of UDP, behind headers of 34 bytes. */
const UDP_CHECKSUM = 34 | (6 << 16);

/** A client that holds what it received, and sends what the test tells it to. */
class Peer {
  readonly rxFree: NetProducer;
  readonly rxActive: NetConsumer;
  readonly txFree: NetConsumer;
  readonly txActive: NetProducer;
  readonly received: { readonly low: number; readonly len: number }[] = [];
  readonly sentBack: number[] = [];
  readonly #pd: ProtectionDomain<EchoConfig>;

  constructor(pd: ProtectionDomain<EchoConfig>) {
    const { rx, tx } = pd.config.net;
    this.#pd = pd;
    this.rxFree = new NetProducer(pd.region(rx.freeQueue), rx.capacity);
    this.rxActive = new NetConsumer(pd.region(rx.activeQueue), rx.capacity);
    this.txFree = new NetConsumer(pd.region(tx.freeQueue), tx.capacity);
    this.txActive = new NetProducer(pd.region(tx.activeQueue), tx.capacity);
  }

  collect(): void {
    while (this.rxActive.dequeue()) {
      this.received.push({ low: this.rxActive.low, len: this.rxActive.len });
    }
    this.rxActive.publish();
    this.rxActive.requestSignal();
    while (this.txFree.dequeue()) this.sentBack.push(this.txFree.low);
    this.txFree.publish();
    this.txFree.requestSignal();
  }

  give(low: number): void {
    this.rxFree.enqueue(low, 0, 0, 0);
    if (this.rxFree.publish()) this.#pd.notify(1);
  }

  send(low: number, len: number): void {
    this.txActive.enqueue(low, 0, len, 0);
    if (this.txActive.publish()) this.#pd.notify(2);
  }

  sendPartial(low: number, len: number, checksum: number): void {
    this.txActive.enqueuePartial(low, 0, len, checksum);
    if (this.txActive.publish()) this.#pd.notify(2);
  }
}

interface Bench {
  readonly nic: ScriptedNic;
  readonly peer: Peer;
  readonly echo: BareEcho;
  readonly dma: number;
  readonly txData: number;
  readonly counters: () => Record<keyof typeof NET_DRIVER_COUNTERS, number>;
  readonly interrupt: (reasons?: number) => void;
}

function bench(
  nicOptions: Partial<NicOptions> = {},
  buffers = BUFFERS,
  watched: Pick<BareEchoOptions, 'driverConfig' | 'beforeStart'> = {},
): Bench {
  const made: { nic?: ScriptedNic; peer?: Peer } = {};
  const echo = bareEcho({
    path: '2pd',
    buffers,
    ...watched,
    startIndex: 65_530,
    device: (system) => (made.nic = new ScriptedNic({ ram: system.ram, ...nicOptions })),
    clientProgram: () => (pd) => {
      const peer = new Peer(pd);
      made.peer = peer;
      return { notified: () => peer.collect() };
    },
  });
  const { nic, peer } = made as { nic: ScriptedNic; peer: Peer };
  return {
    nic,
    peer,
    echo,
    dma: echo.system.paddr('dma') | 0,
    txData: echo.system.paddr('tx_data0') | 0,
    counters: () => readCounters(NET_DRIVER_COUNTERS, echo.system.region('driver_stats')),
    interrupt: (reasons = 1) => {
      nic.interruptStatus |= reasons;
      echo.driver.raise(IRQ);
      echo.system.run();
    },
  };
}

/** A bench whose device has all receive buffers. */
function filledBench(nicOptions: Partial<NicOptions> = {}): Bench & { readonly chains: Chain[] } {
  const made = bench(nicOptions);
  for (let index = 0; index < BUFFERS; index += 1) made.peer.give(made.dma + 2048 * index);
  made.echo.system.run();
  return { ...made, chains: made.nic.rx.takeAll() };
}

/** Each receive buffer is with the client or available to the device, once. */
function expectAllRxBuffers(one: Bench & { readonly chains: Chain[] }, known: Chain[]): void {
  const base = one.echo.system.ram.base;
  const places = [
    ...one.peer.received.map(({ low }) => low >>> 0),
    ...known.map((chain) => chain.bufferAt + base),
  ];
  const all = Array.from({ length: BUFFERS }, (_, index) => (one.dma >>> 0) + 2048 * index);
  expect(places.toSorted((a, b) => a - b)).toEqual(all);
}

describe('initialisation', () => {
  it('keeps to the order of the specification', () => {
    const { nic } = bench();
    const statuses = nic.writes.filter(({ offset }) => offset === 0x070).map(({ value }) => value);
    const order = nic.writes.map(({ offset }) => offset);

    // Reset, ACKNOWLEDGE, DRIVER, FEATURES_OK, DRIVER_OK: each written on top of the former.
    expect(statuses).toEqual([0, 1, 3, 11, 15]);
    const featuresOkAt = nic.writes.findIndex((w) => w.offset === 0x070 && w.value === 11);
    const driverOkAt = nic.writes.findIndex((w) => w.offset === 0x070 && w.value === 15);
    expect(order.lastIndexOf(0x020)).toBeLessThan(featuresOkAt);
    expect(order.indexOf(0x030)).toBeGreaterThan(featuresOkAt);
    expect(order.lastIndexOf(0x044)).toBeLessThan(driverOkAt);
    expect(nic.rx.ready).toBe(1);
    expect(nic.tx.ready).toBe(1);
  });

  it('accepts what it uses and nothing else, VERSION_1 in the high word', () => {
    const { nic } = bench({ features: -1 });
    const high = nic.writes.findLast((w) => w.offset === 0x020);

    const GUEST_CSUM = 1 << 1;
    expect(nic.accepted).toBe(
      F_CSUM | GUEST_CSUM | (1 << 3) | F_MAC | F_STATUS | F_INDIRECT_DESC | F_EVENT_IDX,
    );
    expect(high?.value).toBe(1);
  });

  it('refuses a unit larger than a frame, and respects a smaller one', () => {
    expect(bench({ mtu: 9000 }).nic.accepted & (1 << 3)).toBe(0);

    const small = bench({ mtu: 100 });
    // With two tags: whether a frame has them, the device sees.
    small.peer.send(small.txData, 100 + 14 + 8 + 1);
    small.echo.system.run();
    expect(small.counters()).toMatchObject({ txBadLength: 1, txPackets: 0 });
  });

  it('takes a larger one as far as a buffer holds its frames', () => {
    const large = bench({ mtu: 2026 });
    expect(large.nic.accepted & (1 << 3)).not.toBe(0);
    large.peer.send(large.txData, 2048);
    large.echo.system.run();
    expect(large.counters()).toMatchObject({ txBadLength: 0, txPackets: 1 });
    expect(bench({ mtu: 2027 }).nic.accepted & (1 << 3)).toBe(0);
  });

  it.each<[string, Partial<NicOptions>, RegExp]>([
    ['a wrong magic', { magic: 1 }, /magic/],
    ['a legacy device', { version: 1 }, /version 1/],
    ['no device', { deviceId: 0 }, /no device/],
    ['another device', { deviceId: 2 }, /device 2/],
    ['a device without VERSION_1', { version1: 'missing' }, /VERSION_1/],
    ['refused features', { featuresOk: 'refuse' }, /refuses/],
    ['no queue', { queueSizeMax: 0 }, /absent/],
    ['a queue of 2', { queueSizeMax: 2 }, /too small/],
  ])('row h: says what is wrong with %s, and gives frames to send back', (_, options, message) => {
    const { echo, peer, txData, nic, counters } = bench(options);

    expect(echo.driver.logged).toEqual([expect.stringMatching(message)]);
    expect(nic.status & 4).toBe(0);
    peer.send(txData, 64);
    echo.system.run();
    peer.collect();
    expect(peer.sentBack).toContain(txData);
    expect(counters().txNoDevice).toBe(1);
  });

  it('tries again when a device that could not be used asks for a reset', () => {
    const { echo, nic, peer, txData, counters, interrupt } = bench({ queueSizeMax: 0 });
    peer.send(txData, 64);
    echo.system.run();
    expect(counters().txNoDevice).toBe(1);

    nic.status |= 0x40;
    interrupt(2);
    expect(counters()).toMatchObject({ needsReset: 1, resets: 1 });
    expect(echo.driver.logged.at(-1)).toMatch(/given up after a reset: .*absent/);
    expect(echo.driver.logged).toHaveLength(2);

    nic.options = { ...nic.options, queueSizeMax: 256 };
    nic.status |= 0x40;
    interrupt(2);
    expect(echo.driver.logged).toHaveLength(2);
    expect(nic.status & 4).toBe(4);
    peer.send(txData, 64);
    echo.system.run();
    expect(counters()).toMatchObject({ resets: 2, txPackets: 1, txNoDevice: 1 });
    expect(nic.tx.takeAll().map(({ bufferBytes }) => bufferBytes)).toEqual([64]);
  });

  it('takes as many entries as the device has', () => {
    expect(bench({ queueSizeMax: 8 }).nic.rx.size).toBe(8);
    // 512 were asked for; two queues of 256 fit 64 KiB.
    expect(bench({ queueSizeMax: 1024 }).nic.rx.size).toBe(256);
  });
});

describe.each([
  ['indirect, event index', F_INDIRECT_DESC | F_EVENT_IDX],
  ['indirect', F_INDIRECT_DESC],
  ['direct, event index', F_EVENT_IDX],
  ['direct', 0],
])('moving buffers (%s)', (_, features) => {
  it('receives into the buffers that it was given, without the header', () => {
    const one = filledBench({ features });
    expect(one.chains).toHaveLength(BUFFERS);
    expect(one.chains.every((chain) => chain.writable === 'yes')).toBe(true);
    expect(one.chains.every((chain) => chain.bufferBytes === 2048)).toBe(true);

    one.nic.rx.receive(one.chains[3] as Chain, FRAME);
    one.nic.rx.receive(one.chains[1] as Chain, FRAME.subarray(0, 14));
    one.interrupt();

    const at = (index: number) => ((one.chains[index] as Chain).bufferAt + 0x8000_0000) | 0;
    expect(one.peer.received).toEqual([
      { low: at(3), len: 60 },
      { low: at(1), len: 14 },
    ]);
    expect(one.counters()).toMatchObject({ rxPackets: 2, rxBytes: 74, interrupts: 1, resets: 0 });
  });

  it('sends, and gives the buffer back when the device is done', () => {
    const one = bench({ features });
    one.echo.system.ram.u8.set(FRAME, (one.txData >>> 0) - 0x8000_0000);

    one.peer.send(one.txData, 60);
    one.echo.system.run();
    const chains = one.nic.tx.takeAll();
    expect(chains).toHaveLength(1);
    const [chain] = chains as [Chain];
    expect(chain.writable).toBe('no');
    expect([...one.nic.tx.frame(chain)]).toEqual([...FRAME]);
    expect(
      Array.from(one.echo.system.ram.u8.subarray(chain.headerAt, chain.headerAt + 12)),
    ).toEqual(Array.from({ length: 12 }, () => 0));
    expect(one.peer.sentBack).toEqual([]);
    one.nic.tx.complete(chain.head, 0);
    one.interrupt();
    expect(one.peer.sentBack).toEqual([one.txData]);
  });

  it('leaves a checksum to a device that makes them, and no trace of it in the next header', () => {
    const one = bench({ features: features | F_CSUM, queueSizeMax: 4 });
    const headers: number[][] = [];
    for (let frame = 0; frame < 6; frame += 1) {
      if (frame === 1) one.peer.sendPartial(one.txData, 60, UDP_CHECKSUM);
      else one.peer.send(one.txData, 60);
      one.echo.system.run();
      const [chain] = one.nic.tx.takeAll() as [Chain];
      const at = chain.headerAt >>> 1;
      headers.push([...one.echo.system.ram.u16.subarray(at, at + 6)]);
      one.nic.tx.complete(chain.head, 0);
      one.interrupt();
    }
    const plain = [0, 0, 0, 0, 0, 0];

    expect(headers).toEqual([plain, [1, 0, 0, 34, 6, 0], plain, plain, plain, plain]);
    expect(one.peer.sentBack).toHaveLength(6);
    expect(one.counters()).toMatchObject({ txPackets: 6, txChecksums: 1, resets: 0 });
  });

  it('gives a frame back whose checksum nobody makes, or would not lie in it', () => {
    const without = bench({ features: features & ~F_CSUM });
    without.peer.sendPartial(without.txData, 60, UDP_CHECKSUM);
    without.echo.system.run();
    const outside = bench({ features: features | F_CSUM });
    outside.peer.sendPartial(outside.txData, 60, 34 | (25 << 16));
    outside.peer.sendPartial(outside.txData, 60, 0xffff | (0xffff << 16));
    outside.peer.sendPartial(outside.txData, 60, 34 | (24 << 16));
    outside.echo.system.run();

    expect(without.nic.tx.takeAll()).toEqual([]);
    expect(without.counters()).toMatchObject({ txChecksumRefused: 1, txPackets: 0 });
    expect(outside.nic.tx.takeAll()).toHaveLength(1);
    expect(outside.counters()).toMatchObject({ txChecksumRefused: 2, txChecksums: 1 });
    expect(outside.peer.sentBack).toHaveLength(2);
  });

  it('goes round its rings many times, past the wrap of the indices', () => {
    const one = filledBench({ features, queueSizeMax: 8 });
    let pool = one.chains;
    let received = 0;
    while (received < 70_000) {
      const batch = pool.splice(0, 3);
      for (const chain of batch) one.nic.rx.receive(chain, FRAME);
      one.interrupt();
      expect(one.peer.received).toHaveLength(batch.length);
      for (const { low } of one.peer.received.splice(0)) one.peer.give(low);
      one.echo.system.run();
      // A second wake-up, because with many buffers posted the driver is content to wait for it.
      one.interrupt();
      pool = [...pool, ...one.nic.rx.takeAll()];
      received += batch.length;
    }
    expect(one.counters()).toMatchObject({ resets: 0, rxPackets: received });
  });
});

/**
 * A bench whose driver has a watchdog; `tick` lets it look, and `asked` are the time-outs that it
 * has set.
 */
function watchedBench(
  nicOptions: Partial<NicOptions> = {},
): Bench & { readonly asked: number[]; readonly tick: () => void } {
  const TIMER = 9;
  const asked: number[] = [];
  const one = bench(nicOptions, BUFFERS, {
    driverConfig: { watchdogNs: WATCHDOG_NS, timer: { channel: TIMER } },
    beforeStart: (system, driver) => {
      const program = (pd: ProtectionDomain): EntryPoints => ({
        notified: () => undefined,
        protected: () => {
          asked.push(pd.mr(0));
          return 0;
        },
      });
      const timer = system.addPd({ name: 'timer', priority: 250, config: {}, program });
      driver.connect(TIMER, timer, 0);
    },
  });
  const tick = (): void => {
    one.echo.driver.raise(TIMER);
    one.echo.system.run();
  };
  return { ...one, asked, tick };
}

describe('a driver with a watchdog', () => {
  it('finds what a lost interrupt was to tell, once it is sure that it is not on its way', () => {
    const { peer, nic, dma, echo, tick, counters, asked } = watchedBench();
    peer.give(dma);
    echo.system.run();
    const [chain] = nic.rx.takeAll() as [Chain];

    nic.rx.receive(chain, FRAME);
    echo.system.run();
    tick();
    expect(peer.received).toEqual([]);
    tick();

    expect(peer.received).toHaveLength(1);
    expect(counters()).toMatchObject({ interruptsLost: 1, rxPackets: 1, resets: 0 });
    tick();
    expect(counters()).toMatchObject({ interruptsLost: 1, interrupts: 0 });
    expect(asked).toEqual([WATCHDOG_NS, 100_000, WATCHDOG_NS, 4 * WATCHDOG_NS]);
  });

  it('looks a quarter as often while nothing comes and nothing is being sent', () => {
    const { peer, nic, dma, txData, echo, tick, interrupt, asked } = watchedBench();
    peer.give(dma);
    echo.system.run();
    const [chain] = nic.rx.takeAll() as [Chain];
    tick();
    tick();
    nic.rx.receive(chain, FRAME);
    interrupt();
    tick();
    tick();
    peer.send(txData, FRAME.length);
    echo.system.run();
    tick();
    tick();

    const [often, seldom] = [WATCHDOG_NS, 4 * WATCHDOG_NS];
    expect(asked).toEqual([often, seldom, seldom, often, seldom, often, often]);
  });

  it('does not take an interrupt for lost that comes in between', () => {
    const { peer, nic, dma, echo, tick, counters, interrupt } = watchedBench();
    peer.give(dma);
    peer.give(dma + NET_BUFFER_BYTES);
    echo.system.run();
    const [first, second] = nic.rx.takeAll() as [Chain, Chain];

    nic.rx.receive(first, FRAME);
    tick();
    interrupt();
    nic.rx.receive(second, FRAME);
    tick();

    expect(peer.received).toHaveLength(1);
    expect(counters()).toMatchObject({ interruptsLost: 0, interrupts: 1 });
  });

  it('starts a device again that has reset itself', () => {
    const { peer, nic, dma, echo, tick, counters } = watchedBench();
    peer.give(dma);
    echo.system.run();
    expect(nic.rx.takeAll()).toHaveLength(1);

    nic.status = 0;
    tick();

    expect(counters()).toMatchObject({ selfResets: 1, resets: 1 });
    expect(nic.status).toBe(15);
    expect(nic.rx.takeAll()).toHaveLength(1);
  });

  it('takes a device that is gone for no interrupt, and starts it when it is back', () => {
    const { peer, nic, dma, echo, tick, counters } = watchedBench();
    peer.give(dma);
    echo.system.run();
    expect(nic.rx.takeAll()).toHaveLength(1);

    nic.plug = 'out';
    tick();
    tick();
    expect(counters()).toMatchObject({ interruptsLost: 0, selfResets: 1 });
    nic.plug = 'in';
    nic.status = 0;
    tick();

    expect(counters()).toMatchObject({ interruptsLost: 0, selfResets: 1 });
    expect(nic.status).toBe(15);
    // The buffer has gone back to its owner meanwhile.
    peer.give(dma);
    echo.system.run();
    expect(nic.rx.takeAll()).toHaveLength(1);
  });

  it('resets a device that holds on to a frame for more than five seconds', () => {
    const { peer, nic, txData, echo, tick, counters } = watchedBench();
    peer.send(txData, FRAME.length);
    echo.system.run();
    expect(nic.tx.takeAll()).toHaveLength(1);

    for (let i = 0; i < 5e9 / WATCHDOG_NS; i += 1) tick();
    expect(counters()).toMatchObject({ txStuck: 0, resets: 0 });
    tick();

    peer.collect();
    expect(counters()).toMatchObject({ txStuck: 1, resets: 1, txLostInReset: 1 });
    expect(peer.sentBack).toEqual([txData]);
  });

  it('sends what had no room in the rings of a device that holds on to all of them', () => {
    const room = 4;
    const { peer, nic, txData, echo, tick, counters } = watchedBench({ queueSizeMax: room });
    for (let sent = 0; sent < room + 2; sent += 1) {
      peer.send(txData + sent * NET_BUFFER_BYTES, FRAME.length);
    }
    echo.system.run();
    expect(nic.tx.takeAll()).toHaveLength(room);

    for (let i = 0; i <= 5e9 / WATCHDOG_NS; i += 1) tick();

    expect(counters()).toMatchObject({ txStuck: 1, txLostInReset: room, txPackets: room + 2 });
    expect(nic.tx.takeAll()).toHaveLength(2);
  });
});

describe('frames that cannot be', () => {
  it('drops runts and giants, and keeps their buffers for the device', () => {
    const one = filledBench();
    const [a, b, c, d] = one.chains as [Chain, Chain, Chain, Chain];
    one.nic.rx.receive(a, FRAME.subarray(0, 13));
    one.nic.rx.receive(b, new Uint8Array(1523));
    one.nic.rx.receive(c, new Uint8Array(1522));
    one.nic.rx.complete(d.head, 3);
    one.interrupt();

    // The device has judged by tags: 1522 is a frame with two.
    expect(one.peer.received.map(({ len }) => len)).toEqual([1522]);
    expect(one.counters()).toMatchObject({ rxRunt: 2, rxOversize: 1, rxPackets: 1, resets: 0 });
    expectAllRxBuffers(one, [...one.chains.slice(4), ...one.nic.rx.takeAll()]);
  });

  it.each([0, 13, 1523, 65_535])('gives a frame of %i bytes to send back', (len) => {
    const one = bench();
    one.peer.send(one.txData, len);
    one.echo.system.run();
    one.peer.collect();

    expect(one.nic.tx.takeAll()).toEqual([]);
    expect(one.peer.sentBack).toEqual([one.txData]);
    expect(one.counters().txBadLength).toBe(1);
  });
});

/** What a lying device does, and what the driver has to count. */
const LIES: readonly [string, (one: ReturnType<typeof filledBench>) => void, string][] = [
  [
    'a: the used index is ahead by more than is outstanding',
    ({ nic }) => nic.rx.setUsedIdx(BUFFERS + 1),
    'usedIndexLies',
  ],
  ['a: the used index goes back', ({ nic }) => nic.rx.setUsedIdx(0xffff), 'usedIndexLies'],
  ['b: an id out of range', ({ nic }) => nic.rx.complete(256, 60), 'usedIdLies'],
  ['b: an id above 2^31', ({ nic }) => nic.rx.complete(0xffff_fff0, 60), 'usedIdLies'],
  ['b: an id that was not available', ({ nic }) => nic.rx.complete(200, 60), 'usedIdLies'],
  [
    'b: an id twice',
    ({ nic, chains }) => {
      nic.rx.receive(chains[0] as Chain, FRAME);
      nic.rx.receive(chains[0] as Chain, FRAME);
    },
    'usedIdLies',
  ],
  [
    'c: more bytes than the buffer has',
    ({ nic, chains }) => nic.rx.complete((chains[2] as Chain).head, 2061),
    'usedLengthLies',
  ],
  [
    'c: more than 2^31 bytes',
    ({ nic, chains }) => nic.rx.complete((chains[2] as Chain).head, 0x8000_0040),
    'usedLengthLies',
  ],
  [
    'd: a frame in two buffers',
    ({ nic, chains, echo }) => {
      nic.rx.receive(chains[0] as Chain, FRAME);
      echo.system.ram.view.setUint16((chains[0] as Chain).headerAt + 10, 2, true);
    },
    'numBuffersLies',
  ],
  [
    'd: a frame in no buffer',
    ({ nic, chains, echo }) => {
      nic.rx.receive(chains[0] as Chain, FRAME);
      echo.system.ram.view.setUint16((chains[0] as Chain).headerAt + 10, 0, true);
    },
    'numBuffersLies',
  ],
];

describe('a device that lies on the receive side', () => {
  it.each(LIES)('row %s: it is reset, and nothing is lost', (_, lie, counter) => {
    const one = filledBench();
    lie(one);
    one.interrupt();

    expect(one.counters()).toMatchObject({ [counter]: 1, resets: 1 });
    expect(one.nic.status).toBe(15);
    expectAllRxBuffers(one, one.nic.rx.takeAll());
  });

  it.each(LIES)('row %s: and packets flow again', (_, lie) => {
    const one = filledBench();
    lie(one);
    one.interrupt();
    const before = one.peer.received.length;

    const chains = one.nic.rx.takeAll();
    for (const chain of chains) one.nic.rx.receive(chain, FRAME);
    one.interrupt();

    expect(chains.length).toBeGreaterThan(0);
    expect(one.peer.received).toHaveLength(before + chains.length);
    expectAllRxBuffers(one, []);
  });
});

describe('a device that lies on the transmit side', () => {
  let one: Bench;
  let chains: Chain[];
  const sent = (): number[] => [0, 1, 2].map((index) => one.txData + 2048 * index);

  beforeEach(() => {
    one = bench();
    for (const low of sent()) one.peer.send(low, 60);
    one.echo.system.run();
    chains = one.nic.tx.takeAll();
  });

  it.each<[string, (nic: ScriptedNic) => void, string]>([
    ['a', (nic) => nic.tx.setUsedIdx(4), 'usedIndexLies'],
    ['b', (nic) => nic.tx.complete(77, 0), 'usedIdLies'],
    [
      'b, twice',
      (nic) => {
        nic.tx.complete(0, 0);
        nic.tx.complete(0, 0);
      },
      'usedIdLies',
    ],
    ['c', (nic) => nic.tx.complete(0, 1), 'usedLengthLies'],
  ])('row %s: gives each buffer back once and goes on', (_, lie, counter) => {
    expect(chains).toHaveLength(3);
    lie(one.nic);
    one.interrupt();

    expect(one.peer.sentBack.toSorted((a, b) => a - b)).toEqual(sent());
    expect(one.counters()).toMatchObject({ [counter]: 1, resets: 1 });
    one.peer.send(one.txData, 60);
    one.echo.system.run();
    expect(one.nic.tx.takeAll()).toHaveLength(1);
  });
});

describe('interrupts and configuration', () => {
  it('row g: looks at the rings whatever the interrupt says', () => {
    const one = filledBench();
    one.nic.rx.receive(one.chains[0] as Chain, FRAME);
    one.interrupt(0);

    expect(one.peer.received).toHaveLength(1);
    expect(one.counters()).toMatchObject({ interrupts: 0, interruptsSpurious: 1 });
  });

  it('row i: does not read the descriptor table back', () => {
    const one = filledBench();
    const chain = one.chains[0] as Chain;
    one.nic.rx.receive(chain, FRAME);
    one.echo.system.region('rings').fill(0, 0xff, 4096);
    one.interrupt();

    expect(one.peer.received).toEqual([{ low: (chain.bufferAt + 0x8000_0000) | 0, len: 60 }]);
  });

  it('row j: resets a device that needs it', () => {
    const one = filledBench();
    one.nic.status |= 64;
    one.interrupt(2);

    expect(one.counters()).toMatchObject({ needsReset: 1, resets: 1 });
    expect(one.nic.status).toBe(15);
    expectAllRxBuffers(one, one.nic.rx.takeAll());
  });

  it('row f: gives up reading an address that never stands still', () => {
    expect(bench().echo.driver.logged[0]).toContain('50:51:52:53:54:55');
    expect(bench({ configGeneration: 'moving' }).echo.driver.logged[0]).toContain('without');
  });

  it('holds frames while the link is down, and sends them when it is up again', () => {
    const one = bench();
    one.nic.link = 'down';
    one.interrupt(2);
    one.peer.send(one.txData, 60);
    one.echo.system.run();
    expect(one.nic.tx.takeAll()).toEqual([]);

    one.nic.link = 'up';
    one.interrupt(2);
    expect(one.nic.tx.takeAll()).toHaveLength(1);
    expect(one.counters().linkChanges).toBe(2);
  });

  it('gives back what waits for the link when the device cannot be brought up again', () => {
    const one = bench();
    one.nic.link = 'down';
    one.interrupt(2);
    one.peer.send(one.txData, 60);
    one.echo.system.run();
    one.nic.options = { ...one.nic.options, deviceId: 0 };
    one.nic.status |= 64;
    one.interrupt(2);

    expect(one.peer.sentBack).toEqual([one.txData]);
    expect(one.counters()).toMatchObject({ needsReset: 1, txNoDevice: 1 });
  });

  it('gives everything back when the device cannot be brought up again', () => {
    const one = filledBench();
    one.peer.send(one.txData, 60);
    one.echo.system.run();
    one.nic.options = { ...one.nic.options, deviceId: 0 };
    one.nic.rx.setUsedIdx(200);
    one.interrupt();

    expect(one.peer.sentBack).toEqual([one.txData]);
    // Empty frames: the virtualiser takes the buffers out of them.
    expect(one.peer.received.map(({ len }) => len)).toEqual(
      Array.from({ length: BUFFERS }, () => 0),
    );
    expectAllRxBuffers(one, []);
    expect(one.echo.driver.logged.at(-1)).toContain('given up');
  });
});
