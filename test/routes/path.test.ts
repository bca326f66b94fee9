/**
 * `PacketWatch` finds the route that docs/architecture.md gives for a packet, in every form of the
 * echo system: stages, queues, buffers and copies, derived here by hand from the description. What
 * the programs have counted agrees.
 */

import { describe, expect, it } from 'vitest';
import { bytesCopiedOf, copiesOf, type PathHop } from '../../systems/trace/packet-path.ts';
import { echoTestbed } from '../support/echo-testbed.ts';
import { followedEcho } from '../support/recorded-echo.ts';
import { CLIENT0, CLIENT1, payload, udpFrame } from '../support/udp-frames.ts';

const HEADERS_BYTES = 42;
const PAYLOAD_BYTES = 100;
const FRAME_BYTES = HEADERS_BYTES + PAYLOAD_BYTES;
const BUFFER_BYTES = 2048;

function frameNumber(number: number): Uint8Array {
  return udpFrame({ ...CLIENT0, targetPort: 1235, payload: payload(PAYLOAD_BYTES, number) });
}

/** Sends as many frames at once and runs until all is quiet. */
function follow(path: string, packet: number, frames: number) {
  const system = followedEcho(path, packet);
  system.testbed.runUntilQuiet();
  const before = system.testbed.counters();
  for (let number = 1; number <= frames; number += 1) {
    system.link.send(frameNumber(number), 0, FRAME_BYTES);
  }
  system.testbed.runUntilQuiet();
  return { ...system, before, after: system.testbed.counters(), found: system.watch.path() };
}

function shape({ at, what, into, buffer, slot, ahead, copies }: PathHop) {
  return [at, what, into, buffer.region, buffer.offset / BUFFER_BYTES, slot, ahead, copies];
}

describe('the path of a packet', () => {
  it('is the route of the design: both copies, each queue, and the way back', () => {
    const { found, watch } = follow('5pd', 1, 1);

    expect(watch.isOver).toBe(true);
    expect(found.outcome).toBe('sent');
    expect(found.hops.map(shape)).toEqual([
      ['NIC', 'received', 'receive virtqueue', 'ethernet_driver_rx_data', 0, -1, -1, 0],
      // rxReturn
      [
        'ethernet_driver',
        'passed',
        'ethernet_driver_net_virt_rx_rx_active',
        'ethernet_driver_rx_data',
        0,
        0,
        0,
        0,
      ],
      [
        'net_virt_rx',
        'passed',
        'net_virt_rx_client0_net_copier_rx_active',
        'ethernet_driver_rx_data',
        0,
        0,
        0,
        0,
      ],
      [
        'client0_net_copier',
        'copied',
        'client0_net_copier_client0_rx_active',
        'client0_rx_data',
        0,
        0,
        0,
        1,
      ],
      ['client0', 'answered', 'net_virt_tx_client0_tx_active', 'client0_tx_data', 0, 0, 0, 1],
      [
        'net_virt_tx',
        'passed',
        'ethernet_driver_net_virt_tx_tx_active',
        'client0_tx_data',
        0,
        0,
        0,
        0,
      ],
      // txProvide
      ['ethernet_driver', 'passed', 'transmit virtqueue', 'client0_tx_data', 0, -1, -1, 0],
      ['NIC', 'sent', 'wire', 'client0_tx_data', 0, -1, -1, 0],
    ]);
    expect(found.returns.map(({ at, into, buffer }) => [at, into, buffer.region])).toEqual([
      ['client0_net_copier', 'net_virt_rx_client0_net_copier_rx_free', 'ethernet_driver_rx_data'],
      ['net_virt_rx', 'ethernet_driver_net_virt_rx_rx_free', 'ethernet_driver_rx_data'],
      ['client0', 'client0_net_copier_client0_rx_free', 'client0_rx_data'],
      ['ethernet_driver', 'ethernet_driver_net_virt_tx_tx_free', 'client0_tx_data'],
      ['net_virt_tx', 'net_virt_tx_client0_tx_free', 'client0_tx_data'],
    ]);
  });

  it('has times that go on, and says what told the next stage', () => {
    const { found } = follow('5pd', 1, 1);

    const times = found.hops.flatMap(({ beganNs, doneNs }) => [beganNs, doneNs]);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(found.hops.map(({ by }) => by)).toEqual([
      '',
      'Send: notify net_virt_rx',
      'NBSendRecv: notify client0_net_copier',
      'Send: notify client0',
      'NBSendRecv: notify net_virt_tx',
      'NBSendRecv: notify ethernet_driver',
      'Recv',
      '',
    ]);
  });

  it('names the signal that woke the next stage, not another one of the same batch', () => {
    const toldBy = [1, 2].map((packet) => {
      const { testbed, link, watch } = followedEcho('5pd', packet);
      testbed.runUntilQuiet();
      for (const [number, each] of [CLIENT0, CLIENT1].entries()) {
        const bytes = payload(PAYLOAD_BYTES, number);
        const frame = udpFrame({ ...each, targetPort: 1235, payload: bytes });
        link.send(frame, 0, frame.length);
      }
      testbed.runUntilQuiet();
      return watch.path().hops.find(({ at }) => at === 'net_virt_rx')?.by;
    });

    expect(toldBy).toEqual([
      expect.stringContaining('notify client0_net_copier'),
      expect.stringContaining('notify client1_net_copier'),
    ]);
  });

  // By hand: the copier's copy and the client's answer; without a copier, or with one that does not
  // copy, the answer alone.
  it.each([
    ['5pd', 2],
    ['4pd', 1],
    ['2pd', 1],
    ['dummy', 1],
  ])('copies in %s as often as its programs have counted: %i', (path, copies) => {
    const { found, before, after } = follow(path, 1, 1);

    expect(found.outcome).toBe('sent');
    expect(copiesOf(found)).toBe(copies);
    expect(bytesCopiedOf(found)).toBe(copies * FRAME_BYTES);
    expect(after.copies - before.copies).toBe(copies);
    expect(after.bytesCopied - before.bytesCopied).toBe(copies * FRAME_BYTES);
  });

  it('of one in the middle of a batch is told from those of its neighbours', () => {
    const { found } = follow('5pd', 3, 5);

    const queued = found.hops.filter(({ slot }) => slot >= 0);
    expect(queued.map(({ slot, ahead }) => [slot, ahead])).toEqual(queued.map(() => [2, 2]));
    expect(found.hops.every(({ buffer }) => buffer.offset === 2 * BUFFER_BYTES)).toBe(true);
  });

  it('ends where a program lets nothing go on', () => {
    const { watch, link, testbed } = followedEcho('5pd', 1);
    testbed.runUntilQuiet();
    const nobody = udpFrame({ ...CLIENT0, targetPort: 9, payload: payload(PAYLOAD_BYTES, 1) });

    link.send(nobody, 0, nobody.length);
    testbed.runUntilQuiet();

    const { outcome, hops } = watch.path();
    expect(outcome).toBe('ended');
    expect(hops.at(-1)).toMatchObject({ at: 'client0', what: 'ended' });
    expect(copiesOf(watch.path())).toBe(1);
  });

  it('is the same run as without being watched', () => {
    const { after } = follow('5pd', 2, 3);
    const { testbed, link } = echoTestbed();
    testbed.runUntilQuiet();
    for (let number = 1; number <= 3; number += 1) link.send(frameNumber(number), 0, FRAME_BYTES);
    testbed.runUntilQuiet();

    expect(after).toEqual(testbed.counters());
  });
});
