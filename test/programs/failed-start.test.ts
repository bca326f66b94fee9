/**
 * Goal: the network driver in C bears a device that it has never been able to start, and that asks
 * for a reset all the same, as the driver in TypeScript does. Method: registers that read as all
 * ones, as of a device that is pulled out, with an interrupt.
 */

import { beforeAll, describe, expect, it } from 'vitest';
import { type Board, virtioPlace } from '../../board/board.ts';
import { machinePrograms } from '../../cli/run/machine-programs.ts';
import { echo } from '../../systems/echo.ts';
import { completeChoices } from '../../systems/system.ts';
import { createTestbed } from '../../systems/testbed.ts';
import { buildPrograms, COMPILER, hasCompiler, ROOT_FOLDER } from '../support/c-programs.ts';
import { described } from '../support/echo-testbed.ts';

/** When the system has long booted. */
const INTERRUPT_AT_NS = 100e6;
const END_NS = 200e6;
const INTERRUPT_ACK = 0x64;

/** Where the network device is to be: it says nothing but that it wants to be reset. */
function attachGone(board: Board): void {
  const place = virtioPlace(0);
  const line = board.irqLine(place.irq);
  board.attach('gone', place, {
    read: (_, width) => 0xffff_ffff >>> (32 - 8 * width),
    write: (offset) => {
      if (offset === INTERRUPT_ACK) line.lower();
    },
  });
  board.clock.schedule({ fire: () => line.raise() }, INTERRUPT_AT_NS);
}

function run(driver: 'ts' | 'c') {
  const system = described(echo.build(completeChoices(echo, { driver })));
  const faults: string[] = [];
  const testbed = createTestbed({
    system,
    clock: 'virtual',
    ...(echo.counters === undefined ? {} : { counters: echo.counters }),
    images: machinePrograms({ system, folders: [ROOT_FOLDER] }),
    attachDevices: attachGone,
    observer: {
      log: () => undefined,
      faulted: (pd, fault) => faults.push(`${pd} ${fault.label}`),
    },
  });
  testbed.runUntil(END_NS);
  return { faults, counted: testbed.counters().programs['ethernet_driver'] };
}

describe.skipIf(!hasCompiler)(`a network device that never started (${COMPILER})`, () => {
  beforeAll(buildPrograms);

  it('may ask for a reset', () => {
    const [ts, c] = [run('ts'), run('c')];

    expect(c.faults).toEqual([]);
    expect(c).toEqual(ts);
    expect(c.counted).toMatchObject({ interrupts: 1, needsReset: 1, resets: 1 });
  });
});
