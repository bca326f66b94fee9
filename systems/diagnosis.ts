/**
 * What is wrong with a system that has come to rest, or that stands still: what a person would look
 * for first, read from outside. The simulator's stall report is made of the same parts.
 */

import { flatten, type SystemDescription } from '../microkit/model.ts';
import { queueLevel, queueRecords, type QueueRecord } from '../queues/classes.ts';
import type { Testbed } from './testbed.ts';

export interface Finding {
  readonly what:
    | 'interrupt-not-acknowledged'
    | 'line-stuck-high'
    | 'interrupt-storm'
    | 'work-waits'
    | 'queue-full'
    | 'no-such-channel'
    | 'fault';
  /** The domain, queue or interrupt that it is about. */
  readonly about: string;
  /** One sentence. */
  readonly text: string;
}

/** An interrupt line as a person knows it. */
export interface NamedIrq {
  readonly name: string;
  readonly irq: number;
}

/** What the interrupt controller says of a source. */
export interface IrqStates {
  isPending(source: number): boolean;
  isInService(source: number): boolean;
}

/** Of a line that has not been low in between, so many interrupts are a storm. */
const STORM_CLAIMS = 1000;

/** @param faulted domains that a fault has stopped */
export function diagnose(testbed: Testbed, faulted: readonly string[]): readonly Finding[] {
  return [
    ...faulted.map((pd) => finding('fault', pd, `${pd} has faulted and does not run any more`)),
    ...channelFindings(testbed),
    ...interruptFindings(testbed),
    ...(testbed.isQuiet ? queueFindings(testbed, faulted) : []),
  ];
}

/** @returns one sentence for each interrupt that waits for somebody */
export function waitingInterrupts(irqs: readonly NamedIrq[], states: IrqStates): readonly string[] {
  return irqs.flatMap(({ name, irq }) => {
    if (states.isInService(irq)) return [`the interrupt of ${name} is not acknowledged`];
    return states.isPending(irq) ? [`the interrupt of ${name} is pending`] : [];
  });
}

/** The queues of all connections: each once, although both of its ends name it. */
export function systemQueues(system: SystemDescription): readonly QueueRecord[] {
  return endedQueues(system).map(({ queue }) => queue);
}

/**
 * A domain that waits has had its interrupt: what it has not acknowledged by then, it never will.
 */
function interruptFindings(testbed: Testbed): readonly Finding[] {
  const { plic } = testbed.board;
  const owners = ownersOf(testbed.system);
  const found: Finding[] = [];
  for (const irq of plic.sources()) {
    const owner = owners.get(irq);
    const name = `interrupt ${irq}`;
    const isHigh = plic.isHigh(irq);
    const claims = plic.claimsSinceLow(irq);
    if (isHigh && claims >= STORM_CLAIMS && !testbed.isIdle) {
      const text = `${name}: its line stays high, and ${owner} acknowledges it again and again (${claims} times)`;
      found.push(finding('interrupt-storm', name, text));
    } else if (testbed.isIdle && plic.isInService(irq)) {
      const line = isHigh ? ', and its line is high' : '';
      const text = `${name} was delivered to ${owner}, who has not acknowledged it${line}`;
      found.push(finding('interrupt-not-acknowledged', name, text));
    } else if (testbed.isIdle && isHigh) {
      const whose = owner === undefined ? 'no domain has it' : `it is ${owner}'s`;
      found.push(finding('line-stuck-high', name, `the line of ${name} stays high: ${whose}`));
    }
  }
  return found;
}

function ownersOf(system: SystemDescription): ReadonlyMap<number, string> {
  return new Map(
    flatten(system).flatMap(({ pd }) =>
      pd.irqs.flatMap((each): [number, string][] =>
        each.kind === 'conventional' ? [[each.irq, pd.name]] : [],
      ),
    ),
  );
}

function channelFindings(testbed: Testbed): readonly Finding[] {
  return Object.entries(testbed.counters().pds).flatMap(([pd, { invalidChannels }]) => {
    if (invalidChannels === 0) return [];
    const times = invalidChannels === 1 ? 'once' : `${invalidChannels} times`;
    return [
      finding(
        'no-such-channel',
        pd,
        `${pd} has signalled ${times} to a channel that it does not have`,
      ),
    ];
  });
}

/** Nothing will ever happen again, and something is left to do. */
function queueFindings(testbed: Testbed, faulted: readonly string[]): readonly Finding[] {
  return endedQueues(testbed.system).flatMap(({ queue, ends }) => {
    if (queue.kind.carries !== 'data') return [];
    const waiting = ends.filter((pd) => !faulted.includes(pd));
    const entries = entriesOf(testbed, queue, ends);
    if (entries === 0 || waiting.length === 0) return [];
    const isFull = entries >= queue.capacity;
    const between = `${queue.region}, between ${ends.join(' and ')},`;
    const how = isFull ? `is full (${queue.capacity})` : `holds ${entries}`;
    const text = `${between} ${how}, and nobody does anything about it`;
    return [finding(isFull ? 'queue-full' : 'work-waits', queue.region, text)];
  });
}

interface EndedQueue {
  readonly queue: QueueRecord;
  /** Domains that have it. */
  readonly ends: string[];
}

/** The queues of all connections, each with its two ends. */
function endedQueues(system: SystemDescription): readonly EndedQueue[] {
  const byRegion = new Map<string, EndedQueue>();
  for (const { pd } of flatten(system)) {
    for (const queue of queueRecords(pd.config)) {
      const known = byRegion.get(queue.region);
      if (known === undefined) byRegion.set(queue.region, { queue, ends: [pd.name] });
      else known.ends.push(pd.name);
    }
  }
  return [...byRegion.values()];
}

/** What its memory says, which anybody may have written. */
function entriesOf(testbed: Testbed, queue: QueueRecord, ends: readonly string[]): number {
  const memory = ends
    .map((pd) => testbed.inspect(pd, queue.region))
    .find((each) => each !== undefined);
  return memory === undefined ? 0 : queueLevel(queue.kind, memory);
}

function finding(what: Finding['what'], about: string, text: string): Finding {
  return { what, about, text };
}
