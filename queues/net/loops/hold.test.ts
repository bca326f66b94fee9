/**
 * Goal: a loop over batches reaches nothing but what its maker was given, whatever its maker says.
 * Method: a program's numbers, one by one, with memory around its own that shows what was written.
 */

import { describe, expect, it } from 'vitest';
import { Misuse } from '../../../memory/misuse.ts';
import { Ram } from '../../../memory/ram.ts';
import { ReadonlyRegion, Region } from '../../../memory/region.ts';
import { NetConsumer, NetProducer } from '../queue.ts';
import { BufferBook } from './buffer-book.ts';
import { FrameCopy } from './frame-copy.ts';
import { ToClients, type ToClientsOptions } from './to-clients.ts';
import { ToDriver } from './to-driver.ts';
import { ToOwners } from './to-owners.ts';

const CAPACITY = 8;
const STRIDE = 4096;
const BUFFERS = 2;
const ENTRIES = 4;
const UNTRUE = [0, -1, 0.5, 1.5, Number.NaN, -Infinity, '2', { valueOf: () => 2 }];
/** Where clients and owners are numbered from 0, of which there is one. */
const NOBODYS = [1, -1, 0.5, Number.NaN, '0', { valueOf: () => 0 }];

class LongBook extends BufferBook {
  override get length(): number {
    return CAPACITY;
  }
}

function scene() {
  const ram = new Ram({ sizeBytes: 65_536, stagingBytes: 65_536, batches: 'wasm' });
  const region = (slot: number): Region =>
    new Region({ ram, at: slot * STRIDE, sizeBytes: STRIDE, vaddr: 0 });
  const queue = (slot: number): { in: NetConsumer; out: NetProducer } => ({
    in: new NetConsumer(region(slot), CAPACITY),
    out: new NetProducer(region(slot), CAPACITY),
  });
  return { ram, region, from: queue(0), to: queue(1) };
}

type Scene = ReturnType<typeof scene>;

/** The queue has an entry for each of the first buffers, and then the loop is run. */
function runOver({ from }: Scene, loop: { run: () => number }): number {
  for (let buffer = 0; buffer < ENTRIES; buffer += 1) from.out.enqueue(2048 * buffer, 0, 60, 0);
  from.out.publish();
  return loop.run();
}

/** Of a book of {@link BUFFERS}, in front of memory that is somebody else's. */
function makeToDriver({ from, to }: Scene, book: BufferBook, buffers: unknown): ToDriver {
  const place = { buffers: buffers as number, addressLow: 0, addressHigh: 0 };
  const changes = [{ book, is: 0, becomes: 1 }] as const;
  return new ToDriver({ client: from.in, driver: to.out, ...place, changes });
}

function makeToOwners({ from, to }: Scene, book: BufferBook, region: object): ToOwners {
  const regions = [
    { owner: 0, number: 0, buffers: ENTRIES, addressLow: 0, addressHigh: 0, book, ...region },
  ];
  to.out.hasRoom();
  return new ToOwners({ returned: from.in, is: 0, becomes: 1, owners: [to.out], regions });
}

function makeToClients(
  { from, to, region }: Scene,
  { refs, ...options }: Partial<ToClientsOptions>,
): ToClients {
  to.out.hasRoom();
  return new ToClients({
    received: from.in,
    frames: region(2),
    buffers: BUFFERS,
    addressLow: 0,
    addressHigh: 0,
    refs: refs ?? new BufferBook(from.in, BUFFERS),
    clients: [{ active: to.out, holds: new BufferBook(from.in, BUFFERS) }],
    addresses: [[0, 0, 0]],
    ...options,
  });
}

describe('a number of buffers that cannot be', () => {
  it.each(UNTRUE)('is refused: %s', (buffers) => {
    const here = scene();
    const book = new BufferBook(here.from.in, BUFFERS);
    expect(() => makeToDriver(here, book, buffers), 'to the driver').toThrow(Misuse);
    expect(() => makeToOwners(here, book, { buffers }), 'to owners').toThrow(Misuse);
    const frames = buffers as number;
    expect(() => makeToClients(here, { buffers: frames }), 'to clients').toThrow(Misuse);
    const { from, to, region } = here;
    const ends = { received: from.in, returned: to.out, free: from.in, filled: to.out };
    const parts = { ...ends, source: region(2), target: region(3), sourceBuffers: BUFFERS };
    expect(() => new FrameCopy({ ...parts, targetBuffers: frames }), 'a copy').toThrow(Misuse);
  });

  it('is no book either', () => {
    const { from } = scene();
    expect(() => new BufferBook(from.in, 32_769)).toThrow(Misuse);
  });
});

describe('a book that says it is longer', () => {
  const books: readonly [string, (here: Scene) => BufferBook][] = [
    ['by its class', ({ from }) => new LongBook(from.in, BUFFERS)],
    [
      'by itself',
      ({ from }) => {
        const book = new BufferBook(from.in, BUFFERS);
        return Object.defineProperty(book, 'length', { value: CAPACITY });
      },
    ],
  ];

  it.each(books)('is not believed, %s', (_, make) => {
    const [driver, owners, clients] = [scene(), scene(), scene()];
    expect(runOver(driver, makeToDriver(driver, make(driver), ENTRIES))).toBe(BUFFERS);
    expect(runOver(owners, makeToOwners(owners, make(owners), {}))).toBe(BUFFERS);
    const refs = make(clients);
    const loop = makeToClients(clients, { refs, buffers: ENTRIES });
    expect(runOver(clients, loop)).toBe(BUFFERS);
  });
});

it.each(NOBODYS)('an owner or a client that there is not is refused: %s', (nobody) => {
  const here = scene();
  const book = new BufferBook(here.from.in, BUFFERS);
  expect(() => makeToOwners(here, book, { owner: nobody })).toThrow(Misuse);
  const addresses = [[0, 0, nobody as number]] as const;
  expect(() => makeToClients(here, { addresses })).toThrow(Misuse);
});

it('a program that makes books without end leaves memory to others', () => {
  const here = scene();
  const { ram, from } = here;
  for (let count = 0; count < 100; count += 1) new BufferBook(from.in, 1024);
  for (let count = 0; count < 500; count += 1) {
    makeToDriver(here, new BufferBook(from.in, BUFFERS), BUFFERS);
    makeToOwners(here, new BufferBook(from.in, BUFFERS), {});
  }
  expect(ram.stagingLeft).toBeGreaterThan(16_000);
});

it('a queue is not made in memory that may only be read', () => {
  const { ram } = scene();
  const readonly = new ReadonlyRegion({ ram, at: 0, sizeBytes: STRIDE, vaddr: 0 }) as Region;
  expect(() => new NetProducer(readonly, CAPACITY)).toThrow(TypeError);
  expect(() => new NetConsumer(readonly, CAPACITY)).toThrow(TypeError);
});
