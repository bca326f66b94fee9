/**
 * What each protection domain holds once it runs, as the description says: slot, object, rights and
 * badge. The report prints it; a test compares it with what the initialiser has really put there.
 */

import type { FlatPd, SystemDescription } from './model.ts';
import { channelsOf, flatten } from './model.ts';
import {
  SLOT_CHILD_TCB,
  SLOT_FAULT_ENDPOINT,
  SLOT_INPUT,
  SLOT_IRQ_HANDLER,
  SLOT_MONITOR_ENDPOINT,
  SLOT_OUTPUT_ENDPOINT,
  SLOT_OUTPUT_NOTIFICATION,
  SLOT_REPLY,
  SLOT_VSPACE,
} from './slots.ts';

/** A row of the table: one slot of one domain. */
export interface HeldCapability {
  /** Slot of the domain's own CNode, or of its root CNode for user capabilities. */
  readonly cnode: 'own' | 'root';
  readonly slot: number;
  readonly object: string;
  /** The object's type, in seL4's words. */
  readonly type:
    | 'Endpoint'
    | 'Notification'
    | 'VSpace'
    | 'Reply'
    | 'IRQHandler'
    | 'TCB'
    | 'SchedContext';
  readonly rights: string;
  readonly badge?: bigint;
}

const CALL_BADGE = 1n << 63n;
const FAULT_BADGE = 1n << 62n;

/** @returns the capabilities of one domain, by slot */
export function capabilitiesOf(system: SystemDescription, flat: FlatPd): readonly HeldCapability[] {
  const { pd } = flat;
  const caps = [...fixedCapabilities(system, flat)];
  for (const { own, peer } of channelsOf(system, pd.name)) {
    if (own.notify) {
      caps.push({
        cnode: 'own',
        slot: SLOT_OUTPUT_NOTIFICATION + own.id,
        object: `notification_${peer.pd}`,
        type: 'Notification',
        rights: 'w',
        badge: 1n << BigInt(peer.id),
      });
    }
    if (own.pp) {
      caps.push({
        cnode: 'own',
        slot: SLOT_OUTPUT_ENDPOINT + own.id,
        object: `endpoint_${peer.pd}`,
        type: 'Endpoint',
        rights: 'wp',
        badge: CALL_BADGE | BigInt(peer.id),
      });
    }
  }
  for (const irq of pd.irqs) {
    const number = irq.kind === 'conventional' ? irq.irq : irq.vector;
    const slot = SLOT_IRQ_HANDLER + irq.id;
    const object = `irq_${number}_${pd.name}`;
    caps.push({ cnode: 'own', slot, object, type: 'IRQHandler', rights: '' });
  }
  for (const child of pd.children) {
    const slot = SLOT_CHILD_TCB + (child.id ?? 0);
    caps.push({ cnode: 'own', slot, object: `tcb_${child.name}`, type: 'TCB', rights: '' });
  }
  caps.push(...userCapabilities(flat));
  return caps.toSorted((a, b) => a.cnode.localeCompare(b.cnode) || a.slot - b.slot);
}

function fixedCapabilities(system: SystemDescription, flat: FlatPd): HeldCapability[] {
  const { pd, index, parent } = flat;
  const called = channelsOf(system, pd.name).some(({ peer }) => peer.pp);
  const hasEndpoint = called || pd.children.length > 0 || pd.virtualMachine !== undefined;
  const parentName = flatten(system)[parent]?.pd.name;
  const own = (slot: number, rest: Omit<HeldCapability, 'cnode' | 'slot'>): HeldCapability => ({
    cnode: 'own',
    slot,
    ...rest,
  });
  const monitor = { object: 'endpoint_monitor', type: 'Endpoint' as const };
  const monitorBadge = BigInt(index + 1);
  const input = hasEndpoint
    ? { object: `endpoint_${pd.name}`, type: 'Endpoint' as const, rights: 'r' }
    : { object: `notification_${pd.name}`, type: 'Notification' as const, rights: 'r' };
  const faultHandler =
    parentName === undefined
      ? { ...monitor, rights: 'wp', badge: monitorBadge }
      : {
          object: `endpoint_${parentName}`,
          type: 'Endpoint' as const,
          rights: 'wp',
          badge: FAULT_BADGE | BigInt(pd.id ?? 0),
        };
  return [
    own(SLOT_INPUT, input),
    own(SLOT_FAULT_ENDPOINT, faultHandler),
    own(SLOT_VSPACE, { object: `vspace_${pd.name}`, type: 'VSpace', rights: '' }),
    own(SLOT_REPLY, { object: `reply_${pd.name}`, type: 'Reply', rights: '' }),
    ...(pd.passive
      ? [own(SLOT_MONITOR_ENDPOINT, { ...monitor, rights: 'wp', badge: monitorBadge })]
      : []),
  ];
}

const USER_OBJECTS = {
  tcb: { type: 'TCB', prefix: 'tcb' },
  sc: { type: 'SchedContext', prefix: 'sched_context' },
  vspace: { type: 'VSpace', prefix: 'vspace' },
} as const;

function userCapabilities({ pd }: FlatPd): HeldCapability[] {
  return pd.cspace.map(({ kind, slot, pd: of }) => {
    const { type, prefix } = USER_OBJECTS[kind];
    return { cnode: 'root', slot, object: `${prefix}_${of}`, type, rights: '' };
  });
}
