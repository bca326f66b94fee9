/**
 * Authority of a running system: after boot kernel objects come into being by retype alone, and a
 * domain reaches what its description gives it and nothing else.
 */

import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  OBJECT_4K_PAGE,
  OBJECT_GIGA_PAGE,
  OBJECT_MEGA_PAGE,
  OBJECT_UNTYPED,
  UNTYPED_RETYPE,
} from '../../kernel/abi.ts';
import type { Tcb } from '../../kernel/objects/objects.ts';
import { RootTask } from '../../microkit/initialiser/root-task.ts';
import { system } from '../../microkit/builder.ts';
import { echoTestbed } from '../support/echo-testbed.ts';
import { traced } from '../support/traced-program.ts';
import { CLIENT0, payload, udpFrame } from '../support/udp-frames.ts';
import { createTestbed } from '../../systems/testbed.ts';

/** What retype makes that is memory and no kernel object. */
const MEMORY = new Set([OBJECT_UNTYPED, OBJECT_4K_PAGE, OBJECT_MEGA_PAGE, OBJECT_GIGA_PAGE]);

/** Counts the kernel objects that the initialiser asks for. */
function countRetypes(): { objects: number } {
  const count = { objects: 0 };
  const invoke = RootTask.prototype.invoke;
  vi.spyOn(RootTask.prototype, 'invoke').mockImplementation(function (
    this: RootTask,
    what,
    cptr,
    label,
    extraCaps,
    length,
  ) {
    if (label === UNTYPED_RETYPE && !MEMORY.has(this.calls.word(0))) {
      count.objects += this.calls.word(5);
    }
    invoke.call(this, what, cptr, label, extraCaps, length);
  });
  return count;
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('kernel objects', () => {
  it('are made by the retypes of the initialiser, and by nothing else, ever', () => {
    const retyped = countRetypes();
    const { testbed, link, received } = echoTestbed();
    const afterBoot = testbed.kernel.state.objectsMade;
    testbed.runUntilQuiet();
    for (let i = 0; i < 100; i++) {
      const frame = udpFrame({ ...CLIENT0, targetPort: 7, payload: payload(100, i) });
      link.send(frame, 0, frame.length);
      testbed.runUntilQuiet();
    }

    expect(received()).toHaveLength(100);
    expect(retyped.objects).toBeGreaterThan(50);
    expect(afterBoot).toBe(retyped.objects);
    expect(testbed.kernel.state.objectsMade).toBe(afterBoot);
  });
});

/** What a domain's own CNode holds: "slot kind rights badge", in the order of slots. */
function capabilitiesOf(tcb: Tcb): string[] {
  const root = tcb.ctable.cap;
  if (root.kind !== 'cnode') throw new Error('a domain has a root CNode');
  const own = root.cnode.slotAt(0).cap;
  if (own.kind !== 'cnode') throw new Error('slot 0 of the root CNode holds the own CNode');
  const held: string[] = [];
  for (let slot = 0; slot < 2 ** own.cnode.radix; slot++) {
    const { cap } = own.cnode.slotAt(slot);
    if (cap.kind === 'null') continue;
    const badged = cap.kind === 'notification' || cap.kind === 'endpoint';
    const badge = (high: number, low: number): string => `${high.toString(16)}:${low.toString(16)}`;
    held.push(
      badged
        ? `${slot} ${cap.kind} ${cap.rights} ${badge(cap.badgeHigh, cap.badgeLow)}`
        : `${slot} ${cap.kind}`,
    );
  }
  for (let slot = 1; slot < 64; slot++) {
    expect(root.cnode.slotAt(slot).cap.kind).toBe('null');
  }
  return held;
}

describe('a domain', () => {
  it('holds the capabilities that its description gives it, and no others', () => {
    const held = new Map<string, string[]>();
    const bed = echoTestbed({
      change: (description) =>
        traced(description, (line) => {
          const name = line.split(':')[0] as string;
          if (phase === 'running' && !held.has(name)) {
            held.set(name, capabilitiesOf(bed.testbed.kernel.state.current));
          }
        }),
    });
    let phase: 'boot' | 'running' = 'boot';
    bed.testbed.runUntilQuiet();
    phase = 'running';
    const frame = udpFrame({ ...CLIENT0, targetPort: 7, payload: payload(100, 1) });
    bed.link.send(frame, 0, frame.length);
    bed.testbed.runUntilQuiet();

    // Rights: 1 write (signal, send), 2 read (wait, receive), 8 grant-reply. Badges: high half, low
    // half.
    expect(held.get('client0_net_copier')).toEqual([
      '1 notification 2 0:0',
      '2 endpoint 9 0:6', // faults: to the monitor, as its sixth domain
      '3 pageTable',
      '4 reply',
      '10 notification 1 0:2', // channel 0: net_virt_rx, where this copier is channel 1
      '11 notification 1 0:4', // channel 1: client0, where it is channel 2
    ]);
    expect(held.get('ethernet_driver')).toEqual([
      '1 notification 2 0:0',
      '2 endpoint 9 0:2',
      '3 pageTable',
      '4 reply',
      '12 notification 1 0:1',
      '13 notification 1 0:1',
      '75 endpoint 9 80000000:1', // channel 1: the timer driver, for the watchdog
      '138 irqHandler',
    ]);
    expect(held.get('client0')).toEqual([
      '1 notification 2 0:0',
      '2 endpoint 9 0:5',
      '3 pageTable',
      '4 reply',
      '11 notification 1 0:2',
      '12 notification 1 0:2',
      '74 endpoint 9 80000000:2', // it may call the timer driver, and not notify it
    ]);
  });

  it('cannot signal, call or acknowledge what it has no capability for', () => {
    const sys = system({ name: 'two' });
    const lines: string[] = [];
    let woken = 0;
    const listener = sys.pd('listener', {
      priority: 20,
      program: () => ({
        notified: () => {
          woken++;
        },
      }),
    });
    const stranger = sys.pd('stranger', {
      priority: 10,
      program: (pd) => {
        for (let channel = 0; channel < 62; channel++) {
          pd.notify(channel);
          pd.irqAck(channel);
          pd.ppcall(channel, 0);
        }
        return { notified: () => undefined };
      },
    });
    sys.channel(stranger, listener, { a: { id: 5, notify: false }, b: { id: 5 } });
    const built = sys.build();
    if (!built.ok) throw new Error(built.errors.map((error) => error.message).join('\n'));
    const testbed = createTestbed({
      system: built.system,
      clock: 'virtual',
      observer: { log: (_pd, line) => lines.push(line) },
    });

    testbed.runUntilQuiet();

    expect(woken).toBe(0);
    expect(testbed.counters().pds['stranger']).toMatchObject({ invalidChannels: 3 * 62 });
    expect(lines).toContain("stranger microkit_notify: invalid channel given '5'");
    expect(testbed.counters().kernel.faults).toBe(0);
  });
});
