/**
 * Goal: the power may go after any write and any flush, with any choice of what the disk's cache
 * has kept; what was flushed is there, sectors are old or new and never mixed, the file system
 * mounts and its files are old or new.
 *
 * A workload runs once on the whole stack, on a disk that remembers every version of every sector
 * since the last flush. At each boundary all the disks that a cut could leave are looked at, or,
 * where they are too many, as many as are drawn.
 */

import { describe, expect, it } from 'vitest';
import { VolatileCacheDisk } from '../../board/block/volatile-cache.ts';
import { Random } from '../../board/random.ts';
import type { BlockTask } from '../../clients/fat/block-io.ts';
import { FatFileSystem } from '../../clients/fat/file-system.ts';
import { main as fatClient } from '../../clients/fat/main.ts';
import { fatPatches } from '../../host/disk/fat-format.ts';
import { system } from '../../microkit/builder.ts';
import type { Program } from '../../microkit/pd.ts';
import { addDisk, DRIVER_PRIORITY } from '../../systems/blk.ts';
import { addTimer } from '../../systems/common-domains.ts';
import { createTestbed } from '../../systems/testbed.ts';
import { openFatOracle } from '../support/fatfs-oracle.ts';
import { RandomDiskClient } from '../support/random-disk-client.ts';

const SEED = 20_261_122;
/** Disks looked at over a whole workload, if there are more. */
const STATES_MAX = 10_000;

interface Workload {
  readonly image: Uint8Array;
  readonly program: Program;
  readonly config?: object;
  /** Called with each disk that a cut could leave. */
  readonly judge: (disk: Uint8Array) => void;
  readonly onLog?: (line: string) => void;
  /** Disks to look at where a boundary allows more. */
  readonly perBoundary: number;
}

/** @returns how many boundaries there were and how many disks were looked at */
function runWorkload(workload: Workload): { boundaries: number; states: number } {
  const sys = system({ name: 'power-cut' });
  const disk = addDisk(sys, addTimer(sys, DRIVER_PRIORITY + 1), 0, { kind: 'round-robin' });
  const { config = {} } = workload;
  const client = sys.pd('client', { program: workload.program, priority: 1, config });
  disk.addClient(client, { partition: 'whole' });
  const built = sys.build();
  if (!built.ok) throw new Error(built.errors.map((error) => error.message).join('\n'));
  const random = new Random(SEED);
  const seen = { boundaries: 0, states: 0 };
  const testbed = createTestbed({
    system: built.system,
    clock: 'virtual',
    wires: ({ ram }) => {
      const wire: VolatileCacheDisk = new VolatileCacheDisk(ram, workload.image, () => {
        seen.boundaries += 1;
        for (const state of statesOf(wire, workload.perBoundary, random)) {
          seen.states += 1;
          if (seen.states <= STATES_MAX) workload.judge(state);
        }
      });
      return { blocks: [{ wire }] };
    },
    observer: { log: (_pd, line) => workload.onLog?.(line) },
  });
  testbed.runUntilQuiet();
  return seen;
}

/**
 * All disks that a cut could leave now, or `limit` of them: none kept, all kept, and others drawn.
 */
function* statesOf(disk: VolatileCacheDisk, limit: number, random: Random): Generator<Uint8Array> {
  const dirty = disk.dirty();
  if (disk.states() <= limit) {
    for (let index = 0; index < disk.states(); index += 1) {
      const chosen = new Map<number, number>();
      let rest = index;
      for (const [sector, versions] of dirty) {
        chosen.set(sector, rest % (versions + 1));
        rest = Math.floor(rest / (versions + 1));
      }
      yield disk.afterPowerCut((sector) => chosen.get(sector) ?? 0);
    }
    return;
  }
  yield disk.afterPowerCut(() => 0);
  yield disk.afterPowerCut((_sector, versions) => versions);
  for (let drawn = 2; drawn < limit; drawn += 1) {
    yield disk.afterPowerCut((_sector, versions) => random.below(versions + 1));
  }
}

describe('random writes and flushes', () => {
  it('leave what was flushed, and whole sectors', () => {
    const blocks = 24;
    const client = new RandomDiskClient({
      seed: SEED,
      requests: 600,
      depth: 4,
      blocks,
      zeroPercent: 0,
    });
    const wrong: string[] = [];

    const seen = runWorkload({
      image: new Uint8Array(blocks * 4096),
      program: client.program,
      perBoundary: 16,
      judge: (disk) => {
        for (let block = 0; block < blocks; block += 1) {
          const fault = client.judge(block, disk.subarray(block * 4096, (block + 1) * 4096));
          if (fault !== undefined) wrong.push(`block ${block}: ${fault}`);
        }
      },
    });

    expect(client.mistakes).toEqual([]);
    expect({ seed: SEED, wrong: wrong.slice(0, 5) }).toEqual({ seed: SEED, wrong: [] });
    expect(seen.boundaries).toBeGreaterThan(300);
    expect(seen.states).toBeGreaterThan(3000);
  });

  it('are found out when a flush lies', () => {
    const client = new RandomDiskClient({
      seed: 1,
      requests: 1,
      depth: 1,
      blocks: 8,
      zeroPercent: 0,
    });
    const version = client.newVersion(3);
    client.durable[3] = version;

    expect(client.judge(3, new Uint8Array(4096))).toContain('older than what was flushed');
    const mixed = new Uint8Array(new Uint32Array(1024).fill(version).buffer);
    mixed[100] = 99;
    expect(client.judge(3, mixed)).toBe('sector 0 is mixed');
  });
});

describe('a FAT file system', () => {
  const BYTES = 512 * 1024;

  function emptyVolume(): Uint8Array {
    const image = new Uint8Array(BYTES);
    const made = fatPatches({
      startBytes: 0,
      sizeBytes: BYTES,
      sectorBytes: 512,
      label: 'CUT',
      serial: 1,
    });
    if ('problem' in made) throw new Error(made.problem);
    for (const { at, bytes } of made) image.set(bytes, at);
    return image;
  }

  it('mounts after every cut, with each file old or new', async () => {
    const random = new Random(SEED);
    const names = ['A.TXT', 'B.TXT', 'C.TXT', 'LONGER.TXT'];
    const writes = Array.from({ length: 24 }, (_, i) => {
      const name = names[random.below(names.length)] as string;
      return { name, text: `${i}-`.repeat(1 + random.below(2000)) };
    });
    const durable = new Map<string, string>();
    let done = 0;
    const wrong: string[] = [];
    const kept: Uint8Array[] = [];

    const seen = runWorkload({
      image: emptyVolume(),
      program: fatClient as Program,
      config: { commands: writes.map(({ name, text }) => `write ${name} ${text}`) },
      perBoundary: 40,
      onLog: (line) => {
        const next = writes[done];
        if (next === undefined || !line.startsWith(`${next.name}: `)) return;
        durable.set(next.name, next.text);
        done += 1;
      },
      judge: (disk) => {
        if (random.below(200) === 0) kept.push(disk.slice());
        const fault = judgeFiles(disk, durable, writes[done]);
        if (fault !== undefined) wrong.push(`after ${done} writes: ${fault}`);
      },
    });

    expect(done).toBe(writes.length);
    expect({ seed: SEED, wrong: wrong.slice(0, 5) }).toEqual({ seed: SEED, wrong: [] });
    expect(seen.states).toBeGreaterThan(2000);
    // An independent implementation mounts a sample of them too.
    for (const disk of kept) {
      const oracle = await openFatOracle(disk);
      for (const { name } of oracle.list('/')) oracle.read(name);
    }
    expect(kept.length).toBeGreaterThan(5);
  });

  /** @returns what is wrong with the files of a disk after a cut */
  function judgeFiles(
    disk: Uint8Array,
    durable: ReadonlyMap<string, string>,
    underWay: { readonly name: string; readonly text: string } | undefined,
  ): string | undefined {
    const fs = run(disk, FatFileSystem.mount(BYTES / 4096));
    const found = new Set<string>();
    for (const { name } of run(disk, fs.list('/'))) {
      found.add(name);
      const text = Buffer.from(run(disk, fs.readFile(name))).toString('latin1');
      const isOld = text === `${durable.get(name)}\n`;
      const isNew = underWay?.name === name && text === `${underWay.text}\n`;
      if (!isOld && !isNew) return `${name} is neither old nor new`;
    }
    for (const name of durable.keys()) if (!found.has(name)) return `${name} is gone`;
    return undefined;
  }
});

/** Runs a task on a plain array. */
function run<Result>(disk: Uint8Array, task: BlockTask<Result>): Result {
  let step = task.next();
  while (step.done !== true) {
    const wish = step.value;
    const from = wish.kind === 'flush' ? 0 : wish.block * 4096;
    const length = wish.kind === 'read' ? wish.count * 4096 : 0;
    step = task.next(disk.slice(from, from + length));
  }
  return step.value;
}
