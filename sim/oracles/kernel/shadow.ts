/**
 * A copy of what is in every object, kept from step to step: says which fields a step has changed.
 * Left out are the slots of CNodes and TCBs, which the census compares, and what the scheduler
 * changes on its own: the queues of the ready and of those that wait for a refill, times, and how a
 * budget is spread over refills.
 */

import type { KernelObject, Tcb } from '../../../kernel/objects/objects.ts';
import type { KernelState } from '../../../kernel/state.ts';
import { nameOf } from '../../../kernel/inspect/census.ts';
import type { TableChange } from './table-watch.ts';

export interface ObjectChange {
  /** 'kernel': the domain schedule, the states of interrupts, the table of ASID pools. */
  readonly object: KernelObject | 'kernel';
  readonly field: string;
  readonly before: unknown;
  readonly after: unknown;
}

const FIELDS: Readonly<Record<KernelObject['kind'], readonly string[]>> = {
  tcb: [
    'state',
    'blockedOn',
    'reply',
    'fault',
    'domain',
    'maxPriority',
    'priority',
    'schedContext',
    'yieldTo',
    'boundNotification',
    'ipcBufferLow',
    'ipcBufferHigh',
    'context',
  ],
  endpoint: ['state'],
  notification: ['state', 'wordLow', 'wordHigh', 'boundTcb', 'schedContext'],
  reply: ['tcb', 'prev', 'next', 'schedContext'],
  schedContext: [
    'period',
    'refillMax',
    'budget',
    'isSporadic',
    'badgeLow',
    'badgeHigh',
    'tcb',
    'reply',
    'notification',
    'yieldFrom',
  ],
  cnode: [],
  pageTable: [],
  asidPool: [],
};

interface Copy {
  readonly object: KernelObject | 'kernel';
  fields: unknown[];
  /** Of a TCB only. */
  readonly regs: Uint32Array | undefined;
}

export class Shadow {
  readonly #k: KernelState;
  readonly #copies = new Map<KernelObject | 'kernel', Copy>();
  readonly #kernelFields: readonly string[];
  #scratch: unknown[] = [];

  constructor(k: KernelState) {
    this.#k = k;
    this.#kernelFields = [...KERNEL_FIELDS, ...Array.from(k.irqState, (_, irq) => `irq ${irq}`)];
  }

  /**
   * @param tables what a `TableWatch` says of the same step
   * @returns what is not as it was at the last call; nothing of objects that are new
   */
  advance(
    live: ReadonlySet<KernelObject>,
    tables: readonly TableChange[],
  ): readonly ObjectChange[] {
    const changes: ObjectChange[] = tables.map(ofTable);
    this.#sampleKernel();
    this.#compare('kernel', this.#kernelFields, changes);
    for (const object of live) {
      if (object.kind === 'pageTable' || object.kind === 'asidPool') continue;
      sample(object, this.#scratch);
      const copy = this.#compare(object, FIELDS[object.kind], changes);
      if (object.kind === 'tcb') compareRegisters(object, copy, changes);
    }
    if (this.#copies.size > 2 * live.size + 16) this.#forget(live);
    return changes;
  }

  /** Compares what has just been sampled. */
  #compare(
    object: KernelObject | 'kernel',
    names: readonly string[],
    changes: ObjectChange[],
  ): Copy {
    const now = this.#scratch;
    const copy = this.#copies.get(object);
    if (copy === undefined) {
      const regs = object !== 'kernel' && object.kind === 'tcb' ? object.regs.slice() : undefined;
      const made = { object, fields: now, regs };
      this.#copies.set(object, made);
      this.#scratch = [];
      return made;
    }
    const before = copy.fields;
    for (let i = 0; i < Math.max(now.length, before.length); i += 1) {
      if (now[i] === before[i]) continue;
      const field = names[i] ?? `waiter ${i - names.length}`;
      changes.push({ object, field, before: before[i], after: now[i] });
    }
    copy.fields = now;
    this.#scratch = before;
    return copy;
  }

  #sampleKernel(): void {
    const k = this.#k;
    const into = this.#scratch;
    into.length = 0;
    into.push(k.domainStart, scheduleHash(k), poolsHash(k));
    for (const state of k.irqState) into.push(state);
  }

  #forget(live: ReadonlySet<KernelObject>): void {
    for (const object of this.#copies.keys()) {
      if (object !== 'kernel' && !live.has(object)) this.#copies.delete(object);
    }
  }
}

const KERNEL_FIELDS = ['domainStart', 'domainSchedule', 'asidTable'];

function poolsHash(k: KernelState): number {
  let hash = 0;
  for (let i = 0; i < k.asidTable.length; i += 1) {
    const pool = k.asidTable[i];
    if (pool !== null && pool !== undefined) hash += (i + 1) * pool.paddr;
  }
  return hash;
}

function scheduleHash(k: KernelState): number {
  let hash = 0;
  for (let i = 0; i < k.domainSchedule.length; i += 1) {
    const entry = k.domainSchedule[i];
    if (entry !== undefined) hash = (hash * 31 + entry.domain * 7 + entry.duration) % 0x7fff_ffff;
  }
  return hash;
}

function ofTable({ table, index, before }: TableChange): ObjectChange {
  const after = table.kind === 'pageTable' ? table.entries[index] : table.roots[index];
  return { object: table, field: `entry ${index}`, before, after };
}

/**
 * Fills `into` with the fields of an object, in the order of {@link FIELDS}, and behind them those
 * who wait there.
 */
function sample(object: KernelObject, into: unknown[]): void {
  into.length = 0;
  switch (object.kind) {
    case 'tcb':
      into.push(object.state, object.blockedOn, object.reply, object.fault, object.domain);
      into.push(object.maxPriority, object.priority, object.schedContext, object.yieldTo);
      into.push(object.boundNotification, object.ipcBufferLow, object.ipcBufferHigh);
      into.push(object.context);
      return;
    case 'endpoint':
      into.push(object.state);
      sampleQueue(object.head, into);
      return;
    case 'notification':
      into.push(object.state, object.wordLow, object.wordHigh);
      into.push(object.boundTcb, object.schedContext);
      sampleQueue(object.head, into);
      return;
    case 'reply':
      into.push(object.tcb, object.prev, object.next, object.schedContext);
      return;
    case 'schedContext':
      into.push(object.period, object.refillMax, budgetOf(object), object.isSporadic);
      into.push(object.badgeLow, object.badgeHigh, object.tcb, object.reply);
      into.push(object.notification, object.yieldFrom);
      return;
    case 'cnode':
    case 'pageTable':
    case 'asidPool':
      return;
    default:
      object satisfies never;
  }
}

function sampleQueue(head: Tcb | null, into: unknown[]): void {
  for (let tcb = head; tcb !== null; tcb = tcb.queueNext) into.push(tcb);
}

/**
 * @returns the ticks of all refills together: they move from one to the other, but do not grow or
 * shrink
 */
function budgetOf(sc: KernelObject & { kind: 'schedContext' }): number {
  if (sc.refillMax === 0) return 0;
  let sum = 0;
  for (let i = 0; i < sc.refillCount; i += 1) {
    sum += sc.refillAmount[(sc.refillHead + i) % sc.refillMax] as number;
  }
  return sum;
}

function compareRegisters(tcb: Tcb, { regs }: Copy, changes: ObjectChange[]): void {
  if (regs === undefined) return;
  for (let i = 0; i < regs.length; i += 1) {
    const after = tcb.regs[i] as number;
    const before = regs[i] as number;
    if (after === before) continue;
    changes.push({ object: tcb, field: `register word ${i}`, before, after });
    regs[i] = after;
  }
}

/** @returns such as "tcb@0x80004000 priority: 3 → 5" */
export function describeChange({ object, field, before, after }: ObjectChange): string {
  const name = object === 'kernel' ? object : nameOf(object);
  return `${name} ${field}: ${shown(before)} → ${shown(after)}`;
}

function shown(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  return 'paddr' in value ? nameOf(value as KernelObject) : '{…}';
}
