/**
 * Route 4: a system call of a machine-code domain. Instructions up to `ecall`, the way into the
 * kernel with the registers in the hart's own block, lookup and rendezvous as for anybody, a
 * TypeScript server's `protected`, and back behind the `ecall`.
 *
 * As on route 3, the test watches the kernel's objects from outside, on the general path. What the
 * hart has in its registers is looked at whenever the state of its thread changes.
 */

import { describe, expect, it } from 'vitest';
import { REG_A2, REG_NEXT_PC, REG_PC } from '../../kernel/abi.ts';
import { Census } from '../../kernel/inspect/census.ts';
import type { Tcb } from '../../kernel/objects/objects.ts';
import { system } from '../../microkit/builder.ts';
import { messageInfo, messageLabel, type Program } from '../../microkit/pd.ts';
import { createTestbed, type Testbed } from '../../systems/testbed.ts';
import { addi, assemble, ecall, j, li, lui, R, sd } from '../support/assembler.ts';
import { described } from '../support/echo-testbed.ts';
import { DATA, machineProgram, TEXT } from '../support/machine-system.ts';
import { ownCNode, watch, watchReads } from '../support/watched-kernel.ts';

const SLOT_INPUT = 1;
const SLOT_REPLY = 4;
const SLOT_OUTPUT_ENDPOINT = 74;
const CHANNEL = 3;
const SERVER_CHANNEL = 9;
const LABEL = 5;

const IRQ = 20;

/**
 * Waits for its interrupt, calls the server with one word, adds to its answer and keeps it; then
 * waits again.
 */
const CLIENT = assemble([
  'wait',
  li(R.a0, SLOT_INPUT),
  li(R.a6, SLOT_REPLY),
  li(R.a7, -7),
  ecall,
  li(R.a0, SLOT_OUTPUT_ENDPOINT + CHANNEL),
  lui(R.a1, LABEL),
  addi(R.a1, R.a1, 1),
  li(R.a2, 20),
  li(R.a7, -1),
  ecall,
  lui(R.s0, DATA >>> 12),
  addi(R.a2, R.a2, 1),
  sd(R.a2, R.s0, 0),
  j('wait'),
]);
/** Of the two system calls, from the beginning of the text. */
const WAIT_AT = 12;
const CALL_AT = 36;

describe('the route of a system call of machine code', () => {
  it('goes from the instruction into the kernel, to a TypeScript server, and behind the instruction', () => {
    const steps: string[] = [];
    const tell = (line: string): void => void steps.push(line);
    const server: Program = (pd) => ({
      notified: () => undefined,
      protected: (channel, message) => {
        tell(`server: called on ${channel} with label ${messageLabel(message)} and ${pd.mr(0)}`);
        pd.setMr(0, pd.mr(0) * 2);
        return messageInfo(0, 1);
      },
    });
    const { testbed, threads } = booted(server);
    const [client, servant] = threads;

    watch(testbed.kernel.counters, 'kernelEntries', () => tell('kernel: entered'));
    const slot = ownCNode(client).slotAt(SLOT_OUTPUT_ENDPOINT + CHANNEL);
    watchReads(slot, (kind) => tell(`kernel: finds: ${kind}`));
    watch(servant, 'phase', () => tell(`kernel: server is ${servant.state}`));
    watch(client, 'phase', () => {
      const word = (register: number): number => client.regs[2 * register] ?? 0;
      const place = `pc ${word(REG_PC) - TEXT}, next ${word(REG_NEXT_PC) - TEXT}`;
      tell(`kernel: client is ${client.state} at ${place}, a2 ${word(REG_A2)}`);
    });
    testbed.board.irqLine(IRQ).raise();
    testbed.runUntilQuiet();

    // Between two states a thread is inactive for a moment.
    const told = steps.filter((step) => !step.includes(' is inactive'));
    expect(told.filter((step, index) => step !== told[index - 1])).toEqual([
      // The interrupt wakes it behind its wait.
      'kernel: entered',
      `kernel: client is running at pc ${WAIT_AT}, next ${WAIT_AT + 4}, a2 0`,
      // The call: its pc is that of the instruction, until the answer is there.
      'kernel: entered',
      'kernel: finds: endpoint',
      `kernel: client is restart at pc ${CALL_AT}, next ${CALL_AT + 4}, a2 20`,
      `kernel: client is blockedOnReply at pc ${CALL_AT}, next ${CALL_AT + 4}, a2 20`,
      'kernel: server is running',
      `server: called on ${SERVER_CHANNEL} with label ${LABEL} and 20`,
      // The reply: the answer is in the registers when the thread can go on, and it goes on behind
      // the instruction.
      'kernel: entered',
      'kernel: server is restart',
      `kernel: client is running at pc ${CALL_AT}, next ${CALL_AT + 4}, a2 40`,
      'kernel: server is running',
      'kernel: server is blockedOnReceive',
      // And to its next wait.
      'kernel: entered',
      `kernel: client is blockedOnNotification at pc ${WAIT_AT}, next ${WAIT_AT + 4}, a2 41`,
    ]);
    const data = testbed.hartOf('client')?.runAt(DATA)?.at ?? 0;
    expect(testbed.board.ram.u32[data >>> 2]).toBe(41);
  });
});

/** @returns both threads, waiting */
function booted(server: Program): { testbed: Testbed; threads: readonly [Tcb, Tcb] } {
  const sys = system({ name: 'client and server' });
  const callee = sys.pd('server', { program: server, priority: 102 });
  const caller = sys.pd('client', { priority: 97 });
  caller.irq(IRQ, { id: 0 });
  sys.channel(caller, callee, { a: { id: CHANNEL, pp: true }, b: { id: SERVER_CHANNEL } });
  const census = new Census();
  const testbed = createTestbed({
    system: described(sys.build()),
    clock: 'virtual',
    fastPath: 'off',
    ramBytes: 2 ** 24,
    images: new Map([['client', machineProgram(CLIENT)]]),
    onCreate: census.onCreate,
  });
  testbed.runUntilQuiet();
  const named = (name: string): Tcb => {
    const found = census.objects.find((object) => object.kind === 'tcb' && object.name === name);
    if (found?.kind !== 'tcb') throw new Error(`${name} has a thread`);
    return found;
  };
  return { testbed, threads: [named('client'), named('server')] };
}
