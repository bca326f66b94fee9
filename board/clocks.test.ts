/** Both clocks: order of events, moving and cancelling, and that time never goes back. */

import { describe, expect, it } from 'vitest';
import type { Clock, ClockEvent } from './clock.ts';
import { HostClock } from './host-clock.ts';
import { VirtualClock } from './virtual-clock.ts';

function recorder(): { readonly log: string[]; event(name: string): ClockEvent } {
  const log: string[] = [];
  return { log, event: (name) => ({ fire: (nowNs) => log.push(`${name}@${nowNs}`) }) };
}

/** A clock at 0 and a way to let time pass. */
const CLOCKS: Record<string, () => { clock: Clock; pass(deltaNs: number): void }> = {
  'virtual clock': () => {
    const clock = new VirtualClock();
    return { clock, pass: (deltaNs) => clock.charge(deltaNs) };
  },
  'host clock': () => {
    let hostNs = 5_000_000;
    const clock = new HostClock(() => hostNs);
    return {
      clock,
      pass: (deltaNs) => {
        hostNs += deltaNs;
      },
    };
  },
};

for (const [name, make] of Object.entries(CLOCKS)) {
  describe(name, () => {
    it('fires what is due, by time, and of one time in the order scheduled', () => {
      const { clock, pass } = make();
      const { log, event } = recorder();
      clock.schedule(event('late'), 30);
      clock.schedule(event('first'), 20);
      clock.schedule(event('second'), 20);
      clock.schedule(event('early'), 10);
      clock.schedule(event('third'), 20);
      pass(20);

      expect(clock.fireDue()).toBe(4);
      expect(log).toEqual(['early@20', 'first@20', 'second@20', 'third@20']);
      expect(clock.nextEventAt()).toBe(30);
    });

    it('moves an event that is scheduled again, behind those of its new time', () => {
      const { clock, pass } = make();
      const { log, event } = recorder();
      const moved = event('moved');
      clock.schedule(moved, 5);
      clock.schedule(event('other'), 10);
      clock.schedule(moved, 10);
      pass(10);

      expect(clock.fireDue()).toBe(2);
      expect(log).toEqual(['other@10', 'moved@10']);
    });

    it('cancels', () => {
      const { clock, pass } = make();
      const { log, event } = recorder();
      const cancelled = event('cancelled');
      clock.schedule(cancelled, 5);
      clock.schedule(event('kept'), 6);
      clock.cancel(cancelled);
      clock.cancel(cancelled);
      pass(10);

      expect(clock.fireDue()).toBe(1);
      expect(log).toEqual(['kept@10']);
      expect(clock.nextEventAt()).toBe(Infinity);
    });

    it('takes an event off the schedule for the time Infinity', () => {
      const { clock } = make();
      const { event } = recorder();
      const once = event('once');
      clock.schedule(once, 5);
      clock.schedule(once, Infinity);
      expect(clock.nextEventAt()).toBe(Infinity);
    });
  });
}

describe('virtual clock', () => {
  it('fires each event on the way at its own time', () => {
    const clock = new VirtualClock();
    const { log, event } = recorder();
    clock.schedule(event('b'), 25);
    clock.schedule(event('a'), 7);

    expect(clock.runUntil(100)).toBe(2);
    expect(log).toEqual(['a@7', 'b@25']);
    expect(clock.now()).toBe(100);
  });

  it('fires events that events schedule, if they are on the way', () => {
    const clock = new VirtualClock();
    const { log, event } = recorder();
    const chained = event('chained');
    clock.schedule({ fire: (nowNs) => clock.schedule(chained, nowNs + 10) }, 5);

    expect(clock.runUntil(14)).toBe(1);
    expect(log).toEqual([]);
    expect(clock.runUntil(15)).toBe(1);
    expect(log).toEqual(['chained@15']);
  });

  it('refuses to go back', () => {
    const clock = new VirtualClock();
    clock.charge(10);
    expect(() => clock.charge(-1)).toThrow('time never goes back');
    expect(() => clock.runUntil(9)).toThrow('time never goes back');
  });

  it('notices when time stands still', () => {
    const clock = new VirtualClock();
    const again: ClockEvent = { fire: (nowNs) => clock.schedule(again, nowNs) };
    clock.schedule(again, 0);
    expect(() => clock.fireDue()).toThrow('time stands still');
  });

  it('keeps the order of a thousand events scheduled in any order', () => {
    const clock = new VirtualClock();
    const fired: number[] = [];
    for (let i = 0; i < 1000; i++) {
      const at = (i * 379) % 101;
      clock.schedule({ fire: () => fired.push(at * 1000 + i) }, at);
    }
    expect(clock.runUntil(101)).toBe(1000);
    expect(fired).toEqual([...fired].sort((a, b) => a - b));
  });
});

describe('host clock', () => {
  it('answers a cached time, read anew at a turn and after many calls', () => {
    let hostNs = 1_000;
    let reads = 0;
    const clock = new HostClock(() => {
      reads += 1;
      return hostNs;
    });
    hostNs = 1_500;
    expect(clock.now()).toBe(0);
    expect(clock.refresh()).toBe(500);
    hostNs = 1_700;
    const before = reads;
    let calls = 0;
    while (clock.now() === 500) calls += 1;
    expect(calls).toBe(HostClock.CALLS_PER_READ - 1);
    expect(reads).toBe(before + 1);
    expect(clock.now()).toBe(700);
  });

  it('stands still when the host goes back', () => {
    let hostNs = 1_000;
    const clock = new HostClock(() => hostNs);
    hostNs = 2_000;
    clock.refresh();
    hostNs = 1_200;
    expect(clock.refresh()).toBe(1_000);
  });

  it('leaves an event that asks for a later time to the next turn', () => {
    let hostNs = 0;
    const clock = new HostClock(() => hostNs);
    let fired = 0;
    const again: ClockEvent = {
      fire: (nowNs) => {
        fired += 1;
        clock.schedule(again, nowNs + 1);
      },
    };
    clock.schedule(again, 0);
    expect(clock.fireDue()).toBe(1);
    hostNs = 10;
    expect(clock.fireDue()).toBe(1);
    expect(fired).toBe(2);
  });

  it('ignores charges', () => {
    const clock: Clock = new HostClock(() => 0);
    clock.charge(100);
    expect(clock.now()).toBe(0);
  });
});
