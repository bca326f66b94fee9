/**
 * How fast is each bridge to the host, and how soon does a typed character come back over it? A
 * pseudo-terminal, TCP, telnet and RFC 2217. Another process reads what the client sends;
 * characters are typed by this one.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { ReadStream } from 'node:tty';
import { SerialLine } from '../../board/uart/serial-line.ts';
import { breathe, LiveLoop } from '../../host/event-loop.ts';
import { hostNow } from '../../host/host-time.ts';
import type { SerialBridge } from '../../host/serial/bridge.ts';
import { UserMistake } from '../../host/problem.ts';
import { HostLine } from '../../host/serial/host-line.ts';
import { PtyBridge } from '../../host/serial/pty-bridge.ts';
import { SocketBridge, type SocketProtocol } from '../../host/serial/socket-bridge.ts';
import type { Uart } from '../../systems/serial-devices.ts';
import { UARTS } from '../../systems/serial-devices.ts';
import type { BenchRow } from '../results.ts';
import { flood, line, makeSerialRig, mirror } from '../serial-rig.ts';
import { round, summarise } from '../statistics.ts';
import type { BenchLength, BenchSettings } from '../suite/benchmark.ts';

const ADDRESS = '127.0.0.1';
const PROTOCOLS: readonly SocketProtocol[] = ['tcp', 'telnet', 'rfc2217'];
/** The UART that `sddf run serial` has unless told. */
const UART: Uart = 'ns16550a';

const AMOUNTS: Readonly<
  Record<BenchLength, { readonly bytes: number; readonly echoes: number; readonly repeat: number }>
> = {
  smoke: { bytes: 64 * 1024, echoes: 5, repeat: 1 },
  quick: { bytes: 4 * 1024 * 1024, echoes: 100, repeat: 2 },
  full: { bytes: 16 * 1024 * 1024, echoes: 500, repeat: 5 },
};

export async function benchSerialBridges(settings: BenchSettings): Promise<readonly BenchRow[]> {
  const { bytes, echoes, repeat } = AMOUNTS[settings.length];
  const samples = Math.min(settings.repeat, repeat);
  const rows: BenchRow[] = [];
  try {
    rows.push(...(await benchPty(settings, samples)));
  } catch (error) {
    if (!(error instanceof UserMistake)) throw error;
    settings.onNotice(`no figures of a pseudo-terminal: ${error.message}`);
  }
  for (const protocol of PROTOCOLS) {
    const parameters = { uart: UART, bridge: protocol };
    settings.onProgress(`serial: ${UART} over ${protocol}`);
    const rates = await repeated(samples, () => toSocket(protocol, bytes));
    rows.push(row('serial/to bridge', 'B/s', parameters, rates));
    settings.onProgress(`serial: echo of a character typed over ${protocol}`);
    const times = await socketEchoTimes(protocol, echoes);
    rows.push(row('serial/echo over a bridge', 'ms', parameters, times));
  }
  return rows;
}

async function benchPty(settings: BenchSettings, samples: number): Promise<readonly BenchRow[]> {
  const { bytes, echoes } = AMOUNTS[settings.length];
  const rows: BenchRow[] = [];
  for (const uart of UARTS) {
    settings.onProgress(`serial: ${uart} to a pseudo-terminal's reader`);
    const rates = await repeated(samples, () => toPty(uart, bytes));
    rows.push(row('serial/to pty reader', 'B/s', { uart }, rates));
  }
  settings.onProgress('serial: echo of a character typed on a pseudo-terminal');
  rows.push(row('serial/echo on a pty', 'ms', { uart: UART }, await ptyEchoTimes(UART, echoes)));
  return rows;
}

async function repeated(count: number, sample: () => Promise<number>): Promise<readonly number[]> {
  const values: number[] = [];
  for (let index = 0; index < count; index += 1) values.push(await sample());
  return values;
}

function row(
  name: string,
  unit: string,
  parameters: Readonly<Record<string, string>>,
  values: readonly number[],
): BenchRow {
  const { median, min, max } = summarise(values);
  const figures = { median: round(median), min: round(min), max: round(max) };
  return { name, ...parameters, unit, ...figures, ratioToNative: null };
}

interface BridgeRig<Bridge> {
  readonly bridge: Bridge;
  readonly end: () => Promise<void>;
}

/** A serial system, live, on a line where characters take no time. */
async function bridgeRig<Bridge extends SerialBridge>(
  uart: Uart,
  program: typeof flood,
  open: (host: HostLine) => Promise<Bridge>,
): Promise<BridgeRig<Bridge>> {
  let wire: SerialLine | undefined;
  const testbed = makeSerialRig({
    uart,
    program,
    clock: 'host',
    wire: (clock) => (wire = line('fast')(clock)),
  });
  if (wire === undefined) throw new Error('the testbed has asked for its wire');
  const loop = new LiveLoop(testbed);
  const bridge = await open(new HostLine(wire, () => loop.wake()));
  loop.addPort(bridge);
  const running = loop.run();
  const end = async (): Promise<void> => {
    loop.stop();
    await running;
    await bridge.close();
  };
  return { bridge, end };
}

// --------------------------------------------------------------------------------- pseudo-terminal

/** @returns bytes per second that another process reads */
async function toPty(uart: Uart, bytes: number): Promise<number> {
  const rig = await bridgeRig(uart, flood, (host) => PtyBridge.open({ host }));
  const reader: ChildProcess = spawn('head', ['-c', String(bytes), rig.bridge.slavePath], {
    stdio: 'ignore',
  });
  while (rig.bridge.attached === 'no') await breathe();
  const startedAt = hostNow();
  await once(reader, 'exit');
  const rate = (bytes * 1e9) / (hostNow() - startedAt);
  await rig.end();
  return rate;
}

/** @returns milliseconds from writing a character on the slave to its echo */
async function ptyEchoTimes(uart: Uart, echoes: number): Promise<readonly number[]> {
  const rig = await bridgeRig(uart, mirror, (host) => PtyBridge.open({ host }));
  const { O_RDWR, O_NOCTTY, O_NONBLOCK } = constants;
  const descriptor = openSync(rig.bridge.slavePath, O_RDWR | O_NOCTTY | O_NONBLOCK);
  const slave = new ReadStream(descriptor);
  const times = await echoTimes(slave, echoes);
  slave.destroy();
  closeSync(descriptor);
  await rig.end();
  return times;
}

async function echoTimes(stream: Socket, echoes: number): Promise<readonly number[]> {
  const times: number[] = [];
  for (let index = 0; index < echoes; index += 1) {
    const typed = String.fromCharCode(97 + (index % 26));
    const startedAt = hostNow();
    stream.write(typed);
    // What a telnet server says of itself comes first.
    let answer: unknown[];
    do answer = await once(stream, 'data');
    while (!String(answer[0]).includes(typed));
    times.push((hostNow() - startedAt) / 1e6);
  }
  return times;
}

// ----------------------------------------------------------------------------------------- sockets

function socketRig(
  program: typeof flood,
  protocol: SocketProtocol,
): Promise<BridgeRig<SocketBridge>> {
  return bridgeRig(UART, program, (host) =>
    SocketBridge.open({ host, protocol, address: ADDRESS, port: 0, onNotice: () => undefined }),
  );
}

/** Prints bytes per second between the first and the last of so many. */
const READER = `
const [port, total] = process.argv.slice(1).map(Number);
let bytes = 0, since;
const socket = require('node:net').connect(port, '${ADDRESS}');
socket.on('data', (chunk) => {
  since ??= process.hrtime.bigint();
  bytes += chunk.length;
  if (bytes < total) return;
  console.log((bytes * 1e9) / Number(process.hrtime.bigint() - since));
  socket.destroy();
});`;

async function toSocket(protocol: SocketProtocol, bytes: number): Promise<number> {
  const rig = await socketRig(flood, protocol);
  const args = ['-e', READER, String(rig.bridge.port), String(bytes)];
  const reader = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let said = '';
  reader.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  await once(reader, 'close');
  await rig.end();
  const rate = Number(said);
  if (!(rate > 0)) throw new Error(`the reader of the ${protocol} port has read nothing`);
  return rate;
}

async function socketEchoTimes(
  protocol: SocketProtocol,
  echoes: number,
): Promise<readonly number[]> {
  const rig = await socketRig(mirror, protocol);
  const socket = connect({ port: rig.bridge.port, host: ADDRESS, noDelay: true });
  await once(socket, 'connect');
  const times = await echoTimes(socket, echoes);
  socket.destroy();
  await rig.end();
  return times;
}
