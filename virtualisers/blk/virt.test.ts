/**
 * Goal: a client reaches its own blocks and nothing else, whatever it writes into its queues; every
 * request is answered once; FLUSH and BARRIER order what they say; the policy decides. A scripted
 * driver stands behind the virtualiser.
 */

import { describe, expect, it } from 'vitest';
import {
  gptPatches,
  type PlacedPartition,
  placePartitions,
} from '../../host/disk/partition-writer.ts';
import type { BlkVirtConfig } from '../../queues/blk/config.ts';
import { requestQueueBytes, responseQueueBytes } from '../../queues/blk/layout.ts';
import {
  type BlkRequest,
  BlkRequestConsumer,
  BlkRequestProducer,
  emptyRequest,
} from '../../queues/blk/request-queue.ts';
import {
  BlkResponseConsumer,
  BlkResponseProducer,
  emptyResponse,
} from '../../queues/blk/response-queue.ts';
import {
  isStorageReady,
  publishStorageInfo,
  readStorageInfo,
  withdrawStorageInfo,
} from '../../queues/blk/storage-info.ts';
import { type BarePd, BareSystem } from '../../test/support/bare-system.ts';
import { BLK_VIRT_COUNTERS } from './counters.ts';
import { main as virtualiser } from './virt.ts';

const [READ, WRITE, FLUSH, BARRIER, DISCARD] = [0, 1, 2, 3, 4] as const;
const [OK, INVALID, IO, NO_DEVICE] = [0, 2, 3, 4] as const;
const BLOCK = 4096;
const DISK_BYTES = 16 << 20;
const CAPACITY = 16;
const DRIVER_CAPACITY = 64;
const DATA_BYTES = 16 * BLOCK;
const STATS = 'virt_stats';

interface Options {
  readonly image?: Uint8Array;
  readonly partitions?: readonly (number | 'whole')[];
  readonly policy?: BlkVirtConfig['policy'];
  readonly window?: number;
  readonly readOnly?: boolean;
  readonly startIndex?: number;
}

/** A virtualiser, its clients' ends of the queues, and a driver that the test plays. */
class Bench {
  readonly system = new BareSystem({ ramBytes: 8 << 20 });
  readonly virt: BarePd;
  readonly clients: ClientEnd[] = [];
  readonly image: Uint8Array;
  readonly #driver: BarePd;
  readonly #requests: BlkRequestConsumer;
  readonly #responses: BlkResponseProducer;
  /** Requests that the driver has and has not answered. */
  readonly held: BlkRequest[] = [];

  constructor(options: Options = {}) {
    const { system } = this;
    const partitions = options.partitions ?? ['whole'];
    this.image = options.image ?? new Uint8Array(DISK_BYTES);
    this.#addConnection('driver', DRIVER_CAPACITY, options.startIndex ?? 0);
    system.addRegion('table', 65_536);
    system.addRegion(STATS, 4096);
    for (const i of partitions.keys()) {
      this.#addConnection(`client${i}`, CAPACITY, options.startIndex ?? 0);
      system.addRegion(`data${i}`, DATA_BYTES);
    }
    publishStorageInfo(system.region('driver_info'), {
      serialNumber: 'scripted',
      readOnly: options.readOnly ?? false,
      sectorBytes: 512,
      blockSize: 1,
      queueDepth: 64,
      capacity: this.image.length / BLOCK,
    });
    this.virt = this.#addVirt(partitions, options);
    this.#driver = this.#addPeer('driver', 200);
    this.virt.connect(0, this.#driver, 0);
    for (const i of partitions.keys()) {
      const pd = this.#addPeer(`client${i}`, 1);
      this.virt.connect(i + 1, pd, 0);
    }
    this.#requests = new BlkRequestConsumer(system.region('driver_requests'), DRIVER_CAPACITY);
    this.#responses = new BlkResponseProducer(system.region('driver_responses'), DRIVER_CAPACITY);
    for (const i of partitions.keys()) this.clients.push(new ClientEnd(this, i));
    system.start();
    this.settle();
  }

  #addConnection(name: string, capacity: number, startIndex: number): void {
    const { system } = this;
    system.addRegion(`${name}_requests`, requestQueueBytes(capacity));
    system.addRegion(`${name}_responses`, responseQueueBytes(capacity));
    system.addRegion(`${name}_info`, 4096);
    for (const queue of ['requests', 'responses']) {
      system.region(`${name}_${queue}`).write32(0, startIndex);
      system.region(`${name}_${queue}`).write32(4, startIndex);
    }
  }

  #addVirt(partitions: readonly (number | 'whole')[], options: Options): BarePd {
    const { system } = this;
    const connection = (name: string, capacity: number, channel: number) => ({
      storageInfo: `${name}_info`,
      requestQueue: `${name}_requests`,
      responseQueue: `${name}_responses`,
      capacity,
      channel,
    });
    const vars: Record<string, number> = { table_paddr: system.paddr('table') };
    for (const i of partitions.keys()) vars[`data${i}_paddr`] = system.paddr(`data${i}`);
    const config: BlkVirtConfig = {
      driver: connection('driver', DRIVER_CAPACITY, 0),
      table: { region: 'table', paddrSymbol: 'table_paddr' },
      window: options.window ?? 32,
      policy: options.policy ?? { kind: 'round-robin' },
      stats: STATS,
      clients: partitions.map((partition, i) => ({
        name: `client${i}`,
        connection: connection(`client${i}`, CAPACITY, i + 1),
        data: { region: `data${i}`, paddrSymbol: `data${i}_paddr` },
        partition,
      })),
    };
    return system.addPd({ name: 'virt', priority: 100, program: virtualiser, config, vars });
  }

  #addPeer(name: string, priority: number): BarePd {
    const program = () => ({ notified: () => undefined });
    return this.system.addPd({ name, priority, program, config: {} });
  }

  /** The driver takes what there is. */
  take(): void {
    for (let left = this.#requests.available(); left > 0; left -= 1) {
      const request = emptyRequest();
      this.#requests.dequeue(request);
      this.held.push(request);
    }
    this.#requests.release();
  }

  /** The driver answers one request, after doing what it asks. */
  answer(request: BlkRequest, status: number = OK): void {
    this.held.splice(this.held.indexOf(request), 1);
    const { ram } = this.system;
    const at = request.offset - ram.base;
    const bytes = request.count * BLOCK;
    const from = request.block * BLOCK;
    if (status === OK && request.code === READ) {
      expect(from + bytes).toBeLessThanOrEqual(this.image.length);
      ram.u8.set(this.image.subarray(from, from + bytes), at);
    } else if (status === OK && request.code === WRITE) {
      this.image.set(ram.u8.subarray(at, at + bytes), from);
    }
    this.#responses.enqueue(status, status === OK ? request.count : 0, request.id);
    this.#responses.publish();
    this.kick();
  }

  /** The driver notifies. */
  kick(): void {
    this.virt.raise(0);
    this.system.run();
  }

  /** The driver answers everything, in order, until nothing is left. */
  settle(): void {
    for (let i = 0; i < 1000; i += 1) {
      this.take();
      const [next] = this.held;
      if (next === undefined) return;
      this.answer(next);
    }
    throw new Error('the virtualiser does not come to rest');
  }

  counter(name: keyof typeof BLK_VIRT_COUNTERS): number {
    const { ram } = this.system;
    const at = this.system.paddr(STATS) - ram.base + 8 * BLK_VIRT_COUNTERS[name];
    return ram.view.getFloat64(at, true);
  }

  log(): string {
    return this.virt.logged.join('\n');
  }
}

class ClientEnd {
  readonly requests: BlkRequestProducer;
  readonly responses: BlkResponseConsumer;
  readonly index: number;
  readonly #bench: Bench;
  #nextId = 1;

  constructor(bench: Bench, index: number) {
    this.#bench = bench;
    this.index = index;
    const { system } = bench;
    this.requests = new BlkRequestProducer(system.region(`client${index}_requests`), CAPACITY);
    this.responses = new BlkResponseConsumer(system.region(`client${index}_responses`), CAPACITY);
  }

  get info() {
    return this.#bench.system.region(`client${this.index}_info`);
  }

  get data() {
    return this.#bench.system.region(`data${this.index}`);
  }

  send(code: number, offset = 0, block = 0, count = 1): number {
    const id = this.#nextId++;
    this.requests.enqueue(code, offset, block, count, id);
    this.notify();
    return id;
  }

  notify(): void {
    this.requests.publish();
    this.#bench.virt.raise(this.index + 1);
    this.#bench.system.run();
    this.#bench.take();
  }

  answers(): (readonly [id: number, status: number, count: number])[] {
    const all: (readonly [number, number, number])[] = [];
    const response = emptyResponse();
    for (let left = this.responses.available(); left > 0; left -= 1) {
      this.responses.dequeue(response);
      all.push([response.id, response.status, response.successCount]);
    }
    this.responses.release();
    return all;
  }

  ask(code: number, offset = 0, block = 0, count = 1): number {
    const id = this.send(code, offset, block, count);
    this.#bench.settle();
    const answers = this.answers();
    expect(answers.map(([one]) => one)).toEqual([id]);
    return (answers[0] as readonly number[])[1] as number;
  }
}

function gptImage(): { image: Uint8Array; placed: readonly PlacedPartition[] } {
  const options = {
    diskBytes: DISK_BYTES,
    sectorBytes: 512,
    partitions: [
      { sizeBytes: 4 << 20, use: 'raw', name: 'a' },
      { sizeBytes: 6 << 20, use: 'raw', name: 'b' },
    ] as const,
  };
  const placed = placePartitions(options, 'gpt');
  if ('missingBytes' in placed) throw new Error('the partitions fit');
  const image = new Uint8Array(DISK_BYTES);
  const guids = (index: number): Uint8Array => new Uint8Array(16).fill(index + 1);
  for (const { at, bytes } of gptPatches(options, placed, guids)) image.set(bytes, at);
  return { image, placed };
}

describe('shares', () => {
  it('are the partitions, each client its own', () => {
    const { image } = gptImage();
    const bench = new Bench({ image, partitions: [1, 0] });
    const [second, first] = bench.clients as [ClientEnd, ClientEnd];

    expect(readStorageInfo(second.info).capacity).toBe((6 << 20) / BLOCK);
    expect(readStorageInfo(first.info).capacity).toBe((4 << 20) / BLOCK);
    first.data.fill(0, 0x11, BLOCK);
    second.data.fill(0, 0x22, BLOCK);
    expect([first.ask(WRITE), second.ask(WRITE)]).toEqual([OK, OK]);

    expect([image[1 << 20], image[5 << 20]]).toEqual([0x11, 0x22]);
  });

  it('that cannot be used leave their clients without a device, and the others work', () => {
    const { image } = gptImage();
    const bench = new Bench({ image, partitions: [7, 0] });
    const [none, first] = bench.clients as [ClientEnd, ClientEnd];

    expect(isStorageReady(none.info)).toBe(false);
    expect(none.ask(READ)).toBe(NO_DEVICE);
    expect(first.ask(READ)).toBe(OK);
    expect(bench.log()).toContain("no device for client 'client0': there is no partition 7");
  });

  it('are none, and nothing is written, when both GPTs are corrupt', () => {
    const { image } = gptImage();
    image[512 + 16] = (image[512 + 16] as number) ^ 1;
    image.fill(0, DISK_BYTES - 512);
    const before = image.slice();
    const bench = new Bench({ image, partitions: [0] });

    expect(bench.clients[0]?.ask(WRITE)).toBe(NO_DEVICE);
    expect(Buffer.compare(bench.image, before)).toBe(0);
    expect(bench.log()).toContain('both copies of the GPT are corrupt');
  });

  it('come back with the device, and go with it', () => {
    const bench = new Bench();
    const [client] = bench.clients as [ClientEnd];
    const info = bench.system.region('driver_info');

    withdrawStorageInfo(info);
    bench.kick();
    expect([isStorageReady(client.info), client.ask(READ)]).toEqual([false, NO_DEVICE]);
    publishStorageInfo(info, { ...readStorageInfo(info), capacity: 8 });
    bench.kick();
    bench.settle();

    expect([readStorageInfo(client.info).capacity, client.ask(READ, 0, 7)]).toEqual([8, OK]);
    expect(client.ask(READ, 0, 8)).toBe(INVALID);
  });
});

describe('a hostile request', () => {
  const blocks = DISK_BYTES / BLOCK;
  it.each([
    ['offset -4096', READ, 2 ** 64 - 4096, 0, 1, 'refusedOffset'],
    ['offset at the end of the data', READ, DATA_BYTES, 0, 1, 'refusedOffset'],
    ['data across the end', READ, DATA_BYTES - BLOCK, 0, 2, 'refusedOffset'],
    ['misaligned offset', READ, 512, 0, 1, 'refusedOffset'],
    ['block near 2^64', READ, 0, 2 ** 64 - 4096, 2, 'refusedBlock'],
    ['block just beyond', WRITE, 0, blocks, 1, 'refusedBlock'],
    ['blocks across the end', WRITE, 0, blocks - 1, 2, 'refusedBlock'],
    ['discard across the end', DISCARD, 0, blocks - 1, 2, 'refusedBlock'],
    ['zero count', READ, 0, 0, 0, 'refusedCount'],
    ['unknown code', 0xffff_ffff, 0, 0, 1, 'refusedCode'],
  ] as const)(
    'with %s is refused and harms nobody',
    (_name, code, offset, block, count, reason) => {
      const bench = new Bench({ partitions: ['whole', 'whole'] });
      const [hostile, good] = bench.clients as [ClientEnd, ClientEnd];

      const id = hostile.send(code, offset, block, count);

      expect(bench.held).toEqual([]);
      expect(hostile.answers()).toEqual([[id, INVALID, 0]]);
      expect(bench.counter(reason)).toBe(1);
      expect(good.ask(READ)).toBe(OK);
    },
  );

  it('to a read-only disk is refused', () => {
    const bench = new Bench({ readOnly: true });
    const [client] = bench.clients as [ClientEnd];
    expect([client.ask(WRITE), client.ask(DISCARD), client.ask(READ)]).toEqual([
      INVALID,
      INVALID,
      OK,
    ]);
  });

  it('queue with a tail far ahead costs at most its capacity', () => {
    const bench = new Bench({ partitions: ['whole', 'whole'] });
    const [hostile, good] = bench.clients as [ClientEnd, ClientEnd];
    bench.system.region('client0_requests').write32(4, 0x7fff_0000);

    bench.virt.raise(1);
    bench.system.run();
    bench.settle();

    expect(hostile.responses.available()).toBeLessThanOrEqual(CAPACITY);
    expect(bench.counter('queueLies')).toBeGreaterThan(0);
    expect(good.ask(READ)).toBe(OK);
  });

  it('responses never taken stop only the one who does not take them', () => {
    const bench = new Bench({ partitions: ['whole', 'whole'] });
    const [greedy, good] = bench.clients as [ClientEnd, ClientEnd];
    for (let round = 0; round < 3; round += 1) {
      for (let i = 0; i < CAPACITY && greedy.requests.free() > 0; i += 1) greedy.send(READ);
      bench.settle();
    }

    expect(greedy.responses.available()).toBe(CAPACITY);
    expect(good.ask(READ)).toBe(OK);
    expect(greedy.answers().length).toBe(CAPACITY);
    greedy.notify();
    bench.settle();
    expect(greedy.responses.available()).toBe(CAPACITY);
  });

  it('changed after it was taken changes nothing', () => {
    const bench = new Bench({ window: 1 });
    const [client] = bench.clients as [ClientEnd];
    client.send(READ, 0, 1);
    client.send(READ, 0, 2);

    bench.system.region('client0_requests').fill(16, 0xff, 32 * CAPACITY);
    bench.settle();

    expect(client.answers()).toEqual([
      [1, OK, 1],
      [2, OK, 1],
    ]);
  });
});

describe('requests', () => {
  it.each([0, 0xffff_fff0])(
    'are answered with their own ids over many rounds from index %i',
    (startIndex) => {
      const bench = new Bench({ partitions: ['whole', 'whole'], startIndex });
      for (let round = 0; round < 20; round += 1) {
        for (const client of bench.clients) for (let i = 0; i < 7; i += 1) client.send(READ, 0, i);
        bench.settle();
        for (const client of bench.clients) {
          const ids = client.answers().map(([id]) => id);
          expect(ids).toEqual([...Array(7).keys()].map((i) => round * 7 + i + 1));
        }
      }
    },
  );

  it('come back in the order in which the driver answers', () => {
    const bench = new Bench();
    const [client] = bench.clients as [ClientEnd];
    const sent = [1, 2, 3].map((block) => client.send(READ, 0, block));

    for (const request of bench.held.toReversed()) bench.answer(request);

    expect(client.answers().map(([id]) => id)).toEqual(sent.toReversed());
  });

  it('of a plugged queue wait', () => {
    const bench = new Bench();
    const [client] = bench.clients as [ClientEnd];
    client.requests.plug();
    client.send(READ);
    expect(bench.held).toEqual([]);

    client.requests.unplug();
    client.notify();

    expect(bench.held.length).toBe(1);
  });

  it('answered by the driver twice or never asked for are counted and dropped', () => {
    const bench = new Bench();
    const [client] = bench.clients as [ClientEnd];
    client.send(READ);
    const [request] = bench.held as [BlkRequest];

    bench.answer(request);
    bench.answer({ ...request });
    bench.answer({ ...request, id: 999 });

    expect(client.answers().length).toBe(1);
    expect(bench.counter('strayResponses')).toBe(2);
  });
});

describe('FLUSH', () => {
  it('waits for the writes before it, not for reads', () => {
    const bench = new Bench();
    const [client] = bench.clients as [ClientEnd];
    client.send(READ);
    client.send(WRITE);
    client.send(FLUSH);
    expect(bench.held.map(({ code }) => code)).toEqual([READ, WRITE]);

    bench.answer(bench.held[1] as BlkRequest);
    bench.take();

    expect(bench.held.map(({ code }) => code)).toEqual([READ, FLUSH]);
  });

  it('does not wait for other clients', () => {
    const bench = new Bench({ partitions: ['whole', 'whole'] });
    const [a, b] = bench.clients as [ClientEnd, ClientEnd];
    a.send(WRITE);
    b.send(FLUSH);
    expect(bench.held.map(({ code }) => code)).toEqual([WRITE, FLUSH]);
  });

  it('that fails is told to everybody who had written, for good', () => {
    const bench = new Bench({ partitions: ['whole', 'whole', 'whole'] });
    const [a, b, reader] = bench.clients as [ClientEnd, ClientEnd, ClientEnd];
    expect([a.ask(WRITE), b.ask(WRITE), reader.ask(READ)]).toEqual([OK, OK, OK]);

    a.send(FLUSH);
    bench.answer(bench.held[0] as BlkRequest, IO);

    expect(a.answers().map(([, status]) => status)).toEqual([IO]);
    expect([a.ask(FLUSH), a.ask(BARRIER), b.ask(FLUSH), reader.ask(FLUSH)]).toEqual([
      IO,
      IO,
      IO,
      OK,
    ]);
    expect([a.ask(WRITE), b.ask(READ)]).toEqual([OK, OK]);
  });

  it('that succeeded before protects from one that fails later', () => {
    const bench = new Bench({ partitions: ['whole', 'whole'] });
    const [a, b] = bench.clients as [ClientEnd, ClientEnd];
    expect([a.ask(WRITE), a.ask(FLUSH)]).toEqual([OK, OK]);

    b.send(FLUSH);
    bench.answer(bench.held[0] as BlkRequest, IO);

    expect(a.ask(FLUSH)).toBe(OK);
  });

  it('does not cover what was written while it was under way', () => {
    const bench = new Bench({ partitions: ['whole', 'whole'] });
    const [a, b] = bench.clients as [ClientEnd, ClientEnd];
    a.send(FLUSH);
    b.send(WRITE);
    bench.answer(bench.held[1] as BlkRequest);
    bench.answer(bench.held[0] as BlkRequest);

    a.send(FLUSH);
    bench.answer(bench.held[0] as BlkRequest, IO);

    expect(b.answers().length).toBe(1);
    expect(b.ask(FLUSH)).toBe(IO);
  });
});

describe('BARRIER', () => {
  it('is a flush that waits for everything before it and holds back what follows', () => {
    const bench = new Bench();
    const [client] = bench.clients as [ClientEnd];
    client.send(READ);
    client.send(BARRIER);
    client.send(WRITE);
    expect(bench.held.map(({ code }) => code)).toEqual([READ]);

    bench.answer(bench.held[0] as BlkRequest);
    bench.take();
    expect(bench.held.map(({ code }) => code)).toEqual([FLUSH]);
    bench.answer(bench.held[0] as BlkRequest);
    bench.take();

    expect(bench.held.map(({ code }) => code)).toEqual([WRITE]);
  });
});

describe('the policy', () => {
  it('decides over what waits behind the window', () => {
    const served = (policy: BlkVirtConfig['policy']): number[] => {
      const bench = new Bench({ partitions: ['whole', 'whole'], policy, window: 1 });
      for (const client of bench.clients) {
        for (let i = 0; i < 4; i += 1) client.send(READ, 0, client.index * 100 + i);
      }
      const order: number[] = [];
      for (let i = 0; i < 8; i += 1) {
        order.push((bench.held[0]?.block ?? -1) >= 100 ? 1 : 0);
        bench.answer(bench.held[0] as BlkRequest);
        bench.take();
      }
      return order;
    };

    expect(served({ kind: 'strict' })).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
    expect(served({ kind: 'round-robin' })).toEqual([0, 1, 0, 1, 0, 1, 0, 1]);
  });
});
