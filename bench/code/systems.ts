/**
 * Whole systems of machine code: how fast is the network path in C beside the one in TypeScript,
 * how soon does it echo after power-on, what memory does it take, and how long does a typed
 * character wait behind a loop that never ends?
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpuUsage, memoryUsage } from 'node:process';
import type { SerialLine } from '../../board/uart/serial-line.ts';
import { LiveLoop, TYPED_SLICE_NS } from '../../host/event-loop.ts';
import { compileSparingly } from '../../host/engine.ts';
import { hostNow } from '../../host/host-time.ts';
import { HostLine } from '../../host/serial/host-line.ts';
import { SocketBridge } from '../../host/serial/socket-bridge.ts';
import { garbageCollector } from '../garbage-collector.ts';
import { NetRig, type NetRigOptions } from '../net-rig.ts';
import type { BenchRow } from '../results.ts';
import { line, makeSerialRig, mirror } from '../serial-rig.ts';
import { alternate } from '../slices.ts';
import { median, once as single, round, summarise } from '../statistics.ts';
import type { BenchLength, BenchSettings } from '../suite/benchmark.ts';
import { buildImages, loopImage, withImage } from './images.ts';

const BATCH = 64;
const POINT = {
  ...{ path: '5pd', frame: 64, batch: BATCH, roundTrips: 'unmeasured' },
} as const satisfies NetRigOptions;
/** The same of images. */
export const IN_C = { ...POINT, code: 'c' } as const satisfies NetRigOptions;
const ADDRESS = '127.0.0.1';
const UART = 'ns16550a';
/** After so many, all that is translated has been. */
const PACKETS_IN_MEMORY = 20_000;

const WARM_UPS: Readonly<Record<BenchLength, number>> = {
  smoke: 200,
  quick: 60_000,
  full: 400_000,
};
const TYPED: Readonly<Record<BenchLength, number>> = { smoke: 5, quick: 100, full: 1000 };

/** @returns nothing where there are no images, with a notice */
export async function withImages(
  { onNotice }: BenchSettings,
  measure: () => Promise<readonly BenchRow[]>,
): Promise<readonly BenchRow[]> {
  const reason = buildImages();
  if (reason === undefined) return measure();
  onNotice(`systems of machine code are not measured: ${reason}`);
  return [];
}

/** `code/echo`: both systems in one process, in turns. Packets in a second of processor time. */
export function benchCodeEcho(settings: BenchSettings): Promise<readonly BenchRow[]> {
  return withImages(settings, async () => {
    const inC = await NetRig.boot(IN_C);
    const inTypeScript = await NetRig.boot(POINT);
    const { repeat, sampleNs, onProgress } = settings;
    for (const rig of [inC, inTypeScript]) await rig.warmUp(WARM_UPS[settings.length]);
    const onSample = (sample: number): void =>
      onProgress(`code: echo in C and in TypeScript: ${sample} of ${repeat}`);
    const series = await alternate(inC, inTypeScript, { repeat, sampleNs, onSample });
    const { median: middle, min, max } = summarise(series.cpuRates);
    return [
      {
        name: 'code/echo',
        unit: 'packets/s',
        ...{ median: round(middle), min: round(min), max: round(max), ratioToNative: null },
        ratioToTypeScript: round(median(series.ratios)),
        ...{ frame: POINT.frame, batch: BATCH },
      },
    ];
  });
}

/** Each start is one of a process of its own: a second one would find compiled code. */
export function startPieces(settings: BenchSettings): readonly BenchSettings[] {
  return Array.from({ length: settings.repeat }, () => ({ ...settings, repeat: 1 }));
}

/** Four clients with a copier each, driver and virtualisers; and a greeter. */
const TWELVE_IMAGES: NetRigOptions = {
  ...IN_C,
  batch: 1,
  clients: 4,
  change: (system) => withImage(system, 'programs/build/hello.elf'),
};

/**
 * `code/start`: from power-on to the first echoed packet, images read, translated and all; modules
 * are loaded before. `cpuMs` is the processor time of it, all threads: on a busy machine the better
 * figure.
 */
export function benchCodeStart(settings: BenchSettings): Promise<readonly BenchRow[]> {
  return withImages(settings, async () => {
    compileSparingly(); // as `sddf run` does
    const startedAt = hostNow();
    const cpuBefore = cpuUsage();
    const rig = await NetRig.boot(TWELVE_IMAGES);
    rig.run(1);
    const took = round((hostNow() - startedAt) / 1e6);
    const { user, system } = cpuUsage(cpuBefore);
    const cpuMs = round((user + system) / 1000);
    return [{ name: 'code/start', unit: 'ms', ...single(took), cpuMs, images: rig.images }];
  });
}

/**
 * `code/memory`: what the process grows by from power-on until all is warm, beyond the bytes of the
 * images.
 */
export function benchCodeMemory(settings: BenchSettings): Promise<readonly BenchRow[]> {
  return withImages(settings, async () => {
    const collect = garbageCollector();
    collect();
    const before = memoryUsage().rss;
    const rig = await NetRig.boot(IN_C);
    await rig.warmUp(PACKETS_IN_MEMORY);
    const grown = memoryUsage().rss - before - rig.imageBytes;
    return [{ name: 'code/memory', unit: 'bytes', ...single(grown), images: rig.images }];
  });
}

/**
 * `code/typed`: a character's way from another process over TCP to a serial client and back, with
 * and without a loop beside it.
 */
export function benchCodeTyped(settings: BenchSettings): Promise<readonly BenchRow[]> {
  return withImages(settings, async () => {
    const rows: BenchRow[] = [];
    for (const beside of ['nothing', 'loop'] as const) {
      settings.onProgress(`code: a typed character beside ${beside}`);
      const times = await typedTimes(TYPED[settings.length], beside);
      const { median: middle, min, max } = summarise(times);
      const p99 = times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? max;
      rows.push({
        name: 'code/typed',
        unit: 'ms',
        ...{ median: round(middle), min: round(min), max: round(max), ratioToNative: null },
        ...{ p99Us: round(1000 * p99), beside },
      });
    }
    return rows;
  });
}

/** Types now and then, and prints how long each character took to come back, in milliseconds. */
const TYPIST = `
const [port, count] = process.argv.slice(1).map(Number);
const { setTimeout: sleep } = require('node:timers/promises');
const socket = require('node:net').connect({ port, host: '${ADDRESS}', noDelay: true });
socket.once('connect', async () => {
  const times = [];
  for (let index = 0; index < count; index += 1) {
    // At no fixed distance, so that it meets the loop anywhere.
    await sleep(1 + Math.random() * 6);
    const before = process.hrtime.bigint();
    const answer = new Promise((resolve) => socket.once('data', resolve));
    socket.write('x');
    await answer;
    times.push(Number(process.hrtime.bigint() - before) / 1e6);
  }
  console.log(JSON.stringify(times));
  socket.destroy();
});`;

async function typedTimes(count: number, beside: 'nothing' | 'loop'): Promise<readonly number[]> {
  let wire: SerialLine | undefined;
  const testbed = makeSerialRig({
    uart: UART,
    program: mirror,
    clock: 'host',
    wire: (clock) => (wire = line('fast')(clock)),
    ...(beside === 'loop' ? { loop: loopImage() } : {}),
  });
  if (wire === undefined) throw new Error('the testbed has asked for its wire');
  const loop = new LiveLoop(testbed, { sliceNs: TYPED_SLICE_NS }); // as `sddf run` has it
  const host = new HostLine(wire, () => loop.wake());
  const onNotice = (): void => undefined;
  const bridge = await SocketBridge.open({
    ...{ host, protocol: 'tcp', address: ADDRESS, port: 0, onNotice },
  });
  loop.addPort(bridge);
  const running = loop.run();
  const args = ['-e', TYPIST, String(bridge.port), String(count)];
  const typist = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let said = '';
  typist.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  await once(typist, 'close');
  loop.stop();
  await running;
  await bridge.close();
  return JSON.parse(said) as number[];
}
