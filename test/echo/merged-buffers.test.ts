/**
 * Goal: drivers as other systems have them find in the network device what they negotiate: frames
 * in several small buffers (MRG_RXBUF), also as long as a cable with a larger MTU carries them, and
 * only those frames that they have asked for (CTRL_RX). Method: such a driver in the echo system's
 * place for one, on the kernel and the board, with the test at the other end of the cable. Ours
 * negotiates neither: it does not see the buffers that it passes on.
 */

import { describe, expect, it } from 'vitest';
import { MTU_MAX } from '../../board/ethernet.ts';
import { StagedLink } from '../../board/links/staged-link.ts';
import type { Program } from '../../microkit/pd.ts';
import { echoTestbed } from '../support/echo-testbed.ts';
import { mergingDriver, type ReceiveCommand } from '../support/merging-driver.ts';

const OWN = [0x52, 0x54, 0x01, 0x00, 0x00, 0x07];
const OTHER = [0x52, 0x54, 0x01, 0x00, 0x00, 0x99];
const MULTICAST = [0x01, 0x00, 0x5e, 0x00, 0x00, 0x01];
const BROADCAST = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
const SENDER = [0x52, 0x55, 0x0a, 0x00, 0x02, 0x02];

function frameTo(address: readonly number[], lengthBytes = 60): Uint8Array {
  const bytes = Uint8Array.from({ length: lengthBytes }, (_, i) => (i * 7 + lengthBytes) & 0xff);
  bytes.set([...address, ...SENDER, 0x08, 0x00]);
  return bytes;
}

/** What comes back of a frame. */
function returned(frame: Uint8Array): Uint8Array {
  return Uint8Array.from([
    ...frame.subarray(6, 12),
    ...frame.subarray(0, 6),
    ...frame.subarray(12),
  ]);
}

function withDriver(commands: readonly ReceiveCommand[] = [], mtu = 1500) {
  const seen: (readonly [lengthBytes: number, buffers: number])[] = [];
  const answers: number[] = [];
  const program = mergingDriver({
    commands,
    onFrame: (...frame) => seen.push(frame),
    onAnswer: (answer) => answers.push(answer),
  });
  let cable: StagedLink | undefined;
  const { testbed, faults } = echoTestbed({
    replace: { ethernet_driver: program as unknown as Program },
    wrap: (_, { ram }) => (cable = new StagedLink({ ram, mtu })),
  });
  const link = cable as unknown as StagedLink;
  testbed.runUntilQuiet();
  return {
    seen,
    answers,
    faults,
    /** Sends frames at once. @returns what comes back */
    exchange: (...frames: readonly Uint8Array[]): readonly Uint8Array[] => {
      for (const frame of frames) expect(link.send(frame, 0, frame.length)).toBe('ok');
      testbed.runUntilQuiet();
      const back: Uint8Array[] = [];
      link.drain({ transmit: (frame) => back.push(frame.slice()) });
      return back;
    },
  };
}

describe('a driver with buffers of 512 bytes', () => {
  it('receives each frame in as many as it takes, header included', () => {
    const { seen, exchange, faults } = withDriver([], MTU_MAX);
    // One buffer, one that is full, two, an Ethernet's longest, and the cable's longest.
    const frames = [60, 500, 501, 1514, 14 + MTU_MAX].map((bytes) => frameTo(OWN, bytes));

    expect(exchange(...frames)).toEqual(frames.map(returned));
    expect(seen).toEqual([
      [60, 1],
      [500, 1],
      [501, 2],
      [1514, 3],
      [14 + MTU_MAX, 5],
    ]);
    expect(faults).toEqual([]);
  });

  it('goes round its rings many times', () => {
    const { exchange } = withDriver();
    for (let round = 0; round < 50; round += 1) {
      const frames = [700 + round, 1514, 60].map((bytes) => frameTo(OWN, bytes));
      expect(exchange(...frames)).toEqual(frames.map(returned));
    }
  });
});

describe('a driver that says which frames it wants', () => {
  const frames = [OWN, OTHER, MULTICAST, BROADCAST].map((address) => frameTo(address));
  const [own, other, multicast, broadcast] = frames.map(returned);

  it.each([
    ['says nothing', [], [own, other, multicast, broadcast]],
    ['is not promiscuous', [[0, 0]], [own, broadcast]],
    [
      'wants all multicasts',
      [
        [0, 0],
        [1, 1],
      ],
      [own, multicast, broadcast],
    ],
    [
      'is promiscuous again',
      [
        [0, 0],
        [0, 1],
      ],
      [own, other, multicast, broadcast],
    ],
  ] as const)('gets those alone: it %s', (_, commands, expected) => {
    const { exchange, answers } = withDriver(commands);

    expect(exchange(...frames)).toEqual(expected);
    expect(answers).toEqual(commands.map(() => 0));
  });
});
