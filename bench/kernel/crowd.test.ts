/**
 * Crowds for the kernel benchmarks: as many objects, threads and priorities as asked for, and
 * nothing left behind.
 */

import { describe, expect, it } from 'vitest';
import { bootRig, RIG_PRIORITY } from '../kernel-rig.ts';
import { type Crowd, CROWD_ROOT_BITS, CrowdMaker } from './crowd.ts';

/** What the kernel holds while a crowd is there, and after it has been taken away. */
function whatIsThere(crowd: Crowd): {
  readonly made: number;
  readonly ready: readonly number[];
  readonly after: readonly number[];
} {
  let made = 0;
  let ready: readonly number[] = [];
  let after: readonly number[] = [];
  const rig = bootRig({
    clock: 'host',
    images: [],
    rootCNodeSizeBits: CROWD_ROOT_BITS,
    body: (thread) => {
      const crowds = new CrowdMaker(thread);
      thread.lowerOwnPriority();
      const before = rig.kernel.state.objectsMade;
      crowds.make(crowd);
      made = rig.kernel.state.objectsMade - before;
      ready = readyPriorities();
      crowds.remove();
      after = readyPriorities();
      crowds.make(crowd);
      crowds.remove();
    },
  });
  const readyPriorities = (): number[] => {
    const found: number[] = [];
    for (let priority = 0; priority < 256; priority += 1) {
      let tcb = rig.kernel.state.readyHead[priority] ?? null;
      for (; tcb !== null; tcb = tcb.queueNext) found.push(priority);
    }
    return found;
  };
  rig.run(Infinity);
  return { made, ready, after };
}

describe('a crowd for the benchmarks', () => {
  it('makes as many objects as it is told, more than one retype can, and no thread', () => {
    expect(whatIsThere({ objects: 700 })).toEqual({ made: 700, ready: [], after: [] });
  });

  it('makes ready threads of one priority, each with its scheduling context', () => {
    const { made, ready, after } = whatIsThere({ threads: 300 });
    expect(made).toBe(600);
    expect(ready).toEqual(Array.from({ length: 300 }, () => RIG_PRIORITY - 1));
    expect(after).toEqual([]);
  });

  it('makes one ready thread at each priority', () => {
    const { ready, after } = whatIsThere({ priorities: 99 });
    expect(ready).toEqual(Array.from({ length: 99 }, (_, i) => i + 1));
    expect(after).toEqual([]);
  });
});
