/**
 * Programs that misuse our classes, or find in shared memory what nobody should have left there: a
 * fault of that domain, which names what and where. The others go on, and the run does not end in
 * an "internal failure".
 */

import { describe, expect, it } from 'vitest';
import { Misuse } from '../../memory/misuse.ts';
import { DeviceRegion, ReadonlyRegion, type Region } from '../../memory/region.ts';
import { system } from '../../microkit/builder.ts';
import type { Program, ProtectionDomain } from '../../microkit/pd.ts';
import { BlkRequestConsumer, BlkRequestProducer } from '../../queues/blk/request-queue.ts';
import { BlkResponseConsumer, BlkResponseProducer } from '../../queues/blk/response-queue.ts';
import { BlkVirtqueue } from '../../queues/blk/virtqueue.ts';
import { Counters } from '../../queues/counters.ts';
import { BufferReader } from '../../queues/net/buffer-view.ts';
import { fillFreeQueue, NetConsumer, NetProducer } from '../../queues/net/queue.ts';
import { SerialConsumer, SerialProducer } from '../../queues/serial/queue.ts';
import { Virtqueue } from '../../queues/virtio/virtqueue.ts';
import { createTestbed } from '../../systems/testbed.ts';

interface Told {
  readonly faulted: readonly string[];
  readonly lines: readonly string[];
  readonly goodWakeUps: number;
}

/** Two domains: one does something bad when it is notified, the other is to live on. */
function attack(act: (pd: ProtectionDomain<unknown>, region: Region) => void): Told {
  const faulted: string[] = [];
  const lines: string[] = [];
  let goodWakeUps = 0;
  const bad: Program<unknown> = (pd) => ({ notified: () => act(pd, pd.region('shared')) });
  const good: Program<unknown> = (pd) => {
    pd.notify(0);
    pd.notify(1);
    return { notified: () => void (goodWakeUps += 1) };
  };
  const echo: Program<unknown> = (pd) => ({ notified: (channel) => pd.notify(channel) });
  const sys = system({ name: 'misuse' });
  const shared = sys.region('shared', { size: 0x4000 });
  const victim = sys.pd('bad', { program: bad, priority: 2 });
  victim.map(shared, { vaddr: 0x300_0000 });
  const driver = sys.pd('good', { program: good, priority: 1 });
  const peer = sys.pd('peer', { program: echo, priority: 3 });
  sys.channel(driver, victim, { a: { id: 0 }, b: { id: 5 } });
  sys.channel(driver, peer, { a: { id: 1 }, b: { id: 0 } });
  const built = sys.build();
  if (!built.ok) throw new Error(JSON.stringify(built.errors));
  const testbed = createTestbed({
    system: built.system,
    clock: 'virtual',
    observer: {
      log: (pd, line) => void lines.push(`${pd}: ${line}`),
      faulted: (pd) => void faulted.push(pd),
    },
  });
  testbed.runUntilQuiet();
  return { faulted, lines, goodWakeUps };
}

it('has thrown what cannot be looked at: its fault is told all the same', () => {
  const look = (): never => {
    throw new Error('looked at');
  };
  const { faulted, lines, goodWakeUps } = attack(() => {
    throw new Proxy({}, { get: look, getPrototypeOf: look }) as Error;
  });

  expect(lines.join('\n')).toContain('bad: Misuse: throws what cannot be looked at');
  expect(faulted).toEqual(['bad']);
  expect(goodWakeUps).toBeGreaterThan(0);
});

const VIRTQUEUE = {
  entries: 8,
  ringsOffset: 0,
  chainsOffset: 1024,
  headerBytes: 12,
  paddr: 0,
  eventIndex: 'no',
} as const;
const BLK = {
  entries: 8,
  segments: 1,
  segmentBytes: 4096,
  indirect: 'no',
  eventIndex: 'no',
  paddr: 0,
} as const;

const MISUSES: readonly (readonly [
  what: string,
  act: (pd: ProtectionDomain<unknown>, region: Region) => unknown,
  message: string,
])[] = [
  [
    'a capacity of 100',
    (_, region) => new NetProducer(region, 100),
    'a capacity of 100 is no power of two',
  ],
  [
    'a capacity of 2^16',
    (_, region) => new NetConsumer(region, 65_536),
    'a capacity of 65536 is above 32768',
  ],
  [
    'a queue too large',
    (_, region) => new NetConsumer(region, 4096),
    'a region of 16384 bytes does not hold a queue of 4096 buffers',
  ],
  [
    'a capacity of none',
    (_, region) => new NetConsumer(region, Number.NaN),
    'a capacity of NaN is no power of two',
  ],
  ['requests', (_, region) => new BlkRequestProducer(region, 3), 'a capacity of 3'],
  [
    'requests read',
    (_, region) => new BlkRequestConsumer(region, 1024),
    'does not hold a queue of 1024 requests',
  ],
  ['responses', (_, region) => new BlkResponseProducer(region, 0), 'a capacity of 0'],
  [
    'responses read',
    (_, region) => new BlkResponseConsumer(region, 2048),
    'does not hold a queue of 2048 responses',
  ],
  [
    'characters',
    (_, region) => new SerialProducer(region, region, 0x8000),
    'does not hold a queue of 32768 characters',
  ],
  ['characters read', (_, region) => new SerialConsumer(region, region, 7), 'a capacity of 7'],
  [
    'buffers',
    (_, region) => new BufferReader(region, 9),
    'a region of 16384 bytes does not hold 9 buffers',
  ],
  [
    'a batch',
    (_, region) => new NetProducer(region, 8).advance(9),
    'a batch is longer than the room',
  ],
  [
    'taking',
    (_, region) => new NetConsumer(region, 8).advance(1),
    'a batch takes more than there was',
  ],
  [
    'a run',
    (_, region) => new SerialConsumer(region, region, 8).moveToRegion(region, 0, 5),
    'a run is longer than what there was',
  ],
  [
    'a full free queue',
    (_, region) => fillFreeQueue(new NetProducer(region, 4), 8, 0),
    'a free queue is full at 4 of 8 buffers',
  ],
  [
    'a virtqueue',
    (_, region) => new Virtqueue({ ...VIRTQUEUE, region, entries: 5 } as never),
    'a capacity of 5',
  ],
  [
    'a request of nothing',
    (_, region) => new BlkVirtqueue({ ...BLK, region, segments: 0 } as never),
    'a request of 0 data segments',
  ],
  [
    'counters',
    (_, region) =>
      new Counters(
        Object.fromEntries(Array.from({ length: 3000 }, (_each, i) => [`c${i}`, i])),
        region,
      ),
    '3000 counters',
  ],
  [
    'a region by hand',
    () => new ReadonlyRegion({ ram: { u8: [] } as never, at: 4, sizeBytes: 1, vaddr: 0 }),
    'a region is not aligned',
  ],
  ['no region', () => new NetProducer({} as never, 8), 'TypeError'],
  ['a device by hand', () => new DeviceRegion({} as never).read32(0), 'TypeError'],
  [
    'an assertion of its own',
    () => {
      throw new Misuse('mine');
    },
    'mine',
  ],
];

describe('a program that misuses', () => {
  it.each(MISUSES)('%s faults, and the others go on', (_what, act, message) => {
    const { faulted, lines, goodWakeUps } = attack(act);

    expect(faulted).toEqual(['bad']);
    expect(lines.join('\n')).toContain(message);
    expect(goodWakeUps).toBe(1);
  });
});

describe('a restarted peer', () => {
  it('that finds its free queue full faults, and says so', () => {
    const { faulted, lines } = attack((_pd, region) => {
      const before = new NetProducer(region, 8);
      fillFreeQueue(before, 8, 0);
      before.publish();
      fillFreeQueue(new NetProducer(region, 8), 8, 0);
    });

    expect(faulted).toEqual(['bad']);
    expect(lines.join('\n')).toContain('somebody has left some there');
  });
});
