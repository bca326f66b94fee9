/**
 * Gives each protection domain its capabilities, at Microkit's slots and with Microkit's badges.
 * What is not put here the domain does not have.
 */

import { assert } from '../../memory/assert.ts';
import {
  INIT_SLOT_CNODE,
  INIT_SLOT_IRQ_CONTROL,
  IRQ_ISSUE_IRQ_HANDLER_TRIGGER,
  IRQ_SET_IRQ_HANDLER,
  RIGHT_GRANT_REPLY,
  RIGHT_READ,
  RIGHT_WRITE,
} from '../../kernel/abi.ts';
import type { ImagePlan } from '../elf/plan.ts';
import {
  channelsOf,
  type ConventionalIrqDescription,
  type FlatPd,
  flatten,
  type SystemDescription,
} from '../model.ts';
import {
  BADGE_HIGH_CALL,
  BADGE_HIGH_FAULT,
  MONITOR_SLOT_NOTIFICATION,
  MONITOR_SLOT_SCHED_CONTEXT,
  MONITOR_SLOT_TCB,
  PD_CNODE_GUARD_BITS,
  PD_CNODE_RADIX,
  PD_ROOT_CNODE_RADIX,
  SLOT_CHILD_TCB,
  SLOT_FAULT_ENDPOINT,
  SLOT_INPUT,
  SLOT_IRQ_HANDLER,
  SLOT_MONITOR_ENDPOINT,
  SLOT_OUTPUT_ENDPOINT,
  SLOT_OUTPUT_NOTIFICATION,
  SLOT_OWN_TCB,
  SLOT_REPLY,
  SLOT_VSPACE,
} from '../slots.ts';
import { BootFailure, type RootTask, WORD_BITS } from './root-task.ts';
import type { PdObjects, SystemObjects } from './system-objects.ts';

/** A 64-bit badge. */
export interface Badge {
  readonly low: number;
  readonly high: number;
}

/** Callers may send and be replied to; they cannot receive, nor be given capabilities. */
const RIGHTS_CALL = RIGHT_WRITE | RIGHT_GRANT_REPLY;

/** @returns the badge with only this bit set */
export function bitBadge(bit: number): Badge {
  return bit < 32 ? { low: (1 << bit) >>> 0, high: 0 } : { low: 0, high: (1 << (bit - 32)) >>> 0 };
}

/** The badge under which a domain's faults and requests reach the monitor. */
export function monitorBadge(index: number): Badge {
  return { low: index + 1, high: 0 };
}

export function faultBadge(child: number): Badge {
  return { low: child, high: BADGE_HIGH_FAULT };
}

export function objectsOf(objects: SystemObjects, index: number): PdObjects {
  const pd = objects.pds[index];
  assert(pd !== undefined, 'every domain has objects');
  return pd;
}

/** What `grantCapabilities` needs to know of the whole system, looked up once. */
export interface Granting {
  readonly root: RootTask;
  readonly system: SystemDescription;
  readonly objects: SystemObjects;
  readonly flat: readonly FlatPd[];
  readonly byName: ReadonlyMap<string, FlatPd>;
}

export function granting(
  root: RootTask,
  system: SystemDescription,
  objects: SystemObjects,
): Granting {
  const flat = flatten(system);
  return { root, system, objects, flat, byName: new Map(flat.map((each) => [each.pd.name, each])) };
}

/** Puts a capability into a domain's own CNode. */
function give(
  context: Granting,
  to: PdObjects,
  slot: number,
  cap: {
    readonly what: string;
    readonly source: number;
    readonly rights?: number;
    readonly badge?: Badge;
  },
): void {
  context.root.mint({
    what: cap.what,
    cnode: to.cnode,
    index: slot,
    depth: PD_CNODE_RADIX,
    source: cap.source,
    ...(cap.rights === undefined ? {} : { rights: cap.rights }),
    badgeLow: cap.badge?.low ?? 0,
    badgeHigh: cap.badge?.high ?? 0,
  });
}

/** Puts the domain's CNode into slot 0 of its root CNode, behind the guard. */
export function linkCSpace(root: RootTask, name: string, pd: PdObjects): void {
  root.mint({
    what: `capability space of '${name}'`,
    cnode: pd.rootCnode,
    index: 0,
    depth: PD_ROOT_CNODE_RADIX,
    source: pd.cnode,
    badgeLow: PD_CNODE_GUARD_BITS, // guard size in bits 0..5; the guard itself is 0
  });
}

/** Everything in the domain's own CNode. */
export function grantCapabilities(
  context: Granting,
  flat: FlatPd,
  plan: ImagePlan | undefined,
): void {
  const { pd } = flat;
  const own = objectsOf(context.objects, flat.index);
  const of = `of '${pd.name}'`;
  linkCSpace(context.root, pd.name, own);
  const input = own.endpoint === 0 ? own.notification : own.endpoint;
  give(context, own, SLOT_INPUT, { what: `input ${of}`, source: input, rights: RIGHT_READ });
  give(context, own, SLOT_FAULT_ENDPOINT, {
    what: `fault endpoint ${of}`,
    source: faultEndpoint(context, flat),
    rights: RIGHTS_CALL,
    badge: flat.parent < 0 ? monitorBadge(flat.index) : faultBadge(identifier(flat)),
  });
  give(context, own, SLOT_VSPACE, { what: `address space ${of}`, source: own.vspace });
  give(context, own, SLOT_REPLY, { what: `reply object ${of}`, source: own.reply });
  if (pd.passive) {
    give(context, own, SLOT_MONITOR_ENDPOINT, {
      what: `monitor endpoint ${of}`,
      source: context.objects.monitor.endpoint,
      rights: RIGHTS_CALL,
      badge: monitorBadge(flat.index),
    });
  }
  if (plan?.isBenchmark === true) {
    give(context, own, SLOT_OWN_TCB, { what: `own thread ${of}`, source: own.tcb });
  }
  grantChannels(context, flat, own);
  for (const irq of pd.irqs) {
    if (irq.kind === 'conventional') grantIrq(context, { pd: pd.name, own, irq });
    else throw new BootFailure(`interrupt ${irq.id} ${of}: this board's controller is a PLIC`);
  }
  grantChildren(context, flat, own);
}

function grantChannels(context: Granting, flat: FlatPd, own: PdObjects): void {
  const name = flat.pd.name;
  for (const { own: end, peer } of channelsOf(context.system, name)) {
    const other = context.byName.get(peer.pd);
    assert(other !== undefined, 'a validated channel names protection domains');
    const target = objectsOf(context.objects, other.index);
    const what = `channel ${end.id} of '${name}' to '${peer.pd}'`;
    if (end.notify) {
      give(context, own, SLOT_OUTPUT_NOTIFICATION + end.id, {
        what,
        source: target.notification,
        rights: RIGHT_WRITE,
        badge: bitBadge(peer.id),
      });
    }
    if (end.pp) {
      give(context, own, SLOT_OUTPUT_ENDPOINT + end.id, {
        what,
        source: target.endpoint,
        rights: RIGHTS_CALL,
        badge: { low: peer.id, high: BADGE_HIGH_CALL },
      });
    }
  }
}

function grantIrq(
  context: Granting,
  options: {
    readonly pd: string;
    readonly own: PdObjects;
    readonly irq: ConventionalIrqDescription;
  },
): void {
  const { root } = context;
  const { own, irq } = options;
  const what = `interrupt ${irq.irq} of '${options.pd}'`;
  const handler = root.takeSlots(1, what);
  root.calls.setWord(0, irq.irq);
  root.calls.setWord(1, irq.trigger === 'edge' ? 1 : 0);
  root.calls.setWord(2, handler);
  root.calls.setWord(3, WORD_BITS);
  root.calls.setCap(0, INIT_SLOT_CNODE);
  root.invoke(what, INIT_SLOT_IRQ_CONTROL, IRQ_ISSUE_IRQ_HANDLER_TRIGGER, 1, 4);
  const notification = root.mintHere(what, own.notification, bitBadge(irq.id));
  root.calls.setCap(0, notification);
  root.invoke(what, handler, IRQ_SET_IRQ_HANDLER, 1, 0);
  give(context, own, SLOT_IRQ_HANDLER + irq.id, { what, source: handler });
}

function grantChildren(context: Granting, flat: FlatPd, own: PdObjects): void {
  for (const child of context.flat) {
    if (child.parent !== flat.index) continue;
    give(context, own, SLOT_CHILD_TCB + identifier(child), {
      what: `child '${child.pd.name}' of '${flat.pd.name}'`,
      source: objectsOf(context.objects, child.index).tcb,
    });
  }
}

/** `<cspace>`: extra capabilities in the root CNode, where user code finds them at slot << 58. */
export function grantUserCaps(context: Granting, flat: FlatPd): void {
  for (const cap of flat.pd.cspace) {
    const target = context.byName.get(cap.pd);
    assert(target !== undefined, 'a validated capability names a protection domain');
    const objects = objectsOf(context.objects, target.index);
    const source = { tcb: objects.tcb, sc: objects.schedContext, vspace: objects.vspace }[cap.kind];
    context.root.mint({
      what: `capability ${cap.slot} of '${flat.pd.name}'`,
      cnode: objectsOf(context.objects, flat.index).rootCnode,
      index: cap.slot,
      depth: PD_ROOT_CNODE_RADIX,
      source,
    });
  }
}

/**
 * The monitor's CNode: its endpoint, and of each domain what it takes to make it passive and to
 * look at it.
 */
export function grantMonitor(context: Granting): void {
  const { monitor } = context.objects;
  linkCSpace(context.root, 'monitor', monitor);
  give(context, monitor, SLOT_INPUT, {
    what: "input of 'monitor'",
    source: monitor.endpoint,
    rights: RIGHT_READ,
  });
  give(context, monitor, SLOT_REPLY, { what: "reply object of 'monitor'", source: monitor.reply });
  for (const { pd, index } of context.flat) {
    const objects = objectsOf(context.objects, index);
    const what = `monitor's hold on '${pd.name}'`;
    give(context, monitor, MONITOR_SLOT_TCB + index, { what, source: objects.tcb });
    if (!pd.passive) continue;
    give(context, monitor, MONITOR_SLOT_SCHED_CONTEXT + index, {
      what,
      source: objects.schedContext,
    });
    give(context, monitor, MONITOR_SLOT_NOTIFICATION + index, {
      what,
      source: objects.notification,
    });
  }
}

/** Where the domain's faults go: to its parent, or else to the monitor. */
export function faultEndpoint(context: Granting, flat: FlatPd): number {
  if (flat.parent < 0) return context.objects.monitor.endpoint;
  return objectsOf(context.objects, flat.parent).endpoint;
}

export function identifier(child: FlatPd): number {
  assert(child.pd.id !== undefined, 'a validated child has an identifier');
  return child.pd.id;
}
