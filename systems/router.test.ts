// The router between two networks, of which the test plays both: what passes, what does not, and
// who is told. Frames are written and read here from the RFCs, not with the code under test.

import { beforeAll, describe, expect, it } from 'vitest';
import { StagedLink } from '../board/links/staged-link.ts';
import { checksum } from '../test/support/udp-frame.ts';
import { described } from '../test/support/echo-testbed.ts';
import { router } from './router.ts';
import { completeChoices } from './system.ts';
import { createTestbed } from './testbed.ts';

interface Host {
  readonly mac: readonly number[];
  readonly ip: readonly number[];
}

const ROUTER = [
  { mac: [0x52, 0x54, 1, 0, 0, 0x0a], ip: [10, 0, 2, 1] },
  { mac: [0x52, 0x54, 1, 0, 1, 0x0a], ip: [10, 0, 3, 1] },
] as const;
const OUTSIDE: Host = { mac: [2, 0, 0, 0, 0, 1], ip: [10, 0, 2, 2] };
const INSIDE: Host = { mac: [2, 0, 0, 0, 0, 2], ip: [10, 0, 3, 15] };
const EVERYBODY = [255, 255, 255, 255, 255, 255];
const [ICMP, TCP, UDP] = [1, 6, 17];
const SECOND_NS = 1e9;

function ethernet(to: readonly number[], from: Host, type: number, body: Uint8Array): Uint8Array {
  return Uint8Array.of(...to, ...from.mac, type >> 8, type & 255, ...body);
}

interface PacketOptions {
  readonly protocol: number;
  readonly body: readonly number[];
  readonly to?: readonly number[];
  readonly ttl?: number;
  readonly fragment?: number;
  readonly sourceIp?: readonly number[];
  /** Changes the header once its checksum is right. */
  readonly damage?: (header: Uint8Array) => void;
}

/** From `host` to the other network, by way of the router on its side. */
function packet(host: Host, via: Host, options: PacketOptions): Uint8Array {
  const { protocol, body, to = INSIDE.ip, ttl = 64, fragment = 0, sourceIp = host.ip } = options;
  const header = Uint8Array.of(0x45, 0, 0, 20 + body.length, 7, 7, fragment >> 8, fragment & 255);
  const rest = Uint8Array.of(ttl, protocol, 0, 0, ...sourceIp, ...to);
  const whole = Uint8Array.of(...header, ...rest);
  new DataView(whole.buffer).setUint16(10, checksum(whole));
  options.damage?.(whole);
  return ethernet(via.mac, host, 0x0800, Uint8Array.of(...whole, ...body));
}

function udp(port: number, sourcePort = 5000): readonly number[] {
  return [sourcePort >> 8, sourcePort & 255, port >> 8, port & 255, 0, 12, 0, 0, 1, 2, 3, 4];
}

function tcp(port: number, flags: number, sourcePort = 5000): readonly number[] {
  const ports = [sourcePort >> 8, sourcePort & 255, port >> 8, port & 255];
  return [...ports, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags, 0, 0, 0, 0, 0, 0];
}

function echoMessage(type: 0 | 8): readonly number[] {
  const body = Uint8Array.of(type, 0, 0, 0, 1, 2, 3, 4);
  new DataView(body.buffer).setUint16(2, checksum(body));
  return [...body];
}

function arp(from: Host, operation: 1 | 2, target: Host): Uint8Array {
  const to = operation === 1 ? EVERYBODY : target.mac;
  const body = [0, 1, 8, 0, 6, 4, 0, operation, ...from.mac, ...from.ip, ...target.mac];
  return ethernet(to, from, 0x0806, Uint8Array.of(...body, ...target.ip));
}

function routerBed(access: 'open' | 'services' | 'closed' = 'open') {
  const links: StagedLink[] = [];
  const testbed = createTestbed({
    system: described(router.build(completeChoices(router, { access }))),
    clock: 'virtual',
    ...(router.counters === undefined ? {} : { counters: router.counters }),
    wires: ({ ram }) => {
      links.push(new StagedLink({ ram }), new StagedLink({ ram }));
      const [net, second] = links;
      return net === undefined ? {} : { net, furtherNets: [second] };
    },
  });
  testbed.runUntilQuiet();
  const received = (side: 0 | 1): Uint8Array[] => {
    const frames: Uint8Array[] = [];
    links[side]?.drain({ transmit: (frame) => frames.push(frame.slice()) });
    return frames;
  };
  const post = (side: 0 | 1, frame: Uint8Array): void => {
    links[side]?.offer(frame);
  };
  /** Sends a frame, lets the board come to rest, and answers what came out on both sides. */
  const send = (side: 0 | 1, frame: Uint8Array): readonly [Uint8Array[], Uint8Array[]] => {
    post(side, frame);
    testbed.runUntil(testbed.now() + 5e6);
    return [received(0), received(1)];
  };
  const counted = (): Record<string, number> => testbed.counters().programs['router'] ?? {};
  return { testbed, links, post, send, received, counted };
}

/** A router that knows the addresses of both hosts. */
function acquainted(access: 'open' | 'services' = 'open') {
  const bed = routerBed(access);
  bed.send(0, packet(OUTSIDE, ROUTER[0], { protocol: ICMP, body: echoMessage(8) }));
  bed.send(1, arp(INSIDE, 2, ROUTER[1]));
  bed.send(1, packet(INSIDE, ROUTER[1], { protocol: ICMP, body: echoMessage(0), to: OUTSIDE.ip }));
  bed.send(0, arp(OUTSIDE, 2, ROUTER[0]));
  return bed;
}

const body = (frame: Uint8Array | undefined, from: number, to?: number): number[] => [
  ...(frame ?? new Uint8Array()).subarray(from, to),
];

describe('the router', () => {
  it('asks whose address it is for, and then sends the packet that has waited', () => {
    const bed = routerBed();
    const question = packet(OUTSIDE, ROUTER[0], { protocol: UDP, body: udp(7) });

    const [, asked] = bed.send(0, question);
    const [, sent] = bed.send(1, arp(INSIDE, 2, ROUTER[1]));

    expect(asked.map((frame) => [...frame])).toEqual([
      [...arp(ROUTER[1], 1, { mac: [0, 0, 0, 0, 0, 0], ip: INSIDE.ip })],
    ]);
    expect(sent).toHaveLength(1);
    expect(body(sent[0], 0, 12)).toEqual([...INSIDE.mac, ...ROUTER[1].mac]);
    expect(sent[0]?.[22], 'time to live').toBe(63);
    expect(checksum(sent[0]?.subarray(14, 34) ?? new Uint8Array()), 'header checksum').toBe(0);
    expect(body(sent[0], 26)).toEqual(body(question, 26));
    expect(bed.counted()).toMatchObject({ forwarded: 1, held: 1, arpAsked: 1, copies: 2 });
  });

  it('forwards both ways without asking again, and cuts off what is behind a packet', () => {
    const bed = acquainted();
    const padded = Uint8Array.of(
      ...packet(OUTSIDE, ROUTER[0], { protocol: UDP, body: udp(7) }),
      ...[9, 9, 9, 9],
    );

    const [, there] = bed.send(0, padded);
    const answer = packet(INSIDE, ROUTER[1], { protocol: UDP, body: udp(5000, 7), to: OUTSIDE.ip });
    const [back] = bed.send(1, answer);

    expect(there.map(({ length }) => length)).toEqual([padded.length - 4]);
    expect(body(back[0], 0, 12)).toEqual([...OUTSIDE.mac, ...ROUTER[0].mac]);
  });

  it('asks three times, and tells the sender that nobody is there', () => {
    const bed = routerBed();
    bed.post(0, packet(OUTSIDE, ROUTER[0], { protocol: UDP, body: udp(7) }));
    bed.testbed.runUntil(bed.testbed.now() + 2.5 * SECOND_NS);
    expect(bed.received(0)).toEqual([]);
    bed.testbed.runUntil(bed.testbed.now() + 2 * SECOND_NS);
    const [told] = bed.received(0);

    expect(bed.received(1)).toHaveLength(3);
    expect(body(told, 34, 36), 'host unreachable').toEqual([3, 1]);
    expect(body(told, 26, 34)).toEqual([...ROUTER[0].ip, ...OUTSIDE.ip]);
    expect(bed.counted()).toMatchObject({ dropUnresolved: 1, unreachable: 1, forwarded: 0 });
    expect(bed.testbed.runUntil(Infinity), 'nobody is waited for').toBe('quiet');
  });

  it('keeps one packet for each address that it asks for, the last', () => {
    const bed = routerBed();
    for (const port of [1, 2, 3]) {
      bed.send(0, packet(OUTSIDE, ROUTER[0], { protocol: UDP, body: udp(port) }));
    }
    const [, sent] = bed.send(1, arp(INSIDE, 2, ROUTER[1]));

    expect(sent.map((frame) => frame[37])).toEqual([3]);
    expect(bed.counted()).toMatchObject({ dropUnresolved: 2, forwarded: 1 });
  });

  it('says so when the time of a packet is over: traceroute', () => {
    const bed = acquainted();
    const late = packet(OUTSIDE, ROUTER[0], { protocol: UDP, body: udp(33_434), ttl: 1 });

    const [[told], there] = bed.send(0, late);

    expect(there).toEqual([]);
    expect(body(told, 34, 36), 'time exceeded in transit').toEqual([11, 0]);
    expect(body(told, 26, 30)).toEqual(ROUTER[0].ip);
    expect(body(told, 42, 70), 'the packet, and 8 bytes of its payload').toEqual(
      body(late, 14, 42),
    );
    expect(checksum(told?.subarray(34) ?? new Uint8Array())).toBe(0);
    expect(bed.counted()).toMatchObject({ timeExceeded: 1, dropTimeToLive: 1 });
  });

  it('answers ARP and ping for its own address, and refuses its other ports', () => {
    const bed = routerBed();
    const [[reply]] = bed.send(0, arp(OUTSIDE, 1, { mac: [0, 0, 0, 0, 0, 0], ip: ROUTER[0].ip }));
    const own = { to: ROUTER[0].ip };
    const [[echoed]] = bed.send(
      0,
      packet(OUTSIDE, ROUTER[0], { protocol: ICMP, body: echoMessage(8), ...own }),
    );
    const [[closed]] = bed.send(
      0,
      packet(OUTSIDE, ROUTER[0], { protocol: UDP, body: udp(9), ...own }),
    );

    expect([...(reply ?? [])]).toEqual([...arp(ROUTER[0], 2, OUTSIDE)]);
    expect(body(echoed, 26)).toEqual([...ROUTER[0].ip, ...OUTSIDE.ip, ...echoMessage(0)]);
    expect(body(closed, 34, 36)).toEqual([3, 3]);
  });
});

describe('what the router drops', () => {
  const good = { protocol: UDP, body: udp(7) };
  let shared: ReturnType<typeof acquainted>;
  beforeAll(() => (shared = acquainted()));

  it.each([
    ['spoofed: inside', 'dropSpoofed', { ...good, sourceIp: [10, 0, 3, 99] }],
    ['spoofed: its own address', 'dropSpoofed', { ...good, sourceIp: ROUTER[0].ip }],
    ['spoofed: the broadcast address', 'dropSpoofed', { ...good, sourceIp: [10, 0, 2, 255] }],
    ['spoofed: loopback', 'dropSpoofed', { ...good, sourceIp: [127, 0, 0, 1] }],
    ['for everybody in the other network', 'dropNoRoute', { ...good, to: [10, 0, 3, 255] }],
    ['for its own network', 'dropNoRoute', { ...good, to: [10, 0, 2, 9] }],
    ['multicast', 'dropNoRoute', { ...good, to: [224, 0, 0, 1] }],
    [
      'wrong checksum',
      'dropIpChecksum',
      { ...good, damage: (h: Uint8Array): void => void (h[11] = 1) },
    ],
    [
      'longer than its frame',
      'dropIpHeader',
      { ...good, damage: (h: Uint8Array): void => void (h[2] = 9) },
    ],
    ['version 6', 'dropIpHeader', { ...good, damage: (h: Uint8Array): void => void (h[0] = 0x65) }],
  ] as const)('%s', (_what, counter, options) => {
    const before = shared.counted();
    const [, there] = shared.send(0, packet(OUTSIDE, ROUTER[0], options as PacketOptions));

    expect(there).toEqual([]);
    expect(shared.counted()[counter]).toBe((before[counter] ?? 0) + 1);
  });

  it('is told of in a network that is no one’s, and not when it was an error itself', () => {
    const bed = acquainted();
    const nowhere = { to: [192, 0, 2, 1] };
    const [[told]] = bed.send(
      0,
      packet(OUTSIDE, ROUTER[0], { protocol: UDP, body: udp(7), ...nowhere }),
    );
    const error = { protocol: ICMP, body: [3, 3, 0, 0, 0, 0, 0, 0] };
    const [nothing] = bed.send(0, packet(OUTSIDE, ROUTER[0], { ...error, ...nowhere }));
    const [noMore] = bed.send(0, packet(OUTSIDE, ROUTER[0], { ...error, ttl: 1 }));

    expect(body(told, 34, 36), 'network unreachable').toEqual([3, 0]);
    expect([nothing, noMore]).toEqual([[], []]);
  });

  it('is told of at a limited rate', () => {
    const bed = acquainted();
    for (let index = 0; index < 100; index += 1) {
      bed.post(0, packet(OUTSIDE, ROUTER[0], { ...good, ttl: 1 }));
    }
    bed.testbed.runUntil(bed.testbed.now() + 5e6);

    const { timeExceeded = 0, errorsLimited = 0 } = bed.counted();
    expect(timeExceeded + errorsLimited).toBe(100);
    expect(timeExceeded).toBeLessThan(60);
  });

  it('does not stop the other way, or the router itself, when a network has no cable', () => {
    const bed = acquainted();
    bed.links[1]?.setLink('down');
    for (let index = 0; index < 600; index += 1) {
      bed.send(0, packet(OUTSIDE, ROUTER[0], good));
    }
    const own = { protocol: ICMP, body: echoMessage(8), to: ROUTER[0].ip };
    const [echoed] = bed.send(0, packet(OUTSIDE, ROUTER[0], own));

    expect(echoed).toHaveLength(1);
    expect(bed.counted()['dropNoBuffer']).toBeGreaterThan(0);
  });

  it('is a claim to an address that is not the sender’s', () => {
    const bed = acquainted();
    const thief = { mac: [2, 0, 0, 0, 0, 9], ip: ROUTER[1].ip };
    bed.send(1, arp(thief, 2, ROUTER[1]));
    bed.send(1, arp({ mac: thief.mac, ip: OUTSIDE.ip }, 2, ROUTER[1]));
    const [, there] = bed.send(0, packet(OUTSIDE, ROUTER[0], good));

    expect(body(there[0], 0, 6)).toEqual(INSIDE.mac);
    expect(bed.counted()).toMatchObject({ dropArp: 2 });
  });
});

describe('an access list', () => {
  const [SYN, ACK] = [2, 16];
  const there = { to: INSIDE.ip };
  const back = { to: OUTSIDE.ip };
  let bed: ReturnType<typeof acquainted>;
  beforeAll(() => (bed = acquainted('services')));

  it.each([
    ['ping', 0, { protocol: ICMP, body: echoMessage(8), ...there }, 'passes'],
    ['its answer', 1, { protocol: ICMP, body: echoMessage(0), ...back }, 'passes'],
    ['a ping from inside', 1, { protocol: ICMP, body: echoMessage(8), ...back }, 'refused'],
    ['a datagram for a service', 0, { protocol: UDP, body: udp(1235), ...there }, 'passes'],
    ['its answer', 1, { protocol: UDP, body: udp(5000, 1235), ...back }, 'passes'],
    ['a datagram for another port', 0, { protocol: UDP, body: udp(53), ...there }, 'refused'],
    ['a datagram from inside', 1, { protocol: UDP, body: udp(53), ...back }, 'refused'],
    ['a connection to a service', 0, { protocol: TCP, body: tcp(80, SYN), ...there }, 'passes'],
    ['its answer', 1, { protocol: TCP, body: tcp(5000, SYN | ACK, 80), ...back }, 'passes'],
    ['one that begins there', 1, { protocol: TCP, body: tcp(5000, SYN, 80), ...back }, 'refused'],
    ['one for another port', 0, { protocol: TCP, body: tcp(22, SYN), ...there }, 'refused'],
    ['a later fragment', 0, { protocol: UDP, body: udp(7), fragment: 9, ...there }, 'refused'],
    ['another protocol', 0, { protocol: 47, body: [0, 0, 0, 0], ...there }, 'refused'],
  ] as const)('of services: %s from side %i', (_what, side, options, verdict) => {
    const { forwarded = 0, refused = 0 } = bed.counted();
    const host = side === 0 ? OUTSIDE : INSIDE;
    bed.send(side, packet(host, ROUTER[side], options));
    const after = bed.counted();

    const passed = (after['forwarded'] ?? 0) - forwarded;
    expect({ passed, refused: (after['refused'] ?? 0) - refused }).toEqual(
      verdict === 'passes' ? { passed: 1, refused: 0 } : { passed: 0, refused: 1 },
    );
  });

  it('without rules lets nothing pass, and says that it is prohibited', () => {
    const closed = routerBed('closed');
    const ping = packet(OUTSIDE, ROUTER[0], { protocol: ICMP, body: echoMessage(8) });
    const [[told], passed] = closed.send(0, ping);

    expect(passed).toEqual([]);
    expect(body(told, 34, 36), 'communication administratively prohibited').toEqual([3, 13]);
  });
});
