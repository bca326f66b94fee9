/**
 * Goal: the report's capability table is what the domains really hold, slot by slot, and they hold
 * nothing more. Method: a system with every kind of capability is booted, and the CNodes of its
 * threads are read out of the kernel.
 */

import { describe, expect, it } from 'vitest';
import { Board } from '../board/board.ts';
import { GoldfishRtc } from '../board/goldfish-rtc.ts';
import { GOLDFISH_RTC_PLACE } from '../board/board.ts';
import { VirtualClock } from '../board/virtual-clock.ts';
import { boot } from '../kernel/boot.ts';
import type { Cap, CNode, KernelObject, Tcb } from '../kernel/objects/objects.ts';
import { Ram } from '../memory/ram.ts';
import { system } from '../microkit/builder.ts';
import { capabilitiesOf } from '../microkit/capability-table.ts';
import { initialiser, rootCNodeSizeBits } from '../microkit/initialiser/initialiser.ts';
import { flatten, type SystemDescription } from '../microkit/model.ts';
import { monitorImage } from '../microkit/monitor/monitor.ts';
import { PdImage } from '../microkit/runtime/image.ts';
import { entryAddress } from '../microkit/slots.ts';
import { timerDevice } from '../systems/devices.ts';

const MONITOR_TCB_SLOT = 10;
const KINDS: Readonly<Record<string, string>> = {
  Endpoint: 'endpoint',
  Notification: 'notification',
  VSpace: 'pageTable',
  Reply: 'reply',
  IRQHandler: 'irqHandler',
  TCB: 'thread',
  SchedContext: 'schedContext',
};
const RIGHTS: Readonly<Record<string, number>> = { '': 0, r: 2, w: 1, wp: 9 };

function everything(): SystemDescription {
  const sys = system({ name: 'everything' });
  const program = () => ({ notified: () => undefined });
  const server = sys.pd('server', { program, priority: 200, passive: true });
  const parent = sys.pd('parent', { program, priority: 50 });
  const child = parent.child('child', { program, priority: 20, id: 9 });
  const loner = sys.pd('loner', { program, priority: 5 });
  sys.channel(child, server, { a: { id: 61, pp: true }, b: { id: 30, notify: false } });
  sys.channel(parent, child, { a: { id: 33 }, b: { id: 2, notify: false } });
  loner.cap('tcb', 63, child);
  loner.cap('sc', 1, parent);
  loner.cap('vspace', 17, server);
  const registers = sys.region('timer', { size: '4K', physAddr: timerDevice.physAddr });
  server.map(registers, { cached: false });
  server.irq(timerDevice.irq, { id: 5 });
  const built = sys.build();
  if (!built.ok) throw new Error(built.errors[0]?.message);
  return built.system;
}

/** Boots it and returns every thread that the kernel has made. */
function bootedThreads(description: SystemDescription): Tcb[] {
  const board = new Board({ ram: new Ram({ sizeBytes: 1 << 26 }), clock: new VirtualClock() });
  const { clock, lint } = board;
  const rtc = new GoldfishRtc({ clock, irqLine: board.irqLine(GOLDFISH_RTC_PLACE.irq), lint });
  board.attach('goldfish-rtc', GOLDFISH_RTC_PLACE, rtc);
  board.fillVirtioSlots();
  const images = flatten(description).map((pd) => {
    const { program } = pd.pd.image;
    if (program === undefined) throw new Error('every domain here has a program');
    const observer = { log: () => undefined, exception: () => undefined };
    return new PdImage({ system: description, pd, program, observer });
  });
  const names = images.map((image) => image.name);
  const monitor = monitorImage({ names, log: () => undefined, faulted: () => undefined });
  let status = 'building';
  const observer = {
    systemBuilt: () => void (status = 'built'),
    bootFailed: (line: string) => void (status = line),
  };
  const threads: Tcb[] = [];
  const kernel = boot({
    machine: board,
    rootTask: (bootInfo) => initialiser({ system: description, observer }, bootInfo),
    images: [...images, monitor].map((image, index) => ({ entry: entryAddress(index), image })),
    rootCNodeSizeBits: rootCNodeSizeBits(description),
    onCreate: (object: KernelObject) => {
      if (object.kind === 'tcb') threads.push(object);
    },
  });
  for (let step = 1; step <= 100 && status === 'building'; step += 1) {
    kernel.run(board.now() + 1_000_000);
  }
  expect(status).toBe('built');
  return threads;
}

/** The root CNode of a thread and its own one, which is in slot 0 of that. */
function cnodesOf(tcb: Tcb): { root: CNode; own: CNode } | undefined {
  const root = tcb.ctable.cap;
  if (root.kind !== 'cnode') return undefined;
  const own = root.cnode.slotAt(0).cap;
  return own.kind === 'cnode' ? { root: root.cnode, own: own.cnode } : undefined;
}

/** `slot kind rights badge` of each capability in a CNode. */
function contents(cnode: CNode, name: string): string[] {
  return cnode.slots.flatMap((slot, index) => {
    const cap = slot?.cap;
    if (cap === undefined || cap.kind === 'null') return [];
    return name === 'root' && index === 0 ? [] : [`${name} ${index} ${describeCap(cap)}`];
  });
}

function describeCap(cap: Cap): string {
  if (cap.kind !== 'endpoint' && cap.kind !== 'notification') return cap.kind;
  const badge = (BigInt(cap.badgeHigh >>> 0) << 32n) | BigInt(cap.badgeLow >>> 0);
  return `${cap.kind} rights ${cap.rights} badge ${badge}`;
}

describe('the capability table', () => {
  it('is what every domain holds, and all that it holds', () => {
    const description = everything();
    const cnodes = bootedThreads(description).flatMap((tcb) => cnodesOf(tcb) ?? []);
    const monitor = cnodes.find(({ own }) => own.slotAt(MONITOR_TCB_SLOT).cap.kind === 'thread');
    const flat = flatten(description);

    for (const pd of flat) {
      const cap = monitor?.own.slotAt(MONITOR_TCB_SLOT + pd.index).cap;
      if (cap?.kind !== 'thread') throw new Error(`the monitor has no TCB of ${pd.pd.name}`);
      const held = cnodesOf(cap.tcb);
      if (held === undefined) throw new Error(`${pd.pd.name} has no CNodes`);
      const found = [...contents(held.own, 'own'), ...contents(held.root, 'root')];
      const expected = capabilitiesOf(description, pd).map(
        ({ cnode, slot, type, rights, badge }) => {
          const signalling = type === 'Endpoint' || type === 'Notification';
          const more = signalling ? ` rights ${RIGHTS[rights]} badge ${badge ?? 0n}` : '';
          return `${cnode} ${slot} ${KINDS[type]}${more}`;
        },
      );
      expect([pd.pd.name, ...found]).toEqual([pd.pd.name, ...expected]);
    }
    expect(flat).toHaveLength(4);
  });
});
