/**
 * The block system under the host clock with bench clients: kernel, board, driver, virtualiser,
 * clients, and a disk in memory or in a file.
 */

import { MemoryDisk } from '../board/block/memory-disk.ts';
import type { BlockWire } from '../board/block-wire.ts';
import { assert } from '../memory/assert.ts';
import type { Ram } from '../memory/ram.ts';
import { BLK_BENCH_COUNTERS, main as blkBench } from '../clients/blk-bench/main.ts';
import { prepareDisk, type PreparedDisk } from '../host/disk/disk.ts';
import { breathe } from '../host/event-loop.ts';
import { hostNow } from '../host/host-time.ts';
import { system } from '../microkit/builder.ts';
import type { BlkPolicyConfig, BlkShare } from '../queues/blk/config.ts';
import { addDisk, blkSystem, DRIVER_PRIORITY } from '../systems/blk.ts';
import { addTimer } from '../systems/common-domains.ts';
import { createTestbed, type RunCounters, type Testbed } from '../systems/testbed.ts';
import { type Slice, timeSlice, type Worker } from './slices.ts';

export interface BlkLoad {
  readonly order: 'random' | 'sequential';
  readonly readPercent: number;
  readonly requestBytes: number;
  readonly depth: number;
  /** So many requests, then a FLUSH, and again; never unless told. */
  readonly flushEvery?: number;
  readonly share?: BlkShare;
}

export interface BlkRigOptions {
  /** One for each client. */
  readonly loads: readonly BlkLoad[];
  readonly backend: { readonly kind: 'memory' } | { readonly kind: 'file'; readonly path: string };
  readonly policy?: BlkPolicyConfig;
  readonly window?: number;
}

const DISK_BYTES = 64 * 1024 * 1024;
const RAM_BYTES = 96 * 1024 * 1024;
const STAGING_BYTES = DISK_BYTES + 8 * 1024 * 1024;
const SLICE_NS = 2_000_000;
const PATIENCE_NS = 300_000_000_000;

export class BlkRig implements Worker {
  readonly testbed: Testbed;
  readonly #clients: readonly string[];
  readonly #disk: PreparedDisk | undefined;

  constructor(options: BlkRigOptions) {
    const { backend, policy = { kind: 'round-robin' }, window = 128 } = options;
    const sys = system({ name: 'blk-bench' });
    const time = addTimer(sys, DRIVER_PRIORITY + 1);
    const disk = addDisk(sys, time, 0, policy, window === undefined ? {} : { window });
    for (const [index, { share, ...load }] of options.loads.entries()) {
      const name = `client${index}`;
      const pd = sys.pd(name, { program: blkBench, priority: 50, config: load });
      const stats = sys.region(`${name}_stats`, { size: '4K' });
      pd.map(stats, { perms: 'rw' });
      pd.configure({ stats: stats.name });
      const dataSize = Math.max(2 * 1024 * 1024, load.requestBytes * load.depth);
      disk.addClient(pd, {
        partition: 'whole',
        dataSize,
        ...(share === undefined ? {} : { share }),
      });
    }
    const built = sys.build();
    if (!built.ok) throw new Error(built.errors.map((error) => error.message).join('\n'));
    this.#clients = options.loads.map((_, index) => `client${index}`);
    this.#disk =
      backend.kind === 'memory'
        ? undefined
        : prepareDisk(
            {
              kind: 'file',
              path: backend.path,
              overlay: 'none',
              access: 'read-write',
              sectorBytes: 512,
            },
            () => undefined,
          );
    this.testbed = createTestbed({
      system: built.system,
      clock: 'host',
      ramBytes: RAM_BYTES,
      stagingBytes: STAGING_BYTES,
      counters: {
        ...blkSystem.counters,
        ...Object.fromEntries(this.#clients.map((name) => [name, BLK_BENCH_COUNTERS])),
      },
      wires: ({ ram, board }) => {
        const wire: BlockWire =
          this.#disk?.plugIn({ ram, turns: board.turns, clock: 'host' }) ?? writtenDisk(ram);
        return { blocks: [{ wire }] };
      },
    });
  }

  /**
   * Runs for about this long, and until a request has been answered; the host has its turn after
   * each slice, as live.
   *
   * @returns requests per second, by client
   */
  async rates(durationNs: number): Promise<readonly number[]> {
    const before = this.#answered();
    const startedAt = hostNow();
    let now = startedAt;
    let after = before;
    for (let endAt = now + durationNs; sum(after) === sum(before); endAt = now + SLICE_NS) {
      now = await this.#runUntil(endAt);
      after = this.#answered();
      assert(now - startedAt < PATIENCE_NS, 'the block system answers');
    }
    return after.map((count, i) => ((count - (before[i] as number)) * 1e9) / (now - startedAt));
  }

  async #runUntil(endAt: number): Promise<number> {
    let now = hostNow();
    while (now < endAt) {
      this.testbed.runSlice(SLICE_NS);
      await breathe();
      now = hostNow();
    }
    return now;
  }

  /** All clients together. */
  slice(sliceNs: number): Promise<Slice> {
    return timeSlice(
      sliceNs,
      (ns) => this.rates(ns),
      () => sum(this.#answered()),
    );
  }

  counters(): RunCounters {
    return this.testbed.counters();
  }

  async close(): Promise<void> {
    await this.#disk?.close();
  }

  #answered(): number[] {
    const { programs } = this.testbed.counters();
    return this.#clients.map((name) => programs[name]?.['requests'] ?? 0);
  }
}

const BLANK = new Uint8Array(DISK_BYTES);

/**
 * A disk of which every page has been written once. Pages that were never written all share one
 * physical page, which would always be in the cache.
 */
function writtenDisk(ram: Ram): MemoryDisk {
  const disk = new MemoryDisk(ram, DISK_BYTES);
  disk.load(BLANK);
  return disk;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, each) => total + each, 0);
}
