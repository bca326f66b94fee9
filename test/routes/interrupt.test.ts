/**
 * Route 2: an interrupt. Device line, pending at the interrupt controller, claimed by the kernel,
 * signalled to the driver, acknowledged by it, completed at the controller.
 */

import { describe, expect, it } from 'vitest';
import type { Board } from '../../board/board.ts';
import { networkDevice } from '../../systems/devices.ts';
import type { RunCounters } from '../../systems/testbed.ts';
import { echoTestbed } from '../support/echo-testbed.ts';
import { traced } from '../support/traced-program.ts';
import { CLIENT0, payload, udpFrame } from '../support/udp-frames.ts';
import { replaceMethod } from '../../memory/replace-method.ts';

const { irq } = networkDevice;

/** Has the board say what happens to one interrupt, at its line and at the controller. */
function observe(board: Board, tell: (line: string) => void): void {
  const state = (): string => {
    if (board.plic.isPending(irq)) return 'pending';
    return board.plic.isInService(irq) ? 'in service' : 'quiet';
  };
  const lineOf = board.irqLine.bind(board);
  replaceMethod(board, 'irqLine', (source) => {
    const line = lineOf(source);
    if (source !== irq) return line;
    return {
      raise: () => {
        line.raise();
        tell(`the device raises its line: ${state()}`);
      },
      lower: () => {
        line.lower();
        tell(`the device lowers its line: ${state()}`);
      },
    };
  });
  const claim = board.claimIrq.bind(board);
  replaceMethod(board, 'claimIrq', () => {
    const claimed = claim();
    if (claimed === irq) tell(`the kernel claims irq ${irq}: ${state()}`);
    return claimed;
  });
  const complete = board.completeIrq.bind(board);
  replaceMethod(board, 'completeIrq', (completed) => {
    complete(completed);
    if (completed === irq) tell(`the kernel completes irq ${irq}: ${state()}`);
  });
}

describe('the route of an interrupt', () => {
  it('goes from the device line to the driver and back to the interrupt controller', () => {
    const steps: string[] = [];
    const tell = (line: string): void => {
      steps.push(line);
    };
    const { testbed, link } = echoTestbed({
      change: (system) => traced(system, tell),
      wrap: (wire, { board }) => {
        observe(board, tell);
        return wire;
      },
    });
    testbed.runUntilQuiet();
    // For a client that is not there: the virtualiser drops the frame, so that there is this one
    // interrupt alone.
    const nobody = { ...CLIENT0, targetMacLow: 0x0100_0077 };
    const frame = udpFrame({ ...nobody, targetPort: 1235, payload: payload(100, 1) });
    steps.length = 0;

    link.send(frame, 0, frame.length);
    testbed.runUntilQuiet();

    expect(steps).toEqual([
      'the device raises its line: pending',
      `the kernel claims irq ${irq}: in service`,
      `ethernet_driver: notified by irq ${irq}`,
      'the device lowers its line: in service',
      'ethernet_driver: notifies net_virt_rx',
      `ethernet_driver: acknowledges irq ${irq} with its next wait`,
      `the kernel completes irq ${irq}: quiet`,
      'net_virt_rx: notified by ethernet_driver',
    ]);
    expect(testbed.board.plic.isInService(irq)).toBe(false);
  });

  it('is delivered once while it is not acknowledged, and again when it is', () => {
    const { testbed, link } = echoTestbed();
    testbed.runUntilQuiet();
    const before = testbed.counters();
    const frame = udpFrame({ ...CLIENT0, targetPort: 1235, payload: payload(100, 1) });

    for (let i = 0; i < 3; i++) {
      link.send(frame, 0, frame.length);
      testbed.runUntilQuiet();
    }

    const after = testbed.counters();
    const interrupts = after.kernel.interrupts - before.kernel.interrupts;
    const acks = (counters: RunCounters): number => counters.pds['ethernet_driver']?.irqAcks ?? 0;
    // One for each frame received, one for each answer sent.
    expect(interrupts).toBe(6);
    expect(acks(after) - acks(before)).toBe(interrupts);
  });
});
