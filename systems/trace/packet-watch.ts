/**
 * Follows one frame through a system: from the NIC to the wire, and the empty buffers on their way
 * back.
 *
 * Whenever a domain makes a system call, the network queues that it has are looked at: what is new
 * there, it has put in. The packet is known by its buffer. When a domain that has it puts in
 * another buffer with the same payload, it has copied or answered it: two packets in flight with
 * equal payloads cannot be told apart there, and the first one is taken. Nothing is written and no
 * time is charged, so that the run is the same as without.
 */

import type { EthernetWire } from '../../board/ethernet.ts';
import type { UserThread } from '../../kernel/user.ts';
import type { Ram } from '../../memory/ram.ts';
import { flatten, regionNamed, type SystemDescription } from '../../microkit/model.ts';
import { SystemNames } from './names.ts';
import { BufferMap, type FoundBuffer, type NetEntry, NetQueueView } from './net-queue-view.ts';
import type { FollowedPath, PathHop, ReturnHop } from './packet-path.ts';
import { locateRegion } from './queue-probes.ts';
import { queueRecords } from '../../queues/classes.ts';
import { QuietObserver } from './quiet-observer.ts';
import { systemCallOf, ToldBy } from './told-by.ts';
import { WatchedWire, type WireListener } from './watched-wire.ts';

/** Ethernet, IPv4 and UDP headers: what an answer changes. */
const HEADERS_BYTES = 42;
const DEVICE = 'NIC';
/** The empty buffers have so long to come back after the packet has gone. */
const RETURN_NS = 1_000_000;

export interface PacketWatchOptions {
  readonly system: SystemDescription;
  /** The first frame that the NIC takes is 1. */
  readonly packet: number;
  readonly now: () => number;
}

/** The packet while it is under way. */
interface Current extends FoundBuffer {
  /** Queue in which it was put last; undefined while the device has it. */
  readonly queue: NetQueueView | undefined;
  /** Its index there. */
  readonly index: number;
  /** The domain that put it there. */
  readonly producer: number;
}

const NO_ENTRY = { slot: -1, ahead: -1 };
const NO_COPY = { copies: 0, bytesCopied: 0 };

export class PacketWatch extends QuietObserver implements WireListener {
  readonly #options: PacketWatchOptions;
  readonly #names: SystemNames;
  readonly #map: BufferMap;
  readonly #queues = new Map<string, NetQueueView>();
  readonly #queuesOf: NetQueueView[][] = [];
  readonly #beganNs: number[] = [];
  readonly #hops: PathHop[] = [];
  readonly #returns: ReturnHop[] = [];
  /** Buffers that the packet has left, by position. */
  readonly #left = new Set<number>();
  /** Its buffer went back, as far as this, before it was seen to go on. */
  #returnedEarly: ReturnHop[] = [];
  readonly #drivers: readonly boolean[];
  readonly #toldBy: ToldBy;
  #frames = 0;
  #ram: Ram | undefined;
  #current: Current | undefined;
  #bytes = new Uint8Array(0);
  #outcome: FollowedPath['outcome'] = 'under way';
  #endNs = Infinity;
  #wasIdle = false;

  constructor(options: PacketWatchOptions) {
    super();
    this.#options = options;
    this.#names = new SystemNames(options.system);
    this.#map = new BufferMap(options.system);
    this.#queuesOf = this.#names.pds.map(() => []);
    this.#toldBy = new ToldBy(
      this.#names,
      (pd, queue) => this.#queuesOf[pd]?.some(({ region }) => region === queue) === true,
    );
    const { system } = options;
    this.#drivers = flatten(system).map(({ pd }) =>
      pd.maps.some(({ region }) => regionNamed(system, region)?.physAddr !== undefined),
    );
  }

  /** Put between the NIC and what it is plugged into. */
  watch(wire: EthernetWire, ram: Ram): EthernetWire {
    this.#ram = ram;
    return new WatchedWire(wire, this);
  }

  /** Frames that the NIC has taken from the wire. */
  get frames(): number {
    return this.#frames;
  }

  /** Whether the packet has gone, and the empty buffers have had time to come back. */
  get isOver(): boolean {
    if (this.#endNs === Infinity) return false;
    return this.#wasIdle || this.#options.now() > this.#endNs + RETURN_NS;
  }

  path(): FollowedPath {
    const { packet } = this.#options;
    return {
      subject: 'packet',
      number: packet,
      outcome: this.#outcome,
      hops: this.#hops,
      returns: this.#returns,
    };
  }

  // -------------------------------------------------------------------------------------- the wire

  received(at: number, lengthBytes: number): void {
    this.#frames += 1;
    if (this.#frames !== this.#options.packet || this.#ram === undefined) return;
    const found = this.#map.find(at) ?? { at, buffer: { region: '', offset: 0 } };
    this.#bytes = this.#ram.u8.slice(at, at + lengthBytes);
    this.#current = { ...found, queue: undefined, index: 0, producer: -1 };
    this.#device('received', 'receive virtqueue', lengthBytes, found);
  }

  lost(reason: string): void {
    this.#frames += 1;
    if (this.#frames !== this.#options.packet) return;
    this.#device('ended', reason, 0, { at: -1, buffer: { region: '', offset: 0 } });
    this.#end('lost');
  }

  sent(at: number, lengthBytes: number): void {
    const current = this.#current;
    if (current === undefined || current.producer < 0 || this.#ram === undefined) return;
    if (at !== current.at && !this.#isPacket(at, lengthBytes)) return;
    this.#device('sent', 'wire', lengthBytes, current);
    this.#left.add(current.at);
    this.#end('sent');
  }

  #device(what: PathHop['what'], into: string, lengthBytes: number, { buffer }: FoundBuffer): void {
    const nowNs = this.#options.now();
    const times = { beganNs: nowNs, doneNs: nowNs };
    const where = { at: DEVICE, what, into, buffer, lengthBytes, by: '' };
    this.#hops.push({ ...where, ...times, ...NO_ENTRY, ...NO_COPY });
  }

  #end(outcome: FollowedPath['outcome']): void {
    this.#outcome = outcome;
    this.#current = undefined;
    this.#endNs = this.#options.now();
    this.#wasIdle = false;
  }

  // ----------------------------------------------------------------------------------- the domains

  override started(pd: number, thread: UserThread): void {
    const described = flatten(this.#options.system)[pd]?.pd;
    if (described === undefined) return;
    this.#map.learn(described, thread);
    this.#queuesOf[pd] = queueRecords(described.config)
      .filter(({ kind: { name } }) => name === 'net active' || name === 'net free')
      .flatMap((record) => {
        const known = this.#queues.get(record.region);
        if (known !== undefined) return [known];
        const place = locateRegion(this.#options.system, described, record.region, thread);
        if (place === undefined) return [];
        const view = new NetQueueView(record, place, this.#map);
        this.#queues.set(record.region, view);
        return [view];
      })
      // What goes on is looked at before what goes back.
      .toSorted((a, b) => Number(a.kind === 'free') - Number(b.kind === 'free'));
  }

  override runs(pd: number): void {
    this.#beganNs[pd] = this.#options.now();
  }

  override enters(pd: number, regs: Uint32Array): void {
    this.#look(pd, regs);
    this.#toldBy.calls(pd, regs, 'goes on');
  }

  override waits(pd: number, regs: Uint32Array): void {
    this.#look(pd, regs);
    this.#toldBy.calls(pd, regs, 'waits');
    const [returned] = this.#returnedEarly;
    if (returned === undefined || returned.at !== this.#names.pd(pd)) return;
    // The handler is over, and nothing has gone on.
    const { buffer } = returned;
    const times = { beganNs: this.#beganNs[pd] ?? 0, doneNs: this.#options.now() };
    const where = { at: returned.at, what: 'ended' as const, into: '', buffer, by: '' };
    this.#hops.push({
      ...where,
      ...times,
      lengthBytes: this.#bytes.length,
      ...NO_ENTRY,
      ...NO_COPY,
    });
    this.#goneFrom();
    this.#end('ended');
  }

  #look(pd: number, regs: Uint32Array): void {
    for (const queue of this.#queuesOf[pd] ?? []) {
      for (const entry of queue.takeProduced()) {
        if (queue.kind === 'free') this.#freed(pd, queue, entry);
        else this.#produced(pd, queue, entry);
      }
    }
    this.#posted(pd, regs);
  }

  /** A driver that has taken the packet out of its queue has given it to its device. */
  #posted(pd: number, regs: Uint32Array): void {
    const current = this.#current;
    if (current?.queue === undefined || current.producer === pd) return;
    if (this.#drivers[pd] !== true || this.#queuesOf[pd]?.includes(current.queue) !== true) return;
    if (!current.queue.hasTaken(current.index)) return;
    this.#hops.push({
      at: this.#names.pd(pd),
      what: 'passed',
      beganNs: this.#beganNs[pd] ?? 0,
      doneNs: this.#options.now(),
      into: 'transmit virtqueue',
      buffer: current.buffer,
      lengthBytes: this.#bytes.length,
      by: systemCallOf(this.#names, pd, regs).text,
      ...NO_ENTRY,
      ...NO_COPY,
    });
    this.#current = { ...current, queue: undefined, producer: pd };
  }

  #produced(pd: number, queue: NetQueueView, entry: NetEntry): void {
    const current = this.#current;
    this.#left.delete(entry.at); // it carries another packet now
    if (current === undefined || entry.at < 0) return;
    const isSame = entry.at === current.at;
    if (!isSame && !this.#isAnswer(pd, queue, entry, current)) return;
    const lengthBytes = entry.lengthBytes;
    const what = isSame ? 'passed' : this.#isPacket(entry.at, lengthBytes) ? 'copied' : 'answered';
    const hop: PathHop & { by: string } = {
      at: this.#names.pd(pd),
      what,
      beganNs: this.#beganNs[pd] ?? 0,
      doneNs: this.#options.now(),
      into: queue.region,
      slot: entry.index & (queue.capacity - 1),
      ahead: queue.ahead(entry.index),
      buffer: entry.buffer,
      lengthBytes,
      copies: isSame ? 0 : 1,
      bytesCopied: isSame ? 0 : lengthBytes,
      by: '',
    };
    this.#hops.push(hop);
    this.#toldBy.put({ hop, pd, queue: queue.region });
    if (!isSame) this.#goneFrom();
    if (what === 'answered') this.#keepBytes(entry);
    const { at, buffer, index } = entry;
    this.#current = { at, buffer, queue, index, producer: pd };
  }

  /**
   * Whether a domain that has the packet has put another buffer with its payload into a queue to go
   * on.
   */
  #isAnswer(pd: number, queue: NetQueueView, entry: NetEntry, current: Current): boolean {
    if (current.queue === undefined || current.producer === pd || current.queue === queue)
      return false;
    if (this.#queuesOf[pd]?.includes(current.queue) !== true) return false;
    if (entry.lengthBytes !== this.#bytes.length) return false;
    return this.#equals(entry.at, entry.lengthBytes, HEADERS_BYTES);
  }

  #isPacket(at: number, lengthBytes: number): boolean {
    return lengthBytes === this.#bytes.length && this.#equals(at, lengthBytes, 0);
  }

  #equals(at: number, lengthBytes: number, from: number): boolean {
    const u8 = this.#ram?.u8;
    for (let byte = from; byte < lengthBytes; byte += 1) {
      if (u8?.[at + byte] !== this.#bytes[byte]) return false;
    }
    return true;
  }

  #keepBytes(entry: NetEntry): void {
    if (this.#ram === undefined) return;
    this.#bytes = this.#ram.u8.slice(entry.at, entry.at + entry.lengthBytes);
  }

  /** The packet is not in its buffer any more, which is now on its way back. */
  #goneFrom(): void {
    if (this.#current !== undefined) this.#left.add(this.#current.at);
    this.#returns.push(...this.#returnedEarly);
    this.#returnedEarly = [];
  }

  #freed(pd: number, queue: NetQueueView, entry: NetEntry): void {
    const hop: ReturnHop = {
      at: this.#names.pd(pd),
      into: queue.region,
      buffer: entry.buffer,
      doneNs: this.#options.now(),
    };
    if (this.#left.has(entry.at)) this.#returns.push(hop);
    else if (entry.at >= 0 && entry.at === this.#current?.at) this.#returnedEarly.push(hop);
  }

  override idle(): void {
    this.#wasIdle = true;
  }
}
