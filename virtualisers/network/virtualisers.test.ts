/**
 * Goal: the virtualisers and the copier deliver to the right client, count each refusal by name,
 * and lose nothing to a client that breaks the rules. Method: all programs but the clients are
 * real; clients and device do what the test says.
 */

import { describe, expect, it } from 'vitest';
import { type CounterNames, readCounters } from '../../queues/counters.ts';
import { fillFreeQueue, NetProducer } from '../../queues/net/queue.ts';
import { readAnswer, writeEpoch } from '../../queues/restart/pages.ts';
import {
  type BareEcho,
  bareEcho,
  type BareEchoOptions,
  clientMac,
  type EchoPath,
  IRQ,
} from '../../test/support/bare-echo.ts';
import { NetPeer } from '../../test/support/net-peer.ts';
import type { BarePd } from '../../test/support/bare-system.ts';
import { ScriptedNic, type Chain } from '../../test/support/scripted-nic.ts';
import { NET_COPY_COUNTERS } from './copy/copy.ts';
import { NET_VIRT_RX_COUNTERS } from './rx/virt-rx.ts';
import { NET_VIRT_TX_COUNTERS } from './tx/virt-tx.ts';

const BUFFERS = 8;
const BROADCAST = 'ff:ff:ff:ff:ff:ff';

interface Bench {
  readonly echo: BareEcho;
  readonly nic: ScriptedNic;
  readonly peers: readonly [NetPeer, NetPeer];
  /** Chains that the device may fill. */
  readonly chains: Chain[];
  readonly receive: (destination: string, len?: number) => void;
  readonly counters: <N extends string>(of: string, names: CounterNames<N>) => Record<N, number>;
}

function bench(path: EchoPath, more: Partial<BareEchoOptions> = {}): Bench {
  const made: { nic?: ScriptedNic } = {};
  const peers: NetPeer[] = [];
  const echo = bareEcho({
    path,
    clients: 2,
    buffers: BUFFERS,
    startIndex: 65_534,
    device: (system) => (made.nic = new ScriptedNic({ ram: system.ram })),
    clientProgram: (index) => (pd) => {
      const peer = new NetPeer(pd);
      peers[index] = peer;
      return { notified: () => peer.notified() };
    },
    ...more,
  });
  const nic = made.nic as ScriptedNic;
  for (const peer of peers) peer.collect();
  const chains: Chain[] = [];
  const interrupt = (): void => {
    nic.interruptStatus = 1;
    echo.driver.raise(IRQ);
    echo.system.run();
    chains.push(...nic.rx.takeAll());
  };
  interrupt();
  return {
    echo,
    nic,
    peers: peers as [NetPeer, NetPeer],
    chains,
    receive: (destination, len = 60) => {
      const frame = new Uint8Array(len).fill(len);
      frame.set(
        destination.split(':').map((byte) => Number.parseInt(byte, 16)),
        0,
      );
      nic.rx.receive(chains.shift() as Chain, frame);
      interrupt();
    },
    counters: (of, names) => readCounters(names, echo.system.region(`${of}_stats`)),
  };
}

describe('the receive virtualiser', () => {
  it('gives a frame to the client with its address, and to no other', () => {
    const { peers, receive, counters } = bench('4pd');
    receive(clientMac(1), 64);
    receive(clientMac(0), 65);

    expect(peers[0].received.map(({ len }) => len)).toEqual([65]);
    expect(peers[1].received.map(({ len }) => len)).toEqual([64]);
    expect(peers[1].rxData.read8((peers[1].received[0]?.low ?? 0) + 20)).toBe(64);
    expect(counters('rx', NET_VIRT_RX_COUNTERS).packets).toBe(2);
  });

  it.each(['52:54:01:00:00:0c', '01:00:5e:00:00:01', 'ff:ff:ff:ff:ff:fe', 'fe:ff:ff:ff:ff:ff'])(
    'drops a frame for %s and gives its buffer back at once',
    (destination) => {
      const { peers, receive, counters, chains } = bench('4pd');
      receive(destination);

      expect([...peers[0].received, ...peers[1].received]).toEqual([]);
      expect(counters('rx', NET_VIRT_RX_COUNTERS).dropNoClient).toBe(1);
      receive(clientMac(0));
      expect(chains).toHaveLength(BUFFERS - 1);
    },
  );

  it('gives a broadcast to all, and its buffer back when the last has returned it', () => {
    const { peers, receive, counters, echo } = bench('4pd');
    receive(BROADCAST);
    const [a] = peers[0].received;
    const [b] = peers[1].received;
    expect(a).toEqual(b);
    const refs = echo.system.region('metadata');
    const index = (a?.low ?? 0) / 2048;

    expect(refs.read8(index)).toBe(2);
    peers[1].give(b?.low ?? 0);
    receive(clientMac(0));
    expect(refs.read8(index)).toBe(1);
    peers[0].give(a?.low ?? 0);
    receive(clientMac(0));
    expect(refs.read8(index)).toBe(0);
    expect(counters('rx', NET_VIRT_RX_COUNTERS)).toMatchObject({ broadcasts: 1, returned: 2 });
  });

  it('takes back only what a client holds', () => {
    const { peers, receive, counters, chains } = bench('4pd');
    receive(clientMac(0));
    const mine = peers[0].received[0]?.low ?? 0;

    // The other client's buffer; a buffer that the driver has; the same twice.
    peers[1].give(mine);
    peers[1].give(mine === 0 ? 2048 : 0);
    peers[0].give(mine);
    peers[0].give(mine);
    receive(clientMac(0));

    expect(counters('rx', NET_VIRT_RX_COUNTERS)).toMatchObject({ returned: 1, refusedNotHeld: 3 });
    expect(chains).toHaveLength(BUFFERS - 1);
  });

  it.each([
    [1, 0],
    [2047, 0],
    [2048 * BUFFERS, 0],
    [-2048, 0],
    [0, 1],
    [0x7fff_f800, -1],
  ])('refuses an offset that names no buffer: %i, %i', (low, high) => {
    const { peers, receive, counters } = bench('4pd');
    peers[0].give(low, high);
    receive(clientMac(1));

    expect(counters('rx', NET_VIRT_RX_COUNTERS).refusedNoBuffer).toBe(1);
  });

  it('drops for a client whose active queue pretends to be full, and for it alone', () => {
    const { peers, receive, counters } = bench('4pd');
    const queue = peers[0].queueRegion('rx', 'activeQueue');
    queue.write16(2, (queue.read16(0) - BUFFERS) & 0xffff);
    receive(clientMac(0));
    receive(clientMac(1));
    receive(BROADCAST);

    expect(peers[0].received).toEqual([]);
    expect(peers[1].received).toHaveLength(2);
    expect(counters('rx', NET_VIRT_RX_COUNTERS)).toMatchObject({ dropClientFull: 2, queueLies: 0 });
  });

  it('begins again where a client’s head cannot be, and counts it; its neighbour notices nothing', () => {
    const { peers, receive, counters } = bench('4pd');
    const queue = peers[0].queueRegion('rx', 'activeQueue');
    queue.write16(2, (queue.read16(0) + 500) & 0xffff);
    receive(clientMac(0));
    receive(clientMac(1));

    expect((queue.read16(0) - queue.read16(2)) & 0xffff).toBeLessThanOrEqual(1);
    expect(peers[1].received).toHaveLength(1);
    expect(counters('rx', NET_VIRT_RX_COUNTERS)).toMatchObject({ dropClientFull: 0, queueLies: 1 });
  });

  it('asks for buffers back when the driver has less than half of them', () => {
    const { peers, receive, chains, nic, echo } = bench('4pd');
    for (let i = 0; i < BUFFERS; i += 1) receive(clientMac(0));
    expect(chains).toHaveLength(0);
    expect(peers[0].received).toHaveLength(BUFFERS);

    for (const { low } of peers[0].received) {
      peers[0].rxFree.enqueue(low, 0, 0, 0);
      // As a client does it: it notifies only when asked.
      if (peers[0].rxFree.publish()) peers[0].pd.notify(1);
    }
    echo.system.run();
    expect(nic.rx.takeAll().length).toBeGreaterThan(0);
  });
});

describe('the transmit virtualiser', () => {
  const TX_LEN = 60;

  it('translates offsets to addresses, and back', () => {
    const { peers, nic, echo } = bench('5pd');
    peers[1].txData.fill(2048 * 3, 0x77, TX_LEN);
    peers[1].send(2048 * 3, TX_LEN);
    echo.system.run();

    const [chain] = nic.tx.takeAll();
    expect((chain as Chain).bufferAt + echo.system.ram.base).toBe(
      echo.system.paddr('tx_data1') + 2048 * 3,
    );
    expect([...nic.tx.frame(chain as Chain)]).toEqual(Array.from({ length: TX_LEN }, () => 0x77));
  });

  describe('whose client is started again while a device still has one of its buffers', () => {
    const SUPERVISOR = 20;
    const CHILD = 6;
    const ORPHAN = 2048;
    const restart = { epochs: 'epochs', answers: 'answers', supervisor: SUPERVISOR, self: 1 };

    /** One frame is with the device, its sender has died, and runs again too early. */
    function orphaned(): Pick<Bench, 'echo' | 'nic' | 'counters'> & { readonly peer: NetPeer } {
      const made = bench('4pd', {
        txConfig: { restart: { ...restart, neighbours: [{ channel: 1, child: CHILD }] } },
        beforeStart: (system) => {
          for (const page of ['epochs', 'answers']) system.addRegion(page, 4096);
          const program = () => ({ notified: () => undefined });
          const spec = { name: 'supervisor', priority: 1, program, config: undefined };
          const tx = system.domains.find(({ name }) => name === 'tx') as BarePd;
          tx.connect(SUPERVISOR, system.addPd(spec), 0);
        },
      });
      const { echo, peers } = made;
      const say = (epoch: number): void => {
        writeEpoch(echo.system.region('epochs'), CHILD, epoch);
        echo.tx?.raise(SUPERVISOR);
        echo.system.run();
      };
      peers[0].send(ORPHAN, TX_LEN);
      echo.system.run();
      say(1);
      expect(readAnswer(echo.system.region('answers'), CHILD)).toBe(0);
      const { tx } = peers[0].pd.config.net;
      const own = new NetProducer(peers[0].queueRegion('tx', 'freeQueue'), tx.capacity);
      fillFreeQueue(own, BUFFERS, 0);
      own.publish();
      say(2);
      const peer = new NetPeer(peers[0].pd);
      peer.collect();
      expect(peer.sentBack.splice(0)).toHaveLength(BUFFERS);
      return { ...made, peer };
    }

    function finishAll({ echo, nic }: Pick<Bench, 'echo' | 'nic'>): void {
      for (const chain of nic.tx.takeAll()) nic.tx.complete(chain.head, 0);
      nic.interruptStatus = 1;
      echo.driver.raise(IRQ);
      echo.system.run();
      // Somebody's wake-up finds what has been sent.
      echo.tx?.raise(2);
      echo.system.run();
    }

    it('gives it to nobody: the client has begun with it', () => {
      const { peer, counters, ...made } = orphaned();
      finishAll(made);
      peer.collect();
      expect(peer.sentBack).toEqual([]);
      peer.send(ORPHAN, TX_LEN);
      made.echo.system.run();
      expect(counters('tx', NET_VIRT_TX_COUNTERS)).toMatchObject({
        packets: 2,
        returned: 1,
        refusedDuplicate: 0,
      });
    });

    it('gives it back, once, when the client has sent it meanwhile', () => {
      const { peer, counters, ...made } = orphaned();
      peer.send(ORPHAN, TX_LEN);
      made.echo.system.run();
      finishAll(made);
      peer.collect();
      expect(peer.sentBack.map(({ low }) => low)).toEqual([ORPHAN]);
      expect(counters('tx', NET_VIRT_TX_COUNTERS)).toMatchObject({ refusedDuplicate: 1 });
    });
  });

  it('returns a buffer to the client that sent it', () => {
    const { peers, nic, echo } = bench('5pd');
    for (const peer of peers) peer.sentBack.splice(0);
    // More than half of them: then the virtualiser asks the driver for what has been sent.
    for (let index = 0; index < BUFFERS; index += 1) peers[1].send(2048 * index, TX_LEN);
    peers[0].send(2048, TX_LEN);
    echo.system.run();
    for (const chain of nic.tx.takeAll()) nic.tx.complete(chain.head, 0);
    nic.interruptStatus = 1;
    echo.driver.raise(IRQ);
    echo.system.run();

    expect(peers[0].sentBack.map(({ low }) => low)).toEqual([2048]);
    expect(peers[1].sentBack.map(({ low }) => low).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: BUFFERS }, (_, index) => 2048 * index),
    );
  });

  it.each([
    ['refusedLength', 0, 0, 0, 0],
    ['refusedLength', 0, 13, 0, 0],
    ['refusedLength', 0, 2049, 0, 0],
    ['refusedLength', 0, 65_535, 0, 0],
    ['refusedRegion', 0, TX_LEN, 0, 1],
    ['refusedRegion', 0, TX_LEN, 0, 63],
    ['refusedAlignment', 1, TX_LEN, 0, 0],
    ['refusedAlignment', 2048 * BUFFERS + 64, TX_LEN, 0, 0],
    ['refusedRange', 2048 * BUFFERS, TX_LEN, 0, 0],
    ['refusedRange', -2048, TX_LEN, 0, 0],
    ['refusedRange', 0, TX_LEN, 1, 0],
    ['refusedRange', 0, TX_LEN, -1, 0],
  ] as const)(
    'refuses and returns: %s for offset %i, length %i, high %i, owner %i',
    (name, low, len, high, oid) => {
      const { peers, nic, echo, counters } = bench('5pd');
      peers[0].sentBack.splice(0);
      const { wakeUps } = peers[0];
      peers[0].send(low, len, { high, oid });
      echo.system.run();

      expect(nic.tx.takeAll()).toEqual([]);
      expect(peers[0].sentBack.map((buffer) => buffer.low)).toEqual([low]);
      expect(peers[0].wakeUps).toBe(wakeUps + 1);
      expect(counters('tx', NET_VIRT_TX_COUNTERS)).toMatchObject({ [name]: 1, packets: 0 });
    },
  );

  it('passes a buffer on once, however often it is handed over, and returns it once', () => {
    const { peers, nic, echo, counters } = bench('5pd');
    peers[0].sentBack.splice(0);
    for (let again = 0; again < 3; again += 1) peers[0].send(2048, TX_LEN);
    echo.system.run();
    const chains = nic.tx.takeAll();

    expect(chains).toHaveLength(1);
    expect(counters('tx', NET_VIRT_TX_COUNTERS)).toMatchObject({ packets: 1, refusedDuplicate: 2 });
    nic.tx.complete((chains[0] as Chain).head, 0);
    nic.interruptStatus = 1;
    echo.driver.raise(IRQ);
    echo.system.run();
    peers[0].send(2048 * 2, TX_LEN);
    echo.system.run();
    expect(peers[0].sentBack.map(({ low }) => low)).toEqual([2048]);
  });

  it('keeps a buffer that finds its owner’s free queue full, and returns it when there is room', () => {
    const { peers, nic, echo, counters } = bench('5pd');
    peers[0].sentBack.splice(0);
    const queue = peers[0].queueRegion('tx', 'freeQueue');
    const honestHead = queue.read16(2);
    peers[0].send(2048, TX_LEN);
    echo.system.run();
    for (const chain of nic.tx.takeAll()) nic.tx.complete(chain.head, 0);
    // Its head is where it would be if nothing had been taken: full.
    queue.write16(2, (queue.read16(0) - BUFFERS) & 0xffff);
    nic.interruptStatus = 1;
    echo.driver.raise(IRQ);
    echo.system.run();
    peers[1].send(0, TX_LEN);
    echo.system.run();
    expect(counters('tx', NET_VIRT_TX_COUNTERS).returnDelayed).toBe(1);
    expect(peers[0].sentBack).toEqual([]);

    queue.write16(2, honestHead);
    peers[1].send(2048, TX_LEN);
    echo.system.run();
    peers[0].collect();
    expect(peers[0].sentBack.map(({ low }) => low)).toEqual([2048]);
  });

  it('counts what the driver returns without having had it as bad, neither as returned nor as progress', () => {
    const { peers, nic, echo, counters } = bench('5pd');
    for (const peer of peers) peer.sentBack.splice(0);
    peers[0].send(2048, TX_LEN);
    echo.system.run();
    const [sent] = nic.tx.takeAll();
    const address = (sent as Chain).bufferAt + echo.system.ram.base;
    const counted = (): number[] => {
      const { returned, driverBadBuffer } = counters('tx', NET_VIRT_TX_COUNTERS);
      return [returned, driverBadBuffer, echo.tx?.entryPoints?.progress?.() ?? -1];
    };
    const driverFree = echo.system.region('driver_tx_free');
    const say = (...lows: readonly number[]): void => {
      for (const low of lows) {
        const tail = driverFree.read16(0);
        driverFree.write32(8 + 16 * (tail & (2 * BUFFERS - 1)), low);
        driverFree.write16(0, (tail + 1) & 0xffff);
      }
      echo.tx?.raise(0);
      echo.system.run();
    };

    expect(counted()).toEqual([0, 0, 1]);
    say(address + 2048, 5);
    expect(counted()).toEqual([0, 2, 1]);
    expect(driverFree.read16(2)).toBe(driverFree.read16(0));
    say(address + 2048, address, address);
    expect(counted()).toEqual([1, 4, 2]);
    expect(peers[0].sentBack.map(({ low }) => low)).toEqual([2048]);
  });
});

describe('the copier', () => {
  it('copies into the client’s own buffers and returns the DMA buffer', () => {
    const { peers, receive, counters, chains } = bench('5pd');
    receive(clientMac(0), 100);

    const [{ low, len }] = peers[0].received as [{ low: number; len: number }];
    expect(len).toBe(100);
    expect(peers[0].rxData.read8(low + 99)).toBe(100);
    expect(counters('copy0', NET_COPY_COUNTERS)).toMatchObject({ copies: 1, bytesCopied: 100 });
    receive(clientMac(1));
    expect(chains.length).toBeGreaterThanOrEqual(BUFFERS - 1);
  });

  it('drops when the client has no buffer left, and goes on for the other', () => {
    const { peers, receive, counters, chains } = bench('5pd');
    for (let i = 0; i < 3 * BUFFERS; i += 1) receive(clientMac(0));
    receive(clientMac(1));

    expect(peers[0].received).toHaveLength(BUFFERS);
    expect(peers[1].received).toHaveLength(1);
    expect(counters('copy0', NET_COPY_COUNTERS).dropNoBuffer).toBe(2 * BUFFERS);
    expect(chains.length).toBeGreaterThanOrEqual(BUFFERS - 1);
  });

  it('passes over entries that name no buffer of the client', () => {
    const { peers, receive, counters } = bench('5pd');
    for (let i = 0; i < BUFFERS; i += 1) receive(clientMac(0));
    peers[0].received.splice(0);
    peers[0].give(2048 * BUFFERS);
    peers[0].give(5);
    peers[0].give(0, 1);
    peers[0].give(-2048);
    peers[0].give(2048);
    receive(clientMac(0));

    expect(peers[0].received).toEqual([{ low: 2048, len: 60 }]);
    expect(counters('copy0', NET_COPY_COUNTERS).refusedClientBuffer).toBe(4);
  });
});
