/**
 * Goal: a client that writes random bytes over its own queues, thousands of times, and asks for
 * what is not its own, harms itself alone: the others' requests are answered and read what a plain
 * array says, nothing outside its partition changes, and no domain faults. On the whole stack,
 * virtual clock, seeded.
 */

import { describe, expect, it } from 'vitest';
import { MemoryDisk } from '../../board/block/memory-disk.ts';
import { Random } from '../../board/random.ts';
import { planImage } from '../../host/disk/create-image.ts';
import { system } from '../../microkit/builder.ts';
import { messageInfo, type Program } from '../../microkit/pd.ts';
import type { BlkClientConfig } from '../../queues/blk/config.ts';
import { TIMER_SET_TIMEOUT, type TimerClientConfig } from '../../queues/timer/config.ts';
import { addDisk, blkSystem, DRIVER_PRIORITY } from '../../systems/blk.ts';
import { addTimer } from '../../systems/common-domains.ts';
import { createTestbed } from '../../systems/testbed.ts';
import { RandomDiskClient } from '../support/random-disk-client.ts';

const MIB = 1 << 20;
const DISK_BYTES = 16 * MIB;
const ROUNDS = 5000;

interface Hostile {
  readonly program: Program<{ readonly blk: BlkClientConfig; readonly timer: TimerClientConfig }>;
  rounds: number;
}

/** Scribbles over its queues and its data, and notifies; again and again. */
function hostileClient(seed: number): Hostile {
  const random = new Random(seed);
  const hostile: Hostile = {
    rounds: 0,
    program: (pd) => {
      const { virt, data } = pd.config.blk;
      const { channel } = pd.config.timer;
      const requests = pd.region(virt.requestQueue);
      const responses = pd.region(virt.responseQueue);
      const memory = pd.region(data.region);
      const scribble = (): void => {
        for (let i = 0; i < 24; i += 1) {
          requests.write32(4 * random.below(1000), random.u32());
          // Not the virtualiser's counter: without it the client could not pretend to be sane
          // again.
          const word = random.below(300);
          if (word !== 1) responses.write32(4 * word, random.u32());
          memory.write32(4 * random.below(1000), random.u32());
        }
        // Now and then counters that make sense, so that the requests behind them are looked at.
        if (random.below(3) > 0) {
          const head = requests.read32(0);
          requests.write32(4, (head + 1 + random.below(8)) >>> 0);
          responses.write32(0, responses.read32(4));
          requests.write32(8, 0);
          for (let slot = 0; slot < 128; slot += 1) {
            const at = 16 + 32 * slot;
            requests.write32(at, random.below(8));
            requests.write32(at + 8, random.below(2) * 4096);
            requests.write32(at + 12, 0);
            requests.write32(at + 16, random.below(3) === 0 ? random.u32() : random.below(1000));
            requests.write32(at + 20, random.below(8) === 0 ? 0xffff_ffff : 0);
            requests.write32(at + 24, random.below(4));
          }
        }
        hostile.rounds += 1;
        pd.notify(virt.channel);
      };
      const again = (): void => {
        pd.setMr(0, 20_000);
        pd.ppcall(channel, messageInfo(TIMER_SET_TIMEOUT, 1));
      };
      again();
      return {
        notified: (from) => {
          if (from !== channel || hostile.rounds >= ROUNDS) return;
          scribble();
          again();
        },
      };
    },
  };
  return hostile;
}

describe('a client that scribbles over its queues', () => {
  it.each([1, 2, 3])('harms itself alone (seed %i)', { timeout: 120_000 }, (seed) => {
    const image = new Uint8Array(DISK_BYTES);
    const { patches } = planImage({
      sizeBytes: DISK_BYTES,
      sectorBytes: 512,
      scheme: 'gpt',
      partitions: ['a', 'b', 'c'].map((name) => ({ use: 'raw', name, sizeBytes: 4 * MIB })),
      randomBytes: (count) => new Uint8Array(count).fill(3),
    });
    for (const { at, bytes } of patches) image.set(bytes, at);
    const good = new RandomDiskClient({
      seed,
      requests: 4000,
      depth: 8,
      blocks: 300,
      zeroPercent: 5,
    });
    const hostile = hostileClient(seed);
    const sys = system({ name: 'hostile' });
    const time = addTimer(sys, DRIVER_PRIORITY + 1);
    const disk = addDisk(sys, time, 0, { kind: 'round-robin' }, { window: 16 });
    const programs: readonly Program<never>[] = [hostile.program, good.program];
    for (const [partition, program] of programs.entries()) {
      const pd = sys.pd(`client${partition}`, { program, priority: 10 });
      disk.addClient(pd, { partition });
      if (partition === 0) time.addClient(pd);
    }
    const built = sys.build();
    if (!built.ok) throw new Error(built.errors.map((error) => error.message).join('\n'));
    const faults: string[] = [];
    let memory: MemoryDisk | undefined;
    const testbed = createTestbed({
      system: built.system,
      clock: 'virtual',
      stagingBytes: 2 * DISK_BYTES,
      counters: blkSystem.counters ?? {},
      wires: ({ ram }) => {
        memory = new MemoryDisk(ram, DISK_BYTES);
        memory.load(image);
        return { blocks: [{ wire: memory }] };
      },
      observer: { log: () => undefined, faulted: (pd) => faults.push(pd) },
    });
    // Two minutes of the board's time: the good client finishes, the hostile one may go on for
    // ever.
    testbed.runUntil(120e9);

    expect(faults).toEqual([]);
    expect(hostile.rounds).toBeGreaterThan(1000);
    expect({ seed, mistakes: good.mistakes.slice(0, 5) }).toEqual({ seed, mistakes: [] });
    expect(good.answered).toBe(4000);
    expect(testbed.board.lint.entries()).toEqual([]);
    // Before its partition and after the good client's, nothing has changed.
    const after = memory?.image() ?? new Uint8Array(0);
    expect(Buffer.compare(after.subarray(0, MIB), image.subarray(0, MIB))).toBe(0);
    expect(Buffer.compare(after.subarray(9 * MIB), image.subarray(9 * MIB))).toBe(0);
    const counted = testbed.counters().programs['blk_virt'] ?? {};
    expect(counted['refusedBlock']).toBeGreaterThan(0);
    expect(counted['refusedCode']).toBeGreaterThan(0);
  });
});
