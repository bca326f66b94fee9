/**
 * What an I2C bus of a speed asks of the times on its wires, in clocks of the controller.
 *
 * Source: NXP UM10204 rev. 7, table 10; the algorithm is that of OpenTitan's programmer's guide.
 */

export type Speed = 100_000 | 400_000 | 1_000_000;

interface Minimum {
  readonly high: number;
  readonly low: number;
  readonly holdStart: number;
  readonly setUpStart: number;
  readonly setUpData: number;
  readonly setUpStop: number;
  readonly busFree: number;
  readonly rise: number;
  readonly fall: number;
}

/** Nanoseconds. Rise and fall are typical of a bus with few chips. */
const MINIMA: Readonly<Record<Speed, Minimum>> = {
  100_000: {
    high: 4000,
    low: 4700,
    holdStart: 4000,
    setUpStart: 4700,
    setUpData: 250,
    setUpStop: 4000,
    busFree: 4700,
    rise: 400,
    fall: 110,
  },
  400_000: {
    high: 600,
    low: 1300,
    holdStart: 600,
    setUpStart: 600,
    setUpData: 100,
    setUpStop: 600,
    busFree: 1300,
    rise: 150,
    fall: 110,
  },
  1_000_000: {
    high: 260,
    low: 500,
    holdStart: 260,
    setUpStart: 260,
    setUpData: 50,
    setUpStop: 260,
    busFree: 500,
    rise: 60,
    fall: 60,
  },
};

/** Fields of the timing registers, in clocks. */
export interface Timing {
  readonly high: number;
  readonly low: number;
  readonly rise: number;
  readonly fall: number;
  readonly setUpStart: number;
  readonly holdStart: number;
  readonly setUpData: number;
  readonly holdData: number;
  readonly setUpStop: number;
  readonly busFree: number;
}

/** @param clockNs period of the controller's clock */
export function timingOf(speed: Speed, clockNs: number): Timing {
  const minimum = MINIMA[speed];
  const clocks = (ns: number): number => Math.ceil(ns / clockNs);
  const [rise, fall] = [clocks(minimum.rise), clocks(minimum.fall)];
  const high = clocks(minimum.high);
  // The period is what is left of it for low: never shorter than asked.
  const low = Math.max(clocks(minimum.low), clocks(1e9 / speed) - high - rise - fall);
  return {
    high,
    low,
    rise,
    fall,
    setUpStart: clocks(minimum.setUpStart),
    holdStart: clocks(minimum.holdStart),
    setUpData: clocks(minimum.setUpData),
    holdData: 1,
    setUpStop: clocks(minimum.setUpStop),
    busFree: clocks(minimum.busFree),
  };
}
