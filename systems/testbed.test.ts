/**
 * Small systems on the whole stack: board, kernel, initialiser, runtime, under the virtual clock.
 * What is asserted is what a program and a person see: order of events, output, counters.
 */

import { describe, expect, it } from 'vitest';
import { RAM_BASE } from '../memory/ram.ts';
import { type PdBuilder, system, type SystemBuilder } from '../microkit/builder.ts';
import type { EntryPoints, ProtectionDomain } from '../microkit/pd.ts';
import { messageInfo, messageLabel } from '../microkit/pd.ts';
import { ObserverFailure } from './observer.ts';
import { createTestbed, type Testbed, TestbedError } from './testbed.ts';

type Main = (pd: ProtectionDomain<never>) => EntryPoints;

interface Harness {
  readonly sys: SystemBuilder;
  readonly lines: string[];
  readonly faults: string[];
  pd(name: string, priority: number, main: Main, more?: object): PdBuilder;
  run(): Testbed;
}

/** A system under construction whose output is collected. */
function harness(): Harness {
  const sys = system({ name: 'test' });
  const lines: string[] = [];
  const faults: string[] = [];
  return {
    sys,
    lines,
    faults,
    pd: (name, priority, main, more = {}) => sys.pd(name, { program: main, priority, ...more }),
    run: () => {
      const built = sys.build();
      if (!built.ok) throw new Error(built.errors.map((error) => error.message).join('\n'));
      const testbed = createTestbed({
        system: built.system,
        clock: 'virtual',
        observer: {
          log: (pd, line) => lines.push(pd === 'monitor' ? line : `${pd}: ${line}`),
          faulted: (pd, fault) => faults.push(`${pd} ${fault.label}`),
        },
      });
      testbed.runUntilQuiet();
      return testbed;
    },
  };
}

const idle: EntryPoints = { notified: () => undefined };

describe('a protection domain', () => {
  it('runs init and prints', () => {
    const { pd, run, lines } = harness();
    pd('hello', 10, (self) => {
      self.log('hello, world');
      return idle;
    });

    run();

    expect(lines).toEqual(['MON|INFO: Microkit Monitor started!', 'hello: hello, world']);
  });

  it('runs inits in the order of priorities', () => {
    const { pd, run, lines } = harness();
    const say: Main = (self) => {
      self.log('init');
      return idle;
    };
    pd('low', 5, say);
    pd('high', 200, say);
    pd('middle', 100, say);

    run();

    expect(lines.slice(1)).toEqual(['high: init', 'middle: init', 'low: init']);
  });
});

describe('notifications', () => {
  it('lets a peer of higher priority run before notify returns, and one of lower priority after', () => {
    const { sys, pd, run, lines } = harness();
    const listener: Main = (self) => ({ notified: (ch) => self.log(`notified ${ch}`) });
    const high = pd('high', 200, listener);
    const low = pd('low', 5, listener);
    const middle = pd('middle', 100, (self) => {
      self.log('before');
      self.notify(1);
      self.notify(0);
      self.log('after');
      return idle;
    });
    sys.channel(middle, high, { a: { id: 0 }, b: { id: 7 } });
    sys.channel(middle, low, { a: { id: 1 }, b: { id: 61 } });

    run();

    expect(lines.slice(1)).toEqual([
      'middle: before',
      'high: notified 7',
      'middle: after',
      'low: notified 61',
    ]);
  });

  it('coalesce while the receiver does not run, and arrive lowest channel first', () => {
    const { sys, pd, run, lines } = harness();
    const low = pd('low', 5, (self) => ({ notified: (ch) => self.log(`notified ${ch}`) }));
    const high = pd('high', 100, (self) => {
      for (const ch of [2, 0, 1, 2]) self.notify(ch);
      return idle;
    });
    sys.channel(high, low, { a: { id: 0 }, b: { id: 40 } });
    sys.channel(high, low, { a: { id: 1 }, b: { id: 3 } });
    sys.channel(high, low, { a: { id: 2 }, b: { id: 31 } });

    const testbed = run();

    expect(lines.slice(1)).toEqual(['low: notified 3', 'low: notified 31', 'low: notified 40']);
    expect(testbed.counters().pds['low']).toMatchObject({ wakeUps: 1, notified: 3 });
    expect(testbed.counters().pds['high']).toMatchObject({ notifies: 4 });
  });

  it('bounce between two domains a thousand times without growing the stack', () => {
    const { sys, pd, run } = harness();
    let count = 0;
    const ping = pd('ping', 10, (self) => {
      self.notify(0);
      return {
        notified: () => {
          if (count < 1000) self.notify(0);
        },
      };
    });
    const pong = pd('pong', 20, (self) => ({
      notified: () => {
        count++;
        self.deferredNotify(0);
      },
    }));
    sys.channel(ping, pong, { a: { id: 0 }, b: { id: 0 } });

    const testbed = run();

    expect(count).toBe(1000);
    expect(testbed.counters().pds['pong']).toMatchObject({ deferred: 1000 });
  });
});

describe('protected calls', () => {
  it('run the callee, give it the arguments and the caller the reply', () => {
    const { sys, pd, run, lines } = harness();
    const server = pd('server', 200, (self) => ({
      notified: () => undefined,
      protected: (ch, message) => {
        self.log(`call ${ch} label ${messageLabel(message)}`);
        self.setMr(0, self.mr(0) + self.mr(5));
        return messageInfo(3, 1);
      },
    }));
    const client = pd('client', 10, (self) => {
      self.setMr(0, 40);
      self.setMr(5, 2);
      const reply = self.ppcall(1, messageInfo(9, 6));
      self.log(`reply ${messageLabel(reply)} ${self.mr(0)}`);
      return idle;
    });
    sys.channel(client, server, { a: { id: 1, pp: true }, b: { id: 8 } });

    run();

    expect(lines.slice(1)).toEqual(['server: call 8 label 9', 'client: reply 3 42']);
  });

  it('run a passive callee on the time of the caller', () => {
    const { sys, pd, run, lines } = harness();
    const server = pd(
      'server',
      200,
      (self) => ({
        notified: (ch) => self.log(`notified ${ch}`),
        protected: () => {
          self.log('called');
          return messageInfo(0, 0);
        },
      }),
      { passive: true },
    );
    const client = pd('client', 10, (self) => {
      self.ppcall(0, messageInfo(0, 0));
      self.notify(0);
      self.ppcall(0, messageInfo(0, 0));
      return idle;
    });
    sys.channel(client, server, { a: { id: 0, pp: true }, b: { id: 4 } });

    run();

    expect(lines).toEqual([
      'MON|INFO: Microkit Monitor started!',
      "MON|INFO: PD 'server' is now passive!",
      'server: called',
      'server: notified 4',
      'server: called',
    ]);
  });
});

describe('memory', () => {
  it('is shared by those who map it, and read-only where the description says so', () => {
    const { sys, pd, run, lines, faults } = harness();
    const reader = pd('reader', 10, (self) => ({
      notified: () => {
        self.log(`read ${self.readonlyRegion('shared').read32(4092).toString(16)}`);
        expect(() => self.region('shared')).toThrow("may not write region 'shared'");
      },
    }));
    const writer = pd('writer', 5, (self) => {
      self.region('shared').write32(4092, 0xcafe);
      self.notify(0);
      return idle;
    });
    const shared = sys.region('shared', { size: '8K' });
    reader.map(shared, { perms: 'r' });
    writer.map(shared, { perms: 'rw' });
    sys.channel(writer, reader, { a: { id: 0 }, b: { id: 0 } });

    run();

    expect(lines.slice(1)).toEqual(['reader: read cafe']);
    expect(faults).toEqual([]);
  });

  it('cannot be named by whom it is not mapped to', () => {
    const { sys, pd, run, lines, faults } = harness();
    const owner = pd('owner', 10, () => idle);
    pd('stranger', 5, (self) => {
      self.region('secret');
      return idle;
    });
    owner.map(sys.region('secret', { size: '4K' }));

    run();

    expect(faults).toEqual(['stranger 3']);
    expect(lines.join('\n')).toContain("stranger: no region 'secret' is mapped");
  });

  it('holds the file that fills it, in small and large pages, and its address in a variable', () => {
    const { sys, pd, run, lines } = harness();
    const bytes = new Uint8Array(5000).map((_, i) => i & 0xff);
    const reader = pd('reader', 10, (self) => {
      const small = self.readonlyRegion('small');
      const large = self.readonlyRegion('large');
      self.log(`${small.read8(4999)} ${small.read8(5000)} ${large.read8(4097)}`);
      self.log(`${self.vars['size']} ${self.vars['where']} ${self.vars['prefill']}`);
      self.log(`${(self.vars['paddr'] ?? 0) % 0x20_0000}`);
      return idle;
    });
    const prefill = { path: 'data.bin', bytes };
    reader.map(sys.region('small', { size: '8K', prefill }), {
      perms: 'r',
      vaddr: 0x3000_0000,
      setvarSize: 'size',
      setvarVaddr: 'where',
      setvarPrefillSize: 'prefill',
    });
    const large = sys.region('large', { size: '2M', pageSize: 0x20_0000, prefill });
    reader.map(large, { perms: 'r' });
    reader.setvar('paddr', large);

    run();

    expect(lines.slice(1)).toEqual([
      'reader: 135 0 1',
      `reader: 8192 ${0x3000_0000} 5000`,
      'reader: 0',
    ]);
  });

  it('lies at the physical address that the description fixes', () => {
    const { sys, pd, run, lines } = harness();
    const owner = pd('owner', 10, (self) => {
      self.log(`${(self.vars['paddr'] ?? 0).toString(16)}`);
      return idle;
    });
    const fixed = sys.region('fixed', { size: '64K', physAddr: 0x8300_0000 });
    owner.map(fixed);
    owner.setvar('paddr', fixed);

    run();

    expect(lines.slice(1)).toEqual(['owner: 83000000']);
  });

  it.each([
    [
      { vaddr: 0x20_1000 },
      "map at 0x201000..0x202000 lies over the program image's pages 0x200000..0x202000",
    ],
    [{ vaddr: 0x1f_f000 }, undefined],
    [{ vaddr: 0x20_2000 }, undefined],
  ])("does not lie over its program's image: %j", (where, problem) => {
    const { sys, pd, run } = harness();
    pd('owner', 10, () => idle).map(sys.region('data', { size: '4K' }), where);

    if (problem === undefined) expect(() => run()).not.toThrow();
    else expect(() => run()).toThrow(`memory region 'data' of 'owner': its ${problem}`);
  });

  it("does not lie over the kernel's RAM, at the end of the board's", () => {
    const { sys, pd, run } = harness();
    const last = sys.region('last', { size: '4K', physAddr: RAM_BASE + 0x6fff_f000 });
    pd('owner', 10, () => idle).map(last);

    expect(() => run()).toThrow(
      /memory region 'last' at 0xeffff000: lies over the kernel's RAM 0x[0-9a-f]+\.\.0xf0000000/,
    );
  });
});

describe('faults', () => {
  it('of a root domain are printed by the monitor with name, kind and address, and block it for good', () => {
    const { sys, pd, run, lines, faults } = harness();
    const crasher = pd('crasher', 10, (self) => {
      const region = self.region('data');
      return { notified: () => region.write8(0x1000, 1) };
    });
    const other = pd('other', 5, (self) => {
      self.notify(0);
      self.notify(0);
      self.log('still here');
      return idle;
    });
    crasher.map(sys.region('data', { size: '4K' }), { vaddr: 0x2000_0000 });
    sys.channel(other, crasher, { a: { id: 0 }, b: { id: 0 } });

    const testbed = run();

    const report = lines.join('\n');
    expect(report).toContain('MON|ERROR: faulting PD: crasher');
    expect(report).toContain('fault_addr=0x20001000');
    expect(report).toContain('store access fault');
    expect(faults).toEqual(['crasher 6']);
    expect(lines.at(-1)).toBe('other: still here');
    expect(testbed.counters().pds['crasher']).toMatchObject({ wakeUps: 1, exceptions: 1 });
  });

  it('of a child go to its parent, which may restart it nine times and then stop it', () => {
    const { sys, pd, run, lines, faults } = harness();
    let starts = 0;
    const parent = pd('parent', 50, (self) => {
      let restarts = 0;
      return {
        notified: () => undefined,
        fault: (child, fault) => {
          self.log(`fault ${fault.label} of ${child}`);
          if (restarts++ < 9) self.restart(child);
          else self.stop(child);
          return 'stay';
        },
      };
    });
    parent.child('child', {
      priority: 40,
      id: 12,
      program: (self: ProtectionDomain<never>) => {
        starts++;
        self.log('starting');
        throw new Error('crash');
      },
    });
    void sys;

    run();

    expect(starts).toBe(10);
    expect(lines.filter((line) => line === 'parent: fault 3 of 12')).toHaveLength(10);
    expect(faults).toEqual([]);
  });

  it('of a child may be answered: the entry point that was cut off runs again', () => {
    const { pd, run, lines } = harness();
    let broken = true;
    const parent = pd('parent', 50, () => ({
      notified: () => undefined,
      fault: () => {
        broken = false;
        return 'resume';
      },
    }));
    parent.child('child', {
      priority: 40,
      program: (self: ProtectionDomain<never>) => {
        if (broken) throw new Error('crash');
        self.log('well');
        return idle;
      },
    });

    run();

    expect(lines.at(-1)).toBe('child: well');
  });
});

describe('budgets', () => {
  /**
   * A domain of high priority that makes `signals` system calls in one go, each of them to wake one
   * of low priority.
   */
  function hogAndOther(budget: { budget: number; period: number }, signals: number) {
    const { sys, pd, run, lines } = harness();
    const hog = pd(
      'hog',
      200,
      (self) => ({
        notified: () => {
          for (let i = 0; i < signals; i++) self.notify(1);
          self.log('done');
        },
      }),
      budget,
    );
    let turns = 0;
    const other = pd('other', 5, (self) => ({
      notified: () => {
        if (turns++ === 0) self.log('my turn');
      },
    }));
    const starter = pd('starter', 10, (self) => {
      self.notify(0);
      return idle;
    });
    sys.channel(starter, hog, { a: { id: 0 }, b: { id: 0 } });
    sys.channel(hog, other, { a: { id: 1 }, b: { id: 0 } });
    const testbed = run();
    return { lines: lines.slice(1), turns, spentNs: testbed.now() };
  }

  it('of the whole processor let a domain of high priority finish first', () => {
    const { lines, turns } = hogAndOther({ budget: 1000, period: 1000 }, 20_000);

    expect(lines).toEqual(['hog: done', 'other: my turn']);
    expect(turns).toBe(1);
  });

  it('end the turn of a domain in the middle of its handler, until its period is over', () => {
    const whole = hogAndOther({ budget: 1000, period: 1000 }, 20_000);
    const tenth = hogAndOther({ budget: 1000, period: 10_000 }, 20_000);

    expect(tenth.lines).toEqual(['other: my turn', 'hog: done']);
    expect(tenth.turns).toBeGreaterThan(2);
    // Several milliseconds of work at one in ten.
    expect(tenth.spentNs).toBeGreaterThan(5 * whole.spentNs);
  });
});

describe('the host clock', () => {
  it('runs the same system, slice by slice, until nothing is left to do', () => {
    const sys = system({ name: 'live' });
    let rounds = 0;
    const ping = sys.pd('ping', {
      priority: 10,
      program: (self) => {
        self.notify(0);
        return {
          notified: () => {
            if (rounds < 100) self.notify(0);
          },
        };
      },
    });
    const pong = sys.pd('pong', {
      priority: 20,
      program: (self) => ({
        notified: () => {
          rounds++;
          self.deferredNotify(0);
        },
      }),
    });
    sys.channel(ping, pong, { a: { id: 0 }, b: { id: 0 } });
    const built = sys.build();
    if (!built.ok) throw new Error('builds');

    const testbed = createTestbed({ system: built.system, clock: 'host' });
    while (testbed.runSlice(1_000_000) === 'busy');

    expect(rounds).toBe(100);
    expect(testbed.nextEventAt()).toBe(Infinity);
  });
});

describe('boot', () => {
  it('ends with one line that says what was refused and for whom', () => {
    const { sys, pd } = harness();
    const owner = pd('owner', 10, () => idle);
    owner.map(sys.region('huge', { size: '1G' }), { perms: 'r' });
    const built = sys.build();
    if (!built.ok) throw new Error('builds');

    const create = (): Testbed => createTestbed({ system: built.system, clock: 'virtual' });

    expect(create).toThrow(TestbedError);
    expect(create).toThrow(
      /^system 'test' cannot be built: memory region 'huge': no untyped has \d+ contiguous bytes left in the board's \d+ MiB of RAM$/,
    );
  });

  it('refuses an address at which the board has nothing', () => {
    const { sys, pd } = harness();
    pd('owner', 10, () => idle).map(sys.region('nowhere', { size: '4K', physAddr: 0x5000_0000 }));
    const built = sys.build();
    if (!built.ok) throw new Error('builds');

    expect(() => createTestbed({ system: built.system, clock: 'virtual' })).toThrow(
      "memory region 'nowhere' at 0x50000000: the board has neither RAM nor a device there",
    );
  });

  it('gives the same counters every time', () => {
    const once = (): string => {
      const { sys, pd, run } = harness();
      const server = pd('server', 200, () => ({
        notified: () => undefined,
        protected: (_ch, message) => message,
      }));
      const client = pd('client', 10, (self) => {
        for (let i = 0; i < 100; i++) self.ppcall(0, messageInfo(i, 4));
        return idle;
      });
      sys.channel(client, server, { a: { id: 0, pp: true }, b: { id: 0 } });
      return JSON.stringify(run().counters());
    };

    expect(once()).toBe(once());
  });
});

describe('an observer that throws', () => {
  it.each(['log', 'faulted'] as const)('ends the run in its own name: %s', (call) => {
    const sys = system({ name: 'test' });
    sys.pd('broken', {
      priority: 10,
      program: () => {
        throw new Error('the program gives up');
      },
    });
    const built = sys.build();
    if (!built.ok) throw new Error('the description is right');
    const observer = {
      log: () => undefined,
      [call]: () => {
        throw new TypeError('no such panel');
      },
    };

    const run = (): void =>
      createTestbed({ system: built.system, clock: 'virtual', observer }).runUntilQuiet();

    expect(run).toThrow(new ObserverFailure(call, new TypeError('no such panel')));
  });
});
