/**
 * How fast is the way from the host's sockets to a program and back? A load generator of its own
 * process sends datagrams to the echo system, by way of each bridge, and keeps so many under way:
 * in C where there is a compiler, on Node else. Over `stream` it sends frames, and is in C only.
 *
 * The processor time is that of the testbed's process alone. It says what the bridge, the board and
 * the programs cost also on a machine that has other things to do; what it takes when nothing is
 * under way, idle processor time says.
 */

import { spawn } from 'node:child_process';
import { cpuUsage } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { UserMistake } from '../host/problem.ts';
import { type BridgeName, BRIDGES, makeRig } from './bridge/rigs.ts';
import { benchSlirpTcp } from './bridge/tcp.ts';
import { compileNative } from './native-program.ts';
import type { BenchRow } from './results.ts';
import { round, summarise } from './statistics.ts';
import type { BenchSettings } from './suite/benchmark.ts';

const POINTS = [
  { window: 1, bytes: 64 },
  { window: 128, bytes: 64 },
  { window: 128, bytes: 1400 },
] as const;
/** Samples are short beside what it takes to start a process. */
const SAMPLE_MS_MIN = 100;
const WARM_UP_SAMPLES = 2;
const IDLE_MS = 1000;
const MEASURED: Readonly<Record<BenchSettings['length'], readonly BridgeName[]>> = {
  smoke: ['user'],
  quick: ['user'],
  full: BRIDGES,
};

interface Sample {
  readonly perSecond: number;
  readonly medianNs: number;
  readonly lateNs: number;
  readonly cpuNs: number;
  readonly lost: number;
}

type Command = readonly [string, ...string[]];

export async function benchBridge(settings: BenchSettings): Promise<readonly BenchRow[]> {
  const rows: BenchRow[] = [];
  const isSmoke = settings.length === 'smoke';
  for (const over of MEASURED[settings.length]) {
    const load = loadCommand(over, settings);
    const rig =
      load === undefined ? undefined : await orNone(over, settings, () => makeRig(over), undefined);
    if (load === undefined || rig === undefined) continue;
    const running = rig.loop.run();
    for (const point of isSmoke ? POINTS.slice(0, 1) : POINTS) {
      settings.onProgress(`bridge: ${point.bytes} bytes, ${point.window} under way, ${over}`);
      const command: Command = [...load, ...rig.target];
      const samples = await takeAll(command, point, settings);
      rows.push(...rowsOf(samples, { ...point, over }));
    }
    rows.push(await idleRow(over, isSmoke ? SAMPLE_MS_MIN : IDLE_MS));
    rig.loop.stop();
    await running;
    await rig.close();
  }
  if (settings.length === 'full') rows.push(...(await tcpRows(settings)));
  return rows;
}

/**
 * Gives `sample` each point of the bridge `user` and what makes its datagrams flow, for so long.
 */
export async function sampleBridge(
  settings: BenchSettings,
  durationNs: number,
  sample: (point: Point & { over: BridgeName }, work: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const over = 'user';
  const load = loadCommand(over, settings);
  const rig =
    load === undefined ? undefined : await orNone(over, settings, () => makeRig(over), undefined);
  if (load === undefined || rig === undefined) return;
  const running = rig.loop.run();
  const command: Command = [...load, ...rig.target];
  for (const point of settings.length === 'smoke' ? POINTS.slice(0, 1) : POINTS) {
    settings.onProgress(`bridge: whose time, ${point.bytes} bytes, ${point.window} under way`);
    await take(command, point, durationNs);
    await sample({ over, ...point }, async () => void (await take(command, point, durationNs)));
  }
  rig.loop.stop();
  await running;
  await rig.close();
}

async function tcpRows(settings: BenchSettings): Promise<readonly BenchRow[]> {
  return orNone('TCP over slirp', settings, () => benchSlirpTcp(settings), []);
}

/** @returns `none`, and says why, where this machine cannot have the bridge */
async function orNone<T, None>(
  of: string,
  { onNotice }: BenchSettings,
  make: () => Promise<T>,
  none: None,
): Promise<T | None> {
  try {
    return await make();
  } catch (error) {
    if (!(error instanceof UserMistake)) throw error;
    onNotice(`no rows of ${of}: ${error.message}`);
    return none;
  }
}

function loadCommand(over: BridgeName, { onNotice }: BenchSettings): Command | undefined {
  const compiled = compileNative(over === 'stream' ? 'stream-load' : 'udp-load');
  if ('path' in compiled) return [compiled.path];
  if (over === 'stream') {
    onNotice(`no rows of stream: ${compiled.reason}`);
    return undefined;
  }
  onNotice(`the load comes from Node, which is slower than C: ${compiled.reason}`);
  return [process.execPath, fileURLToPath(new URL('./bridge/udp-load.mjs', import.meta.url))];
}

type Point = (typeof POINTS)[number];

async function takeAll(
  load: Command,
  point: Point,
  settings: BenchSettings,
): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  const warmUp = settings.length === 'smoke' ? 0 : WARM_UP_SAMPLES;
  for (let index = -warmUp; index < settings.repeat; index += 1) {
    const sample = await take(load, point, settings.sampleNs);
    if (index >= 0) samples.push(sample);
  }
  return samples;
}

/** Lets the load run once, while the loop of the rig goes on. */
async function take(
  [program, ...first]: Command,
  { window, bytes }: Point,
  sampleNs: number,
): Promise<Sample> {
  const milliseconds = Math.max(SAMPLE_MS_MIN, sampleNs / 1e6);
  const args = [window, bytes, milliseconds].map(String);
  const before = cpuUsage();
  const child = spawn(program, [...first, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (piece: Buffer) => (text += piece.toString()));
  const status = await new Promise((resolve) => child.once('close', resolve));
  const { user, system } = cpuUsage(before);
  if (status !== 0) throw new Error(`the load generator has ended with status ${String(status)}`);
  const [back = 0, lost = 0, timeNs = 1, medianNs = 0, lateNs = 0] = text.split(' ').map(Number);
  return {
    perSecond: (back * 1e9) / timeNs,
    medianNs,
    lateNs,
    cpuNs: ((user + system) * 1000) / Math.max(1, back),
    lost,
  };
}

function rowsOf(
  samples: readonly Sample[],
  point: Readonly<Record<string, string | number>>,
): readonly BenchRow[] {
  const row = (name: string, unit: string, figure: keyof Sample): BenchRow => {
    const { median, min, max } = summarise(samples.map((sample) => sample[figure]));
    const figures = { median: round(median), min: round(min), max: round(max) };
    return { name: `bridge/${name}`, ...point, unit, ...figures, ratioToNative: null };
  };
  return [
    row('datagrams', '1/s', 'perSecond'),
    row('round trip p50', 'ns', 'medianNs'),
    row('round trip p99', 'ns', 'lateNs'),
    row('processor time', 'ns per datagram', 'cpuNs'),
    row('lost', 'datagrams', 'lost'),
  ];
}

/** What the process takes while nobody sends anything. */
async function idleRow(over: BridgeName, milliseconds: number): Promise<BenchRow> {
  const before = cpuUsage();
  await sleep(milliseconds);
  const { user, system } = cpuUsage(before);
  const share = round(((user + system) / (milliseconds * 1000)) * 100);
  const figures = { median: share, min: share, max: share };
  return {
    name: 'bridge/idle processor time',
    over,
    unit: '% of a core',
    ...figures,
    ratioToNative: null,
  };
}
