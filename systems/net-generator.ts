/**
 * The traffic generator at a NIC's cable, as `--net loop` has it: its station on the network, who
 * it sends to, and how fast unless told.
 */

import { TrafficGenerator } from '../board/links/generator.ts';
import type { Station } from '../board/links/udp-frame.ts';
import { ipv4Number } from '../host/net/socket-address.ts';
import type { NetGeneratorOptions } from './generator-options.ts';
import { type Guest, macBytes, stationOf } from './guests.ts';
import type { WireParts } from './testbed.ts';

/** The first generator's own station; the others follow it. */
const GENERATOR_MAC = '52:54:00:00:00:63';
const GENERATOR_IP = '10.0.2.99';
const GENERATOR_PORT = 40_000;
const ECHO_PORT = 1235;
/** Frames that the generator has in flight, in bursts. */
const WINDOW_BURSTS = 4;
const WINDOW_MAX = 512;
/** Check sequence, preamble and gap: what a frame takes on the line beside its own bytes. */
const LINE_OVERHEAD_BYTES = 24;

export interface GeneratorPlace {
  readonly parts: WireParts;
  readonly clock: 'virtual' | 'host';
  readonly guests: readonly Guest[];
  /** Which of several generators it is, from 0. */
  readonly index: number;
}

/** @returns frames of this size that a gigabit link carries in a second */
function gigabitRate(frameBytes: number): number {
  return Math.floor(1e9 / (8 * (frameBytes + LINE_OVERHEAD_BYTES)));
}

export function makeNetGenerator(
  { frame, burst, rate: given }: NetGeneratorOptions,
  { parts, clock, guests, index }: GeneratorPlace,
): TrafficGenerator {
  const rate = given ?? (clock === 'virtual' ? gigabitRate(frame) : undefined);
  const source: Station = {
    mac: generatorMac(index),
    ip: ipv4Number(GENERATOR_IP) + index,
    port: GENERATOR_PORT,
  };
  const window = Math.min(WINDOW_MAX, burst * WINDOW_BURSTS);
  return new TrafficGenerator({
    ram: parts.ram,
    clock: parts.board.clock,
    random: parts.random,
    source,
    targets: guests.map((guest) => stationOf(guest, ECHO_PORT)),
    frameBytes: frame,
    window: rate === undefined ? window : WINDOW_MAX,
    burst,
    ...(rate === undefined ? {} : { rate }),
  });
}

export function generatorMac(index: number): Uint8Array {
  const mac = macBytes(GENERATOR_MAC);
  mac[5] = (mac[5] ?? 0) + index;
  return mac;
}

/** What `--json` says of a generator. */
export function generatorCounters(generator: TrafficGenerator): Record<string, unknown> {
  return { ...generator.counters, roundTripNs: generator.roundTrip.summary() };
}
