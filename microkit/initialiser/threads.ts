/**
 * Makes threads of the objects: scheduling contexts, spaces, priorities, fault handlers, and at
 * last their start.
 */

import {
  DOMAIN_SCHEDULE_CONFIGURE,
  DOMAIN_SCHEDULE_SET_START,
  DOMAIN_SET_SET,
  INIT_SLOT_DOMAIN,
  INIT_SLOT_TCB,
  SCHED_CONTROL_CONFIGURE_FLAGS,
  TCB_BIND_NOTIFICATION,
  TCB_CONFIGURE,
  TCB_FLAG_FPU_DISABLED,
  TCB_RESUME,
  TCB_SET_FLAGS,
  TCB_SET_SCHED_PARAMS,
  TCB_WRITE_REGISTERS,
} from '../../kernel/abi.ts';
import { TICKS_PER_US } from '../../kernel/state.ts';
import { type DomainsDescription, exact, type FlatPd } from '../model.ts';
import type { ImagePlan } from '../elf/plan.ts';
import {
  entryAddress,
  IPC_BUFFER_VADDR,
  MONITOR_BUDGET_US,
  MONITOR_PRIORITY,
  STACK_TOP,
} from '../slots.ts';
import {
  type Badge,
  faultBadge,
  faultEndpoint,
  type Granting,
  identifier,
  monitorBadge,
  objectsOf,
} from './capabilities.ts';
import type { RootTask } from './root-task.ts';
import type { PdObjects } from './system-objects.ts';

/** A scheduling context of 256 bytes holds ten refills: eight beyond the two that each has. */
const EXTRA_REFILLS = 8;
const WORD_GUARD_NONE = 0;

interface ThreadParameters {
  readonly name: string;
  readonly objects: PdObjects;
  readonly priority: number;
  readonly budgetUs: number;
  readonly periodUs: number;
  readonly entry: number;
  /** Of machine code: where its stack ends, and whether it may use the floating-point unit. */
  readonly machineCode?: { readonly stackTop: number; readonly fpu: boolean };
  /** Endpoint and badge of the fault handler, if it has one. */
  readonly fault?: { readonly endpoint: number; readonly badge: Badge };
}

/** @param plan of its image, when its program is machine code */
export function configurePd(context: Granting, flat: FlatPd, plan: ImagePlan | undefined): void {
  const { pd } = flat;
  configureThread(context.root, {
    name: pd.name,
    objects: objectsOf(context.objects, flat.index),
    priority: pd.priority,
    budgetUs: exact(pd.budgetUs),
    periodUs: exact(pd.periodUs),
    entry: plan?.entry ?? entryAddress(flat.index),
    ...(plan === undefined ? {} : { machineCode: { stackTop: STACK_TOP, fpu: pd.fpu } }),
    fault: {
      endpoint: faultEndpoint(context, flat),
      badge: flat.parent < 0 ? monitorBadge(flat.index) : faultBadge(identifier(flat)),
    },
  });
}

export function configureMonitor(context: Granting): void {
  configureThread(context.root, {
    name: 'monitor',
    objects: context.objects.monitor,
    priority: MONITOR_PRIORITY,
    budgetUs: MONITOR_BUDGET_US,
    periodUs: MONITOR_BUDGET_US,
    entry: entryAddress(context.flat.length),
  });
}

function configureThread(root: RootTask, thread: ThreadParameters): void {
  const { calls } = root;
  const { objects } = thread;
  const of = `of '${thread.name}'`;

  calls.setWord(0, thread.budgetUs);
  calls.setWord(1, thread.periodUs);
  calls.setWord(2, EXTRA_REFILLS);
  calls.setWord(3, 0); // badge of timeout faults
  calls.setWord(4, 0); // constant bandwidth, not sporadic
  calls.setCap(0, objects.schedContext);
  const schedControl = root.bootInfo.schedControl.start;
  root.invoke(
    `budget ${thread.budgetUs} us in ${thread.periodUs} us ${of}`,
    schedControl,
    SCHED_CONTROL_CONFIGURE_FLAGS,
    1,
    5,
  );

  calls.setWord(0, WORD_GUARD_NONE);
  calls.setWord(1, 0);
  calls.setWord(2, IPC_BUFFER_VADDR);
  calls.setCap(0, objects.rootCnode);
  calls.setCap(1, objects.vspace);
  calls.setCap(2, objects.ipcBuffer);
  root.invoke(`thread ${of}`, objects.tcb, TCB_CONFIGURE, 3, 3);

  const faultHandler =
    thread.fault === undefined
      ? 0
      : root.mintHere(`fault handler ${of}`, thread.fault.endpoint, thread.fault.badge);
  calls.setWord(0, thread.priority); // maximum controlled priority
  calls.setWord(1, thread.priority);
  calls.setCap(0, INIT_SLOT_TCB);
  calls.setCap(1, objects.schedContext);
  calls.setCap(2, faultHandler);
  root.invoke(`priority ${thread.priority} ${of}`, objects.tcb, TCB_SET_SCHED_PARAMS, 3, 2);

  calls.setCap(0, objects.notification);
  root.invoke(`notification ${of}`, objects.tcb, TCB_BIND_NOTIFICATION, 1, 0);

  const { machineCode } = thread;
  if (machineCode !== undefined) {
    root.nameThread(objects.tcb, thread.name);
    if (!machineCode.fpu) {
      calls.setWord(0, 0);
      calls.setWord(1, TCB_FLAG_FPU_DISABLED);
      root.invoke(`floating-point unit ${of}`, objects.tcb, TCB_SET_FLAGS, 0, 2);
    }
  }
  calls.setWord(0, 0); // do not resume yet
  calls.setWord(1, 3); // the first three registers: pc, ra, sp
  calls.setWord(2, thread.entry);
  calls.setWord(3, 0);
  calls.setWord(4, machineCode?.stackTop ?? 0);
  root.invoke(`entry point ${of}`, objects.tcb, TCB_WRITE_REGISTERS, 0, 5);
}

/**
 * Lets a thread run. None does before the initialiser ends, because it has the highest priority.
 */
export function startThread(root: RootTask, name: string, tcb: number): void {
  root.invoke(`start of '${name}'`, tcb, TCB_RESUME, 0, 0);
}

/** Puts the domains into their scheduling domains, and writes the schedule. */
export function configureDomains(context: Granting, domains: DomainsDescription): void {
  const { root } = context;
  const idOf = new Map(domains.domains.map(({ name, id }) => [name, id]));
  for (const { pd, index } of context.flat) {
    if (pd.domain === undefined) continue;
    root.calls.setWord(0, idOf.get(pd.domain) ?? 0);
    root.calls.setCap(0, objectsOf(context.objects, index).tcb);
    root.invoke(`domain '${pd.domain}' of '${pd.name}'`, INIT_SLOT_DOMAIN, DOMAIN_SET_SET, 1, 1);
  }
  const shift = domains.indexShift ?? 0;
  domains.schedule.forEach((entry, position) => {
    root.calls.setWord(0, position + shift);
    root.calls.setWord(1, entry.kind === 'end' ? 0 : (idOf.get(entry.domain) ?? 0));
    root.calls.setWord(2, entry.kind === 'end' ? 0 : durationTicks(entry));
    root.invoke(`schedule entry ${position}`, INIT_SLOT_DOMAIN, DOMAIN_SCHEDULE_CONFIGURE, 0, 3);
  });
}

/** Starts the schedule: from here on the initialiser runs only in domain 0's time. */
export function startDomainSchedule(context: Granting, domains: DomainsDescription): void {
  context.root.calls.setWord(0, domains.startIndex + (domains.indexShift ?? 0));
  const what = 'start of the domain schedule';
  context.root.invoke(what, INIT_SLOT_DOMAIN, DOMAIN_SCHEDULE_SET_START, 0, 1);
}

function durationTicks(entry: {
  readonly duration: bigint;
  readonly unit: 'us' | 'ticks';
}): number {
  return exact(entry.duration) * (entry.unit === 'us' ? TICKS_PER_US : 1);
}
