/**
 * How fast is the serial class? One way from a client through virtualiser and driver to a sink in
 * memory; what it allocates; and its rate on a line where characters take their time.
 * `serial/bridges.ts` goes on to the host.
 */

import { memoryUsage } from 'node:process';
import type { SerialLine } from '../board/uart/serial-line.ts';
import { hostNow } from '../host/host-time.ts';
import type { Uart } from '../systems/serial-devices.ts';
import { UARTS } from '../systems/serial-devices.ts';
import { garbageCollector } from './garbage-collector.ts';
import type { BenchRow } from './results.ts';
import { CountingWire, flood, line, makeSerialRig } from './serial-rig.ts';
import { round, type Summary, summarise } from './statistics.ts';
import type { BenchLength, BenchSettings } from './suite/benchmark.ts';

const SLICE_NS = 2_000_000;
const SECOND_NS = 1_000_000_000;
const WARM_UP_SAMPLES = 2;
/**
 * How much is sent before, and between, two looks at the heap; and for how long the line is
 * watched.
 */
const AMOUNTS: Readonly<
  Record<
    BenchLength,
    { readonly warmUp: number; readonly growth: number; readonly seconds: number }
  >
> = {
  smoke: { warmUp: 1e6, growth: 1e5, seconds: 1 },
  quick: { warmUp: 6e6, growth: 3e6, seconds: 2 },
  full: { warmUp: 16e6, growth: 8e6, seconds: 10 },
};

export function benchSerial(settings: BenchSettings): readonly BenchRow[] {
  const rows: BenchRow[] = [];
  for (const uart of UARTS) {
    settings.onProgress(`serial: ${uart} to memory`);
    rows.push(row('serial/to memory', 'B/s', uart, toMemory(uart, settings)));
    rows.push(row('serial/heap growth', 'bytes per MB', uart, heapGrowth(uart, settings.length)));
  }
  for (const uart of ['ns16550a', 'pl011'] as const) {
    settings.onProgress(`serial: ${uart} at 115200 8N1`);
    const { seconds } = AMOUNTS[settings.length];
    rows.push(row('serial/line rate', 'B/s', uart, [lineRate(uart, seconds)]));
  }
  return rows;
}

function row(name: string, unit: string, uart: Uart, values: readonly number[]): BenchRow {
  const { median, min, max }: Summary = summarise(values);
  const figures = { median: round(median), min: round(min), max: round(max) };
  return { name, uart, unit, ...figures, ratioToNative: null };
}

/** @returns bytes per second of each sample */
export function toMemory(
  uart: Uart,
  options: Pick<BenchSettings, 'repeat' | 'sampleNs'>,
): readonly number[] {
  const wire = new CountingWire();
  const rig = makeSerialRig({ uart, program: flood, clock: 'host', wire: () => wire });
  const sample = (): number => {
    const before = wire.characters;
    const startedAt = hostNow();
    while (hostNow() - startedAt < options.sampleNs) rig.runSlice(SLICE_NS);
    return ((wire.characters - before) * 1e9) / (hostNow() - startedAt);
  };
  for (let index = 0; index < WARM_UP_SAMPLES; index += 1) sample();
  return Array.from({ length: options.repeat }, sample);
}

/** @returns bytes by which the heap has grown per megabyte sent, in steady state */
function heapGrowth(uart: Uart, length: BenchLength): readonly number[] {
  const { warmUp, growth } = AMOUNTS[length];
  const wire = new CountingWire();
  const rig = makeSerialRig({ uart, program: flood, clock: 'host', wire: () => wire });
  const send = (bytes: number): void => {
    const target = wire.characters + bytes;
    while (wire.characters < target) rig.runSlice(SLICE_NS);
  };
  send(warmUp);
  const collect = garbageCollector();
  return Array.from({ length: 3 }, () => {
    collect();
    const before = memoryUsage().heapUsed;
    send(growth);
    return ((memoryUsage().heapUsed - before) * 1e6) / growth;
  });
}

/** @returns bytes per second of virtual time on a line at its real rate */
export function lineRate(uart: Uart, watchedSeconds: number): number {
  let wire: SerialLine | undefined;
  const rig = makeSerialRig({
    uart,
    program: flood,
    clock: 'virtual',
    wire: (clock) => (wire = line('real')(clock)),
  });
  const into = new Uint8Array(65_536);
  const run = (seconds: number): number => {
    const before = wire?.counters.characters ?? 0;
    for (let step = 0; step < seconds * 10; step += 1) {
      rig.runUntil(rig.now() + SECOND_NS / 10);
      wire?.takeOutput(into);
    }
    return ((wire?.counters.characters ?? 0) - before) / seconds;
  };
  run(1);
  return run(watchedSeconds);
}
