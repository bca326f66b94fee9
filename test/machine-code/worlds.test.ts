/**
 * Goal: a system of images is broken, explored and judged as one of programs in TypeScript is.
 * Method: the echo system in C, under a plan and under exploration; what it answers, what struck,
 * and that the same world comes again.
 */

import { beforeAll, describe, expect, it } from 'vitest';
import { Board } from '../../board/board.ts';
import { loadTarget } from '../../cli/sim/target.ts';
import { REG_NEXT_PC } from '../../kernel/abi.ts';
import type { HartThread, MachineCode } from '../../kernel/user.ts';
import { system } from '../../microkit/builder.ts';
import { exploredMachineCode } from '../../sim/explore/explored-parts.ts';
import { Explorer } from '../../sim/explore/explorer.ts';
import { NO_FAULTS, type Rule } from '../../sim/plan/plan.ts';
import { runWorld } from '../../sim/world.ts';
import { createTestbed } from '../../systems/testbed.ts';
import { add, assemble, ecall, li, lui, lw, R } from '../support/assembler.ts';
import { buildPrograms, COMPILER, hasCompiler } from '../support/c-programs.ts';
import { described } from '../support/echo-testbed.ts';
import { machineProgram, TEXT } from '../support/machine-system.ts';

const AMOUNT = 10;

const RTC = 0x10_1000;
const REGISTERS = 0x40_0000;
const IRQ = 20;
/** Point number of the second access. */
const SECOND = 1;
const BEHIND_SECOND = TEXT + 4 * 4;
/** Reads a register of the clock three times, then waits. */
const THREE_READS = assemble([
  lui(R.s0, REGISTERS >>> 12),
  lw(R.t0, R.s0, 0),
  add(R.t1, R.t1, R.t0),
  lw(R.t0, R.s0, 0),
  add(R.t1, R.t1, R.t0),
  lw(R.t0, R.s0, 0),
  li(R.a0, 1),
  li(R.a6, 4),
  li(R.a7, -7),
  ecall,
]);

function rule(at: string, fault: string, nth: number): Rule {
  return { at, fault, when: { nth: [nth] }, for: {}, parameters: {}, optional: 'no' };
}

async function echoInC() {
  const { target } = await loadTarget({
    reference: 'echo',
    choices: { code: 'c' },
    searchPath: [],
  });
  expect(target.images?.size).toBeGreaterThan(5);
  return target;
}

describe('exploration of machine code', () => {
  it('lets others in behind an access to a register, before the next instruction', () => {
    const sys = system({ name: 'explored' });
    const region = sys.region('rtc', { size: 0x1000, physAddr: RTC });
    const driver = sys.pd('driver', { priority: 100 });
    driver.map(region, { vaddr: REGISTERS, perms: 'rw' });
    let board: Board | undefined;
    let body: MachineCode | undefined;
    const seen: unknown[] = [];
    const handler = sys.pd('handler', {
      priority: 200,
      program: (pd) => ({
        notified: (channel: number) => {
          seen.push(body?.registers[2 * REG_NEXT_PC]);
          board?.irqLine(IRQ).lower();
          pd.irqAck(channel);
        },
      }),
    });
    handler.irq(IRQ, { id: 0 });
    const kinds: string[] = [];
    const explorer = new Explorer({
      decide: ({ kind, number }) => {
        kinds.push(kind);
        if (number !== SECOND || board === undefined) return 0;
        const line = board.irqLine(IRQ);
        board.clock.schedule({ fire: () => line.raise() }, board.now() + 500);
        return 1000;
      },
    });
    const times = { nowNs: () => 0, untilNextEventNs: () => Infinity };
    const explored = (start: (thread: HartThread) => MachineCode) =>
      exploredMachineCode((thread) => (body = start(thread)), 'driver', { explorer, ...times });
    const testbed = createTestbed({
      system: described(sys.build()),
      clock: 'virtual',
      ramBytes: 2 ** 24,
      images: new Map([['driver', machineProgram(THREE_READS)]]),
      instrument: {
        makeBoard: (options) => (board = new Board(options)),
        observe: (image) => image,
        observeMachineCode: explored,
      },
    });
    testbed.runUntilQuiet();

    expect(kinds).toEqual(['register', 'register', 'register', 'kernel']);
    expect(seen).toEqual([BEHIND_SECOND]);
  });
});

describe.runIf(hasCompiler)(`worlds of machine code (needs ${COMPILER})`, () => {
  beforeAll(buildPrograms, 120_000);

  it('answers under a plan, and its buffers are where they belong', async () => {
    const target = await echoInC();
    const rules = [rule('net.wire.in', 'lose', 3), rule('pd.net_virt_rx', 'babble', 2)];
    const plan = { name: 'two faults', rules };
    const outcome = runWorld({ target, plan, seed: 1, amount: AMOUNT });
    expect(outcome).toMatchObject({ verdict: 'passed', violations: [] });
    expect(outcome.strikes.map(({ at }) => at).toSorted()).toEqual([
      'net.wire.in',
      'pd.net_virt_rx',
    ]);
    expect(outcome.traffic['asked']).toBeGreaterThanOrEqual(AMOUNT);
  });

  it('is explored at calls and registers, and the same decisions give the same world', async () => {
    const target = await echoInC();
    // A seed by which somebody is let in between, several times; by others nobody is.
    const options = { target, plan: NO_FAULTS, seed: 4, amount: AMOUNT };
    const explored = runWorld({ ...options, explore: { kind: 'random' } });
    expect(explored.verdict).toBe('passed');
    expect(explored.points).toBeGreaterThan(explored.decisions.length);
    expect(explored.decisions.length).toBeGreaterThan(0);
    const { decisions } = explored;
    expect(runWorld({ ...options, explore: { kind: 'replay', decisions } })).toEqual(explored);

    const { points, ...undecided } = runWorld({
      ...options,
      explore: { kind: 'replay', decisions: [] },
    });
    const { points: none, ...plain } = runWorld(options);
    expect(undecided).toEqual(plain);
    expect([points > 0, none]).toEqual([true, 0]);
  });

  it('a client that dies answers no more', async () => {
    const target = await echoInC();
    const plan = { name: 'a death', rules: [rule('pd.client0', 'kill', 1)] };
    const outcome = runWorld({ target, plan, seed: 1, amount: AMOUNT });
    expect(outcome.strikes).toMatchObject([{ at: 'pd.client0', fault: 'kill' }]);
    expect(outcome.traffic['answered'] ?? 0).toBeLessThan(outcome.traffic['asked'] ?? 0);
  });
});
