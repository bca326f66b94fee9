/**
 * How fast is the block data path for programs of the host? The system with the NBD server on a
 * disk in memory in this process; fio in another, where it is installed. Where it is not, a client
 * of our own, which shares the processor with the server.
 */

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLiveBlk } from '../../test/support/live-blk.ts';
import type { BenchRow } from '../results.ts';
import { summarise } from '../statistics.ts';
import type { BenchSettings } from '../suite/benchmark.ts';
import { NbdClient, type NbdLoad } from './nbd-client.ts';
import { KIB, rowOf } from './point.ts';

interface NbdPoint {
  readonly name: string;
  readonly load: NbdLoad;
}

const POINTS: readonly NbdPoint[] = [
  { name: 'blk/randread', load: load('random', 'read', 4, 1) },
  { name: 'blk/randread', load: load('random', 'read', 4, 32) },
  { name: 'blk/randwrite', load: load('random', 'write', 4, 32) },
  { name: 'blk/seqread', load: load('sequential', 'read', 128, 8) },
];
const FILL = load('sequential', 'write', 128, 8);
/** A process has to start, connect, and get going. */
const SAMPLE_NS_MIN = 500_000_000;
const REPEAT_MAX = 3;

function load(
  order: NbdLoad['order'],
  type: NbdLoad['type'],
  blockKib: number,
  depth: number,
): NbdLoad {
  return { order, type, requestBytes: blockKib * KIB, depth };
}

export async function benchBlkNbd(settings: BenchSettings): Promise<readonly BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'sddf-nbd-'));
  const socket = join(folder, 'd.sock');
  const system = await startLiveBlk(['mem=64M'], `unix:${socket}`);
  try {
    const own = await NbdClient.connect(socket);
    await own.run(FILL, { requests: own.sizeBytes / FILL.requestBytes });
    const useFio = settings.length !== 'smoke' && hasFio();
    if (!useFio)
      settings.onNotice('no fio with nbd here: NBD is measured with a client of our own');
    const rows: BenchRow[] = [];
    for (const point of POINTS) rows.push(await measure(settings, point, useFio ? socket : own));
    own.close();
    return rows;
  } finally {
    await system.stop();
    rmSync(folder, { recursive: true });
  }
}

function hasFio(): boolean {
  const engines = spawnSync('fio', ['--enghelp'], { encoding: 'utf8' });
  return engines.status === 0 && /^\s*nbd\s*$/m.test(engines.stdout);
}

/** @param client the server's socket, for fio; or our own client */
async function measure(
  settings: BenchSettings,
  { name, load: nbdLoad }: NbdPoint,
  client: string | NbdClient,
): Promise<BenchRow> {
  const isSmoke = settings.length === 'smoke';
  const sampleNs = isSmoke ? settings.sampleNs : Math.max(SAMPLE_NS_MIN, settings.sampleNs);
  const repeat = Math.min(settings.repeat, REPEAT_MAX);
  const rates: number[] = [];
  for (let sample = 1; sample <= repeat; sample += 1) {
    settings.onProgress(`${name}: depth ${nbdLoad.depth}, over NBD: ${sample} of ${repeat}`);
    rates.push(
      typeof client === 'string'
        ? await runFio(client, nbdLoad, sampleNs)
        : await client.run(nbdLoad, { ns: sampleNs }),
    );
  }
  const { order, requestBytes, depth, type } = nbdLoad;
  const readPercent = type === 'read' ? 100 : 0;
  const point = { name, load: { order, readPercent, requestBytes, depth }, backend: 'nbd' };
  const row = rowOf(point, summarise(rates));
  return { ...row, client: typeof client === 'string' ? 'fio' : 'own' };
}

/** @returns requests per second */
async function runFio(socket: string, nbdLoad: NbdLoad, ns: number): Promise<number> {
  const { order, type, requestBytes, depth } = nbdLoad;
  const args = [
    '--name=bench',
    '--ioengine=nbd',
    `--uri=nbd+unix:///?socket=${socket}`,
    `--rw=${order === 'random' ? 'rand' : ''}${type}`,
    `--bs=${requestBytes}`,
    `--iodepth=${depth}`,
    '--size=64M',
    '--time_based',
    `--runtime=${Math.round(ns / 1e6)}ms`,
    '--output-format=json',
  ];
  const child = spawn('fio', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const rate = status === 0 ? rateOf(output, type) : 0;
  if (rate > 0) return rate;
  throw new Error(`fio ended with ${status}: ${errors.trim().split('\n').at(-1) ?? ''}`);
}

function rateOf(output: string, type: NbdLoad['type']): number {
  const found: unknown = JSON.parse(output.slice(output.indexOf('{')));
  const { jobs } = found as { jobs?: readonly Record<string, { iops?: number } | undefined>[] };
  return jobs?.[0]?.[type]?.iops ?? 0;
}
