/**
 * Goal: the echo client in C keeps an address by DHCP as the one in TypeScript does: the same
 * messages at the same times, through silence, a refusal, renewals and the end of a lease. Method:
 * a server that follows a list answers both systems under the virtual clock; what it heard is
 * compared, and what the clients have counted.
 */

import { beforeAll, describe, expect, it } from 'vitest';
import type { Clock } from '../../board/clock.ts';
import { type FrameObserver, ObservedWire } from '../../board/links/observed-wire.ts';
import type { StagedLink } from '../../board/links/staged-link.ts';
import { machinePrograms } from '../../cli/run/machine-programs.ts';
import { echo } from '../../systems/echo.ts';
import { completeChoices } from '../../systems/system.ts';
import { buildPrograms, COMPILER, hasCompiler, ROOT_FOLDER } from '../support/c-programs.ts';
import { described, echoTestbed } from '../support/echo-testbed.ts';
import { checksum } from '../support/udp-frame.ts';

const [DISCOVER, OFFER, REQUEST, ACK, NAK] = [1, 2, 3, 5, 6];
const IP = [10, 0, 2, 77];
const SERVER = [10, 0, 2, 2];
const SERVER_MAC = [0x52, 0x55, 10, 0, 2, 2];
const STRANGER_MAC = [0x52, 0x55, 10, 0, 2, 99];
/** So that no message is sent at a whole second: their age is rounded down. */
const LEASE_S = 201;
const RUN_NS = 900e9;
const MESSAGE_AT = 42;

/** What becomes of the next message of a kind; the last again and again. */
type Answer = 'silence' | 'offer' | 'ack' | 'nak' | 'bad sum' | 'damaged' | 'for ever';
const TO_DISCOVER: readonly Answer[] = ['silence', 'bad sum', 'damaged', 'offer'];
const SILENT = (times: number): readonly Answer[] => Array<Answer>(times).fill('silence');
/** All begins again behind the first four; a lease ends in the silence behind a renewal. */
const TO_REQUEST: readonly Answer[] = [
  ...([...SILENT(4), 'nak', 'ack', 'silence', 'ack'] as const),
  ...([...SILENT(5), 'ack', 'for ever'] as const),
];

function octets(number: number): readonly number[] {
  return [number >>> 24, (number >>> 16) & 255, (number >>> 8) & 255, number & 255];
}

/** @returns the frame that answers a message, undefined for none */
function answerTo(message: Buffer, answer: Answer): Buffer | undefined {
  if (answer === 'silence') return undefined;
  const type = answer === 'nak' ? NAK : message[MESSAGE_AT + 242] === DISCOVER ? OFFER : ACK;
  const lease = octets(answer === 'for ever' ? 0xffff_ffff : LEASE_S);
  const bootp = Buffer.alloc(300);
  bootp.set([2, 1, 6, 0, ...message.subarray(MESSAGE_AT + 4, MESSAGE_AT + 8)]);
  if (type !== NAK) bootp.set(IP, 16);
  bootp.set(message.subarray(6, 12), 28);
  const length = answer === 'damaged' ? 200 : 4;
  bootp.set([99, 0x82, 0x53, 0x63, 53, 1, type, 0, 54, 4, ...SERVER, 51, length, ...lease], 236);
  bootp.set([255], 236 + 20);
  const frame = Buffer.alloc(MESSAGE_AT + bootp.length);
  frame.set([...message.subarray(6, 12), ...SERVER_MAC, 8, 0, 0x45, 0]);
  frame.writeUInt16BE(frame.length - 14, 16);
  frame.set([64, 17], 22);
  frame.set([...SERVER, 255, 255, 255, 255], 26);
  frame.writeUInt16BE(checksum(frame.subarray(14, 34)), 24);
  frame.writeUInt16BE(67, 34);
  frame.writeUInt16BE(68, 36);
  frame.writeUInt16BE(8 + bootp.length, 38);
  if (answer === 'bad sum') frame.writeUInt16BE(0x1234, 40);
  frame.set(bootp, MESSAGE_AT);
  return frame;
}

/** What another server says to whoever has asked in another transaction. */
function strangers(answer: Buffer): Buffer {
  const frame = Buffer.from(answer);
  frame.set(STRANGER_MAC, 6);
  frame.writeUInt8((frame[MESSAGE_AT + 4] ?? 0) ^ 1, MESSAGE_AT + 4);
  return frame;
}

interface Run {
  /** Milliseconds since the first, and its bytes. */
  readonly heard: readonly string[];
  readonly lines: readonly string[];
  readonly counted: Readonly<Record<string, number>>;
}

/** Answers what passes by the lists. */
class Server implements FrameObserver {
  readonly heard: string[] = [];
  link: StagedLink | undefined;
  readonly #clock: Clock;
  #beganNs: number | undefined;
  readonly #left = new Map([
    [DISCOVER, [...TO_DISCOVER]],
    [REQUEST, [...TO_REQUEST]],
  ]);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  frame(direction: 'in' | 'out', nowNs: number, bytes: Uint8Array): void {
    if (direction === 'in') return;
    const message = Buffer.from(bytes); // not of the board's memory
    this.#beganNs ??= nowNs;
    const atMs = Math.round((nowNs - this.#beganNs) / 1e6);
    this.heard.push(`${atMs} ${message.toString('hex')}`);
    const list = this.#left.get(message[MESSAGE_AT + 242] ?? 0) ?? [];
    const answer = answerTo(message, (list.length > 1 ? list.shift() : list[0]) ?? 'silence');
    if (answer !== undefined) this.#send(answer, nowNs + 1e6);
    // Others are served while nobody answers, too.
    const others = answer ?? answerTo(message, 'ack');
    if (others !== undefined) this.#send(strangers(others), nowNs + 2e6);
  }

  #send(frame: Buffer, atNs: number): void {
    const fire = (): void => void this.link?.send(frame, 0, frame.length);
    this.#clock.schedule({ fire }, atNs);
  }
}

function run(client: 'ts' | 'c', checksums: 'device' | 'client'): Run {
  const choices = { address: 'dhcp', clients: '1', client, checksums };
  const system = described(echo.build(completeChoices(echo, choices)));
  let server: Server | undefined;
  const { testbed, link, lines } = echoTestbed({
    change: () => system,
    wrap: (wire, { ram, board: { clock } }) => {
      server = new Server(clock);
      return new ObservedWire({ wire, ram, clock, observer: server });
    },
    more: { images: machinePrograms({ system, folders: [ROOT_FOLDER] }) },
  });
  if (server === undefined) throw new Error('the testbed has asked for its wire');
  server.link = link;
  testbed.runUntil(RUN_NS);
  const counted = testbed.counters().programs['client0'] ?? {};
  return { heard: server.heard, lines, counted };
}

/** Where messages to one station alone have gone. */
function addressees({ heard }: Run): ReadonlySet<string> {
  const macs = heard.map((line) => line.split(' ')[1]?.slice(0, 12) ?? '');
  return new Set(macs.filter((mac) => mac !== 'ff'.repeat(6)));
}

describe('an address by DHCP', () => {
  it('is renewed with the server that gave it, whatever others answer to others', () => {
    expect(addressees(run('ts', 'device'))).toEqual(new Set(['52550a000202']));
  });
});

describe.skipIf(!hasCompiler)(`an address by DHCP, in C (${COMPILER})`, () => {
  beforeAll(buildPrograms);

  it.each(['device', 'client'] as const)(
    'is kept as in TypeScript, sums by the %s',
    (checksums) => {
      const [ts, c] = [run('ts', checksums), run('c', checksums)];

      expect(c.heard).toEqual(ts.heard);
      expect(c.heard.length).toBeGreaterThan(TO_DISCOVER.length + TO_REQUEST.length);
      expect(c.counted).toEqual(ts.counted);
      expect(c.counted['dhcpBound']).toBeGreaterThan(1);
      expect(c.lines.filter((line) => line.includes('DHCP'))).toEqual([
        'client0: DHCP: 10.0.2.77',
        'client0: DHCP: no address any more',
        'client0: DHCP: 10.0.2.77',
      ]);
    },
  );
});
