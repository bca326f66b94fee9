/**
 * Goal: a loop over batches stops in front of the first entry that is not a good one, whatever is
 * wrong with it, and leaves it alone. Method: four entries, of which the third is damaged in one
 * word, as a program on the other side can do it: two are moved, and without the damage all four.
 */

import { describe, expect, it } from 'vitest';
import { clientIp, clientMac } from '../../../test/support/bare-echo.ts';
import { checksum, udpFrame } from '../../../test/support/udp-frame.ts';
import { Ram } from '../../../memory/ram.ts';
import { Region } from '../../../memory/region.ts';
import { CHECKED, NetConsumer, NetProducer, NET_BUFFER_BYTES } from '../queue.ts';
import { parseIpv4, parseMac, swap16 } from '../wire.ts';
import { BufferBook } from './buffer-book.ts';
import { DatagramEcho } from './datagram-echo.ts';
import { FrameCopy } from './frame-copy.ts';
import { ToClients } from './to-clients.ts';
import { ToDriver } from './to-driver.ts';
import { ToOwners } from './to-owners.ts';

const CAPACITY = 4;
const BUFFERS = 4;
/** The entry that is damaged, and its words. */
const BAD = 2;
const [LOW, HIGH, LEN_AND_OID] = [0, 4, 8];
const HERE = NET_BUFFER_BYTES * BAD;
const LEN = 60;
const STRIDE = NET_BUFFER_BYTES * BUFFERS;
const MAC = clientMac(0);
const IP = clientIp(0);

interface Scene {
  readonly loop: { run: () => number };
  /** Region of the queue that the loop takes from, and of another one. */
  readonly entries: Region;
  readonly empty?: Region;
  /** Region of the queue that the loop puts entries into. */
  readonly filled?: Region;
  readonly frames?: Region;
  readonly books?: readonly BufferBook[];
}

class Memory {
  readonly ram = new Ram({ sizeBytes: 131_072, stagingBytes: 65_536, batches: 'wasm' });
  #next = 0;

  region(): Region {
    const at = this.#next;
    this.#next += STRIDE;
    return new Region({ ram: this.ram, at, sizeBytes: STRIDE, vaddr: 0 });
  }

  /** A queue of all buffers in their order. */
  full(len = 0, oid = 0): { readonly region: Region; readonly queue: NetConsumer } {
    const region = this.region();
    const producer = new NetProducer(region, CAPACITY);
    for (let buffer = 0; buffer < BUFFERS; buffer += 1) {
      producer.enqueue(NET_BUFFER_BYTES * buffer, 0, len, oid);
    }
    producer.publish();
    return { region, queue: new NetConsumer(region, CAPACITY) };
  }

  /** An empty queue, whose room is known. */
  room(region: Region = this.region()): NetProducer {
    const producer = new NetProducer(region, CAPACITY);
    producer.hasRoom();
    return producer;
  }

  /** A region with the same good frame in each buffer. */
  frames(): Region {
    const region = this.region();
    const payload = new Uint8Array(LEN - 42).fill(1);
    const frame = udpFrame({ mac: MAC, ip: IP, payload, port: 7, sourcePort: 40_000 });
    for (let at = 0; at < STRIDE; at += NET_BUFFER_BYTES) region.write(at, frame);
    return region;
  }

  book(queue: NetConsumer, value: number): BufferBook {
    const book = new BufferBook(queue, BUFFERS);
    for (let buffer = 0; buffer < BUFFERS; buffer += 1) book.set(buffer, value);
    return book;
  }
}

const place = { buffers: BUFFERS, addressLow: 0, addressHigh: 0 };
const [mac0, mac1, mac2] = parseMac(MAC) ?? [0, 0, 0];
const ip = parseIpv4(IP) ?? [0, 0];

function emptyBuffers(): Scene {
  const memory = new Memory();
  const { region, queue } = memory.full();
  const books = [memory.book(queue, 1), memory.book(queue, 1)] as const;
  const [holds, refs] = books.map((book) => ({ book, is: 1, becomes: 0 }));
  if (holds === undefined || refs === undefined) throw new Error('two books');
  const options = { client: queue, driver: memory.room(), ...place };
  return { loop: new ToDriver({ ...options, changes: [holds, refs] }), entries: region, books };
}

function framesToSend(): Scene {
  const memory = new Memory();
  const { region, queue } = memory.full(LEN);
  const books = [memory.book(queue, 0)] as const;
  const loop = new ToDriver({
    client: queue,
    driver: memory.room(),
    ...place,
    frameBytes: { least: 14, most: NET_BUFFER_BYTES },
    changes: [{ book: books[0], is: 0, becomes: 1 }],
  });
  return { loop, entries: region, books };
}

function sentFrames(): Scene {
  const memory = new Memory();
  const { region, queue } = memory.full();
  const books = [memory.book(queue, 1)] as const;
  const owned = { owner: 0, number: 0, ...place, book: books[0] };
  const parts = { returned: queue, is: 1, becomes: 0, owners: [memory.room()] };
  return { loop: new ToOwners({ ...parts, regions: [owned] }), entries: region, books };
}

function received(): Scene {
  const memory = new Memory();
  const { region, queue } = memory.full(LEN);
  const frames = memory.frames();
  const filled = memory.region();
  const books = [memory.book(queue, 0), memory.book(queue, 0)] as const;
  const loop = new ToClients({
    received: queue,
    frames,
    ...place,
    refs: books[0],
    clients: [{ active: memory.room(filled), holds: books[1] }],
    addresses: [[mac0 | (mac1 << 16), mac2, 0]],
  });
  return { loop, entries: region, frames, filled, books };
}

function toBeCopied(): Scene {
  const memory = new Memory();
  const [from, free] = [memory.full(LEN), memory.full()];
  const queues = { received: from.queue, returned: memory.room(), free: free.queue };
  const filled = memory.region();
  const loop = new FrameCopy({
    ...queues,
    filled: memory.room(filled),
    source: memory.frames(),
    sourceBuffers: BUFFERS,
    target: memory.region(),
    targetBuffers: BUFFERS,
  });
  return { loop, entries: from.region, empty: free.region, filled };
}

/** @param oid whether somebody vouches for checksums */
function datagrams(oid = 0): Scene {
  const memory = new Memory();
  const [from, free] = [memory.full(LEN, oid), memory.full()];
  const buffers = { buffers: BUFFERS, baseLow: 0, baseHigh: 0 };
  const frames = memory.frames();
  const loop = new DatagramEcho({
    received: from.queue,
    returned: memory.room(),
    source: frames,
    sourceBuffers: buffers,
    free: free.queue,
    filled: memory.room(),
    target: memory.region(),
    targetBuffers: buffers,
    mac: [mac0, mac1, mac2],
    ip,
    ports: [swap16(1235), swap16(7)],
  });
  return { loop, entries: from.region, empty: free.region, frames };
}

type Damage = (scene: Scene) => void;

const word =
  (name: 'entries' | 'empty', offset: number, value: number): Damage =>
  (scene) =>
    scene[name]?.write32(8 + 16 * BAD + offset, value);
const inBook =
  (book: number, value: number): Damage =>
  ({ books }) =>
    books?.[book]?.set(BAD, value);
const inFrame =
  (offset: number, ...bytes: readonly number[]): Damage =>
  ({ frames }) =>
    frames?.write(HERE + offset, Uint8Array.from(bytes));
/** With the header's checksum set right. */
const inHeader =
  (offset: number, ...bytes: readonly number[]): Damage =>
  (scene) => {
    inFrame(offset, ...bytes)(scene);
    inFrame(24, 0, 0)(scene);
    const header = new Uint8Array(20);
    scene.frames?.read(HERE + 14, header);
    const sum = checksum(header);
    inFrame(24, sum >>> 8, sum & 0xff)(scene);
  };

const offsets = (name: 'entries' | 'empty'): readonly (readonly [string, Damage])[] => [
  [`${name}: not at a buffer's beginning`, word(name, LOW, HERE + 4)],
  [`${name}: the last byte of a buffer`, word(name, LOW, HERE - 1)],
  [`${name}: behind the last buffer`, word(name, LOW, STRIDE)],
  [`${name}: above 2^31`, word(name, LOW, 0x8000_0000)],
  [`${name}: in front of the first`, word(name, LOW, 2 ** 32 - NET_BUFFER_BYTES)],
];
const high = (name: 'entries' | 'empty'): readonly (readonly [string, Damage])[] => [
  [`${name}: above 2^32`, word(name, HIGH, 1)],
  [`${name}: above 2^63`, word(name, HIGH, 0x8000_0000)],
];
const lengths = (...values: readonly number[]): readonly (readonly [string, Damage])[] =>
  values.map((value) => [`length 0x${value.toString(16)}`, word('entries', LEN_AND_OID, value)]);
const twice: readonly [string, Damage] = ['for the second time', word('entries', LOW, HERE / 2)];

const LOOPS: readonly (readonly [string, () => Scene, readonly (readonly [string, Damage])[]])[] = [
  [
    'empty buffers to the driver',
    emptyBuffers,
    [
      ...[...offsets('entries'), ...high('entries'), twice],
      ['held by somebody else', inBook(0, 0)],
      ['held by others too', inBook(1, 2)],
      ['held by nobody', inBook(1, 0)],
    ],
  ],
  [
    'frames to the driver',
    framesToSend,
    [
      ...[...offsets('entries'), ...high('entries'), twice],
      ...lengths(0, 13, 2049, 0xffff, LEN | 0x1_0000, LEN | CHECKED, LEN | 0x80_0000),
      ...lengths(LEN | 0x100_0000, LEN | 0x8000_0000),
      ['with the driver', inBook(0, 1)],
    ],
  ],
  [
    'sent frames to their owners',
    sentFrames,
    [
      ...[...offsets('entries'), ...high('entries'), twice],
      ['not with the driver', inBook(0, 0)],
      ['of an owner that has begun anew', inBook(0, 3)],
    ],
  ],
  [
    'received frames to clients',
    received,
    [
      ...[...offsets('entries'), ...high('entries'), twice, ...lengths(0, 13, 0x1_0000 | 13)],
      ['not with the driver', inBook(0, 1)],
      ['for nobody', inFrame(5, 0xee)],
      ['for everybody', inFrame(0, 255, 255, 255, 255, 255, 255)],
    ],
  ],
  [
    'copies',
    toBeCopied,
    [
      ...[...offsets('entries'), ...high('entries'), ...lengths(2049, 0xffff, 0xffff_ffff)],
      ...[...offsets('empty'), ...high('empty')],
    ],
  ],
  [
    'answers',
    () => datagrams(),
    [...offsets('entries'), ...offsets('empty'), ...lengths(0, 41, 59, 2049, 0xffff)],
  ],
  [
    'answers to frames that are vouched for',
    () => datagrams(CHECKED >>> 16),
    [
      ...lengths(CHECKED, 41 | CHECKED, 59 | CHECKED, 2049 | CHECKED, 0xffff | CHECKED),
      ['a packet that is longer than its frame', inHeader(16, 0, LEN - 13)],
      ['a packet that is shorter than its header', inHeader(16, 0, 19)],
      ['a datagram that is longer than its packet', inFrame(38, 0, LEN - 33)],
      ['a datagram that is longer than a buffer', inFrame(38, 255, 255)],
      ['a datagram that is shorter than its header', inFrame(38, 0, 7)],
      ['a fragment', inHeader(20, 0, 1)],
      ['from the echo port', inFrame(34, 0, 7)],
    ],
  ],
];

describe.each(LOOPS)('a loop that passes %s on', (_, make, damages) => {
  it('moves what is good', () => {
    expect(make().loop.run()).toBe(BUFFERS);
  });

  it.each(damages)('stops in front of one that is bad: %s', (_what, damage) => {
    const scene = make();
    damage(scene);
    expect(scene.loop.run()).toBe(BAD);
  });
});

it.each([
  ['copies', toBeCopied],
  ['frames for clients', received],
])('of what an entry says beside its length, %s have whether checksums are right', (_, make) => {
  const scene = make();
  word('entries', LEN_AND_OID, LEN | CHECKED | 0xffbf_0000)(scene);
  expect(scene.loop.run()).toBe(BUFFERS);
  expect(scene.filled?.read32(8 + 16 * BAD + LEN_AND_OID)).toBe(LEN | CHECKED);
});

it('buffers that are of two regions are for the steps', () => {
  const memory = new Memory();
  const { queue } = memory.full();
  const region = (number: number, addressLow: number) => {
    return { owner: 0, number, ...place, addressLow, book: memory.book(queue, 1) };
  };
  const parts = { returned: queue, is: 1, becomes: 0, owners: [memory.room()] };
  const regions = [region(0, 0), region(1, STRIDE)] as const;
  expect(new ToOwners({ ...parts, regions: [region(1, STRIDE - 1), regions[0]] }).run()).toBe(0);
  expect(new ToOwners({ ...parts, regions }).run()).toBe(BUFFERS);
});

it.each([0, 1, 15, 16, 17, 511, 512, 513, 2047, NET_BUFFER_BYTES])(
  'a copy of %d bytes is just as long',
  (length) => {
    const memory = new Memory();
    const [from, free] = [memory.full(length), memory.full()];
    const [source, target] = [memory.region(), memory.region()];
    source.write(0, new Uint8Array(STRIDE).fill(7));
    const queues = { received: from.queue, returned: memory.room(), free: free.queue };
    const loop = new FrameCopy({
      ...{ ...queues, filled: memory.room(), source, sourceBuffers: BUFFERS },
      ...{ target, targetBuffers: BUFFERS },
    });
    expect(loop.run()).toBe(BUFFERS);
    const expected = new Uint8Array(STRIDE);
    for (let at = 0; at < STRIDE; at += NET_BUFFER_BYTES) expected.fill(7, at, at + length);
    const copied = new Uint8Array(STRIDE);
    target.read(0, copied);
    expect(Buffer.compare(copied, expected)).toBe(0);
  },
);
