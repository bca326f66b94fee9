/**
 * The real-time clock as a point of faults: its time jumps, as after a suspend. Late and lost
 * alarms are its interrupt's.
 */

import type { Device } from '../../board/device.ts';
import type { Point } from './injector.ts';
import { fault, type PointKind, type Strike, upTo } from './point.ts';

/** Goldfish RTC: the halves of the time; reading the low one latches the high one. */
const TIME_LOW = 0x00;
const TIME_HIGH = 0x04;
const WORD_BYTES = 4;
const TWO_32 = 0x1_0000_0000;

export function clockPoint(device: string): PointKind {
  const by = upTo('how far', 'ns', [1_000, 2_000_000_000], 3_600_000_000_000);
  return {
    name: `${device}.clock`,
    group: 'timer',
    what: `the time of ${device}`,
    opportunity: '',
    states: [],
    faults: [
      fault({
        name: 'jump',
        what: 'the time jumps ahead; alarms on the way ring at once, so a watchdog may bite what is healthy',
        trigger: 'moment',
        parameters: { by },
        excuses: ['loss', 'errors', 'interrupt'],
        rows: [62],
      }),
      fault({
        name: 'jump-back',
        what: 'the time jumps back; alarms ring so much later',
        trigger: 'moment',
        parameters: { by: { ...by, standard: { min: 1_000, max: 10_000_000 } } },
        excuses: ['watchdog'],
        rows: [62],
      }),
    ],
  };
}

export function planClock(device: Device, point: Point): void {
  point.perform({ begin: (strike) => jump(device, strike), end: () => undefined });
}

function jump(device: Device, { fault: name, parameters }: Strike): void {
  const by = (parameters['by'] ?? 0) * (name === 'jump' ? 1 : -1);
  const low = device.read(TIME_LOW, WORD_BYTES) + by;
  const high = device.read(TIME_HIGH, WORD_BYTES) + Math.floor(low / TWO_32);
  device.write(TIME_HIGH, high, WORD_BYTES);
  device.write(TIME_LOW, ((low % TWO_32) + TWO_32) % TWO_32, WORD_BYTES);
}
