/**
 * Goal: the programs of the network path in C, which go through what is plain in a batch by loops
 * of their own, see everything in a queue's entries that is not plain, and do with it what their
 * counterparts in TypeScript do. Method: one domain is in TypeScript, and damages entries that it
 * has published just before it signals; the others are in C, or in TypeScript. What leaves the
 * board is compared, and what the programs have counted.
 *
 * SDDF_FORGED_SEEDS: how many runs of each kind.
 */

import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { ObservedWire } from '../../board/links/observed-wire.ts';
import { Random } from '../../board/random.ts';
import { machinePrograms } from '../../cli/run/machine-programs.ts';
import type { Region } from '../../memory/region.ts';
import type { SystemDescription } from '../../microkit/model.ts';
import type { Program, ProtectionDomain } from '../../microkit/pd.ts';
import { echo } from '../../systems/echo.ts';
import { parseCosts } from '../../systems/run-costs.ts';
import { completeChoices } from '../../systems/system.ts';
import type { RunCounters } from '../../systems/testbed.ts';
import { buildPrograms, COMPILER, hasCompiler, ROOT_FOLDER } from '../support/c-programs.ts';
import { described, echoTestbed } from '../support/echo-testbed.ts';
import { CLIENT0, payload, udpFrame } from '../support/udp-frames.ts';

/** Layout of sDDF's network queue. */
const HEADER_BYTES = 8;
const ENTRY_BYTES = 16;
const TAIL = 0;
const HEAD = 2;
const CAPACITY = 512;

const BURSTS = 30;
const START_NS = 100_000_000;
const GAP_NS = 200_000;
const SEEDS = Number(process.env['SDDF_FORGED_SEEDS'] ?? 1);
/** Of a run's datagrams, by seed: all are as long, since two of them may meet in one buffer. */
const PAYLOAD_BYTES = [0, 22, 200];

const KINDS = ['between', 'beyond', 'length', 'flags', 'checksum', 'another'] as const;
type Kind = (typeof KINDS)[number];

/**
 * Damages one entry: an offset between two buffers or beyond all, a length that no frame has, the
 * flags, where the checksum is, or all of it by another entry. Nothing makes a frame longer: what a
 * buffer has behind the last byte of a frame may differ.
 */
function damage(kind: Kind | undefined, queue: Region, at: number, other: number, random: Random) {
  switch (kind) {
    case 'between':
      queue.write8(at, 1 + random.below(255));
      return;
    case 'beyond':
      queue.write32(at + 4, 1 + random.below(2));
      return;
    case 'length':
      queue.write16(at + 8, [0, 13, 2049, 65_535][random.below(4)] ?? 0);
      return;
    case 'flags':
      queue.write8(at + 10, random.below(256));
      return;
    case 'checksum':
      queue.write32(at + 12, random.u32());
      return;
    default:
      for (let byte = 0; byte < ENTRY_BYTES; byte += 4) {
        queue.write32(at + byte, queue.read32(other + byte));
      }
  }
}

/** Damages an entry that waits in a queue. @returns whether there is one */
function forgeIn(queue: Region, kinds: readonly Kind[], random: Random): boolean {
  const head = queue.read16(HEAD);
  const length = (queue.read16(TAIL) - head) & 0xffff;
  if (length === 0 || length > CAPACITY) return false;
  const place = (): number =>
    HEADER_BYTES + ENTRY_BYTES * ((head + random.below(length)) % CAPACITY);
  damage(kinds[random.below(kinds.length)], queue, place(), place(), random);
  return true;
}

/** Names of all queues that a domain's configuration speaks of. */
function queuesIn(config: unknown): string[] {
  if (typeof config !== 'object' || config === null) return [];
  return Object.entries(config).flatMap(([key, value]): string[] =>
    (key === 'freeQueue' || key === 'activeQueue') && typeof value === 'string'
      ? [value]
      : queuesIn(value),
  );
}

interface Forgery {
  readonly domain: string;
  readonly kinds: readonly Kind[];
  readonly random: Random;
  /** Entries so far. */
  count: number;
}

/** The same program, which damages what waits in its queues before it signals anybody. */
function forging(program: Program, forgery: Forgery): Program {
  return (pd) => {
    const queues = queuesIn(pd.config).map((name) => pd.region(name));
    const { random, kinds } = forgery;
    const forge = (): void => {
      for (const queue of queues) {
        if (random.below(3) === 0 && forgeIn(queue, kinds, random)) forgery.count += 1;
      }
    };
    const signals = new Set(['notify', 'deferredNotify']);
    const disguised = new Proxy(pd, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          if (signals.has(String(key))) forge();
          return Reflect.apply(value, target, args);
        };
      },
    });
    return program(disguised as ProtectionDomain<never>);
  };
}

interface Run {
  readonly heard: string[];
  readonly programs: RunCounters['programs'];
  readonly forged: number;
}

function run(
  choices: Readonly<Record<string, string>>,
  { domain, kinds }: Pick<Forgery, 'domain' | 'kinds'>,
  seed: number,
): Run {
  const random = new Random(seed);
  const forgery: Forgery = { domain, kinds, random: random.fork('entries'), count: 0 };
  const built = described(echo.build(completeChoices(echo, { ...choices, clients: '1' })));
  const system = withForger(built, forgery);
  const heard: string[] = [];
  const free = parseCosts(
    JSON.stringify({
      ...{ schema: 1, name: 'free' },
      machineCode: { instruction: 0, deviceAccess: 0 },
    }),
  );
  if (!free.ok) throw new Error(free.problem);
  const { testbed, link } = echoTestbed({
    change: () => system,
    wrap: (wire, { ram, board: { clock } }) => {
      const frame = (direction: string, nowNs: number, bytes: Uint8Array): void => {
        if (direction === 'in') return;
        heard.push(`${nowNs} ${createHash('sha1').update(bytes.slice()).digest('hex')}`);
      };
      return new ObservedWire({ wire, ram, clock, observer: { frame } });
    },
    more: { costs: free.costs, images: machinePrograms({ system, folders: [ROOT_FOLDER] }) },
  });
  const { clock } = testbed.board;
  const traffic = random.fork('traffic');
  for (let burst = 0; burst < BURSTS; burst += 1) {
    const count = 1 + traffic.below(60);
    const fire = (): void => {
      for (let index = 0; index < count; index += 1) {
        const bytes = payload(PAYLOAD_BYTES[seed % 3] ?? 0, traffic.below(256));
        const frame = udpFrame({ ...CLIENT0, targetPort: 1235, payload: bytes });
        link.send(frame, 0, frame.length);
      }
    };
    clock.schedule({ fire }, START_NS + burst * GAP_NS);
  }
  testbed.runUntilQuiet();
  return { heard, programs: testbed.counters().programs, forged: forgery.count };
}

function withForger(system: SystemDescription, forgery: Forgery): SystemDescription {
  const protectionDomains = system.protectionDomains.map((pd) => {
    // Without the watchdog, as in echo-wire.test.ts.
    const { timer: _, ...config } = pd.config as Record<string, unknown>;
    const quiet = pd.name === 'ethernet_driver' ? { ...pd, config } : pd;
    const { program } = pd.image;
    if (pd.name !== forgery.domain || program === undefined) return quiet;
    return { ...quiet, image: { ...pd.image, program: forging(program, forgery) } };
  });
  return { ...system, protectionDomains };
}

/**
 * `but`: what the two sides are known to take differently from a domain that they trust. The client
 * in TypeScript looks at the low half of an offset alone; the driver in C takes a frame whose
 * checksum is left at byte 0 for one that has its own; the drivers count a runt, and take buffers
 * that were given twice, differently, and in one of three runs a buffer that begins between two
 * others: then frames come in another order, or a burst later.
 */
const FORGERS = [
  { part: 'driver', domain: 'ethernet_driver', path: '5pd', but: [] },
  { part: 'rx', domain: 'net_virt_rx', path: '5pd', but: ['beyond', 'another', 'between'] },
  { part: 'tx', domain: 'net_virt_tx', path: '5pd', but: ['beyond', 'flags'] },
  { part: 'copier', domain: 'client0_net_copier', path: '5pd', but: ['beyond'] },
  { part: 'client', domain: 'client0', path: '5pd', but: [] },
  { part: 'client', domain: 'client0', path: '4pd', but: [] },
] as const satisfies readonly { readonly but: readonly Kind[]; [key: string]: unknown }[];

describe.skipIf(!hasCompiler)(`entries that are not plain (${COMPILER})`, () => {
  beforeAll(buildPrograms);

  it.each(FORGERS)('of $domain on path $path', ({ part, domain, path, but }) => {
    const kinds = KINDS.filter((kind) => !(but as readonly Kind[]).includes(kind));
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const c = run({ code: 'c', [part]: 'ts', path }, { domain, kinds }, seed);
      const ts = run({ path }, { domain, kinds }, seed);

      expect(c.forged).toBeGreaterThan(10);
      expect(c.forged).toBe(ts.forged);
      expect(c.heard.length).toBeGreaterThan(BURSTS);
      expect(c.heard).toEqual(ts.heard);
      expect(c.programs).toEqual(ts.programs);
    }
  });
});
