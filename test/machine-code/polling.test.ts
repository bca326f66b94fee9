// Goal: under the host clock, who polls a device lets the board work, and who handles an interrupt
// goes on. Method: a hart context whose engine does nothing but read registers, before a board that
// always has something to do.

import { expect, it } from 'vitest';
import type { HartThread } from '../../kernel/user.ts';
import { Ram } from '../../memory/ram.ts';
import { HartContext } from '../../microkit/runtime/machine-code.ts';
import { DEFAULT_MACHINE_COSTS } from '../../microkit/runtime/machine-costs.ts';
import { pdCounters } from '../../microkit/runtime/observer.ts';
import { EXIT, HART, type Run } from '../../riscv/hart.ts';

const REGISTERS: Run = {
  ...{ vaddr: 0x10_0000, sizeBytes: 0x1000, at: -1, deviceOffset: 0 },
  ...{ isReadable: true, isWritable: true, isExecutable: false },
  device: { read: () => 7, write: () => undefined },
};

/** Reads a register until the slice is over, six times at most, and then makes a system call. */
function readAll(context: HartContext, remaining: boolean[], ram: Ram): number {
  for (let read = 0; read < 6; read += 1) {
    context.readDevice(REGISTERS, 0, 4);
    remaining.push(ram.view.getInt32(context.hartAt + HART.remaining, true) > 0);
    if (remaining.at(-1) === false) return EXIT.limit;
  }
  return EXIT.ecall;
}

it('reads of registers end a slice from the fifth on, counted from the last system call', () => {
  const ram = new Ram({ sizeBytes: 0x1_0000, stagingBytes: 0x1_0000 });
  const thread = {
    ...{ now: () => 5, nextEventAt: () => 5, preemptionAt: () => Infinity },
    ...{ isInterruptPending: false, trapLast: () => undefined },
  } as unknown as HartThread;
  const remaining: boolean[] = [];
  const context: HartContext = new HartContext({
    ...{ thread, ram, clock: () => 5, costs: DEFAULT_MACHINE_COSTS, counters: pdCounters() },
    makeEngine: () => ({ run: () => readAll(context, remaining, ram) }),
    log: () => undefined,
  });

  context.resume();
  expect(remaining).toEqual([true, true, true, true, false]);

  // Still without a system call: it polls.
  context.resume();
  expect(remaining.slice(5)).toEqual([false]);
});
