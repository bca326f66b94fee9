/**
 * A hostile client in the whole system costs only itself: its neighbour's packets all come back,
 * and take little more work than without it. Work is counted and not timed: what a program does
 * within one activation takes no virtual time, so that is bounded for itself.
 */

import { describe, expect, it } from 'vitest';
import type { SystemDescription } from '../../microkit/model.ts';
import type { EntryPoints, Program, ProtectionDomain } from '../../microkit/pd.ts';
import { type CounterNames, readCounters } from '../../queues/counters.ts';
import { echo } from '../../systems/echo.ts';
import type { RunCounters } from '../../systems/testbed.ts';
import { echoTestbed, type EchoTestbed } from '../support/echo-testbed.ts';
import {
  ATTACKS_PER_WAKE_UP,
  type Attacks,
  hostileClient,
  type Recovered,
  recoveringClient,
} from '../support/hostile-client.ts';
import { CLIENT0, CLIENT1, payload, readUdp, udpFrame } from '../support/udp-frames.ts';

const PACKETS_PER_ROUND = 8;
/** Of them, as many go to client 0 as well. */
const ASKED_PER_ROUND = 4;
/** Entries of each client's queue. */
const CAPACITY = 512;

/** Questions of many lengths, made once: the same bytes go to both clients. */
const QUESTIONS = Array.from({ length: 256 }, (_, i) => {
  const bytes = payload(1 + ((i * 101) % 1400), i);
  const frameFor = (client: typeof CLIENT0): Uint8Array =>
    udpFrame({ ...client, targetPort: 1235, payload: bytes });
  return { bytes, client0: frameFor(CLIENT0), client1: frameFor(CLIENT1) };
});
type Question = (typeof QUESTIONS)[number];

function send(bed: EchoTestbed, frame: Uint8Array): void {
  if (bed.link.send(frame, 0, frame.length) !== 'ok') throw new Error('the link is full');
}

/** All of client 1's questions are answered, in order, with their own bytes and good checksums. */
function checkAnswers(bed: EchoTestbed, questions: readonly Question[], round: number): void {
  const answers = bed
    .received()
    .map(readUdp)
    .filter((answer) => answer?.sourceMacLow === CLIENT1.targetMacLow)
    .filter((answer) => answer?.checksums === 'good')
    .map((answer) => answer?.payload ?? new Uint8Array());
  const isAnswered = questions.every(
    ({ bytes }, i) => Buffer.compare(bytes, answers[i] ?? new Uint8Array()) === 0,
  );
  // Not `expect` each time: it takes longer than the packets.
  if (answers.length === questions.length && isAnswered) return;
  expect(answers, `round ${round}`).toEqual(questions.map(({ bytes }) => bytes));
}

/** What the system has done, as far as a neighbour can make it do more. */
interface Work {
  readonly kernelEntries: number;
  readonly wakeUps: number;
}

function workOf({ kernel, pds }: RunCounters): Work {
  const wakeUps = Object.values(pds).reduce((sum, pd) => sum + pd.wakeUps, 0);
  return { kernelEntries: kernel.kernelEntries, wakeUps };
}

/**
 * Sends to both clients and checks client 1's answers.
 * @returns the work for each packet of client 1
 */
function rounds(bed: EchoTestbed, count: number): Work {
  const { testbed } = bed;
  testbed.runUntilQuiet();
  bed.received();
  const before = workOf(testbed.counters());
  for (let round = 0; round < count; round++) {
    const questions: Question[] = [];
    for (let i = 0; i < PACKETS_PER_ROUND; i++) {
      const at = (round * 13 + i) % QUESTIONS.length;
      const question = QUESTIONS[at] as Question;
      questions.push(question);
      send(bed, question.client1);
      if (i % 2 === 0) send(bed, question.client0);
    }
    testbed.runUntilQuiet();
    checkAnswers(bed, questions, round);
  }
  const after = workOf(testbed.counters());
  const packets = count * PACKETS_PER_ROUND;
  return {
    kernelEntries: (after.kernelEntries - before.kernelEntries) / packets,
    wakeUps: (after.wakeUps - before.wakeUps) / packets,
  };
}

/** `refusedLost` tells what became of an entry that another counter has already. */
const isRefusal = (name: string): boolean => name.startsWith('refused') && name !== 'refusedLost';

interface Refusals {
  /** The most entries that one activation of the program refused. */
  most: number;
  sum: number;
}

/** The domains that see a client's entries, on any path. */
const CHECKERS = ['net_virt_tx', 'net_virt_rx', 'client0_net_copier'];

/** Counts, activation by activation, the entries that each checker refuses. */
function withRefusalsCounted(
  system: SystemDescription,
  refusals: Map<string, Refusals>,
): SystemDescription {
  const protectionDomains = system.protectionDomains.map((pd) => {
    const names = echo.counters?.[pd.name];
    const { program } = pd.image;
    if (program === undefined || names === undefined || !CHECKERS.includes(pd.name)) return pd;
    const seen: Refusals = { most: 0, sum: 0 };
    refusals.set(pd.name, seen);
    const inner = program as unknown as Program<{ readonly stats: string }>;
    const counted: Program<{ readonly stats: string }> = (own) =>
      countRefusals(inner(own), own, names, seen);
    return { ...pd, image: { ...pd.image, program: counted as unknown as Program } };
  });
  return { ...system, protectionDomains };
}

function countRefusals(
  entry: EntryPoints,
  pd: ProtectionDomain<{ readonly stats: string }>,
  names: CounterNames<string>,
  seen: Refusals,
): EntryPoints {
  const stats = pd.region(pd.config.stats);
  return {
    ...entry,
    notified: (channel) => {
      entry.notified(channel);
      const refused = Object.entries(readCounters(names, stats))
        .filter(([name]) => isRefusal(name))
        .reduce((sum, [, count]) => sum + count, 0);
      seen.most = Math.max(seen.most, refused - seen.sum);
      seen.sum = refused;
    },
  };
}

/** Packets for the neighbour with copiers, over all seeds; a million in CI. */
const PACKETS = Number(process.env['SDDF_HOSTILE_PACKETS'] ?? 4_000);
const SEEDS = [1, 2, 3];
const HOUR = { timeout: 3_600_000 };

/**
 * Rounds of each path. Without a copier a client may keep what it was given, four DMA buffers a
 * round here: with 512 of them, the device would have none left after 128 rounds. It may also write
 * to packets that are its neighbour's; its few random writes do not meet one. Both is what copiers
 * are for.
 */
const PATHS = [
  { path: '5pd', count: Math.ceil(PACKETS / SEEDS.length / PACKETS_PER_ROUND) },
  { path: '4pd', count: 40 },
] as const;

describe.each(PATHS)('a hostile client on path $path', ({ path, count }) => {
  const well = rounds(echoTestbed({ path }), 60);

  it.each(SEEDS)('neither stops, nor burdens, nor harms its neighbour, seed %i', HOUR, (seed) => {
    const attacks: Attacks = { count: 0 };
    const refusals = new Map<string, Refusals>();
    const bed = echoTestbed({
      path,
      replace: { client0: hostileClient(seed, attacks) as unknown as Program },
      change: (system) => withRefusalsCounted(system, refusals),
    });

    const work = rounds(bed, count);

    expect(bed.faults).toEqual([]);

    // Woken in each round: of what it does to itself, nothing costs it the packets that come later.
    expect(attacks.count).toBeGreaterThanOrEqual(ATTACKS_PER_WAKE_UP * count);
    expect(work.kernelEntries).toBeLessThan(2 * well.kernelEntries);
    expect(work.wakeUps).toBeLessThan(2 * well.wakeUps);
    // One round of the queue at most, whatever its indices say; and there was something to refuse.
    expect(refusals.size).toBe(CHECKERS.length - (path === '4pd' ? 1 : 0));
    for (const { most } of refusals.values()) expect(most).toBeLessThanOrEqual(CAPACITY);
    const liars = path === '4pd' ? ['net_virt_tx', 'net_virt_rx'] : ['net_virt_tx'];
    for (const name of liars) expect(refusals.get(name)?.sum).toBeGreaterThan(0);
    const { programs } = bed.testbed.counters();
    expect(programs['net_virt_rx']).toMatchObject({ driverBadBuffer: 0, dropClientFull: 0 });
    expect(programs['net_virt_tx']).toMatchObject({ driverBadBuffer: 0, driverFull: 0 });
  });
});

describe('a client that was hostile', () => {
  it.each([1, 2])(
    'has lost what was in its queues, and is served again with all its buffers, seed %i',
    (seed) => {
      const recovered: Recovered = { received: 0, sent: 0 };
      const bed = echoTestbed({
        replace: { client0: recoveringClient(seed, 20, recovered) as unknown as Program },
      });
      rounds(bed, 25);
      const { received, sent } = recovered;
      const before = bed.testbed.counters().programs;

      // More packets than the queues have entries: nothing is missing behind them.
      const count = 2 * (CAPACITY / ASKED_PER_ROUND);
      rounds(bed, count);

      expect(received).toBeGreaterThan(0);
      expect(recovered).toEqual({
        received: received + count * ASKED_PER_ROUND,
        sent: sent + count * ASKED_PER_ROUND,
      });
      const { net_virt_tx, client0_net_copier } = bed.testbed.counters().programs;
      expect(net_virt_tx?.['packets']).toBe(
        Number(before['net_virt_tx']?.['packets']) + count * (ASKED_PER_ROUND + PACKETS_PER_ROUND),
      );
      expect(client0_net_copier?.['dropNoBuffer']).toBe(
        before['client0_net_copier']?.['dropNoBuffer'],
      );
      expect(bed.faults).toEqual([]);
    },
  );
});

describe('a client that crashes', () => {
  it('is reported and leaves its neighbour alone', () => {
    const crash: Program = () => ({
      notified: () => {
        throw new Error('crash on the first packet');
      },
    });
    const bed = echoTestbed({ replace: { client0: crash } });

    rounds(bed, 20);

    expect(bed.faults).toEqual(['client0 3']);
    expect(bed.lines.join('\n')).toContain('crash on the first packet');
  });
});
