// Goal: an interrupt between any two instructions changes nothing of what a program computes, and
// comes where its time is. Method: the same computation again and again, interrupted after its
// first instruction, then after its second, and so on: registers, memory and the count of
// instructions must be those of a round that nobody interrupts.

import { expect, it } from 'vitest';
import type { IrqLine } from '../../board/device.ts';
import { NO_COSTS } from '../../kernel/cost.ts';
import { system } from '../../microkit/builder.ts';
import type { RunCosts } from '../../systems/run-costs.ts';
import { createTestbed } from '../../systems/testbed.ts';
import {
  add,
  addi,
  amoaddD,
  assemble,
  beq,
  bne,
  ecall,
  j,
  lbu,
  ld,
  li,
  lui,
  mul,
  R,
  remu,
  sd,
  slli,
  srli,
  sw,
  xor,
  xori,
} from '../support/assembler.ts';
import { DATA, machineProgram } from '../support/machine-system.ts';

const ROUNDS = 2_000;
const IRQ = 20;
const CHANNEL = 1;
/** Instructions of a round from the answer of one wait to the next. */
const LOOPS = 150;

/**
 * Kernel work takes no time and an instruction takes 1 ns: the n-th of a round ends n ns after it
 * was woken.
 */
const COSTS: RunCosts = {
  name: 'one nanosecond',
  kernel: NO_COSTS,
  work: { wakeUp: 0, queueOperation: 0, mmio: 0, copy: 0, copyPerByte: 0, checksumPerByte: 0 },
  machineCode: { instruction: 1, deviceAccess: 0 },
  deviceLatencyNs: 1_000,
  events: [],
};

/** Mixes every kind of state: registers, memory, flags of branches, atomic and byte accesses. */
const PROGRAM = assemble([
  'wait',
  li(R.a0, 1),
  li(R.a6, 4),
  li(R.a7, -7),
  ecall,
  lui(R.s0, DATA >>> 12),
  li(R.s1, LOOPS),
  li(R.t0, 0x123),
  li(R.t1, 0x45),
  sd(R.zero, R.s0, 0),
  sd(R.zero, R.s0, 8),
  'loop',
  mul(R.t2, R.t0, R.s1),
  add(R.t0, R.t0, R.t2),
  xori(R.t0, R.t0, 0x2a),
  slli(R.t3, R.t0, 7),
  srli(R.t4, R.t0, 3),
  xor(R.t0, R.t3, R.t4),
  amoaddD(R.t5, R.t0, R.s0),
  add(R.t1, R.t1, R.t5),
  sw(R.t1, R.s0, 8),
  lbu(R.t6, R.s0, 9),
  remu(R.t3, R.t0, R.s1),
  beq(R.t6, R.t3, 'skip'),
  add(R.t1, R.t1, R.t6),
  'skip',
  addi(R.s1, R.s1, -1),
  bne(R.s1, R.zero, 'loop'),
  ld(R.t4, R.s0, 0),
  sd(R.t1, R.s0, 16),
  li(R.a0, 10 + CHANNEL),
  li(R.a1, 0),
  li(R.a7, -5),
  ecall,
  j('wait'),
]);

it.each(['interpreter', 'translator'] as const)(
  'does not show after any of the first 2,000 instructions of the %s',
  (engine) => {
    const sys = system({ name: 'preempted' });
    const states: string[] = [];
    const interruptedAfter: number[] = [];
    let startedAt = 0;

    const handler = sys.pd('handler', {
      priority: 200,
      program: (pd) => ({
        notified: (channel: number) => {
          if (states.length === 0) pd.notify(CHANNEL);
          else interruptedAfter.push(executed() - startedAt);
          line.lower();
          pd.irqAck(channel);
        },
      }),
    });
    handler.irq(IRQ, { id: 0 });
    const program = sys.pd('program', { priority: 100 });
    const tester = sys.pd('tester', {
      priority: 50,
      program: (pd) => {
        const begin = (): void => {
          const { board } = testbed;
          const round = states.length;
          startedAt = executed();
          const event = { fire: () => line.raise() };
          if (round > 0) board.clock.schedule(event, board.now() + round);
          pd.notify(CHANNEL);
        };
        return {
          notified: (channel: number) => {
            if (channel === CHANNEL) states.push(state());
            if (states.length <= ROUNDS) begin();
          },
        };
      },
    });
    sys.channel(tester, program, { a: { id: CHANNEL }, b: { id: CHANNEL } });
    sys.channel(handler, tester, { a: { id: CHANNEL } });
    const built = sys.build();
    if (!built.ok) throw new Error(built.errors.map(({ message }) => message).join('\n'));

    const testbed = createTestbed({
      system: built.system,
      clock: 'virtual',
      engine,
      costs: COSTS,
      ramBytes: 2 ** 24,
      images: new Map([['program', machineProgram(PROGRAM)]]),
    });
    const line: IrqLine = testbed.board.irqLine(IRQ);
    const executed = (): number => testbed.hartOf('program')?.executed ?? 0;
    const state = (): string => {
      const hart = testbed.hartOf('program');
      if (hart === undefined) throw new Error('the program has started');
      const data = hart.runAt(DATA);
      const memory = testbed.board.ram.u8.slice(data?.at, (data?.at ?? 0) + 24);
      return `${hart.registers.join(' ')} / ${memory.join(' ')} / ${executed() - startedAt}`;
    };
    testbed.runUntilQuiet();
    line.raise();
    testbed.runUntilQuiet();

    expect(states).toHaveLength(ROUNDS + 1);
    expect(new Set(states).size).toBe(1);
    expect(interruptedAfter).toEqual(Array.from({ length: ROUNDS }, (_, i) => i + 1));
  },
);
