/**
 * The queues of a client as points of faults: what a hostile client may write into memory that it
 * shares. Each is a moment, at which something in the queue is changed; the client's own program
 * knows nothing of it and goes on.
 */

import type { Ram } from '../../memory/ram.ts';
import { flatten, type SystemDescription } from '../../microkit/model.ts';
import type { QueueKind } from '../../queues/class.ts';
import { type QueueRecord, queueRecords } from '../../queues/classes.ts';
import { clientsOf } from './domains.ts';
import type { Point } from './injector.ts';
import {
  type Excuse,
  fault,
  type FaultKind,
  type ParameterKind,
  type PointKind,
  type Strike,
  within,
} from './point.ts';

/** A queue of a client. */
export interface ClientQueue {
  readonly client: string;
  readonly record: QueueRecord;
}

/** Who writes nonsense into his own queues has himself to blame, and nobody else suffers. */
const OWN_AFFAIR: readonly Excuse[] = [
  'loss',
  'repetition',
  'order',
  'contents',
  'errors',
  'progress',
  'ledger',
  'domain-fault',
];
const BY: ParameterKind = within('entries', 'count', 1, 0x7fff);

const INDEX_FAULTS: readonly FaultKind[] = [
  fault({ ...own('tail', 'the tail runs ahead'), parameters: { by: BY }, rows: [52] }),
  fault({
    ...own('head', 'the head is put behind the tail: more has been taken than there was'),
    parameters: { by: BY },
    rows: [53],
  }),
];
const OFFSET_FAULTS: readonly FaultKind[] = [
  fault({ ...own('outside', 'the newest entry names a place outside of its region'), rows: [54] }),
  fault({ ...own('misaligned', 'the newest entry names the middle of a buffer'), rows: [54] }),
  fault({
    ...own('overlap', 'the newest entry names the buffer of the one before: it has two owners'),
    rows: [54],
  }),
];
const LENGTH_FAULTS: readonly FaultKind[] = [
  fault({
    ...own('length', 'the length in the oldest entry changes, perhaps after it has been checked'),
    parameters: { to: within('the new length', 'value', 0, 0xffff) },
    rows: [55],
  }),
];

function own(name: string, what: string): Pick<FaultKind, 'name' | 'what' | 'trigger' | 'excuses'> {
  return { name, what, trigger: 'moment', excuses: OWN_AFFAIR };
}

export function clientQueues(system: SystemDescription): readonly ClientQueue[] {
  const clients = clientsOf(system);
  return flatten(system)
    .filter(({ pd }) => clients.has(pd.name))
    .flatMap(({ pd }) => queueRecords(pd.config).map((record) => ({ client: pd.name, record })));
}

export function sharedQueuePoint({ client, record }: ClientQueue): PointKind {
  const { fields } = record.kind;
  return {
    name: `queue.${record.region}`,
    group: 'queue',
    what: `a ${record.kind.name} queue that ${client} can write`,
    opportunity: '',
    states: [],
    only: client,
    faults: [
      ...INDEX_FAULTS,
      ...(fields.offset === undefined ? [] : OFFSET_FAULTS),
      ...(fields.length === undefined ? [] : LENGTH_FAULTS),
    ],
  };
}

/** @param at where the queue's region begins in RAM */
export function planSharedQueue(queue: ClientQueue, ram: Ram, at: number, point: Point): void {
  const changer = new QueueChanger(queue.record, ram, at);
  point.perform({ begin: (strike) => changer.change(strike), end: () => undefined });
}

class QueueChanger {
  readonly #record: QueueRecord;
  readonly #view: DataView;
  readonly #at: number;

  constructor(record: QueueRecord, ram: Ram, at: number) {
    this.#record = record;
    this.#view = ram.view;
    this.#at = at;
  }

  change({ fault: name, parameters }: Strike): void {
    const { tail, head } = this.#record.kind;
    const { by = 0, to = 0 } = parameters;
    switch (name) {
      case 'tail':
        return this.#setIndex(tail, this.#index(tail) + by);
      case 'head':
        return this.#setIndex(head, this.#index(tail) + by);
      case 'length':
        return this.#view.setUint16(this.#entryAt(this.#index(head), 'length'), to, true);
      default:
        return this.#setOffset(name, this.#index(tail) - 1);
    }
  }

  #setOffset(name: string, newest: number): void {
    const at = this.#entryAt(newest, 'offset');
    const offset = this.#view.getUint32(at, true);
    const before = this.#view.getUint32(this.#entryAt(newest - 1, 'offset'), true);
    const changed =
      { outside: 0x7fff_f000, misaligned: offset + 3, overlap: before }[name] ?? offset;
    this.#view.setUint32(at, changed >>> 0, true);
  }

  #entryAt(index: number, field: keyof QueueKind['fields']): number {
    const { kind, capacity } = this.#record;
    const slot = index & (capacity - 1);
    return this.#at + kind.headerBytes + slot * kind.entryBytes + (kind.fields[field] ?? 0);
  }

  #index(place: number): number {
    const at = this.#at + place;
    const isNarrow = this.#record.kind.indexBits === 16;
    return isNarrow ? this.#view.getUint16(at, true) : this.#view.getUint32(at, true);
  }

  #setIndex(place: number, value: number): void {
    const at = this.#at + place;
    if (this.#record.kind.indexBits === 16) this.#view.setUint16(at, value & 0xffff, true);
    else this.#view.setUint32(at, value >>> 0, true);
  }
}
