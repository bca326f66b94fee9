/**
 * How much TCP slirp carries: a process sends to a forwarded port, and a guest that only
 * acknowledges counts what arrives. No board runs behind the bridge.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Drivable, LiveLoop } from '../../host/event-loop.ts';
import { hostNow } from '../../host/host-time.ts';
import { freePort } from '../../host/net/free-port.ts';
import { SlirpBridge } from '../../host/net/slirp-bridge.ts';
import type { BenchRow } from '../results.ts';
import { round, summarise } from '../statistics.ts';
import type { BenchSettings } from '../suite/benchmark.ts';
import { slirpForward, SLIRP_NETWORK } from './rigs.ts';
import { TcpSink } from './tcp-sink.ts';

const HTTP = 80;

/** Nothing to run: frames come and go with the bridge. */
const NO_BOARD: Drivable = { runSlice: () => 'idle', now: hostNow, nextNeededAt: () => Infinity };

/** @throws UserMistake where this machine has no libslirp */
export async function benchSlirpTcp(settings: BenchSettings): Promise<readonly BenchRow[]> {
  const sink = new TcpSink();
  const loop = new LiveLoop(NO_BOARD);
  const hostPort = await freePort('tcp');
  const bridge = await SlirpBridge.open({
    port: sink,
    wake: () => loop.wake(),
    onNotice: settings.onNotice,
    config: SLIRP_NETWORK,
    forwards: [slirpForward('tcp', hostPort, HTTP)],
  });
  loop.addPort({
    flush: () => {
      sink.flush(bridge);
      bridge.flush();
    },
  });
  const running = loop.run();
  const script = fileURLToPath(new URL('./tcp-source.mjs', import.meta.url));
  const source = spawn(process.execPath, [script, '127.0.0.1', String(hostPort)]);
  const ended = once(source, 'close');
  try {
    return [rowOf(await Promise.race([takeAll(sink, settings), endOf(ended)]))];
  } finally {
    source.kill();
    await ended;
    loop.stop();
    await running;
    await bridge.close();
  }
}

/** Whoever sends goes on until it is ended: before that, there is nothing to measure. */
async function endOf(ended: Promise<readonly unknown[]>): Promise<never> {
  const [status] = await ended;
  throw new Error(`whoever sends has ended with status ${String(status)}`);
}

/** @returns megabits a second, of each sample */
async function takeAll(
  sink: TcpSink,
  { sampleNs, repeat, onProgress }: BenchSettings,
): Promise<readonly number[]> {
  onProgress('bridge: TCP, slirp');
  const samples: number[] = [];
  // The first is to warm up.
  for (let index = -1; index < repeat; index += 1) {
    const [bytes, began] = [sink.receivedBytes, hostNow()];
    await sleep(sampleNs / 1e6);
    const megabits = ((sink.receivedBytes - bytes) * 8e3) / (hostNow() - began);
    if (index >= 0) samples.push(megabits);
  }
  return samples;
}

function rowOf(samples: readonly number[]): BenchRow {
  const { median, min, max } = summarise(samples);
  const figures = { median: round(median), min: round(min), max: round(max) };
  return { name: 'bridge/TCP', over: 'slirp', unit: 'Mb/s', ...figures, ratioToNative: null };
}
