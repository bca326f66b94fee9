/**
 * The block system on the whole stack, kernel and board included, under the virtual clock: sDDF's
 * example with the messages that its continuous integration waits for, and what a person is told
 * when the disk is not as it should be.
 */

import { describe, expect, it } from 'vitest';
import { FaultyWire } from '../../board/block/faults.ts';
import { MemoryDisk } from '../../board/block/memory-disk.ts';
import type { BlockWire } from '../../board/block-wire.ts';
import { blkSystem } from '../../systems/blk.ts';
import { completeChoices } from '../../systems/system.ts';
import { createTestbed, type Testbed, type WireParts } from '../../systems/testbed.ts';

function run(
  choices: Readonly<Record<string, string>>,
  disks: (parts: WireParts) => readonly BlockWire[],
): { testbed: Testbed; lines: string[] } {
  const built = blkSystem.build(completeChoices(blkSystem, choices));
  if (!built.ok) throw new Error(built.errors.map((error) => error.message).join('\n'));
  const lines: string[] = [];
  const testbed = createTestbed({
    system: built.system,
    clock: 'virtual',
    counters: blkSystem.counters ?? {},
    wires: (parts) => ({ blocks: disks(parts).map((wire) => ({ wire })) }),
    observer: { log: (pd, line) => lines.push(`${pd}: ${line}`) },
  });
  testbed.runUntilQuiet();
  return { testbed, lines };
}

describe('the check client', () => {
  it("says what sDDF's example says", () => {
    const { lines, testbed } = run({}, ({ ram }) => [new MemoryDisk(ram, 4 << 20)]);

    const said = lines.filter((line) => line.startsWith('client: CLIENT'));
    expect(said).toEqual([
      'client: CLIENT|INFO: starting',
      'client: CLIENT|INFO: device config ready',
      'client: CLIENT|INFO: device size: 0x400000 bytes',
      'client: CLIENT|INFO: basic: STATE_START state',
      'client: CLIENT|INFO: basic: STATE_ENQUEUE_READ state',
      'client: CLIENT|INFO: basic: STATE_CHECK_READ state',
      'client: CLIENT|INFO: basic: successfully finished!',
    ]);
    expect(testbed.board.lint.entries()).toEqual([]);
    expect(testbed.counters().programs['blk_virt']).toMatchObject({ requests: 2, errors: 0 });
  });

  it('works on several disks at once', () => {
    const { lines } = run({ disks: '3' }, ({ ram }) =>
      [1, 2, 3].map(() => new MemoryDisk(ram, 1 << 20)),
    );
    const finished = lines.filter((line) => line.endsWith('successfully finished!'));
    expect(finished.map((line) => line.split(':')[0]).toSorted()).toEqual([
      'client',
      'client1',
      'client2',
    ]);
  });

  it('is told that there is no device when its partition is missing', () => {
    const { lines } = run({ partition: '0' }, ({ ram }) => [new MemoryDisk(ram, 1 << 20)]);

    expect(lines.join('\n')).toContain(
      "no device for client 'client': there is no partition table",
    );
    expect(lines.join('\n')).toContain('CLIENT|ERROR: basic: failed: no device');
  });
});

describe('a disk with a fault', () => {
  it('whose request never completes is reset after a while, and the client is told', () => {
    const { lines, testbed } = run({}, ({ ram }) => [
      new FaultyWire(new MemoryDisk(ram, 1 << 20), [{ kind: 'stuck', sector: 0 }]),
    ]);
    const said = lines.join('\n');

    expect(said).toContain('BLK DRIVER|WARN: reset: 1 requests are not answered');
    expect(said).toContain('CLIENT|ERROR: basic: failed: status 3, 0 blocks done');
    expect(testbed.now()).toBeGreaterThan(10e9);
    expect(testbed.counters().programs['blk_driver']).toMatchObject({ resets: 1 });
  });

  it('that cannot be written fails the request with the blocks that were done', () => {
    const { lines } = run({}, ({ ram }) => [
      new FaultyWire(new MemoryDisk(ram, 1 << 20), [{ kind: 'dead-sector', sector: 9 }]),
    ]);
    expect(lines.join('\n')).toContain('CLIENT|ERROR: basic: failed: status 3, 1 blocks done');
  });

  it('whose errors pass is none for the client', () => {
    const { lines } = run({}, ({ ram }) => [
      new FaultyWire(new MemoryDisk(ram, 1 << 20), [
        { kind: 'transient-error', sector: 9, times: 2 },
      ]),
    ]);
    expect(lines.join('\n')).toContain('successfully finished!');
  });
});

it('gives the same counters every time', () => {
  const once = (): string =>
    JSON.stringify(run({}, ({ ram }) => [new MemoryDisk(ram, 1 << 20)]).testbed.counters());
  expect(once()).toBe(once());
});
