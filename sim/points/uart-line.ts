/**
 * A serial line as a point of faults: characters are lost, changed or made up on their way, come
 * too fast for the receiver, and the line itself breaks, changes its rate, or is told to wait.
 */

import type { Clock, ClockEvent } from '../../board/clock.ts';
import {
  CHAR_FRAMING_ERROR,
  CHAR_PARITY_ERROR,
  INPUT_CTS,
  type LineFormat,
  type SerialEnd,
  type SerialWire,
} from '../../board/serial-wire.ts';
import type { SerialLine } from '../../board/uart/serial-line.ts';
import type { Injector, Point } from './injector.ts';
import { fault, type FaultKind, type PointKind, type Strike, within } from './point.ts';

const BIT = within('bit that is flipped', 'value', 0, 7);
const CHARACTER = within('the character', 'value', 0, 255);
/** A break that the plan does not end. */
const BREAK_NS = 500_000;

const IN_FAULTS: readonly FaultKind[] = [
  fault({
    name: 'framing',
    what: 'the character has a framing error, and another bit',
    parameters: { bit: BIT },
    excuses: ['contents', 'loss'],
    rows: [31],
  }),
  fault({
    name: 'parity',
    what: 'the character has a parity error, and another bit',
    parameters: { bit: BIT },
    excuses: ['contents', 'loss'],
    rows: [32],
  }),
  // It may be one that says for whom the next ones are.
  fault({ name: 'lose', what: 'the character is lost', excuses: ['loss', 'contents'], rows: [33] }),
  fault({
    name: 'burst',
    what: 'the character comes many times at once, faster than the line: the receiver overruns',
    parameters: { times: within('how often', 'count', 2, 64) },
    excuses: ['contents', 'loss', 'repetition'],
    rows: [33, 37],
  }),
  fault({
    name: 'noise',
    what: 'a character comes that nobody sent, with a framing error',
    parameters: { character: CHARACTER },
    excuses: ['contents'],
    rows: [39],
  }),
];

const OUT_FAULTS: readonly FaultKind[] = [
  fault({ name: 'lose', what: 'the character is lost', excuses: ['loss'], rows: [33] }),
  fault({
    name: 'corrupt',
    what: 'the character has another bit',
    parameters: { bit: BIT },
    excuses: ['contents', 'loss'],
    rows: [31],
  }),
];

const LINE_FAULTS: readonly FaultKind[] = [
  fault({
    name: 'break',
    what: 'the far end sends a break, which lasts as long as the fault does',
    trigger: 'moment',
    excuses: ['contents', 'loss'],
    rows: [34],
  }),
  fault({
    name: 'baud',
    what: 'the far end sends and receives at another rate',
    trigger: 'moment',
    parameters: { percent: within('of the rate', 'value', 25, 90) },
    excuses: ['contents', 'loss', 'repetition', 'order'],
    rows: [35],
  }),
  fault({
    name: 'cts',
    what: 'the far end does not let the UART send',
    trigger: 'moment',
    rows: [36],
  }),
];

export function uartLinePoints(device: string): readonly PointKind[] {
  const shared = { group: 'serial', states: [] };
  return [
    {
      ...shared,
      name: `${device}.line.in`,
      what: 'characters to the UART',
      opportunity: 'a character arrives',
      faults: IN_FAULTS,
    },
    {
      ...shared,
      name: `${device}.line.out`,
      what: 'characters from the UART',
      opportunity: 'a character has been sent',
      faults: OUT_FAULTS,
    },
    {
      ...shared,
      name: `${device}.line`,
      what: 'the line itself',
      opportunity: '',
      faults: LINE_FAULTS,
    },
  ];
}

export class PlannedLine implements SerialWire, SerialEnd {
  readonly rate: SerialWire['rate'];
  readonly #line: SerialLine;
  readonly #clock: Clock;
  readonly #incoming: Point;
  readonly #outgoing: Point;
  readonly #endBreak: ClockEvent = { fire: () => this.#setBreak('mark') };
  #end: SerialEnd | undefined;
  #stops = 0;
  #isBroken = false;

  constructor(line: SerialLine, device: string, parts: { injector: Injector; clock: Clock }) {
    const { injector, clock } = parts;
    this.rate = line.rate;
    this.#line = line;
    this.#clock = clock;
    this.#incoming = injector.point(`${device}.line.in`);
    this.#outgoing = injector.point(`${device}.line.out`);
    injector.point(`${device}.line`).perform({
      begin: (strike) => this.#begin(strike),
      end: (strike) => this.#finish(strike),
    });
  }

  // The end of the line behind this one.

  receive(character: number): void {
    const end = this.#end as SerialEnd;
    const strike = this.#incoming.next(() => characterWords(character));
    const { bit = 0, times = 1, character: made = 0 } = strike?.parameters ?? {};
    switch (strike?.fault) {
      case 'lose':
        return;
      case 'framing':
        return end.receive((character ^ (1 << bit)) | CHAR_FRAMING_ERROR);
      case 'parity':
        return end.receive((character ^ (1 << bit)) | CHAR_PARITY_ERROR);
      case 'noise':
        end.receive(made | CHAR_FRAMING_ERROR);
        return end.receive(character);
      case 'burst':
        for (let i = 0; i < times; i += 1) end.receive(character);
        return;
      default:
        return end.receive(character);
    }
  }

  breakChanged(level: 'mark' | 'space'): void {
    this.#end?.breakChanged(level);
  }

  inputsChanged(): void {
    this.#end?.inputsChanged(this.inputs());
  }

  lineReady(): void {
    this.#end?.lineReady();
  }

  room(): number {
    return this.#end?.room() ?? 0;
  }

  // The line, as the UART sees it.

  attach(end: SerialEnd): void {
    this.#end = end;
    this.#line.attach(this);
  }

  ready(): boolean {
    return this.#line.ready();
  }

  transmit(character: number): void {
    const strike = this.#outgoing.next(() => characterWords(character));
    if (strike?.fault === 'lose') return;
    const flipped = strike === undefined ? 0 : 1 << (strike.parameters['bit'] ?? 0);
    this.#line.transmit(character ^ flipped);
  }

  setBreak(level: 'mark' | 'space'): void {
    this.#line.setBreak(level);
  }

  setFormat(format: LineFormat): void {
    this.#line.setFormat(format);
  }

  setOutputs(outputs: number): void {
    this.#line.setOutputs(outputs);
  }

  inputs(): number {
    return this.#stops === 0 ? this.#line.inputs() : this.#line.inputs() & ~INPUT_CTS;
  }

  receiverReady(): void {
    this.#line.receiverReady();
  }

  #begin({ fault: name, parameters }: Strike): void {
    if (name === 'break') {
      this.#setBreak('space');
      this.#clock.schedule(this.#endBreak, this.#clock.now() + BREAK_NS);
    } else if (name === 'cts') {
      this.#stops += 1;
      this.inputsChanged();
    } else {
      const { format } = this.#line;
      const baud = Math.round((format.baud * (parameters['percent'] ?? 100)) / 100);
      if (baud > 0) this.#line.setFarFormat({ ...format, baud });
    }
  }

  #finish({ fault: name }: Strike): void {
    if (name === 'break') this.#setBreak('mark');
    else if (name === 'baud') this.#line.setFarFormat(undefined);
    else {
      this.#stops -= 1;
      this.inputsChanged();
    }
  }

  #setBreak(level: 'mark' | 'space'): void {
    if (this.#isBroken === (level === 'space')) return;
    this.#isBroken = level === 'space';
    this.#end?.breakChanged(level);
  }
}

function characterWords(character: number): string {
  const isShown = character > 0x20 && character < 0x7f;
  return isShown ? `'${String.fromCharCode(character)}'` : `character ${character & 0xff}`;
}
