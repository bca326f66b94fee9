/**
 * A hostile client in the whole system costs only itself: its neighbour's packets all come back, unharmed, and not much
 * later than without it.
 */

import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Program } from '../../microkit/pd.ts';
import { echoTestbed, type EchoTestbed } from '../support/echo-testbed.ts';
import { type Attacks, hostileClient } from '../support/hostile-client.ts';
import { CLIENT0, CLIENT1, payload, readUdp, udpFrame } from '../support/udp-frames.ts';

const ROUNDS = 150;
const PACKETS_PER_ROUND = 8;

function digest(bytes: Uint8Array | undefined): string {
  return createHash('sha1')
    .update(bytes ?? '')
    .digest('hex');
}

function send(bed: EchoTestbed, client: typeof CLIENT0, bytes: Uint8Array): void {
  const frame = udpFrame({ ...client, targetPort: 1235, payload: bytes });
  expect(bed.link.send(frame, 0, frame.length)).toBe('ok');
}

/** Sends to both clients and checks client 1's answers. @returns virtual time that it took */
function rounds(bed: EchoTestbed, count: number): number {
  const { testbed } = bed;
  testbed.runUntilQuiet();
  bed.received();
  const startNs = testbed.now();
  for (let round = 0; round < count; round++) {
    const questions: string[] = [];
    for (let i = 0; i < PACKETS_PER_ROUND; i++) {
      const question = payload(1 + ((round * 13 + i * 101) % 1400), round + i);
      questions.push(digest(question));
      send(bed, CLIENT1, question);
      if (i % 2 === 0) send(bed, CLIENT0, question);
    }
    testbed.runUntilQuiet();
    const answers = bed
      .received()
      .map(readUdp)
      .filter((answer) => answer?.sourceMacLow === CLIENT1.targetMacLow)
      .filter((answer) => answer?.checksums === 'good');
    expect(answers.map((answer) => digest(answer?.payload))).toEqual(questions);
  }
  return testbed.now() - startNs;
}

describe.each([1, 2, 3])('a hostile client, seed %i', (seed) => {
  it('neither stops, nor slows by half, nor harms its neighbour', () => {
    const attacks: Attacks = { count: 0 };
    const hostile = echoTestbed({
      replace: { client0: hostileClient(seed, attacks) as unknown as Program },
    });
    const well = echoTestbed();

    const hostileNs = rounds(hostile, ROUNDS);
    const wellNs = rounds(well, ROUNDS);

    expect(hostile.faults).toEqual([]);
    expect(attacks.count).toBeGreaterThan(ROUNDS);
    expect(hostileNs).toBeLessThan(2 * wellNs);
  });
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
