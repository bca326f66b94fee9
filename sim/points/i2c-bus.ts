/**
 * An I2C bus as a point of faults: bytes are not acknowledged, are held up, are lost to another
 * controller; a wire is held low. Bytes that are read are a point of their own: the controller
 * acknowledges those, so they can be held up and no more.
 */

import type { BusTamper, I2cBus } from '../../board/i2c/i2c-bus.ts';
import type { Injector, Point } from './injector.ts';
import { fault, type FaultKind, type PointKind, type Strike, upTo, within } from './point.ts';

const STRETCH = fault({
  name: 'stretch',
  what: 'the target holds the clock after the byte',
  parameters: { by: upTo('how long', 'ns', [1_000, 30_000_000], 1_000_000_000) },
  excuses: ['errors', 'loss'],
  rows: [66],
});

const BYTE_FAULTS: readonly FaultKind[] = [
  fault({
    name: 'nak',
    what: 'the target does not acknowledge the byte',
    excuses: ['errors', 'loss'],
    rows: [65],
  }),
  STRETCH,
  fault({
    name: 'collide',
    what: 'another controller wins the bus in this byte',
    excuses: ['errors', 'loss', 'contents'],
    rows: [67],
  }),
];

const BUS_FAULTS: readonly FaultKind[] = [
  fault({
    name: 'sda',
    what: 'a target that was cut off holds SDA low, until so many clocks have come',
    trigger: 'moment',
    parameters: { clocks: within('clocks', 'count', 1, 12) },
    excuses: ['errors', 'loss', 'contents'],
    rows: [68],
  }),
  fault({
    name: 'scl',
    what: 'SCL is held low for as long as the fault lasts',
    trigger: 'moment',
    excuses: ['errors', 'loss', 'progress'],
    rows: [68],
  }),
];

export function i2cBusPoints(device: string): readonly PointKind[] {
  const shared = { group: 'i2c', states: [] };
  return [
    {
      ...shared,
      name: `${device}.byte`,
      what: 'bytes that the controller sends',
      opportunity: 'such a byte passes, an address among them',
      faults: BYTE_FAULTS,
    },
    {
      ...shared,
      name: `${device}.read`,
      what: 'bytes that a target sends',
      opportunity: 'such a byte passes',
      faults: [STRETCH],
    },
    { ...shared, name: `${device}.wires`, what: 'the wires', opportunity: '', faults: BUS_FAULTS },
  ];
}

export function planI2cBus(bus: I2cBus, device: string, injector: Injector): void {
  const bytes = injector.point(`${device}.byte`);
  if (bytes.isPlanned) bus.tamper = () => tamperOf(bytes);
  const reads = injector.point(`${device}.read`);
  if (reads.isPlanned) bus.tamperRead = () => reads.next()?.parameters['by'] ?? 0;
  injector.point(`${device}.wires`).perform({
    begin: (strike) => begin(bus, strike),
    end: ({ fault: name }) => (name === 'scl' ? bus.holdScl(0) : bus.holdSda(0)),
  });
}

function tamperOf(bytes: Point): BusTamper | undefined {
  const strike = bytes.next();
  if (strike === undefined) return undefined;
  const kind = strike.fault as 'nak' | 'stretch' | 'collide';
  return { kind, stretchNs: strike.parameters['by'] ?? 0 };
}

function begin(bus: I2cBus, { fault: name, parameters }: Strike): void {
  if (name === 'scl') bus.holdScl(Infinity);
  else bus.holdSda(parameters['clocks'] ?? 1);
}
