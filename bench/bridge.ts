/**
 * How fast is the way from the host's sockets to a program and back? A load generator of its own
 * process sends datagrams to the echo system's forward and keeps so many under way: in C where
 * there is a compiler, on Node else.
 *
 * The processor time is that of the testbed's process alone. It says what the bridge, the board and
 * the programs cost also on a machine that has other things to do.
 */

import { spawn } from 'node:child_process';
import { cpuUsage } from 'node:process';
import { fileURLToPath } from 'node:url';
import { StagedLink } from '../board/links/staged-link.ts';
import { hostNow, LiveLoop } from '../host/event-loop.ts';
import { ipv4Number } from '../host/net/socket-address.ts';
import { UserBridge } from '../host/net/user-bridge.ts';
import { echo } from '../systems/echo.ts';
import { completeChoices } from '../systems/system.ts';
import { createTestbed } from '../systems/testbed.ts';
import { compileNative } from './native-program.ts';
import type { BenchRow } from './results.ts';
import { round, summarise } from './statistics.ts';
import type { BenchSettings } from './suite/benchmark.ts';

const GUEST_IP = '10.0.2.15';
const ECHO_PORT = 1235;
const POINTS = [
  { window: 1, bytes: 64 },
  { window: 128, bytes: 64 },
  { window: 128, bytes: 1400 },
] as const;
/** Samples are short beside what it takes to start a process. */
const SAMPLE_MS_MIN = 100;
const WARM_UP_SAMPLES = 2;

interface Sample {
  readonly perSecond: number;
  readonly medianNs: number;
  readonly lateNs: number;
  readonly cpuNs: number;
  readonly lost: number;
}

export async function benchBridge(settings: BenchSettings): Promise<readonly BenchRow[]> {
  const load = loadCommand(settings);
  const rows: BenchRow[] = [];
  const isSmoke = settings.length === 'smoke';
  for (const sockets of isSmoke ? (['best'] as const) : (['best', 'node'] as const)) {
    const rig = await makeRig(sockets);
    const running = rig.loop.run();
    for (const point of isSmoke ? POINTS.slice(0, 1) : POINTS) {
      settings.onProgress(`bridge: ${point.bytes} bytes, ${point.window} under way, ${sockets}`);
      const samples: Sample[] = [];
      const warmUp = isSmoke ? 0 : WARM_UP_SAMPLES;
      for (let index = -warmUp; index < settings.repeat; index += 1) {
        const sample = await take(load, rig.port, point, settings.sampleNs);
        if (index >= 0) samples.push(sample);
      }
      rows.push(...rowsOf(samples, { ...point, sockets }));
    }
    rig.loop.stop();
    await running;
    await rig.bridge.close();
  }
  return rows;
}

function loadCommand({ onNotice }: BenchSettings): readonly [string, ...string[]] {
  const compiled = compileNative('udp-load');
  if ('path' in compiled) return [compiled.path];
  onNotice(`the load comes from Node, which is slower than C: ${compiled.reason}`);
  return [process.execPath, fileURLToPath(new URL('./bridge/udp-load.mjs', import.meta.url))];
}

interface Rig {
  readonly loop: LiveLoop;
  readonly bridge: UserBridge;
  readonly port: number;
}

/** The echo system with a forward to its first client, live. */
async function makeRig(sockets: 'best' | 'node'): Promise<Rig> {
  const built = echo.build(completeChoices(echo, {}));
  if (!built.ok) throw new Error('the echo system can be built');
  let link: StagedLink | undefined;
  const testbed = createTestbed({
    system: built.system,
    clock: 'host',
    wires: ({ ram }) => ({ net: (link = new StagedLink({ ram })) }),
  });
  testbed.settle();
  const port = link;
  if (port === undefined) throw new Error('the testbed has asked for its wires');
  const loop = new LiveLoop(testbed);
  const bridge = await UserBridge.open({
    port,
    forwards: [
      {
        host: { host: '127.0.0.1', port: 0 },
        guestIp: ipv4Number(GUEST_IP),
        guestPort: ECHO_PORT,
      },
    ],
    sockets,
    nowNs: hostNow,
    wake: () => loop.wake(),
    onNotice: () => undefined,
  });
  loop.addPort({
    flush: () => {
      port.drain(bridge);
      bridge.flush();
    },
  });
  return { loop, bridge, port: bridge.listening()[0]?.port ?? 0 };
}

/** Lets the load run once, while the loop of the rig goes on. */
async function take(
  [program, ...first]: readonly [string, ...string[]],
  port: number,
  { window, bytes }: (typeof POINTS)[number],
  sampleNs: number,
): Promise<Sample> {
  const milliseconds = Math.max(SAMPLE_MS_MIN, sampleNs / 1e6);
  const args = ['127.0.0.1', port, window, bytes, milliseconds].map(String);
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
