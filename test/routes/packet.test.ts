/**
 * Route 1: a packet. From the wire through the NIC model, driver, receive virtualiser and copier to
 * the client, and its answer through transmit virtualiser and driver back to the wire; and the
 * empty buffers' way back.
 *
 * Every line is one step: an entry of a protection domain, a signal that it sends, or what passes
 * the wire.
 */

import { describe, expect, it } from 'vitest';
import type { EthernetEnd, EthernetWire } from '../../board/ethernet.ts';
import { echoTestbed } from '../support/echo-testbed.ts';
import { traced } from '../support/traced-program.ts';
import { CLIENT0, payload, udpFrame } from '../support/udp-frames.ts';

/** A wire that says what passes it. */
class ObservedWire implements EthernetWire {
  readonly #wire: EthernetWire;
  readonly #tell: (line: string) => void;

  constructor(wire: EthernetWire, tell: (line: string) => void) {
    this.#wire = wire;
    this.#tell = tell;
  }

  attach(end: EthernetEnd): void {
    this.#wire.attach(end);
  }

  linkUp(): boolean {
    return this.#wire.linkUp();
  }

  nextLength(): number {
    return this.#wire.nextLength();
  }

  copyNext(from: number, to: number, lengthBytes: number): void {
    this.#wire.copyNext(from, to, lengthBytes);
  }

  takeNext(): void {
    this.#tell(`wire: the NIC takes a frame of ${this.#wire.nextLength()} bytes`);
    this.#wire.takeNext();
  }

  dropNext(reason: string): void {
    this.#tell(`wire: the NIC drops a frame: ${reason}`);
    this.#wire.dropNext(reason);
  }

  transmit(at: number, lengthBytes: number): void {
    this.#tell(`wire: the NIC sends a frame of ${lengthBytes} bytes`);
    this.#wire.transmit(at, lengthBytes);
  }

  dropTransmit(at: number, lengthBytes: number, reason: string): void {
    this.#wire.dropTransmit(at, lengthBytes, reason);
  }
}

describe('the route of a packet', () => {
  it('goes from the wire to the client and back, and the empty buffers with it', () => {
    const steps: string[] = [];
    const tell = (line: string): void => {
      steps.push(line);
    };
    const { testbed, link, received } = echoTestbed({
      change: (system) => traced(system, tell),
      wrap: (wire) => new ObservedWire(wire, tell),
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
    const counters = (observed: 'observed' | 'alone'): unknown => {
      const { testbed, link } = echoTestbed(
        observed === 'alone'
          ? {}
          : {
              change: (system) => traced(system, () => undefined),
              wrap: (wire) => new ObservedWire(wire, () => undefined),
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
