/**
 * Goal: the switch brings every frame to whom it is for and may reach, to no other, and loses none;
 * what breaks the rules is refused and counted. Method: the whole network class on the board, from
 * the builder; only the clients are the test's. Client 0 and client 1 reach each other, 2 reaches 0
 * but not the other way, and 0 has the uplink.
 */

import { describe, expect, it } from 'vitest';
import { StagedLink } from '../../../board/links/staged-link.ts';
import { main as driver } from '../../../drivers/network/virtio/driver.ts';
import { system } from '../../../microkit/builder.ts';
import type { EntryPoints, ProtectionDomain } from '../../../microkit/pd.ts';
import { messageInfo } from '../../../microkit/pd.ts';
import { net } from '../../../microkit/sddf/net.ts';
import { checkRecords } from '../../../microkit/sddf/check-records.ts';
import type { NetClientConfig } from '../../../queues/net/config.ts';
import { NetConsumer, NetProducer } from '../../../queues/net/queue.ts';
import { networkDevice } from '../../../systems/devices.ts';
import { createTestbed } from '../../../systems/testbed.ts';
import { main as virtRx } from '../rx/virt-rx.ts';
import { main as virtTx } from '../tx/virt-tx.ts';
import { counters as copyCounters, main as portCopy } from './port-copy.ts';
import { counters as switchCounters, main as vswitch } from './vswitch.ts';

const BUFFERS = 8;
const CLIENTS = [0, 1, 2] as const;
const BROADCAST = 'ff:ff:ff:ff:ff:ff';
const MAC = ['52:54:01:00:00:0a', '52:54:01:00:00:0b', '52:54:01:00:00:0c'] as const;
const OUTSIDE = '52:54:01:00:00:63';
const [SET_IP, QUERY_STATE, REQ_CLIENT] = [0, 1, 2];

/** An entry of the active queue as the test wants it: a frame, or one that breaks the rules. */
interface Sent {
  readonly to?: string;
  readonly len?: number;
  readonly low?: number;
  readonly high?: number;
}

interface Config {
  readonly net: NetClientConfig;
}

function bytesOf(mac: string): number[] {
  return mac.split(':').map((byte) => Number.parseInt(byte, 16));
}

/** A client that sends what it is told as buffers come free, and gives back what it receives. */
class Talker {
  /** First byte of each frame's payload: who has sent which. */
  readonly received: string[] = [];
  readonly pd: ProtectionDomain<Config>;
  readonly #queue: Sent[];
  readonly #free: number[] = [];
  readonly #rxFree: NetProducer;
  readonly #rxActive: NetConsumer;
  readonly #txFree: NetConsumer;
  readonly #txActive: NetProducer;
  #sent = 0;

  constructor(pd: ProtectionDomain<Config>, queue: readonly Sent[]) {
    const { rx, tx } = pd.config.net;
    this.pd = pd;
    this.#queue = [...queue];
    this.#rxFree = new NetProducer(pd.region(rx.freeQueue), rx.capacity);
    this.#rxActive = new NetConsumer(pd.region(rx.activeQueue), rx.capacity);
    this.#txFree = new NetConsumer(pd.region(tx.freeQueue), tx.capacity);
    this.#txActive = new NetProducer(pd.region(tx.activeQueue), tx.capacity);
    for (let index = 0; index < BUFFERS; index += 1) this.#free.push(index * 2048);
    this.notified();
  }

  get buffersAtHand(): number {
    return this.#free.length;
  }

  notified(): void {
    do {
      this.#receive();
      while (this.#txFree.dequeue()) this.#free.push(this.#txFree.low);
      this.#txFree.publish();
      this.#sendAll();
      this.#rxActive.requestSignal();
      this.#txFree.requestSignal();
    } while (this.#rxActive.hasItems() || this.#txFree.hasItems());
  }

  #receive(): void {
    const { rx, rxData } = this.pd.config.net;
    const data = this.pd.readonlyRegion(rxData.region);
    while (this.#rxActive.dequeue()) {
      const { low, len } = this.#rxActive;
      this.received.push(`${data.read8(low + 14)}:${data.read8(low + 15)} ${len}`);
      this.#rxFree.enqueue(low, 0, 0, 0);
    }
    this.#rxActive.publish();
    if (this.#rxFree.publish()) this.pd.notify(rx.channel);
  }

  #sendAll(): void {
    const { tx, txData } = this.pd.config.net;
    const data = this.pd.region(txData.region);
    while (this.#queue.length > 0) {
      const next = this.#queue[0] as Sent;
      const buffer = next.low ?? this.#free.shift();
      if (buffer === undefined) break;
      this.#queue.shift();
      if (next.to !== undefined) {
        const own = Number(this.pd.name.at(-1));
        const header = [...bytesOf(next.to), ...bytesOf(MAC[0]), 0x88, 0xb5, own, this.#sent];
        header.forEach((byte, at) => data.write8(buffer + at, byte));
        this.#sent += 1;
      }
      this.#txActive.enqueue(buffer, next.high ?? 0, next.len ?? 60, 0);
    }
    if (this.#txActive.publish()) this.pd.notify(tx.channel);
  }
}

interface Bench {
  readonly talkers: readonly Talker[];
  readonly switched: Readonly<Record<keyof typeof switchCounters, number>>;
  readonly copied: (client: number) => Readonly<Record<keyof typeof copyCounters, number>>;
  /** A frame comes in by the cable. */
  readonly deliver: (to: string) => void;
  /** First bytes of the frames that went out by the cable. */
  readonly left: () => number[][];
}

/** @param extra what a client does beside, in its `init` */
function bench(
  scripts: Readonly<Record<number, readonly Sent[]>>,
  extra: (client: number, pd: ProtectionDomain<Config>) => void = () => undefined,
): Bench {
  const talkers: Talker[] = [];
  const sys = system({ name: 'switched' });
  const nic = sys.pd('driver', { program: driver, priority: 101 });
  const tx = sys.pd('virt_tx', { program: virtTx, priority: 100 });
  const rx = sys.pd('virt_rx', { program: virtRx, priority: 99 });
  const middle = sys.pd('vswitch', { program: vswitch, priority: 97 });
  const withStats = (pd: typeof middle): typeof middle => {
    pd.map(sys.region(`${pd.name}_stats`, { size: '4K' }), { perms: 'rw' });
    pd.configure({ stats: `${pd.name}_stats` });
    return pd;
  };
  const network = net(sys, {
    device: networkDevice,
    driver: nic,
    rx,
    tx,
    vswitch: withStats(middle),
    rxBuffers: BUFFERS,
  });
  const pds = CLIENTS.map((client) => {
    const program = (pd: ProtectionDomain<Config>): EntryPoints => {
      const talker = new Talker(pd, scripts[client] ?? []);
      talkers[client] = talker;
      extra(client, pd);
      return { notified: () => talker.notified() };
    };
    const copier = withStats(sys.pd(`copier${client}`, { program: portCopy, priority: 98 }));
    const pd = sys.pd(`client${client}`, { program, priority: 96 - client });
    const sizes = { rxBuffers: 16 * BUFFERS, txBuffers: BUFFERS };
    network.addClient(pd, { copier, vswitch: true, mac: MAC[client], ...sizes });
    return pd;
  });
  const [zero, one, two] = pds as [(typeof pds)[0], (typeof pds)[0], (typeof pds)[0]];
  network.addAclRule(zero, one);
  network.addAclRule(two, zero, { bToA: false });
  network.addAclRule(zero, rx);
  const built = sys.build();
  if (!built.ok) throw new Error(built.errors.map((error) => error.message).join('\n'));
  expect(checkRecords(built.system)).toEqual([]);
  let link: StagedLink | undefined;
  const testbed = createTestbed({
    system: built.system,
    clock: 'virtual',
    counters: {
      vswitch: switchCounters,
      ...Object.fromEntries(CLIENTS.map((client) => [`copier${client}`, copyCounters])),
    },
    wires: (parts) => ({ net: (link = new StagedLink({ ram: parts.ram })) }),
  });
  testbed.runUntilQuiet();
  const counted = (pd: string): Record<string, number> => testbed.counters().programs[pd] ?? {};
  return {
    talkers,
    get switched() {
      return counted('vswitch') as Bench['switched'];
    },
    copied: (client) => counted(`copier${client}`) as ReturnType<Bench['copied']>,
    deliver: (to) => {
      const frame = Uint8Array.from([...bytesOf(to), ...bytesOf(OUTSIDE), 0x88, 0xb5, 9, 9]);
      const padded = new Uint8Array(60);
      padded.set(frame);
      link?.send(padded, 0, padded.length);
      testbed.runUntilQuiet();
    },
    left: () => {
      const frames: number[][] = [];
      link?.drain({ transmit: (frame) => frames.push([...frame.slice(0, 6)]) });
      return frames;
    },
  };
}

function frames(to: string, count: number): readonly Sent[] {
  return Array.from({ length: count }, () => ({ to }));
}

describe('the switch', () => {
  it('forwards between clients that may reach each other, in order and without loss', () => {
    const made = bench({ 0: frames(MAC[1], 100), 1: frames(MAC[0], 100) });
    const { talkers, switched } = made;

    expect(talkers[1]?.received).toEqual(Array.from({ length: 100 }, (_, at) => `0:${at} 60`));
    expect(talkers[0]?.received).toEqual(Array.from({ length: 100 }, (_, at) => `1:${at} 60`));
    expect(talkers[2]?.received).toEqual([]);
    expect(switched).toMatchObject({ packets: 200, denied: 0, dropFull: 0, queueLies: 0 });
    expect(made.copied(1)).toMatchObject({ copies: 100, bytesCopied: 6000, dropNoBuffer: 0 });
    expect(made.left()).toEqual([]);
  });

  it('gives every buffer back to its sender', () => {
    const made = bench({
      0: [...frames(MAC[1], 20), ...frames(MAC[2], 20)],
      2: frames(BROADCAST, 30),
    });

    // A buffer may wait in its receiver's queue while there are enough others: until the next
    // frame, here a refused one.
    made.deliver(MAC[2]);
    for (const talker of made.talkers) expect(talker.buffersAtHand).toBe(BUFFERS);
    expect(made.switched).toMatchObject({ returnLost: 0, refusedNotHeld: 0, refusedNoBuffer: 0 });
  });

  it('lets nobody through whom the access list does not, in neither direction but the one allowed', () => {
    const { talkers, switched } = bench({
      0: frames(MAC[2], 5),
      1: [...frames(MAC[2], 3), ...frames(OUTSIDE, 2)],
      2: [...frames(MAC[0], 4), ...frames(MAC[1], 6)],
    });

    expect(talkers[0]?.received).toEqual(['2:0 60', '2:1 60', '2:2 60', '2:3 60']);
    expect(talkers[1]?.received).toEqual([]);
    expect(talkers[2]?.received).toEqual([]);
    expect(switched).toMatchObject({ packets: 4, denied: 5 + 3 + 2 + 6 });
  });

  it('sends a broadcast to those who may be reached, and its buffer back once', () => {
    const made = bench({ 0: frames(BROADCAST, 10) });

    expect(made.talkers[1]?.received).toHaveLength(10);
    expect(made.talkers[2]?.received).toEqual([]);
    expect(made.left()).toHaveLength(10);
    expect(made.switched).toMatchObject({
      packets: 10,
      broadcasts: 10,
      toUplink: 10,
    });
    // The transmit virtualiser keeps up to half of the buffers until there is more to send.
    expect(made.talkers[0]?.buffersAtHand).toBeGreaterThanOrEqual(BUFFERS / 2);
    expect(10 - made.switched.returned).toBe(BUFFERS - (made.talkers[0]?.buffersAtHand ?? 0));
  });

  it('leads from and to the outside', () => {
    const made = bench({ 0: frames(OUTSIDE, 3) });
    expect(made.left()).toEqual([bytesOf(OUTSIDE), bytesOf(OUTSIDE), bytesOf(OUTSIDE)]);

    for (let times = 0; times < 3 * BUFFERS; times += 1) made.deliver(MAC[0]);
    made.deliver(MAC[1]);
    made.deliver(BROADCAST);

    expect(made.talkers[0]?.received).toEqual(
      Array.from({ length: 3 * BUFFERS + 1 }, () => '9:9 60'),
    );
    expect(made.talkers[1]?.received).toEqual([]);
    expect(made.switched).toMatchObject({ toUplink: 3, fromUplink: 3 * BUFFERS + 1, denied: 1 });
  });

  it('drops what a client sends to itself', () => {
    const { talkers, switched } = bench({ 0: frames(MAC[0], 2) });

    expect(talkers[0]?.received).toEqual([]);
    expect(talkers[0]?.buffersAtHand).toBe(BUFFERS);
    expect(switched).toMatchObject({ packets: 0, dropNobody: 2 });
  });

  it.each([
    ['refusedLength', { low: 0, len: 13 }],
    ['refusedLength', { low: 0, len: 2049 }],
    ['refusedBuffer', { low: 1 }],
    ['refusedBuffer', { low: BUFFERS * 2048 }],
    ['refusedBuffer', { low: -2048 }],
    ['refusedBuffer', { low: 0, high: 1 }],
  ] as const)('refuses an entry and goes on: %s, %j', (reason, entry) => {
    const { talkers, switched } = bench({ 0: [entry, { to: MAC[1] }] });

    expect(switched).toMatchObject({ [reason]: 1, packets: 1 });
    expect(talkers[1]?.received).toEqual(['0:0 60']);
  });

  it('refuses a buffer that has been sent already', () => {
    const { switched } = bench({
      0: [{ to: MAC[1], low: 0 }, { low: 0 }],
    });

    expect(switched).toMatchObject({ packets: 1, refusedDuplicate: 1, returned: 1 });
  });
});

describe("the switch's directory", () => {
  it('tells whom a client may reach, and their addresses once they have told them', () => {
    const seen: Record<string, number[]> = {};
    bench({}, (client, pd) => {
      const { directory = -1 } = pd.config.net;
      const call = (label: number, word: number): number[] => {
        pd.setMr(0, word);
        pd.ppcall(directory, messageInfo(label, 1));
        return [pd.mr(0), pd.mr(1), pd.mr(2)];
      };
      seen[`set ${client}`] = call(SET_IP, 0x0a00_020f + client).slice(0, 1);
      seen[`state ${client}`] = call(QUERY_STATE, 0);
      for (const other of [0, 1, 2, 3, 4, 64]) {
        seen[`${client} asks for ${other}`] = call(REQ_CLIENT, other).slice(0, 2);
      }
      seen[`${client} is wrong`] = [
        call(SET_IP, 0)[0] as number,
        call(SET_IP, 0xffff_ffff)[0] as number,
        call(7, 0)[0] as number,
      ];
    });

    expect(seen['set 0']).toEqual([0]);
    expect(seen['state 0']).toEqual([0, 0, 0b1010]);
    expect(seen['state 2']).toEqual([0, 2, 0b0001]);
    // Client 0 starts first, and nobody has told anything yet. The others find it.
    expect(seen['0 asks for 1']).toEqual([3, 0]);
    expect(seen['1 asks for 0']).toEqual([0, 0x0a00_020f]);
    expect(seen['2 asks for 0']).toEqual([0, 0x0a00_020f]);
    expect(seen['2 asks for 1']).toEqual([2, 0]);
    expect(seen['2 asks for 3']).toEqual([4, 0]);
    expect(seen['2 asks for 4']).toEqual([2, 0]);
    expect(seen['2 asks for 64']).toEqual([2, 0]);
    expect(seen['1 is wrong']).toEqual([1, 1, 5]);
  });
});
