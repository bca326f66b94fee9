/**
 * What the page sees of a world while it runs: who enters the kernel, who signals whom, how often
 * devices interrupt. Counts alone, so that a moment can be named by a number and looked at again.
 *
 * It may leave the world in the middle of anything, by {@link Halted}: whoever wants to look at
 * such a moment makes the world anew and lets it come there.
 */

import type { EthernetWire } from '../../board/ethernet.ts';
import { REG_A0, REG_A7, REG_T0, SYS_NB_SEND_RECV } from '../../kernel/abi.ts';
import type { UserThread } from '../../kernel/user.ts';
import { RunFailure } from '../../memory/assert.ts';
import type { Ram } from '../../memory/ram.ts';
import { flatten, type FlatPd, type SystemDescription } from '../../microkit/model.ts';
import { SystemNames } from '../../systems/trace/names.ts';
import { QueueProbes } from '../../systems/trace/queue-probes.ts';
import { QuietObserver } from '../../systems/trace/quiet-observer.ts';
import { systemCallOf } from '../../systems/trace/told-by.ts';
import { VirtqueueWatch } from '../../systems/trace/virtqueue-setup.ts';
import { WatchedWire, type WireListener } from '../../systems/trace/watched-wire.ts';
import type { StepUnit } from './scenario.ts';
import { MARKS_SHOWN, Timeline } from './timeline.ts';

/** The world is left at the moment that was asked for. */
export class Halted extends RunFailure {
  override readonly name = 'Halted';
}

const A0 = 2 * REG_A0;
const A7 = 2 * REG_A7;
const T0 = 2 * REG_T0;
/** Behind what the initialiser hands out, a program may name anything. */
const CPTR_MAX = 4096;

const NOBODY = -1;
const RAISED = MARKS_SHOWN.indexOf('interrupt');
const FRAME_IN = MARKS_SHOWN.indexOf('frame in');
const FRAME_OUT = MARKS_SHOWN.indexOf('frame out');

/** Who is in the middle of what. */
export interface UnderWay {
  readonly pd: string;
  /** Such as "Send: notify net_virt_rx". */
  readonly call: string;
}

export class WorldWatch extends QuietObserver implements WireListener {
  readonly names: SystemNames;
  readonly counts: Record<StepUnit, number> = { entry: 0, event: 0, packet: 0 };
  /** Frames that the NIC has sent. */
  sentFrames = 0;
  underWay: UnderWay | undefined;
  isHalted = false;
  /** Kernel entries of each domain. */
  readonly entries: Float64Array;
  /** Signals from a domain to another one: row by row. */
  readonly signals: Float64Array;
  readonly probes: QueueProbes;
  /** Of each domain, which signal a capability address is. */
  readonly #reached: readonly Map<number, number>[];
  readonly #flat: readonly FlatPd[];
  readonly #virtqueues = new VirtqueueWatch();
  /** Of a run under the virtual clock. */
  timeline: Timeline | undefined;
  #now = (): number => 0;
  #ram: Ram | undefined;
  #running = 0;
  /** What is waited for; an entry that will never come when nothing is. */
  #unit: StepUnit = 'entry';
  #target = Infinity;
  #onHalt: () => void = () => undefined;

  constructor(system: SystemDescription) {
    super();
    this.names = new SystemNames(system);
    this.#flat = flatten(system);
    const { length } = this.names.pds;
    this.entries = new Float64Array(length);
    this.signals = new Float64Array(length * length);
    this.probes = new QueueProbes(system);
    this.#reached = this.names.pds.map(() => new Map());
  }

  /** @param onHalt called in the middle of it, before the world is left */
  haltAt(unit: StepUnit, count: number, onHalt: () => void): void {
    this.#unit = unit;
    this.#target = count;
    this.#onHalt = onHalt;
  }

  haltNowhere(): void {
    this.#target = Infinity;
  }

  /**
   * Called before the system boots.
   *
   * @param ram where devices' own queues lie
   * @param now virtual time; without it there is no {@link timeline}
   */
  attach(ram: Ram, now?: () => number): void {
    this.#ram = ram;
    if (now === undefined) return;
    this.#now = now;
    this.timeline = new Timeline(this.names.pds);
  }

  /** Put between the NIC and what it is plugged into. */
  watch(wire: EthernetWire): EthernetWire {
    return new WatchedWire(wire, this);
  }

  override started(pd: number, thread: UserThread): void {
    const described = this.#flat[pd]?.pd;
    if (described !== undefined) this.probes.watch(pd, described, thread);
  }

  override runs(pd: number): void {
    this.#running = pd;
    this.timeline?.runs(pd, this.#now());
  }

  override returns(pd: number): void {
    this.#running = pd;
    this.timeline?.runs(pd, this.#now());
  }

  override idle(): void {
    this.timeline?.runs(NOBODY, this.#now());
  }

  override deviceMapped(device: number, name: string): void {
    this.#virtqueues.mapped(device, name);
  }

  override deviceWritten(device: number, offset: number, value: number): void {
    const queue = this.#virtqueues.written(device, offset, value);
    if (queue === undefined || this.#ram === undefined) return;
    this.probes.watchVirtqueue(this.#running, queue, this.#ram);
  }

  override enters(pd: number, regs: Uint32Array): void {
    this.#entered(pd, regs);
  }

  override waits(pd: number, regs: Uint32Array): void {
    this.#entered(pd, regs);
  }

  override raised(): void {
    this.timeline?.mark(RAISED, this.#now());
    this.#count('event');
  }

  received(): void {
    this.timeline?.mark(FRAME_IN, this.#now());
    this.#count('packet');
  }

  lost(): void {
    this.#count('packet');
  }

  sent(): void {
    this.timeline?.mark(FRAME_OUT, this.#now());
    this.sentFrames += 1;
  }

  #entered(pd: number, regs: Uint32Array): void {
    this.entries[pd] = (this.entries[pd] ?? 0) + 1;
    const at = this.#signalOf(pd, regs);
    if (at >= 0) this.signals[at] = (this.signals[at] ?? 0) + 1;
    const isNext = this.#unit === 'entry' && this.counts.entry + 1 >= this.#target;
    if (isNext) {
      const { text } = systemCallOf(this.names, pd, regs);
      this.underWay = { pd: this.names.pd(pd), call: text };
    }
    this.#count('entry');
  }

  /** @returns the index in {@link signals}, -1 of a system call that reaches no domain */
  #signalOf(pd: number, regs: Uint32Array): number {
    const register = ((regs[A7] as number) | 0) === SYS_NB_SEND_RECV ? T0 : A0;
    const cptr = regs[register] as number;
    const known = this.#reached[pd]?.get(cptr);
    if (known !== undefined) return known;
    const target = this.names.target(pd, cptr);
    const isDomain = target.kind === 'notify' || target.kind === 'call';
    const at = isDomain ? pd * this.names.pds.length + target.pd : -1;
    if (cptr < CPTR_MAX) this.#reached[pd]?.set(cptr, at);
    return at;
  }

  #count(unit: StepUnit): void {
    this.counts[unit] += 1;
    if (unit !== this.#unit || this.counts[unit] < this.#target) return;
    this.#target = Infinity;
    this.isHalted = true;
    this.#onHalt();
    throw new Halted(`${unit} ${this.counts[unit]}`);
  }
}
