/**
 * The cable of a NIC as a point of faults: frames are lost, cut, damaged, doubled or held back,
 * each as the plan says, and the cable may be pulled.
 */

import type { Clock, ClockEvent } from '../../board/clock.ts';
import { type EthernetEnd, type EthernetWire, WIRE_BYTES_MAX } from '../../board/ethernet.ts';
import { DelayLine } from '../../board/links/delay-line.ts';
import type { Ram } from '../../memory/ram.ts';
import { frameWords } from './frame-words.ts';
import type { About, Point } from './injector.ts';
import { fault, type FaultKind, type PointKind, type Strike, within } from './point.ts';

/** Frames that can be held back in each direction. */
const HELD_MAX = 256;
const MAC_BYTES = 6;
const LOST = 'fault: lost';
const CROWDED = 'fault: too many frames are held back';

const BITS = { what: 'bit that is flipped, from the first of the frame', unit: 'value' } as const;
const CUT = { what: 'bytes that are left, at most', unit: 'bytes' } as const;
const HELD = { what: 'how long the frame is held back', unit: 'ns' } as const;

const FRAME_FAULTS: readonly FaultKind[] = [
  fault({ name: 'lose', what: 'the frame is lost', excuses: ['loss'], rows: [1, 11] }),
  fault({
    name: 'duplicate',
    what: 'the frame comes twice',
    excuses: ['repetition'],
    rows: [2],
  }),
  fault({
    name: 'delay',
    what: 'the frame is held back, and others overtake it',
    parameters: { by: { ...HELD, min: 1, max: 1e9, standard: { min: 1_000, max: 200_000 } } },
    excuses: ['order'],
    rows: [3, 12, 14],
  }),
  fault({
    name: 'corrupt',
    what: 'one bit of the frame is flipped',
    parameters: { bit: { ...BITS, min: 0, max: 16_383, standard: { min: 0, max: 16_383 } } },
    excuses: ['contents', 'loss'],
    rows: [4],
  }),
  fault({
    name: 'truncate',
    what: 'the frame is cut short',
    parameters: { to: { ...CUT, min: 1, max: 2047, standard: { min: 1, max: 60 } } },
    excuses: ['contents', 'loss'],
    rows: [5],
  }),
  fault({
    name: 'lengthen',
    what: 'the frame comes with bytes behind its end, up to what a wire carries',
    parameters: {
      to: {
        what: 'bytes of the frame',
        unit: 'bytes',
        min: 15,
        max: 2048,
        standard: { min: 1515, max: 2048 },
      },
    },
    excuses: ['contents', 'loss'],
    rows: [6],
  }),
];

const FLOODS: readonly FaultKind[] = [
  fault({
    name: 'flood',
    what: 'the frame comes many times at once, faster than buffers come back',
    parameters: { times: within('how often', 'count', 2, 128) },
    excuses: ['loss'],
    rows: [8],
  }),
  fault({
    name: 'broadcast',
    what: 'copies of the frame come that are addressed to everybody',
    parameters: { times: within('how many', 'count', 1, 64) },
    excuses: ['repetition', 'loss'],
    rows: [13],
  }),
];

export function netWirePoints(device: string): readonly PointKind[] {
  const shared = { group: 'net', states: [], opportunity: 'a frame passes' };
  return [
    {
      ...shared,
      name: `${device}.wire.in`,
      what: 'frames from the network to the NIC',
      faults: [...FRAME_FAULTS, ...FLOODS],
    },
    {
      ...shared,
      name: `${device}.wire.out`,
      what: 'frames from the NIC to the network',
      faults: FRAME_FAULTS,
    },
    {
      ...shared,
      name: `${device}.link`,
      what: 'the cable itself',
      opportunity: '',
      faults: [
        fault({
          name: 'down',
          what: 'the cable is pulled, and plugged in again when the fault is over',
          trigger: 'moment',
          excuses: ['loss'],
          rows: [7, 11],
        }),
      ],
    },
  ];
}

export interface PlannedWireOptions {
  readonly wire: EthernetWire;
  readonly ram: Ram;
  readonly clock: Clock;
  readonly incoming: Point;
  readonly outgoing: Point;
  readonly link: Point;
}

export class PlannedWire implements EthernetWire, EthernetEnd {
  readonly checksums: EthernetWire['checksums'];
  readonly mtu: EthernetWire['mtu'];
  /** Where frames are held back that have been changed. */
  readonly #changed = new Set<number>();
  readonly #wire: EthernetWire;
  readonly #ram: Ram;
  readonly #clock: Clock;
  readonly #incoming: Point;
  readonly #outgoing: Point;
  readonly #in: DelayLine;
  readonly #out: DelayLine;
  readonly #copyAt: number;
  readonly #arrival: ClockEvent = { fire: () => this.#announce() };
  #passingAt = 0;
  #passingBytes = 0;
  readonly #about: About = () => frameWords(this.#ram, this.#passingAt, this.#passingBytes);
  readonly #departure: ClockEvent = { fire: (nowNs) => this.#depart(nowNs) };
  #end: EthernetEnd | undefined;
  #pulls = 0;

  constructor(options: PlannedWireOptions) {
    const { ram } = options;
    this.#wire = options.wire;
    this.checksums = options.wire.checksums;
    this.mtu = options.wire.mtu;
    this.#ram = ram;
    this.#clock = options.clock;
    this.#incoming = options.incoming;
    this.#outgoing = options.outgoing;
    this.#in = new DelayLine(ram, HELD_MAX);
    this.#out = new DelayLine(ram, HELD_MAX);
    this.#copyAt = ram.takeStaging(WIRE_BYTES_MAX);
    options.link.perform({ begin: () => this.#pull(1), end: () => this.#pull(-1) });
  }

  // The end of the wire behind this one.

  frameArrived(): void {
    this.#takeIn();
    this.#announce();
  }

  /**
   * What there is no room for waits at the other end: to lose it would be a fault that no plan has
   * asked for.
   */
  #takeIn(): void {
    const inner = this.#wire;
    for (let bytes = inner.nextLength(); bytes > 0; bytes = inner.nextLength()) {
      if (this.#in.isFull) return;
      inner.copyNext(0, this.#copyAt, bytes);
      const strike = this.#incoming.next(this.#frame(this.#copyAt, bytes));
      if (strike?.fault === 'lose') {
        inner.dropNext(LOST);
      } else {
        this.#admit(this.#in, this.#copyAt, bytes, strike);
        inner.takeNext();
      }
    }
  }

  linkChanged(): void {
    this.#end?.linkChanged();
  }

  // The wire, as the NIC sees it.

  attach(end: EthernetEnd): void {
    this.#end = end;
    this.#wire.attach(this);
  }

  linkUp(): boolean {
    return this.#pulls === 0 && this.#wire.linkUp();
  }

  nextLength(): number {
    return this.#in.firstDueNs() <= this.#clock.now() ? this.#in.firstLength() : 0;
  }

  get nextIsChanged(): boolean {
    return this.#changed.size > 0 && this.#changed.has(this.#in.firstAt());
  }

  copyNext(from: number, to: number, lengthBytes: number): void {
    this.#ram.copy(to, this.#in.firstAt() + from, lengthBytes);
  }

  takeNext(): void {
    this.#removeFirst();
  }

  dropNext(): void {
    this.#removeFirst();
  }

  transmit(at: number, lengthBytes: number): void {
    const strike = this.#outgoing.next(this.#frame(at, lengthBytes));
    if (strike?.fault === 'lose') this.#wire.dropTransmit(at, lengthBytes, LOST);
    else if (this.#out.isFull) this.#wire.dropTransmit(at, lengthBytes, CROWDED);
    else this.#admit(this.#out, at, lengthBytes, strike);
    this.#depart(this.#clock.now());
  }

  dropTransmit(at: number, lengthBytes: number, reason: string): void {
    this.#wire.dropTransmit(at, lengthBytes, reason);
  }

  /** What passes. */
  #frame(at: number, lengthBytes: number): About {
    this.#passingAt = at;
    this.#passingBytes = lengthBytes;
    return this.#about;
  }

  #removeFirst(): void {
    this.#changed.delete(this.#in.firstAt());
    this.#in.removeFirst();
    if (this.#wire.nextLength() === 0) return;
    this.#takeIn();
    this.#clock.schedule(this.#arrival, this.#in.firstDueAfter(this.#clock.now()));
  }

  #pull(by: 1 | -1): void {
    this.#pulls += by;
    this.#end?.linkChanged();
  }

  #admit(line: DelayLine, at: number, lengthBytes: number, strike: Strike | undefined): void {
    const nowNs = this.#clock.now();
    const { to = 0, by = 0, bit = 0, times = 0 } = strike?.parameters ?? {};
    const bytes = struckLength(strike, lengthBytes, to);
    const copyAt = line.add(at, bytes, nowNs + by);
    // What lies behind the end of a frame on a wire is no part of it.
    if (bytes > lengthBytes) this.#ram.fill(copyAt + lengthBytes, 0xa5, bytes - lengthBytes);
    if (strike?.fault === 'corrupt') {
      const flipped = bit % (8 * bytes);
      const byteAt = copyAt + (flipped >>> 3);
      this.#ram.u8[byteAt] = (this.#ram.u8[byteAt] as number) ^ (1 << (flipped & 7));
    }
    const isChanged = strike?.fault === 'corrupt' || bytes !== lengthBytes;
    if (isChanged && line === this.#in) this.#changed.add(copyAt);
    const copies = { duplicate: 1, flood: times, broadcast: times }[strike?.fault ?? ''] ?? 0;
    for (let i = 0; i < copies && !line.isFull; i += 1) {
      const extraAt = line.add(copyAt, bytes, nowNs);
      if (strike?.fault === 'broadcast') this.#ram.fill(extraAt, 0xff, MAC_BYTES);
    }
  }

  #announce(): void {
    if (this.#in.firstDueNs() <= this.#clock.now()) this.#end?.frameArrived();
    this.#clock.schedule(this.#arrival, this.#in.firstDueAfter(this.#clock.now()));
  }

  #depart(nowNs: number): void {
    while (this.#out.firstDueNs() <= nowNs) {
      this.#wire.transmit(this.#out.firstAt(), this.#out.firstLength());
      this.#out.removeFirst();
    }
    this.#clock.schedule(this.#departure, this.#out.firstDueNs());
  }
}

function struckLength(strike: Strike | undefined, lengthBytes: number, to: number): number {
  switch (strike?.fault) {
    case 'truncate':
      return Math.min(to, lengthBytes);
    case 'lengthen':
      return Math.max(to, lengthBytes);
    default:
      return lengthBytes;
  }
}
