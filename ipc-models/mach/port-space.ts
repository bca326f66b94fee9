/**
 * The port names of one task: which rights it holds, and under which numbers. All send rights to a
 * port, and its receive right, have one name; each send-once right has its own.
 */

import type { ModelCounters } from '../counters.ts';
import type { Task } from '../model-thread.ts';
import {
  COPY_SEND,
  MACH_PORT_DEAD,
  MAKE_SEND,
  MAKE_SEND_ONCE,
  MOVE_RECEIVE,
  MOVE_SEND,
  MOVE_SEND_ONCE,
} from './abi.ts';
import type { CarriedRight, Port, PortSet, Right } from './port.ts';

export interface Entry {
  port: Port | null;
  readonly set: PortSet | null;
  hasReceive: boolean;
  sendRefs: number;
  /** 0 or 1. */
  sendOnceRefs: number;
  /** What is left of rights to a port that has died. */
  deadRefs: number;
}

/** The low bits of a name are a generation in XNU; here they only make it differ from an index. */
const NAME_TAG = 3;
const NAME_SHIFT = 8;

export class PortSpace {
  readonly task: Task;
  readonly #counters: ModelCounters;
  readonly #entries: (Entry | null)[] = [null];
  /** Names of ports that the task can receive from or send to. */
  readonly #nameOf = new Map<Port, number>();

  constructor(task: Task, counters: ModelCounters) {
    this.task = task;
    this.#counters = counters;
  }

  /** Translates a name. */
  lookup(name: number): Entry | null {
    this.#counters.nameLookups += 1;
    return (name & 0xff) === NAME_TAG ? (this.#entries[name >>> NAME_SHIFT] ?? null) : null;
  }

  /** Whether a name stands for a right to the port. */
  holds(name: number, port: Port): boolean {
    return this.#entries[name >>> NAME_SHIFT]?.port === port;
  }

  names(): number[] {
    return this.#entries.flatMap((entry, i) =>
      entry === null ? [] : [(i << NAME_SHIFT) | NAME_TAG],
    );
  }

  /** @returns the name of a new entry */
  insertSet(set: PortSet): number {
    return this.#add({ ...newEntry(null), set });
  }

  // --------------------------------------------------------------------------------- rights go out

  /**
   * Takes a right out of the space, or makes one, for a message.
   *
   * @param disposition `MOVE_…`, `COPY_…`, `MAKE_…`
   * @returns the port, null when the name has no such right
   */
  copyIn(name: number, disposition: number): CarriedRight | null {
    const entry = this.lookup(name);
    const port = entry?.port ?? null;
    if (entry === null || port === null) return null;
    switch (disposition) {
      case MAKE_SEND:
      case MAKE_SEND_ONCE:
        return entry.hasReceive
          ? made(port, disposition === MAKE_SEND ? 'send' : 'sendOnce')
          : null;
      case COPY_SEND:
        return entry.sendRefs > 0 ? made(port, 'send') : null;
      case MOVE_SEND:
        if (entry.sendRefs === 0) return null;
        entry.sendRefs -= 1;
        // The name's own right travels on when this was its last reference.
        if (entry.sendRefs > 0) port.sendRights += 1;
        this.#removeIfEmpty(name, entry);
        return { port, right: 'send', isMoved: true };
      case MOVE_SEND_ONCE:
        if (entry.sendOnceRefs === 0) return null;
        entry.sendOnceRefs = 0;
        this.#removeIfEmpty(name, entry);
        return { port, right: 'sendOnce', isMoved: true };
      case MOVE_RECEIVE:
        if (!entry.hasReceive) return null;
        entry.hasReceive = false;
        port.receiver = null;
        port.receiverName = 0;
        this.#removeIfEmpty(name, entry);
        return { port, right: 'receive', isMoved: true };
      default:
        return null;
    }
  }

  // -------------------------------------------------------------------------------- rights come in

  /** Gives the task a right that a message has carried. @returns its name */
  copyOut(port: Port, right: Right): number {
    if (port.isDead) return MACH_PORT_DEAD;
    if (right === 'sendOnce') return this.#add({ ...newEntry(port), sendOnceRefs: 1 });
    const known = this.#nameOf.get(port);
    const name = known ?? this.#add(newEntry(port));
    const entry = this.#entries[name >>> NAME_SHIFT] as Entry;
    this.#nameOf.set(port, name);
    if (right === 'receive') {
      entry.hasReceive = true;
      port.receiver = this.task;
      port.receiverName = name;
    } else {
      // One right for each name, however many references it has.
      if (entry.sendRefs > 0) port.sendRights -= 1;
      entry.sendRefs += 1;
    }
    return name;
  }

  // ----------------------------------------------------------------------------- the end of rights

  remove(name: number): void {
    const entry = this.#entries[name >>> NAME_SHIFT] ?? null;
    if (entry === null) return;
    if (entry.port !== null && this.#nameOf.get(entry.port) === name) {
      this.#nameOf.delete(entry.port);
    }
    this.#entries[name >>> NAME_SHIFT] = null;
  }

  removeIfEmpty(name: number): void {
    const entry = this.#entries[name >>> NAME_SHIFT] ?? null;
    if (entry !== null) this.#removeIfEmpty(name, entry);
  }

  /** A port has died: whatever the task had of it becomes a dead name. */
  onDeath(port: Port): void {
    this.#nameOf.delete(port);
    for (const entry of this.#entries) {
      if (entry?.port !== port) continue;
      entry.deadRefs = entry.sendRefs + entry.sendOnceRefs;
      entry.port = null;
      entry.hasReceive = false;
      entry.sendRefs = 0;
      entry.sendOnceRefs = 0;
    }
    for (const name of this.names()) this.removeIfEmpty(name);
  }

  #removeIfEmpty(name: number, entry: Entry): void {
    const references = entry.sendRefs + entry.sendOnceRefs + entry.deadRefs;
    if (references === 0 && !entry.hasReceive && entry.set === null) this.remove(name);
  }

  #add(entry: Entry): number {
    const free = this.#entries.indexOf(null, 1);
    const index = free < 0 ? this.#entries.length : free;
    this.#entries[index] = entry;
    return (index << NAME_SHIFT) | NAME_TAG;
  }
}

function newEntry(port: Port | null): Entry {
  return { port, set: null, hasReceive: false, sendRefs: 0, sendOnceRefs: 0, deadRefs: 0 };
}

/** A right that did not exist before. */
function made(port: Port, right: 'send' | 'sendOnce'): CarriedRight {
  if (right === 'send') port.sendRights += 1;
  else port.sendOnceRights += 1;
  return { port, right, isMoved: false };
}
