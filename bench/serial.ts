/**
 * How fast is the serial class? One way from a client through virtualiser and driver: to a sink in memory, and to another
 * process that reads a pseudo-terminal; at the real rate of a line; and how long a typed character takes to come back.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import { memoryUsage } from 'node:process';
import { ReadStream } from 'node:tty';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { SerialLine } from '../board/uart/serial-line.ts';
import { breathe, hostNow, LiveLoop } from '../host/event-loop.ts';
import { HostLine } from '../host/serial/host-line.ts';
import { PtyBridge } from '../host/serial/pty-bridge.ts';
import type { Uart } from '../systems/serial-devices.ts';
import { UARTS } from '../systems/serial-devices.ts';
import type { Testbed } from '../systems/testbed.ts';
import type { BenchRow } from './results.ts';
import { CountingWire, flood, line, makeSerialRig, mirror } from './serial-rig.ts';
import { round, type Summary, summarise } from './statistics.ts';

export interface SerialBenchOptions {
  /** Samples of each figure. */
  readonly repeat: number;
  /** How long each sample is. */
  readonly sampleNs: number;
  readonly onProgress: (line: string) => void;
  readonly onNotice: (line: string) => void;
}

const SLICE_NS = 2_000_000;
const SECOND_NS = 1_000_000_000;
const WARM_UP_SAMPLES = 2;
const PTY_BYTES = 8 * 1024 * 1024;
const ECHOES = 200;

export async function benchSerial(options: SerialBenchOptions): Promise<readonly BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const uart of UARTS) {
    options.onProgress(`serial: ${uart} to memory`);
    rows.push(row('serial/to memory', 'B/s', uart, toMemory(uart, options)));
    rows.push(row('serial/heap growth', 'bytes per MB', uart, heapGrowth(uart)));
  }
  for (const uart of ['ns16550a', 'pl011'] as const) {
    options.onProgress(`serial: ${uart} at 115200 8N1`);
    rows.push(row('serial/line rate', 'B/s', uart, [lineRate(uart)]));
  }
  if (process.platform !== 'linux') {
    options.onNotice('no figures of a pseudo-terminal: only on Linux');
    return rows;
  }
  for (const uart of UARTS) {
    options.onProgress(`serial: ${uart} to a pseudo-terminal's reader`);
    const rates: number[] = [];
    for (let sample = 0; sample < options.repeat; sample += 1) rates.push(await toPty(uart));
    rows.push(row('serial/to pty reader', 'B/s', uart, rates));
  }
  options.onProgress('serial: echo of a typed character');
  rows.push(row('serial/echo on a pty', 'ms', 'ns16550a', await echoTimes('ns16550a')));
  return rows;
}

function row(name: string, unit: string, uart: Uart, values: readonly number[]): BenchRow {
  const { median, min, max }: Summary = summarise(values);
  const figures = { median: round(median), min: round(min), max: round(max) };
  return { name, uart, unit, ...figures, ratioToNative: null };
}

/** @returns bytes per second of each sample */
export function toMemory(uart: Uart, options: SerialBenchOptions): readonly number[] {
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
function heapGrowth(uart: Uart): readonly number[] {
  const wire = new CountingWire();
  const rig = makeSerialRig({ uart, program: flood, clock: 'host', wire: () => wire });
  const send = (bytes: number): void => {
    const target = wire.characters + bytes;
    while (wire.characters < target) rig.runSlice(SLICE_NS);
  };
  send(16e6);
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  return Array.from({ length: 3 }, () => {
    collect();
    const before = memoryUsage().heapUsed;
    send(8e6);
    return (memoryUsage().heapUsed - before) / 8;
  });
}

/** @returns bytes per second of virtual time on a line at its real rate */
export function lineRate(uart: Uart): number {
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
  return run(10);
}

interface PtyRig {
  readonly bridge: PtyBridge;
  readonly end: () => Promise<void>;
}

async function ptyRig(uart: Uart, program: typeof flood): Promise<PtyRig> {
  let wire: SerialLine | undefined;
  const testbed: Testbed = makeSerialRig({
    uart,
    program,
    clock: 'host',
    wire: (clock) => (wire = line('fast')(clock)),
  });
  if (wire === undefined) throw new Error('the testbed has asked for its wire');
  const loop = new LiveLoop(testbed);
  const bridge = await PtyBridge.open({ host: new HostLine(wire, () => loop.wake()) });
  loop.addPort(bridge);
  const running = loop.run();
  const end = async (): Promise<void> => {
    loop.stop();
    await running;
    await bridge.close();
  };
  return { bridge, end };
}

/** @returns bytes per second that another process reads */
async function toPty(uart: Uart): Promise<number> {
  const rig = await ptyRig(uart, flood);
  const reader: ChildProcess = spawn('head', ['-c', String(PTY_BYTES), rig.bridge.slavePath], {
    stdio: 'ignore',
  });
  while (rig.bridge.attached === 'no') await breathe();
  const startedAt = hostNow();
  await once(reader, 'exit');
  const rate = (PTY_BYTES * 1e9) / (hostNow() - startedAt);
  await rig.end();
  return rate;
}

/** @returns milliseconds from writing a character on the slave to its echo */
async function echoTimes(uart: Uart): Promise<readonly number[]> {
  const rig = await ptyRig(uart, mirror);
  const { O_RDWR, O_NOCTTY, O_NONBLOCK } = constants;
  const descriptor = openSync(rig.bridge.slavePath, O_RDWR | O_NOCTTY | O_NONBLOCK);
  const slave = new ReadStream(descriptor);
  const times: number[] = [];
  for (let index = 0; index < ECHOES; index += 1) {
    const startedAt = hostNow();
    const echoed = once(slave, 'data');
    slave.write(String.fromCharCode(97 + (index % 26)));
    await echoed;
    times.push((hostNow() - startedAt) / 1e6);
  }
  slave.destroy();
  closeSync(descriptor);
  await rig.end();
  return times;
}
