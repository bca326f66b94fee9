/**
 * Goal: the network path in C makes the same traffic as the one in TypeScript: the same frames, in
 * the same order, at the same times, whichever parts are C. Method: random frames in bursts, good
 * ones and bad, go to both systems under the virtual clock, with instructions that take no time;
 * what leaves the board is compared, and what the programs have counted. SDDF_WIRE_SEED, and
 * SDDF_WIRE_BURSTS for more (`.ci/run`).
 */

import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { checksumAdd, checksumFinish } from '../../board/internet-checksum.ts';
import { type FrameObserver, ObservedWire } from '../../board/links/observed-wire.ts';
import { machinePrograms } from '../../cli/run/machine-programs.ts';
import { echo } from '../../systems/echo.ts';
import type { SystemDescription } from '../../microkit/model.ts';
import { parseCosts, type RunCosts } from '../../systems/run-costs.ts';
import { completeChoices } from '../../systems/system.ts';
import type { RunCounters } from '../../systems/testbed.ts';
import { buildPrograms, COMPILER, hasCompiler, ROOT_FOLDER } from '../support/c-programs.ts';
import { described, echoTestbed, type LinkChecksums } from '../support/echo-testbed.ts';
import { CLIENT0, CLIENT1, payload, udpFrame } from '../support/udp-frames.ts';

const SEED = Number(process.env['SDDF_WIRE_SEED'] ?? 1);
const BURSTS = Number(process.env['SDDF_WIRE_BURSTS'] ?? 24);
/**
 * As many frames as the cable holds, at most: more than half of a client's buffers, when all are
 * for one.
 */
const BURST_MAX = 513;
const GAP_NS_MAX = 300_000;
/** When both systems have long booted. */
const START_NS = 100_000_000;

/** Whom the frames of a burst are for. */
const ADDRESSED = [[CLIENT0], [CLIENT1], [CLIENT0, CLIENT1]];

interface Run {
  readonly heard: string[];
  readonly faults: readonly string[];
  readonly lines: readonly string[];
  readonly programs: RunCounters['programs'];
}

type Choices = Readonly<Record<string, string>>;

/** Numbers that look random; Lehmer's generator. */
class Numbers {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  below(limit: number): number {
    this.#state = (this.#state * 48_271) % 0x7fff_ffff;
    return this.#state % limit;
  }
}

/** Instructions that take no time, beside a kernel that has its usual prices. */
function freeInstructions(): RunCosts {
  const machineCode = { instruction: 0, deviceAccess: 0 };
  const read = parseCosts(JSON.stringify({ schema: 1, name: 'free', machineCode }));
  if (!read.ok) throw new Error(read.problem);
  return read.costs;
}

/**
 * Without the driver's watchdog: its ticks, which come at other times after another boot, move what
 * they meet.
 */
function withoutWatchdog(system: SystemDescription): SystemDescription {
  const protectionDomains = system.protectionDomains.map((pd) => {
    const { timer: _, ...config } = pd.config as Record<string, unknown>;
    return pd.name === 'ethernet_driver' ? { ...pd, config } : pd;
  });
  return { ...system, protectionDomains };
}

/** Hears every frame that the board sends, with the time. */
function listener(heard: string[]): FrameObserver {
  return {
    frame: (direction, nowNs, bytes, dropReason) => {
      if (direction === 'in' || dropReason !== undefined) return;
      const digest = createHash('sha1').update(bytes.slice()); // not of the board's memory
      heard.push(`${nowNs} ${bytes.length} ${digest.digest('hex')}`);
    },
  };
}

/** Who has this address? */
function arpRequest(client: typeof CLIENT0): Uint8Array {
  const frame = new Uint8Array(60);
  const view = new DataView(frame.buffer);
  frame.fill(0xff, 0, 6);
  frame.set([0x52, 0x54, 1, 0, 0, 0xff], 6);
  view.setUint16(12, 0x0806);
  frame.set([0, 1, 8, 0, 6, 4, 0, 1, 0x52, 0x54, 1, 0, 0, 0xff, 10, 0, 2, 2], 14);
  view.setUint32(38, client.targetIp);
  return frame;
}

/** A ping, made from a datagram's headers; both checksums are right. */
function echoRequest(client: typeof CLIENT0, bytes: Uint8Array): Uint8Array {
  const frame = udpFrame({ ...client, targetPort: 0, payload: bytes });
  const view = new DataView(frame.buffer);
  const replaceProtocol = view.getUint16(24) + (17 - 1);
  frame[23] = 1;
  view.setUint16(24, (replaceProtocol & 0xffff) + (replaceProtocol >>> 16));
  view.setUint32(34, 0x0800_0000);
  let sum = 0;
  for (let at = 34; at < frame.length; at += 2) {
    sum += ((frame[at] as number) << 8) | (frame[at + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(36, ~sum & 0xffff);
  return frame;
}

const FIN = 1;
const SYN = 2;
const RST = 4;
const ACK = 16;

/** A TCP segment for a port that is closed, as all are; mostly right. */
function segment(numbers: Numbers, client: typeof CLIENT0): Uint8Array {
  const frame = udpFrame({
    ...client,
    targetPort: 80,
    payload: payload(12 + numbers.below(99), 0),
  });
  const view = new DataView(frame.buffer);
  const replaceProtocol = view.getUint16(24) + (17 - 6);
  frame[23] = 6;
  view.setUint16(24, (replaceProtocol & 0xffff) + (replaceProtocol >>> 16));
  view.setUint32(38, numbers.below(0x7fff_ffff));
  view.setUint32(42, numbers.below(0x7fff_ffff));
  frame[46] = 0x50 + 16 * numbers.below(3);
  frame[47] = [SYN, SYN | FIN, ACK, RST, 0][numbers.below(5)] ?? SYN;
  view.setUint16(50, 0);
  const pseudo = checksumAdd(frame, 26, 8, 6 + frame.length - 34);
  view.setUint16(50, checksumFinish(checksumAdd(frame, 34, frame.length - 34, pseudo)));
  return frame;
}

function anyFrame(numbers: Numbers, clients: readonly (typeof CLIENT0)[]): Uint8Array {
  const client = clients[numbers.below(clients.length)] ?? CLIENT0;
  const bytes = payload(numbers.below(1473), numbers.below(256));
  const kind = numbers.below(16);
  if (kind === 0) return arpRequest(client);
  if (kind === 1) return echoRequest(client, bytes);
  if (kind === 2) return bytes.subarray(0, Math.max(14, numbers.below(80)));
  if (kind === 6) return segment(numbers, client);
  const targetPort = [7, 1235, 1235, 9][numbers.below(4)] ?? 7;
  const sourcePort = numbers.below(20) === 0 ? 7 : 40_000;
  const frame = udpFrame({ ...client, targetPort, sourcePort, payload: bytes });
  // A source that is no single host.
  if (kind === 7) frame[26] = 224;
  // A byte of the headers that is wrong, in one of three.
  if (kind < 5) frame[numbers.below(42)] = numbers.below(256);
  return frame;
}

/** What leaves the board, and the programs' counters. */
function run(choices: Choices, checksums: LinkChecksums): Run {
  const system = withoutWatchdog(described(echo.build(completeChoices(echo, choices))));
  const heard: string[] = [];
  const { testbed, link, faults, lines } = echoTestbed({
    change: () => system,
    checksums,
    wrap: (wire, { ram, board: { clock } }) =>
      new ObservedWire({ wire, ram, clock, observer: listener(heard) }),
    more: {
      costs: freeInstructions(),
      images: machinePrograms({ system, folders: [ROOT_FOLDER] }),
    },
  });
  const numbers = new Numbers(SEED);
  const { clock } = testbed.board;
  let atNs = START_NS;
  for (let burst = 0; burst < BURSTS; burst += 1) {
    const count = numbers.below(3) === 0 ? numbers.below(BURST_MAX) : numbers.below(4);
    const clients = ADDRESSED[numbers.below(ADDRESSED.length)] ?? [];
    const frames = Array.from({ length: count }, () => anyFrame(numbers, clients));
    const fire = (): void => {
      for (const frame of frames) link.send(frame, 0, frame.length);
    };
    clock.schedule({ fire }, atNs);
    atNs += 1 + numbers.below(GAP_NS_MAX);
  }
  testbed.runUntilQuiet();
  return { heard, faults, lines, programs: testbed.counters().programs };
}

/** What the same paths do in TypeScript: asked once for each. */
const inTypeScript = new Map<string, Run>();

/** @param checksums what the device says of those of the frames, a damaged one among many */
function expectSameTraffic(
  choices: Choices,
  path: string,
  checksums: LinkChecksums = 'unknown',
): Run {
  const c = run({ ...choices, path }, checksums);
  const { closed = 'refused', checksums: made = 'device' } = choices;
  const same = `${path} ${checksums} ${closed} ${made}`;
  const ts = inTypeScript.get(same) ?? run({ closed, checksums: made, path }, checksums);
  inTypeScript.set(same, ts);

  expect(c.faults).toEqual([]);
  expect(c.heard.length).toBeGreaterThan(300);
  expect(c.heard).toEqual(ts.heard);
  expect(c.programs).toEqual(ts.programs);
  return c;
}

const PARTS = ['driver', 'rx', 'tx', 'copier', 'client'];

describe.skipIf(!hasCompiler)(`traffic of the echo system, seed ${SEED} (${COMPILER})`, () => {
  beforeAll(buildPrograms);

  it('is the same with everything in C', () => {
    const { programs } = expectSameTraffic({ code: 'c' }, '5pd');
    const counted = programs['client0'] ?? {};

    expect(counted['dropUdpChecksum']).toBeGreaterThan(0);
    expect(counted['tcpReset']).toBeGreaterThan(0);
    expect(counted['dropProtocol']).toBeGreaterThan(0);
    expect(counted['portUnreachable']).toBeGreaterThan(0);
    expect(counted['errorsLimited']).toBeGreaterThan(0);
  });

  it('is the same, byte for byte, whether the device or the client makes checksums', () => {
    const device = expectSameTraffic({ code: 'c' }, '5pd');
    const client = expectSameTraffic({ code: 'c', checksums: 'client' }, '5pd');
    const { tcpReset = 0, portUnreachable = 0, checksumsLeft } = device.programs['client0'] ?? {};
    const sent = device.programs['ethernet_driver'] ?? {};
    const bytesOf = (heard: readonly string[]): unknown => heard.map((line) => line.split(' ')[2]);

    expect(bytesOf(client.heard)).toEqual(bytesOf(device.heard));
    expect(checksumsLeft).toBe(tcpReset + portUnreachable);
    expect(sent['txChecksums']).toBeGreaterThan(checksumsLeft ?? 0);
    expect(client.programs['client0']?.['checksumsLeft']).toBe(0);
    expect(client.programs['ethernet_driver']?.['txChecksums']).toBe(0);
  });

  it('is the same with everything in C, closed ports being silent', () => {
    const { programs } = expectSameTraffic({ code: 'c', closed: 'silent' }, '5pd');

    expect(programs['client0']?.['tcpReset']).toBe(0);
    expect(programs['client0']?.['portUnreachable']).toBe(0);
  });

  it('is the same with everything in C where the device vouches for checksums', () => {
    const { programs } = expectSameTraffic({ code: 'c' }, '5pd', 'right');

    expect(programs['client0']?.['dropUdpChecksum']).toBe(0);
  });

  it.each(PARTS)('is the same with the %s in C', (part) => {
    expectSameTraffic({ [part]: 'c' }, '5pd');
  });

  it.each(PARTS)('is the same with everything but the %s in C', (part) => {
    expectSameTraffic({ code: 'c', [part]: 'ts' }, '5pd');
  });

  it('is the same without copiers, where clients are not trusted with buffers', () => {
    expectSameTraffic({ code: 'c' }, '4pd');
  });

  it('is the same from the driver alone', () => {
    expectSameTraffic({ driver: 'c' }, '2pd');
  });
});
