/**
 * Follows one block request through a system: from the client that makes it to the disk, and the
 * response on its way back.
 *
 *     client ─▶ virtualiser ─▶ driver ─▶ device ─▶ driver ─▶ virtualiser ─▶ client
 *
 * Whenever a domain makes a system call, the block queues that it has are looked at, as
 * `packet-watch.ts` does. On the way there a request is known by its buffer, which stays the same,
 * and by what it asks for; on the way back by the identifiers that client and virtualiser have
 * given it. Nothing is written and no time is charged.
 */

import type { UserThread } from '../../kernel/user.ts';
import { flatten, type SystemDescription } from '../../microkit/model.ts';
import type { BlkVirtConfig } from '../../queues/blk/config.ts';
import { BLK_OK } from '../../queues/blk/layout.ts';
import type { Wires } from '../attached-devices.ts';
import { type BlkEntry, BlkQueueView } from './blk-queue-view.ts';
import { SystemNames } from './names.ts';
import type { BufferPlace, FollowedPath, PathHop } from './packet-path.ts';
import { locateRegion, type RegionPlace } from './queue-probes.ts';
import { queueRecords } from '../../queues/classes.ts';
import { QuietObserver } from './quiet-observer.ts';
import { systemCallOf, ToldBy } from './told-by.ts';
import { type DiskListener, type DiskWork, WatchedDisk } from './watched-disk.ts';

export interface RequestWatchOptions {
  readonly system: SystemDescription;
  /** The first request that a client makes is 1; the virtualiser's own are not counted. */
  readonly request: number;
  readonly now: () => number;
}

/** Queues and data of a virtualiser's client. */
interface ClientSide {
  readonly responseQueue: string;
  readonly dataRegion: string;
}

/** The request while it is under way. */
interface Current {
  readonly code: number;
  readonly lengthBytes: number;
  /** Position of its buffer in RAM; -1 when it has none. */
  readonly at: number;
  readonly buffer: BufferPlace;
  readonly clientId: number;
  readonly responseQueue: string;
  /** What the driver knows it by, once it has been passed on; else -1. */
  readonly driverId: number;
  /** Where it, or its response, was put last, while nobody has taken it. */
  readonly waitsIn: { readonly queue: BlkQueueView; readonly index: number } | undefined;
}

const NO_SLOT = { slot: -1, ahead: -1 };
const NO_COPY = { copies: 0, bytesCopied: 0 };

export class RequestWatch extends QuietObserver implements DiskListener {
  readonly #options: RequestWatchOptions;
  readonly #names: SystemNames;
  /** By request queue. */
  readonly #clients: ReadonlyMap<string, ClientSide>;
  readonly #data = new Map<string, RegionPlace>();
  readonly #queues = new Map<string, BlkQueueView>();
  readonly #queuesOf: BlkQueueView[][];
  readonly #toldBy: ToldBy;
  readonly #beganNs: number[] = [];
  readonly #hops: PathHop[] = [];
  #requests = 0;
  /** Of the response. */
  #status = BLK_OK;
  #current: Current | undefined;
  #outcome: FollowedPath['outcome'] = 'under way';

  constructor(options: RequestWatchOptions) {
    super();
    this.#options = options;
    this.#names = new SystemNames(options.system);
    this.#clients = clientSides(options.system);
    this.#queuesOf = this.#names.pds.map(() => []);
    this.#toldBy = new ToldBy(
      this.#names,
      (pd, queue) => this.#queuesOf[pd]?.some(({ region }) => region === queue) === true,
    );
  }

  /** Put between the devices and their disks. */
  watch(wires: Wires): Wires {
    if (wires.blocks === undefined) return wires;
    const watched = (plug: NonNullable<Wires['blocks']>[number]) => ({
      ...plug,
      wire: new WatchedDisk(plug.wire, this),
    });
    return { ...wires, blocks: wires.blocks.map(watched) };
  }

  /** Requests that clients have made. */
  get requests(): number {
    return this.#requests;
  }

  /** Whether the client has the response. */
  get isOver(): boolean {
    return this.#outcome !== 'under way';
  }

  path(): FollowedPath {
    return {
      subject: 'request',
      number: this.#options.request,
      outcome: this.#outcome,
      hops: this.#hops,
      returns: [],
    };
  }

  now(): number {
    return this.#options.now();
  }

  // -------------------------------------------------------------------------------------- the disk

  worked({ what, at, lengthBytes, beganNs }: DiskWork): void {
    const current = this.#current;
    if (current === undefined || current.driverId < 0) return;
    const inside = at - current.at;
    const isOwn = at < 0 ? current.at < 0 : inside >= 0 && inside < current.lengthBytes;
    if (!isOwn) return;
    const buffer = { ...current.buffer, offset: current.buffer.offset + Math.max(0, inside) };
    this.#push({ at: 'disk', what, into: '', by: '', beganNs, buffer, lengthBytes, ...NO_SLOT });
  }

  // ----------------------------------------------------------------------------------- the domains

  override started(pd: number, thread: UserThread): void {
    const { system } = this.#options;
    const described = flatten(system)[pd]?.pd;
    if (described === undefined) return;
    for (const { dataRegion } of this.#clients.values()) {
      const place = locateRegion(system, described, dataRegion, thread);
      if (place !== undefined) this.#data.set(dataRegion, place);
    }
    this.#queuesOf[pd] = queueRecords(described.config).flatMap((record) => {
      if (record.kind.name !== 'blk request' && record.kind.name !== 'blk response') return [];
      const known = this.#queues.get(record.region);
      const place = locateRegion(system, described, record.region, thread);
      const view = known ?? (place === undefined ? undefined : new BlkQueueView(record, place));
      if (view === undefined) return [];
      this.#queues.set(record.region, view);
      return [view];
    });
  }

  override runs(pd: number): void {
    this.#beganNs[pd] = this.now();
  }

  override enters(pd: number, regs: Uint32Array): void {
    this.#look(pd, regs);
    this.#toldBy.calls(pd, regs, 'goes on');
  }

  override waits(pd: number, regs: Uint32Array): void {
    this.#look(pd, regs);
    this.#toldBy.calls(pd, regs, 'waits');
  }

  #look(pd: number, regs: Uint32Array): void {
    this.#taken(pd, regs);
    for (const queue of this.#queuesOf[pd] ?? []) {
      for (const entry of queue.takeProduced()) {
        if (queue.kind === 'request') this.#requested(pd, queue, entry);
        else this.#responded(pd, queue, entry);
      }
    }
  }

  #requested(pd: number, queue: BlkQueueView, entry: BlkEntry): void {
    const client = this.#clients.get(queue.region);
    if (client === undefined) {
      this.#passed(pd, queue, entry);
      return;
    }
    this.#requests += 1;
    if (this.#requests !== this.#options.request) return;
    const data = this.#data.get(client.dataRegion);
    const hasBuffer = entry.lengthBytes > 0 && data !== undefined;
    this.#current = {
      code: entry.code,
      lengthBytes: entry.lengthBytes,
      at: hasBuffer ? data.at + entry.offset : -1,
      buffer: { region: client.dataRegion, offset: entry.offset },
      clientId: entry.id,
      responseQueue: client.responseQueue,
      driverId: -1,
      waitsIn: undefined,
    };
    this.#put(pd, queue, entry, 'asked');
  }

  /** The virtualiser gives a request to the driver: whether it is the one, its buffer says. */
  #passed(pd: number, queue: BlkQueueView, entry: BlkEntry): void {
    const current = this.#current;
    if (current === undefined || current.driverId >= 0) return;
    if (entry.code !== current.code || entry.lengthBytes !== current.lengthBytes) return;
    if (current.at >= 0 && entry.offset - queue.ram.base !== current.at) return;
    this.#current = { ...current, driverId: entry.id };
    this.#put(pd, queue, entry, 'passed');
  }

  #responded(pd: number, queue: BlkQueueView, entry: BlkEntry): void {
    const current = this.#current;
    if (current === undefined) return;
    if (queue.region === current.responseQueue) {
      if (entry.id !== current.clientId) return;
      this.#status = entry.status;
      this.#put(pd, queue, entry, 'replied');
    } else if (entry.id === current.driverId && !this.#isClientQueue(queue.region)) {
      this.#put(pd, queue, entry, 'replied');
    }
  }

  #isClientQueue(region: string): boolean {
    return [...this.#clients.values()].some(({ responseQueue }) => responseQueue === region);
  }

  /**
   * A driver that has taken the request has given it to its device; a client that has taken the
   * response has it.
   */
  #taken(pd: number, regs: Uint32Array): void {
    const waitsIn = this.#current?.waitsIn;
    if (this.#current === undefined || waitsIn === undefined) return;
    const { queue, index } = waitsIn;
    if (this.#queuesOf[pd]?.includes(queue) !== true || !queue.hasTaken(index)) return;
    this.#current = { ...this.#current, waitsIn: undefined };
    const { buffer, lengthBytes } = this.#current;
    const at = this.#names.pd(pd);
    const beganNs = this.#beganNs[pd] ?? 0;
    const hop = { at, beganNs, buffer, lengthBytes, ...NO_SLOT };
    if (queue.region === this.#current.responseQueue) {
      this.#push({ ...hop, what: 'taken', into: '', by: '' });
      this.#outcome = this.#status === BLK_OK ? 'taken' : 'refused';
      this.#current = undefined;
    } else if (queue.kind === 'request' && !this.#clients.has(queue.region)) {
      const by = systemCallOf(this.#names, pd, regs).text;
      this.#push({ ...hop, what: 'passed', into: 'request virtqueue', by });
    }
  }

  #put(pd: number, queue: BlkQueueView, entry: BlkEntry, what: PathHop['what']): void {
    if (this.#current === undefined) return;
    const { buffer, lengthBytes } = this.#current;
    const hop = this.#push({
      at: this.#names.pd(pd),
      what,
      beganNs: this.#beganNs[pd] ?? 0,
      into: queue.region,
      slot: entry.index & (queue.capacity - 1),
      ahead: queue.ahead(entry.index),
      buffer,
      lengthBytes,
      by: '',
    });
    this.#toldBy.put({ hop, pd, queue: queue.region });
    this.#current = { ...this.#current, waitsIn: { queue, index: entry.index } };
  }

  /**
   * Nobody copies the blocks of a request: the device moves them straight from and to the client's
   * memory.
   */
  #push(hop: Omit<PathHop, 'doneNs' | 'copies' | 'bytesCopied'>): PathHop & { by: string } {
    const pushed = { ...hop, doneNs: this.now(), ...NO_COPY };
    this.#hops.push(pushed);
    return pushed;
  }
}

/** What the virtualisers of a system know of their clients, by request queue. */
function clientSides(system: SystemDescription): ReadonlyMap<string, ClientSide> {
  const found = new Map<string, ClientSide>();
  for (const { pd } of flatten(system)) {
    const { clients } = (pd.config ?? {}) as Partial<BlkVirtConfig>;
    if (!Array.isArray(clients)) continue;
    for (const { connection, data } of clients as BlkVirtConfig['clients']) {
      if (connection?.requestQueue === undefined) continue;
      const { requestQueue, responseQueue } = connection;
      found.set(requestQueue, { responseQueue, dataRegion: data.region });
    }
  }
  return found;
}
