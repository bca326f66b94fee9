/**
 * Route 1: a packet. From the wire through the NIC model, driver, receive virtualiser and copier to
 * the client, and its answer through transmit virtualiser and driver back to the wire; and the
 * empty buffers' way back.
 *
 * Every line is one step: an entry of a protection domain, a signal that it sends, or what passes
 * the wire.
 */

import { describe, expect, it } from 'vitest';
import { type FrameObserver, ObservedWire } from '../../board/links/observed-wire.ts';
import { echoTestbed, type EchoTestbedOptions } from '../support/echo-testbed.ts';
import { traced } from '../support/traced-program.ts';
import { CLIENT0, payload, udpFrame } from '../support/udp-frames.ts';

/** Says what passes the wire. */
function told(tell: (line: string) => void): FrameObserver {
  return {
    frame: (direction, _nowNs, { length }, dropReason) => {
      if (dropReason !== undefined) tell(`wire: the NIC drops a frame: ${dropReason}`);
      else if (direction === 'in') tell(`wire: the NIC takes a frame of ${length} bytes`);
      else tell(`wire: the NIC sends a frame of ${length} bytes`);
    },
  };
}

function observed(tell: (line: string) => void): NonNullable<EchoTestbedOptions['wrap']> {
  return (wire, { ram, board: { clock } }) =>
    new ObservedWire({ wire, ram, clock, observer: told(tell) });
}

describe('the route of a packet', () => {
  it('goes from the wire to the client and back, and the empty buffers with it', () => {
    const steps: string[] = [];
    const tell = (line: string): void => {
      steps.push(line);
    };
    const { testbed, link, received } = echoTestbed({
      change: (system) => traced(system, tell),
      wrap: observed(tell),
    });
    testbed.runUntilQuiet();
    const frame = udpFrame({ ...CLIENT0, targetPort: 1235, payload: payload(100, 1) });
    steps.length = 0;

    link.send(frame, 0, frame.length);
    testbed.runUntilQuiet();

    expect(received()).toHaveLength(1);
    expect(steps).toEqual([
      // In: each stage hands the packet on and wakes the next, which has a lower priority and runs
      // when this one waits.
      'wire: the NIC takes a frame of 142 bytes',
      'ethernet_driver: notified by irq 1',
      'ethernet_driver: notifies net_virt_rx',
      'ethernet_driver: acknowledges irq 1 with its next wait',
      'net_virt_rx: notified by ethernet_driver',
      'net_virt_rx: notifies client0_net_copier with its next wait',
      'client0_net_copier: notified by net_virt_rx',
      'client0_net_copier: notifies client0',
      // The empty DMA buffer goes back; the driver has enough of them and has not asked to be told.
      'client0_net_copier: notifies net_virt_rx with its next wait',
      'net_virt_rx: notified by client0_net_copier',
      // Out: each stage has a higher priority than the one before.
      'client0: notified by client0_net_copier',
      'client0: notifies net_virt_tx with its next wait',
      'net_virt_tx: notified by client0',
      'net_virt_tx: notifies ethernet_driver with its next wait',
      'ethernet_driver: notified by net_virt_tx',
      'wire: the NIC sends a frame of 142 bytes',
      // The empty transmit buffer goes back as far as the virtualiser; the client has others and
      // has not asked.
      'ethernet_driver: notified by irq 1',
      'ethernet_driver: notifies net_virt_tx',
      'ethernet_driver: acknowledges irq 1 with its next wait',
      'net_virt_tx: notified by ethernet_driver',
    ]);
  });

  it('is the same whether it is observed or not', () => {
    const counters = (how: 'observed' | 'alone'): unknown => {
      const { testbed, link } = echoTestbed(
        how === 'alone'
          ? {}
          : {
              change: (system) => traced(system, () => undefined),
              wrap: observed(() => undefined),
            },
      );
      const frame = udpFrame({ ...CLIENT0, targetPort: 1235, payload: payload(100, 1) });
      link.send(frame, 0, frame.length);
      testbed.runUntilQuiet();
      return testbed.counters();
    };

    expect(counters('observed')).toEqual(counters('alone'));
  });
});
