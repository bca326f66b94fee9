/**
 * Goal: random requests of three clients, on the whole stack and on a disk that answers out of
 * order, read exactly what a plain array says. Every policy, and indices that wrap. Seeds are
 * printed when something is wrong. SDDF_DISK_REQUESTS says how many (`.ci/run`: 100,000).
 */

import { describe, expect, it } from 'vitest';
import { LatencyWire } from '../../board/block/latency.ts';
import { MemoryDisk } from '../../board/block/memory-disk.ts';
import { planImage } from '../../host/disk/create-image.ts';
import { system } from '../../microkit/builder.ts';
import type { BlkPolicyConfig } from '../../queues/blk/config.ts';
import { addDisk, blkSystem, DRIVER_PRIORITY } from '../../systems/blk.ts';
import { addTimer } from '../../systems/common-domains.ts';
import { createTestbed } from '../../systems/testbed.ts';
import { RandomDiskClient } from '../support/random-disk-client.ts';

const REQUESTS = Number(process.env['SDDF_DISK_REQUESTS'] ?? 10_000);
const MIB = 1 << 20;
const DISK_BYTES = 16 * MIB;

function diskImage(): Uint8Array {
  const image = new Uint8Array(DISK_BYTES);
  const { patches } = planImage({
    sizeBytes: DISK_BYTES,
    sectorBytes: 512,
    scheme: 'gpt',
    partitions: ['a', 'b', 'c'].map((name) => ({ use: 'raw', name, sizeBytes: 4 * MIB })),
    randomBytes: (count) => new Uint8Array(count).fill(3),
  });
  for (const { at, bytes } of patches) image.set(bytes, at);
  return image;
}

function runClients(requests: number, seed: number, policy: BlkPolicyConfig): RandomDiskClient[] {
  const clients = [0, 1, 2].map(
    (i) =>
      new RandomDiskClient({ seed: seed + i, requests, depth: 12, blocks: 500, zeroPercent: 5 }),
  );
  const sys = system({ name: 'random' });
  const time = addTimer(sys, DRIVER_PRIORITY + 1);
  const disk = addDisk(sys, time, 0, policy, { window: 16 });
  for (const [i, client] of clients.entries()) {
    const pd = sys.pd(`client${i}`, { program: client.program, priority: 10 + i });
    disk.addClient(pd, { partition: i, share: { bytesPerSecond: 2e9, weight: i + 1 } });
  }
  const built = sys.build();
  if (!built.ok) throw new Error(built.errors.map((error) => error.message).join('\n'));
  const testbed = createTestbed({
    system: built.system,
    clock: 'virtual',
    seed,
    stagingBytes: 2 * DISK_BYTES,
    counters: blkSystem.counters ?? {},
    wires: ({ ram, board, random }) => {
      const memory = new MemoryDisk(ram, DISK_BYTES);
      memory.load(diskImage());
      const draws = random.fork('latency');
      const wire = new LatencyWire(memory, board.clock, () => 1000 + draws.below(100_000));
      return { blocks: [{ wire }] };
    },
    observer: { log: () => undefined },
  });
  testbed.runUntilQuiet();
  expect(testbed.board.lint.entries()).toEqual([]);
  return clients;
}

describe('three clients', () => {
  it(`read what a plain array says, ${REQUESTS} requests`, () => {
    const seed = 20_261_122;
    const each = Math.ceil(REQUESTS / 3);
    const clients = runClients(each, seed, { kind: 'round-robin' });

    for (const client of clients) {
      expect({ seed, mistakes: client.mistakes.slice(0, 5) }).toEqual({ seed, mistakes: [] });
      expect(client.answered).toBe(each);
      expect(Math.min(...Object.values(client.counts))).toBeGreaterThan(each / 334);
    }
  });

  it.each([
    { kind: 'strict' },
    { kind: 'drr', quantumBytes: 16_384 },
    { kind: 'token-bucket' },
  ] as const)('read what a plain array says under $kind', (policy) => {
    for (const client of runClients(1500, 7, policy)) {
      expect(client.mistakes).toEqual([]);
      expect(client.answered).toBe(1500);
    }
  });
});
