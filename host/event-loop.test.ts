// The live loop: when it runs the board, when it sleeps, what wakes it. A loop that slept for ever
// where it must not would end in the runner's time-out.

import { describe, expect, it } from 'vitest';
import { LiveLoop } from './event-loop.ts';
import { hostNow } from './host-time.ts';
import type { Drivable } from './event-loop.ts';

class FakeBoard implements Drivable {
  slices = 0;
  readonly lengths: number[] = [];
  nextAt = Infinity;
  onSlice: (slice: number) => 'idle' | 'busy' = () => 'idle';

  runSlice(sliceNs: number): 'idle' | 'busy' {
    this.slices += 1;
    this.lengths.push(sliceNs);
    return this.onSlice(this.slices);
  }

  now(): number {
    return 0;
  }

  nextNeededAt(): number {
    return this.nextAt;
  }
}

describe('the live loop', () => {
  it('runs a busy board again and again', async () => {
    const board = new FakeBoard();
    const loop = new LiveLoop(board);
    board.onSlice = (slice) => {
      if (slice === 5) loop.stop();
      return 'busy';
    };
    await loop.run();

    expect(board.slices).toBe(5);
  });

  it('sleeps when the board is idle, until the host wakes it', async () => {
    const board = new FakeBoard();
    const loop = new LiveLoop(board);
    const running = loop.run();
    expect(board.slices).toBe(1);

    board.onSlice = () => {
      loop.stop();
      return 'idle';
    };
    setImmediate(() => loop.wake());
    await running;

    expect(board.slices).toBe(2);
  });

  it('does not lose a wake-up that comes while it flushes', async () => {
    const board = new FakeBoard();
    const loop = new LiveLoop(board);
    board.onSlice = (slice) => {
      if (slice === 2) loop.stop();
      return 'idle';
    };
    loop.addPort({ flush: () => loop.wake() });
    await loop.run();

    expect(board.slices).toBe(2);
  });

  it('looks again at once when an event is due soon', async () => {
    const board = new FakeBoard();
    board.nextAt = 1_000_000;
    const loop = new LiveLoop(board);
    board.onSlice = (slice) => {
      if (slice === 3) loop.stop();
      return 'idle';
    };
    await loop.run();

    expect(board.slices).toBe(3);
  });

  it('sleeps until an event that is due later', async () => {
    const board = new FakeBoard();
    board.nextAt = 5_900_000;
    const loop = new LiveLoop(board);
    const slept: number[] = [];
    let from = hostNow();
    board.onSlice = (slice) => {
      if (slice > 1) slept.push(hostNow() - from);
      if (slice === 8) loop.stop();
      // Behind a timer, a millisecond has just begun.
      from = hostNow();
      while (hostNow() - from < 700_000);
      from = hostNow();
      return 'idle';
    };
    await loop.run();

    // Never before it, wherever in its millisecond the host begins to count.
    expect(Math.min(...slept)).toBeGreaterThanOrEqual(5_900_000);
  });

  it('runs a board now and then that need not be run', async () => {
    const board = new FakeBoard();
    const loop = new LiveLoop(board);
    board.onSlice = (slice) => {
      if (slice === 2) loop.stop();
      return 'idle';
    };
    const from = hostNow();
    await loop.run();

    expect(board.slices).toBe(2);
    // Half a second, on a machine with much else to do.
    expect(hostNow() - from).toBeLessThan(10e9);
  });

  it('runs a busy board for a shorter time once, after the host has brought something', async () => {
    const board = new FakeBoard();
    const loop = new LiveLoop(board, { sliceNs: 900_000 });
    board.onSlice = (slice) => {
      // As a socket does, in between.
      if (slice === 2) loop.wake();
      if (slice === 4) loop.stop();
      return 'busy';
    };
    await loop.run();

    expect(board.lengths).toEqual([900_000, 900_000, 200_000, 900_000]);
  });

  it('runs a busy board no longer than the ports allow', async () => {
    const board = new FakeBoard();
    const loop = new LiveLoop(board);
    for (const sliceNs of [700_000, 500_000, Infinity]) loop.addPort({ sliceNs, flush: () => {} });
    board.onSlice = (slice) => {
      if (slice === 2) loop.stop();
      return 'busy';
    };
    await loop.run();

    expect(board.lengths).toEqual([500_000, 500_000]);
  });

  it('flushes every port in every turn, the last one too', async () => {
    const board = new FakeBoard();
    const loop = new LiveLoop(board);
    let flushes = 0;
    loop.addPort({ flush: () => (flushes += 1) });
    board.onSlice = (slice) => {
      if (slice === 2) loop.stop();
      return 'busy';
    };
    await loop.run();

    expect(flushes).toBe(2);
  });

  it('lets an error of the board out', async () => {
    const board = new FakeBoard();
    board.onSlice = () => {
      throw new Error('our own bug');
    };
    await expect(new LiveLoop(board).run()).rejects.toThrow('our own bug');
  });
});
