/**
 * An interrupt line as a point of faults. A device raises its line when it has something to say and
 * lowers it when the driver has acknowledged; a fault comes between the device and the interrupt
 * controller.
 *
 *     device ──raise──▶ [ lose | delay | stuck | spurious ] ──▶ PLIC
 */

import type { Clock, ClockEvent } from '../../board/clock.ts';
import type { IrqLine } from '../../board/device.ts';
import type { Point } from './injector.ts';
import { type Excuse, fault, type ParameterKind, type PointKind, type Strike } from './point.ts';

/** Whether the driver of a device looks, now and then, for what no interrupt has told it. */
export type Watchdog = 'watched' | 'unwatched';

/** @param watchdog what a lost interrupt excuses depends on it; none unless told */
export function irqPoint(
  device: string,
  group: string,
  watchdog: Watchdog = 'unwatched',
): PointKind {
  return {
    name: `${device}.irq`,
    group,
    what: `the interrupt line of ${device}`,
    opportunity: 'the device raises its line',
    states: [],
    faults: [
      fault({
        name: 'lose',
        what: 'the interrupt is lost: the line stays low until the device raises it again, or for so long',
        parameters: {
          for: { what: 'how long', unit: 'ns', min: 1, max: 1e12, standard: lostFor(group) },
        },
        excuses: lostExcuses(group, watchdog),
        rows: [40, 38],
      }),
      fault({
        name: 'delay',
        what: 'the interrupt comes late',
        parameters: {
          by: {
            what: 'how late',
            unit: 'ns',
            min: 1,
            max: 1e9,
            standard: { min: 500, max: 50_000 },
          },
        },
        // A watchdog may be faster.
        excuses: ['interrupt'],
        rows: [43],
      }),
      fault({
        name: 'spurious',
        what: 'the line goes high although the device has nothing to say, for a microsecond unless told',
        trigger: 'moment',
        rows: [41],
      }),
      fault({
        name: 'stuck',
        what: 'the line stays high for as long as the fault lasts: an interrupt storm',
        trigger: 'moment',
        rows: [42],
      }),
    ],
  };
}

/**
 * A virtio device whose driver has seen an interrupt says nothing more before it is acknowledged:
 * the driver has to look by itself. Other devices hold their lines until they are served, and their
 * drivers have no timer.
 */
function lostFor(group: string): ParameterKind['standard'] {
  return group === 'net' || group === 'blk' ? 1e12 : { min: 100_000, max: 100_000_000 };
}

function lostExcuses(group: string, watchdog: Watchdog): readonly Excuse[] {
  switch (group) {
    case 'net':
      // With an event index the device does not raise the line again. A watchdog looks within what
      // clients are patient for.
      return watchdog === 'watched' ? ['interrupt'] : ['rest', 'progress', 'loss', 'order'];
    case 'serial':
      // A receiver that nobody serves overruns.
      return ['rest', 'loss', 'contents'];
    default:
      return ['rest', 'watchdog', 'interrupt'];
  }
}

/** A spurious interrupt ends by itself. */
const SPURIOUS_NS = 1_000;

export function plannedIrqLine(line: IrqLine, point: Point, clock: Clock): IrqLine {
  return new PlannedIrqLine(line, point, clock);
}

export class PlannedIrqLine implements IrqLine {
  readonly #line: IrqLine;
  readonly #point: Point;
  readonly #clock: Clock;
  readonly #late: ClockEvent = { fire: () => this.#show() };
  /**
   * What the device says; what the controller is shown of it; and how many faults hold the line up.
   */
  #device: 'high' | 'low' = 'low';
  #shown: 'high' | 'low' = 'low';
  #held = 0;
  /** A spurious interrupt ends by itself or with the plan, once. */
  readonly #released = new WeakSet<Strike>();

  constructor(line: IrqLine, point: Point, clock: Clock) {
    this.#line = line;
    this.#point = point;
    this.#clock = clock;
    point.perform({
      begin: (strike) => this.#hold(strike),
      end: (strike) => this.#release(strike),
    });
  }

  raise(): void {
    // A device says so again with every batch; only the edge is an opportunity.
    if (this.#device === 'low' || this.#shown === 'low') {
      this.#device = 'high';
      const strike = this.#point.next();
      if (strike !== undefined) {
        const { by = 0, for: lost = 0 } = strike.parameters;
        this.#clock.schedule(this.#late, this.#clock.now() + (strike.fault === 'lose' ? lost : by));
        return;
      }
    }
    this.#show();
  }

  lower(): void {
    this.#device = 'low';
    this.#shown = 'low';
    this.#clock.cancel(this.#late);
    if (this.#held === 0) this.#line.lower();
  }

  /** Goes high for a moment, whatever the device says. */
  pulse(): void {
    this.#held += 1;
    this.#line.raise();
    const over: ClockEvent = { fire: () => this.#letGo() };
    this.#clock.schedule(over, this.#clock.now() + SPURIOUS_NS);
  }

  #show(): void {
    this.#shown = 'high';
    this.#line.raise();
  }

  #hold(strike: Strike): void {
    this.#held += 1;
    this.#line.raise();
    if (strike.fault !== 'spurious') return;
    const over: ClockEvent = { fire: () => this.#release(strike) };
    this.#clock.schedule(over, this.#clock.now() + SPURIOUS_NS);
  }

  #release(strike: Strike): void {
    if (this.#released.has(strike)) return;
    this.#released.add(strike);
    this.#letGo();
  }

  #letGo(): void {
    this.#held -= 1;
    if (this.#held === 0 && this.#shown === 'low') this.#line.lower();
  }
}
