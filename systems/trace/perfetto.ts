/**
 * A recording as a trace for Perfetto or chrome://tracing: the JSON of the Trace Event Format
 * ("JSON Object Format").
 *
 *     process 1   a track for each protection domain: slices from where it gets the processor to where another does,
 *                 its own kernel entries included; register accesses as instants, if recorded
 *     process 2   kernel entries by system call
 *     process 3   a track for each interrupt: pending, in service
 *     process 4   a counter for each queue
 *     arrows      from a signal, a call, a reply or an interrupt to the slice that it begins
 *
 * Times are those of the recording's clock. The same recording gives the same text.
 */

import { SYS_CALL, SYS_NB_SEND_RECV, SYS_REPLY_RECV } from '../../kernel/abi.ts';
import { BADGE_HIGH_CALL, BADGE_HIGH_FAULT } from '../../microkit/slots.ts';
import { flatten } from '../../microkit/model.ts';
import { FlowBook } from './flows.ts';
import { SystemNames, type Target } from './names.ts';
import { RUN_AGAIN, RUN_INIT } from './observer.ts';
import { depthOf } from './queue-probes.ts';
import * as ev from './recorder.ts';
import type { DeviceAccesses, Recorder } from './recorder.ts';
import { type Slice, TraceText } from './trace-text.ts';

export const PID_DOMAINS = 1;
export const PID_KERNEL = 2;
export const PID_INTERRUPTS = 3;
export const PID_QUEUES = 4;
const TID_ENTRIES = 1;
const LOW_CHANNELS = 32;
/** Both bits that are no channel's. */
const BADGE_KINDS = BADGE_HIGH_CALL | BADGE_HIGH_FAULT;
const CHILD_MASK = 0xff;
const CALL_CHANNEL_MASK = 0x3f;

export interface TraceOptions {
  readonly recorder: Recorder;
  readonly clock: 'virtual' | 'host';
  /** What else the trace says about itself. */
  readonly about: Readonly<Record<string, string | number>>;
}

/** @returns the trace in pieces, to be written one after the other */
export function* perfettoTrace(options: TraceOptions): Generator<string> {
  yield* new PerfettoTrace(options).pieces();
}

class PerfettoTrace {
  readonly #recorder: Recorder;
  readonly #clock: 'virtual' | 'host';
  readonly #about: TraceOptions['about'];
  readonly #names: SystemNames;
  readonly #text: TraceText;
  readonly #flows: FlowBook;
  readonly #devices: readonly DeviceAccesses[];
  /** Who has the processor, and since when. */
  #domain: Slice | undefined;
  #running = -1;
  #entry: Slice | undefined;
  readonly #pendingSince = new Map<number, number>();
  readonly #serviceSince = new Map<number, number>();
  /** Who called a domain that has not replied yet. */
  readonly #callers = new Map<number, number>();
  /** Of each queue: entries at the last look. */
  readonly #depths = new Map<number, number>();
  #slot = 0;
  #lastNs = -1;

  constructor(options: TraceOptions) {
    this.#recorder = options.recorder;
    this.#clock = options.clock;
    this.#about = options.about;
    this.#names = new SystemNames(options.recorder.system);
    this.#text = new TraceText(options.recorder.hostTimes.length > 0 ? 'host time' : 'none');
    this.#flows = new FlowBook(this.#text);
    this.#devices = options.recorder.devices;
  }

  *pieces(): Generator<string> {
    this.#recorder.complete();
    const { count, dropped, capacity } = this.#recorder;
    yield this.#text.head({
      clock: this.#clock,
      ...this.#about,
      eventsRecorded: count - dropped,
      eventsDropped: dropped,
    });
    this.#describeTracks();
    for (let event = dropped; event < count; event += 1) {
      this.#slot = event & (capacity - 1);
      this.#read();
      if (this.#text.isLong) yield this.#text.take();
    }
    this.#endAll(this.#lastNs);
    yield this.#text.take();
    yield this.#text.tail();
  }

  #describeTracks(): void {
    const text = this.#text;
    text.process(PID_DOMAINS, 'protection domains');
    text.process(PID_KERNEL, 'kernel');
    text.process(PID_INTERRUPTS, 'interrupts');
    text.process(PID_QUEUES, 'queues');
    text.thread(PID_KERNEL, TID_ENTRIES, 'kernel entries', 0);
    for (const { pd, index } of flatten(this.#recorder.system)) {
      text.thread(PID_DOMAINS, index + 1, pd.name, -pd.priority);
    }
    text.thread(PID_DOMAINS, this.#names.pds.length, 'monitor', -255);
    const irqs = flatten(this.#recorder.system).flatMap(({ pd }) => pd.irqs);
    for (const irq of irqs) {
      if (irq.kind === 'conventional') {
        text.thread(PID_INTERRUPTS, irq.irq, `irq ${irq.irq}`, irq.irq);
      }
    }
  }

  #word(index: number): number {
    return this.#recorder.words[this.#slot * ev.EVENT_WORDS + index] as number;
  }

  #read(): void {
    const word0 = this.#word(0);
    const kind = word0 & 0xff;
    const pd = (word0 >>> 8) & 0xff;
    const detail = (word0 >>> 16) & 0xff;
    const nowNs = this.#time(kind);
    this.#text.hostNs = this.#recorder.hostTimes[this.#slot] ?? 0;
    switch (kind) {
      case ev.EVENT_RUN:
        return this.#run(pd, detail, nowNs);
      case ev.EVENT_ENTER:
      case ev.EVENT_WAIT:
        return this.#enter(pd, -detail, nowNs);
      case ev.EVENT_RETURN:
        return this.#return(pd, nowNs);
      case ev.EVENT_THROW:
        return this.#throw(pd, detail, nowNs);
      case ev.EVENT_IDLE:
        return this.#endAll(nowNs);
      case ev.EVENT_RAISE:
        if (!this.#pendingSince.has(this.#word(1))) this.#pendingSince.set(this.#word(1), nowNs);
        return;
      case ev.EVENT_CLAIM:
        return this.#claim(this.#word(1), nowNs);
      case ev.EVENT_COMPLETE:
        return this.#complete(this.#word(1), nowNs);
      case ev.EVENT_DEPTH:
        return this.#depth((word0 >>> 8) & 0xffff, this.#word(1), nowNs);
      default:
        return this.#mmio(kind, pd, detail, nowNs);
    }
  }

  /**
   * Readings of the host's clock may be equal; slices that follow each other then must not lie upon
   * each other.
   */
  #time(kind: number): number {
    let nowNs = Math.round(this.#recorder.times[this.#slot] as number);
    const isBoundary = kind <= ev.EVENT_IDLE || kind === ev.EVENT_CLAIM;
    if (this.#clock === 'host' && nowNs <= this.#lastNs) {
      nowNs = isBoundary ? this.#lastNs + 1 : this.#lastNs;
    }
    this.#lastNs = nowNs;
    return nowNs;
  }

  #run(pd: number, how: number, nowNs: number): void {
    this.#endAll(nowNs);
    const low = this.#word(1);
    const high = this.#word(2);
    const begins = this.#begin(pd, nowNs);
    if (how === RUN_INIT) begins('init');
    else if (how === RUN_AGAIN) begins('begins again');
    else if (pd === this.#names.pds.length - 1) begins(`message of ${this.#names.pd(low - 1)}`);
    else if ((high & BADGE_HIGH_FAULT) !== 0) begins(`fault of child ${low & CHILD_MASK}`);
    else if ((high & BADGE_HIGH_CALL) !== 0)
      this.#called(pd, low & CALL_CHANNEL_MASK, nowNs, begins);
    else this.#notified(pd, channelsIn(low, high & ~BADGE_KINDS), nowNs, begins);
  }

  #called(pd: number, channel: number, nowNs: number, begins: (name: string) => void): void {
    const source = this.#names.source(pd, channel);
    begins(`called by ${this.#names.sourceName(pd, channel)}`);
    if (source?.kind === 'pd') this.#callers.set(pd, source.pd);
    this.#flows.arrive(`call ${pd} ${channel}`, this.#place(pd, nowNs));
  }

  #notified(
    pd: number,
    channels: readonly number[],
    nowNs: number,
    begins: (name: string) => void,
  ): void {
    const sources = channels.map((channel) => this.#names.sourceName(pd, channel));
    begins(sources.length === 0 ? 'woken' : `notified by ${sources.join(', ')}`);
    for (const channel of channels) {
      this.#flows.arrive(`signal ${pd} ${channel}`, this.#place(pd, nowNs));
    }
  }

  #return(pd: number, nowNs: number): void {
    this.#endEntry(nowNs);
    if (this.#running === pd) return;
    this.#endAll(nowNs);
    this.#begin(pd, nowNs)('goes on');
    this.#flows.arrive(`reply ${pd}`, this.#place(pd, nowNs));
  }

  #enter(pd: number, number: number, nowNs: number): void {
    this.#endEntry(nowNs);
    const target = this.#target(pd, number);
    const what = this.#names.targetText(target);
    const call = this.#names.systemCall(number);
    this.#entry = {
      pid: PID_KERNEL,
      tid: TID_ENTRIES,
      name: what === '' ? call : `${call}: ${what}`,
      fromNs: nowNs,
      hostNs: this.#text.hostNs,
      args: { by: this.#names.pd(pd) },
    };
    const from = this.#place(pd, nowNs);
    if (target.kind === 'notify') this.#flows.leave(`signal ${target.pd} ${target.channel}`, from);
    if (target.kind === 'call') this.#flows.leave(`call ${target.pd} ${target.channel}`, from);
    if (number === SYS_REPLY_RECV) this.#reply(pd, nowNs);
  }

  #reply(pd: number, nowNs: number): void {
    const caller = this.#callers.get(pd);
    if (caller === undefined) return;
    this.#callers.delete(pd);
    this.#flows.leave(`reply ${caller}`, this.#place(pd, nowNs));
  }

  #target(pd: number, number: number): Target {
    // A wait names where the thread waits, which is always the same place.
    const isSend =
      number === SYS_CALL ||
      number === SYS_NB_SEND_RECV ||
      this.#names.systemCall(number).endsWith('Send');
    return isSend ? this.#names.target(pd, this.#word(1)) : { kind: 'other' };
  }

  #throw(pd: number, what: number, nowNs: number): void {
    if (what === ev.THROWN_UNWOUND) return;
    this.#endEntry(nowNs);
    const name = what === ev.THROWN_MEMORY_FAULT ? 'fault: memory' : 'fault: exception';
    this.#entry = {
      pid: PID_KERNEL,
      tid: TID_ENTRIES,
      name,
      fromNs: nowNs,
      hostNs: this.#text.hostNs,
      args: { by: this.#names.pd(pd) },
    };
  }

  #claim(irq: number, nowNs: number): void {
    const sinceNs = this.#pendingSince.get(irq) ?? nowNs;
    this.#pendingSince.delete(irq);
    const track = { pid: PID_INTERRUPTS, tid: irq, hostNs: this.#text.hostNs, args: {} };
    this.#text.slice({ ...track, name: 'pending', fromNs: sinceNs }, nowNs);
    this.#serviceSince.set(irq, nowNs);
    // From idle, the interrupt is the kernel entry; after a system call, it is part of that one.
    this.#entry ??= {
      ...track,
      pid: PID_KERNEL,
      tid: TID_ENTRIES,
      name: `interrupt: irq ${irq}`,
      fromNs: sinceNs,
    };
    const target = this.#names.irqTarget(irq);
    if (target === undefined) return;
    const from = { pid: PID_INTERRUPTS, tid: irq, atNs: nowNs };
    this.#flows.leave(`signal ${target.pd} ${target.channel}`, from);
  }

  #complete(irq: number, nowNs: number): void {
    const sinceNs = this.#serviceSince.get(irq);
    if (sinceNs === undefined) return;
    this.#serviceSince.delete(irq);
    // A line that went up meanwhile is pending only from now on.
    if (this.#pendingSince.has(irq)) this.#pendingSince.set(irq, nowNs);
    const track = { pid: PID_INTERRUPTS, tid: irq, hostNs: this.#text.hostNs, args: {} };
    this.#text.slice({ ...track, name: 'in service', fromNs: sinceNs }, nowNs);
  }

  #depth(number: number, indices: number, nowNs: number): void {
    const queue = this.#recorder.queues[number];
    if (queue === undefined) return;
    const entries = depthOf(queue, indices);
    if (this.#depths.get(number) === entries) return;
    this.#depths.set(number, entries);
    this.#text.counter(PID_QUEUES, queue.name, nowNs, entries);
  }

  #mmio(kind: number, pd: number, device: number, nowNs: number): void {
    const how = kind === ev.EVENT_MMIO_READ ? 'read' : 'write';
    const name = this.#devices[device]?.name ?? `device ${device}`;
    const register = `0x${this.#word(1).toString(16).padStart(3, '0')}`;
    const value = kind === ev.EVENT_MMIO_READ ? {} : { value: this.#word(2) >>> 0 };
    this.#text.instant(PID_DOMAINS, pd + 1, `${how} ${name} ${register}`, nowNs, value);
  }

  #place(pd: number, atNs: number) {
    return { pid: PID_DOMAINS, tid: pd + 1, atNs };
  }

  #begin(pd: number, fromNs: number): (name: string) => void {
    this.#running = pd;
    return (name) => {
      const { hostNs } = this.#text;
      this.#domain = { pid: PID_DOMAINS, tid: pd + 1, name, fromNs, hostNs, args: {} };
    };
  }

  #endEntry(nowNs: number): void {
    if (this.#entry !== undefined) this.#text.slice(this.#entry, nowNs);
    this.#entry = undefined;
  }

  /** The processor changes hands. */
  #endAll(nowNs: number): void {
    this.#endEntry(nowNs);
    if (this.#domain !== undefined) this.#text.slice(this.#domain, nowNs);
    this.#domain = undefined;
    this.#running = -1;
  }
}

/** @returns the numbers of the bits that are set, lowest first */
function channelsIn(low: number, high: number): readonly number[] {
  const channels: number[] = [];
  for (let bit = 0; bit < LOW_CHANNELS; bit += 1) if ((low & (1 << bit)) !== 0) channels.push(bit);
  for (let bit = 0; bit < LOW_CHANNELS; bit += 1) {
    if ((high & (1 << bit)) !== 0) channels.push(LOW_CHANNELS + bit);
  }
  return channels;
}
