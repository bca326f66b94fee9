/**
 * What happens in a system, in words: who wakes whom, interrupts, faults, and what passes at its
 * devices' ends. The newest events are kept; signals are counted besides.
 */

import { REG_A0, REG_A1 } from '../../kernel/abi.ts';
import { BADGE_HIGH_CALL, BADGE_HIGH_FAULT } from '../../microkit/slots.ts';
import type { SystemDescription } from '../../microkit/model.ts';
import type { UserThread } from '../../kernel/user.ts';
import { clippedText } from '../clipped-text.ts';
import { exceptionText } from '../exception-text.ts';
import { SystemNames } from './names.ts';
import { type BoardObserver, RUN_INIT, RUN_WOKEN, type ThreadObserver } from './observer.ts';
import { systemCallOf } from './told-by.ts';

/** Events that are kept, unless told. */
const EVENTS_KEPT = 20;

export interface BookedEvent {
  readonly timeNs: number;
  readonly text: string;
}

const LOW_CHANNELS = 32;
const HIGH_CHANNELS = 30;

export class EventBook implements ThreadObserver, BoardObserver {
  readonly #names: SystemNames;
  readonly #nowNs: () => number;
  readonly #kept: number;
  readonly #events: BookedEvent[] = [];
  readonly #signals = new Map<string, number>();

  constructor(system: SystemDescription, nowNs: () => number, kept = EVENTS_KEPT) {
    this.#names = new SystemNames(system);
    this.#nowNs = nowNs;
    this.#kept = kept;
  }

  /** The newest events, oldest first. */
  get events(): readonly BookedEvent[] {
    return this.#events.slice(-this.#kept);
  }

  note(text: string): void {
    if (this.#events.length > 8 * this.#kept) this.#events.splice(0, 7 * this.#kept);
    this.#events.push({ timeNs: this.#nowNs(), text: clippedText(text) });
  }

  /** How often one domain has signalled another. */
  signals(from: string, to: string): number {
    return this.#signals.get(`${from} ${to}`) ?? 0;
  }

  started(_pd: number, _thread: UserThread): void {}

  runs(pd: number, how: number, regs: Uint32Array): void {
    const name = this.#names.pd(pd);
    if (how === RUN_INIT) return this.note(`${name} begins`);
    if (how !== RUN_WOKEN) return;
    const [low = 0, high = 0] = regs.subarray(2 * REG_A0, 2 * REG_A0 + 2);
    if (pd === this.#names.pds.length - 1)
      return this.note(`the monitor is told of ${this.#names.pd(low - 1)}`);
    if ((high & BADGE_HIGH_FAULT) !== 0)
      return this.note(`${name} is told of a fault of its child`);
    if ((high & BADGE_HIGH_CALL) !== 0) {
      const label = Math.floor((regs[2 * REG_A1] ?? 0) / 0x1000);
      return this.note(
        `${name} is called by ${this.#names.sourceName(pd, low & 0x3f)} (label ${label})`,
      );
    }
    const sources = channelsIn(low, high).map((channel) => this.#names.sourceName(pd, channel));
    if (sources.length > 0) this.note(`${name} is woken by ${sources.join(', ')}`);
  }

  enters(pd: number, regs: Uint32Array): void {
    this.#call(pd, regs);
  }

  waits(pd: number, regs: Uint32Array): void {
    this.#call(pd, regs);
  }

  returns(_pd: number): void {}

  throws(pd: number, error: unknown): void {
    const [first = ''] = exceptionText(error).split('\n');
    this.note(`${this.#names.pd(pd)} throws: ${first}`);
  }

  raised(irq: number): void {
    const target = this.#names.irqTarget(irq);
    const whose = target === undefined ? '' : ` of ${this.#names.pd(target.pd)}`;
    this.note(`interrupt ${irq}${whose} is raised`);
  }

  claimed(_irq: number): void {}

  completed(irq: number): void {
    this.note(`interrupt ${irq} is acknowledged`);
  }

  idle(): void {}

  sliceBegins(): void {}

  deviceRead(_device: number, _offset: number): void {}

  deviceWritten(_device: number, _offset: number, _value: number): void {}

  deviceMapped(_device: number, _name: string): void {}

  #call(pd: number, regs: Uint32Array): void {
    const { target } = systemCallOf(this.#names, pd, regs);
    if (target.kind !== 'notify' && target.kind !== 'call') return;
    const [from, to] = [this.#names.pd(pd), this.#names.pd(target.pd)];
    if (target.kind === 'notify') {
      const key = `${from} ${to}`;
      this.#signals.set(key, (this.#signals.get(key) ?? 0) + 1);
      this.note(`${from} signals ${to}`);
    }
  }
}

/** @returns the numbers of the bits that are set, lowest first */
function channelsIn(low: number, high: number): readonly number[] {
  const bits = (word: number, count: number, from: number): number[] =>
    Array.from({ length: count }, (_, bit) => bit)
      .filter((bit) => ((word >>> bit) & 1) === 1)
      .map((bit) => bit + from);
  return [...bits(low, LOW_CHANNELS, 0), ...bits(high, HIGH_CHANNELS, LOW_CHANNELS)];
}
