// Goal: where somebody may type, a run under the host clock gives the host its turn sooner. Method:
// a testbed that only notes how long its slices are.

import { expect, it } from 'vitest';
import { LiveLoop, TYPED_SLICE_NS } from '../../host/event-loop.ts';
import type { Testbed } from '../../systems/testbed.ts';
import { SerialAttachments } from '../serial/attachments.ts';
import type { SerialOptions } from '../serial/options.ts';
import { driveLive, makeLoop } from './drive.ts';

async function slicesOf(kind: 'host' | 'virtual', sliceNs: number): Promise<readonly number[]> {
  const lengths: number[] = [];
  const board = {
    board: { clock: { kind } },
    now: () => 0,
    nextNeededAt: () => Infinity,
    runSlice: (length: number): 'busy' => {
      if (lengths.push(length) === 2) loop.stop();
      return 'busy';
    },
  };
  const loop = new LiveLoop(board);
  await driveLive({
    testbed: board as unknown as Testbed,
    loop,
    runUntil: () => 'time',
    heldNs: () => 0,
    interrupt: { requested: false, onRequest: () => {} },
    port: { sliceNs, flush: () => {} },
    input: () => 'more',
  });
  return lengths;
}

it('gives the host its turn as soon as a port of the run asks, under the host clock alone', async () => {
  expect(await slicesOf('host', 300_000)).toEqual([300_000, 300_000]);
  expect(await slicesOf('virtual', 300_000)).toEqual([1_000_000, 1_000_000]);
});

it('lets a virtual clock that is behind catch up, though the host brings something in each turn', async () => {
  const behindNs = 50_000_000;
  let nowNs = 0;
  let heldNs = 0;
  let turns = 0;
  const testbed = { now: () => nowNs, nextEventAt: () => nowNs } as unknown as Testbed;
  const runUntil = (atNs: number): 'time' => {
    nowNs = atNs;
    return 'time';
  };
  const loop = makeLoop({ testbed, runUntil, heldNs: () => heldNs, forNs: behindNs }, 'virtual');
  loop.addPort({
    flush: () => {
      turns += 1;
      loop.wake();
      if (nowNs >= behindNs) loop.stop();
    },
  });
  heldNs = -behindNs;
  await loop.run();

  expect(nowNs).toBe(behindNs);
  // 250, were the longest time to an answer one of the virtual clock's.
  expect(turns).toBeLessThan(100);
});

function sliceOf(serial: SerialOptions): number {
  const line = {
    serial,
    uart: 'ns16550a',
    rate: 'fast',
    clock: 'host',
    onNotice: () => {},
  } as const;
  return new SerialAttachments([line]).sliceNs;
}

it('asks for short slices where somebody may type, not where a file is read', () => {
  expect(sliceOf({ kind: 'pty' })).toBe(TYPED_SLICE_NS);
  expect(sliceOf({ kind: 'stdio' })).toBe(TYPED_SLICE_NS);
  expect(sliceOf({ kind: 'none' })).toBe(Infinity);
});
