/**
 * The echo system whole: frames in at the cable, answers out at the cable, under the virtual clock.
 */

import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { echoTestbed } from '../support/echo-testbed.ts';
import { CLIENT0, CLIENT1, payload, readUdp, udpFrame } from '../support/udp-frames.ts';

/** A digest of bytes: compares faster than arrays, and a difference prints on one line. */
function text(bytes: Uint8Array | undefined): string {
  return createHash('sha1')
    .update(bytes ?? '')
    .digest('hex');
}

const PATHS = ['5pd', '4pd', '2pd', 'dummy'] as const;

describe.each(PATHS)('echo on path %s', (path) => {
  it('answers a datagram with its own bytes and good checksums', () => {
    const { testbed, link, received, faults, lines } = echoTestbed({ path });
    testbed.runUntilQuiet();
    const question = payload(100, 3);
    const frame = udpFrame({ ...CLIENT0, targetPort: 1235, payload: question });

    expect(link.send(frame, 0, frame.length)).toBe('ok');
    testbed.runUntilQuiet();

    const answers = received().map(readUdp);
    expect({ faults, lines: lines.filter((line) => line.includes('ERROR')) }).toEqual({
      faults: [],
      lines: [],
    });
    expect(answers).toHaveLength(1);
    expect(answers[0]).toEqual({
      sourceMacLow: CLIENT0.targetMacLow,
      sourceIp: CLIENT0.targetIp,
      targetPort: 40_000,
      payload: question,
      checksums: 'good',
    });
  });

  it('answers each of a thousand datagrams, once and in order', () => {
    const { testbed, link, received } = echoTestbed({ path });
    testbed.runUntilQuiet();
    const sent: string[] = [];
    const back: string[] = [];
    const collect = (): void => {
      for (const answer of received()) back.push(text(readUdp(answer)?.payload));
    };
    for (let i = 0; i < 1000; i++) {
      const bytes = payload(1 + ((i * 37) % 1472), i);
      sent.push(text(bytes));
      const frame = udpFrame({ ...CLIENT0, targetPort: 7, payload: bytes });
      expect(link.send(frame, 0, frame.length)).toBe('ok');
      if (i % 32 !== 31) continue;
      testbed.runUntilQuiet();
      collect();
    }
    testbed.runUntilQuiet();
    collect();

    expect(back).toEqual(sent);
  });
});

describe('echo', () => {
  it('gives each client its own frames', () => {
    const { testbed, link, received } = echoTestbed();
    testbed.runUntilQuiet();
    for (const client of [CLIENT1, CLIENT0, CLIENT1]) {
      const frame = udpFrame({ ...client, targetPort: 1235, payload: payload(10, 1) });
      link.send(frame, 0, frame.length);
    }

    testbed.runUntilQuiet();

    const from = received().map((frame) => readUdp(frame)?.sourceIp);
    expect(from.toSorted()).toEqual([CLIENT0, CLIENT1, CLIENT1].map((c) => c.targetIp).toSorted());
    const { programs } = testbed.counters();
    expect(programs['client0']).toMatchObject({ txPackets: 1 });
    expect(programs['client1']).toMatchObject({ txPackets: 2 });
  });

  it('counts two copies for a packet: one by the copier, one by the client', () => {
    const { testbed, link } = echoTestbed();
    testbed.runUntilQuiet();
    const frame = udpFrame({ ...CLIENT0, targetPort: 1235, payload: payload(1000, 1) });
    link.send(frame, 0, frame.length);

    testbed.runUntilQuiet();

    expect(testbed.counters()).toMatchObject({ copies: 2, bytesCopied: 2 * frame.length });
  });

  it('makes the same counters and the same frames every time', () => {
    const once = (): string => {
      const { testbed, link, received } = echoTestbed();
      for (let i = 0; i < 200; i++) {
        const client = i % 3 === 0 ? CLIENT1 : CLIENT0;
        const frame = udpFrame({ ...client, targetPort: 1235, payload: payload(i * 7, i) });
        link.send(frame, 0, frame.length);
        testbed.runUntil(testbed.now() + 3000 * (i % 5));
      }
      testbed.runUntilQuiet();
      const frames = received().map(text);
      return JSON.stringify({ counters: testbed.counters(), frames });
    };

    expect(once()).toBe(once());
  });
});
