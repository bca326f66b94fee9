/**
 * The counters of one packet against counts that are derived by hand: who signals whom, who waits,
 * what is copied. Single packets, so that nobody finds work which somebody else's signal was for.
 */

import { describe, expect, it } from 'vitest';
import { countersRow } from './counters.ts';

const PACKETS = 64;
const FRAME = 64;

describe('one packet', () => {
  it('behind a copier', () => {
    const signals = {
      // The device's interrupt, as the kernel delivers it.
      interruptToDriver: 1,
      driverToVirtRx: 1,
      virtRxToCopier: 1,
      copierToClient: 1,
      clientToVirtTx: 1,
      virtTxToDriver: 1,
      // The client has other buffers: nobody tells it that this one is back.
    };
    const sent = Object.values(signals).reduce((sum, count) => sum + count, 0);
    // A domain's last signal goes out with its wait: all but the driver's, whose wait takes the
    // acknowledgement along.
    const sentAlone = signals.driverToVirtRx;

    expect(countersRow('5pd', 1, PACKETS)).toMatchObject({
      notifications: sent,
      // Each signal wakes somebody up who waits.
      wakeUps: sent,
      wasted: 0,
      interrupts: 1,
      // The interrupt; a wait for each wake-up; the signal that does not go out with one.
      kernelEntries: 1 + sent + sentAlone,
      contextSwitches: sent,
      // Into the client's memory, and into the answer.
      copies: 2,
      bytesCopied: 2 * FRAME,
      // InterruptStatus and InterruptACK of the one interrupt, QueueNotify for the answer.
      mmio: 3,
      // 20 in sDDF's queues (systems/work-meter.test.ts), and in each of the two virtqueues one in
      // and one out.
      queueOperations: 20 + 4,
    });
  });

  it('between driver and client alone', () => {
    // Interrupt, driver to client, client to driver. The last two go out with a wait.
    const sent = 3;

    expect(countersRow('2pd', 1, PACKETS)).toMatchObject({
      notifications: sent,
      wakeUps: sent,
      wasted: 0,
      interrupts: 1,
      kernelEntries: 1 + sent + 1,
      copies: 1,
      bytesCopied: FRAME,
      mmio: 3,
      queueOperations: 8 + 4,
    });
  });

  it('of a batch shares what a batch costs once', () => {
    const one = countersRow('5pd', 1, PACKETS);
    const eight = countersRow('5pd', 8, PACKETS);

    expect(Number(eight['kernelEntries'])).toBe(Number(one['kernelEntries']) / 8);
    expect(Number(eight['mmio'])).toBe(Number(one['mmio']) / 8);
    expect(eight['copies']).toBe(2);
    expect(eight['queueOperations']).toBe(one['queueOperations']);
  });
});
