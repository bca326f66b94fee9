/** faults.c, first part: memory accesses, system calls and instructions that fault. */

import * as abi from '../../kernel/abi.ts';
import type { ThreadAnswer, ThreadRequest, ThreadStep, Word } from '../../kernel/system-call.ts';
import * as calls from './driver/calls.ts';
import { equal, equalList, ok } from './driver/check.ts';
import type { Environment } from './driver/environment.ts';
import type { Sel4Test } from './driver/test.ts';

const HANDLER_PRIORITY = 101;
const BAD_ADDRESS = 0x7000_0000;
const BAD_SYSTEM_CALL = 12_345;
const INSTRUCTION_BYTES = 4;
const HANDLER_BADGE = 0x4242;

interface FaultKind {
  readonly request: ThreadRequest;
  readonly label: number;
  /** What the message says after the program counter, from this register on. */
  readonly from: number;
  readonly words: readonly Word[];
  readonly length: number;
}

function vmFault(request: ThreadRequest, words: readonly Word[]): FaultKind {
  return { request, label: abi.FAULT_VM, from: 1, words, length: 4 };
}

const READ = vmFault(calls.load(BAD_ADDRESS), [BAD_ADDRESS, 0, 5]);
const WRITE = vmFault(calls.store(BAD_ADDRESS, 1), [BAD_ADDRESS, 0, 7]);
const EXECUTE = vmFault(calls.execute(BAD_ADDRESS), [BAD_ADDRESS, 1, 1]);
const SYSTEM_CALL: FaultKind = {
  request: { kind: 'call', sys: BAD_SYSTEM_CALL },
  label: abi.FAULT_UNKNOWN_SYSCALL,
  from: 10,
  words: [BAD_SYSTEM_CALL],
  length: 11,
};
const ILLEGAL_INSTRUCTION: FaultKind = {
  request: { kind: 'exception', number: 2, code: 0 },
  label: abi.FAULT_USER_EXCEPTION,
  from: 2,
  words: [2, 0],
  length: 4,
};

/**
 * One faulter and its handler, which either lets it go on behind the instruction or leaves it where
 * it is.
 */
function* faultOnce(
  env: Environment,
  kind: FaultKind,
  variant: {
    readonly spaces: 'shared' | 'own';
    readonly priority: number;
    readonly badge: number;
    readonly end: 'restart' | 'stay';
  },
): ThreadStep<void> {
  const faults = yield* env.endpoint();
  const handlerCap = variant.badge === 0 ? faults : yield* env.minted(faults, variant.badge);
  let stage = 0;
  const faulter = yield* env.thread({
    priority: variant.priority,
    spaces: variant.spaces,
    faultHandler: handlerCap,
    *body() {
      stage = 1;
      yield kind.request;
      stage = 2;
    },
  });
  const handler = yield* env.run({
    priority: HANDLER_PRIORITY,
    *body(self) {
      const fault = yield calls.recv(faults, self.reply);
      checkFault(fault, kind, variant.badge);
      equal(stage, 1, 'the faulter has come to the fault');
      if (variant.end === 'restart') yield* skip(faulter.tcb, fault, self.reply);
    },
  });
  yield* env.start(faulter);
  if (variant.end === 'restart') yield* env.join(faulter);
  yield* env.join(handler);
  equal(stage, variant.end === 'restart' ? 2 : 1, 'how far the faulter has come');
  yield* ok(calls.suspend(faulter.tcb));
}

function checkFault(fault: ThreadAnswer, kind: FaultKind, badge: number): void {
  equal(fault.label, kind.label, 'type of the fault');
  equal(fault.badge, badge, "badge of the handler's capability");
  equal(fault.length, kind.length, 'length of the message');
  equalList(fault.mrs.slice(kind.from, kind.from + kind.words.length), kind.words, 'message');
}

/**
 * Lets the faulter go on behind its instruction: by the reply where that sets registers, else by
 * WriteRegisters.
 */
function* skip(tcb: number, fault: ThreadAnswer, reply: number): ThreadStep<void> {
  const { mrs } = yield* ok(calls.readRegisters(tcb));
  equal(mrs[abi.REG_PC], fault.mrs[0], 'program counter of the message');
  const next = Number(fault.mrs[0]) + INSTRUCTION_BYTES;
  if (fault.label === abi.FAULT_VM) yield* ok(calls.writeRegisters(tcb, 0, [next]));
  yield calls.send(reply, fault.label === abi.FAULT_VM ? [] : [next]);
}

function* matrix(env: Environment, kind: FaultKind, spaces: 'shared' | 'own'): ThreadStep<void> {
  for (const priority of [100, 101, 102]) {
    for (const badge of [0, HANDLER_BADGE]) {
      for (const end of ['restart', 'stay'] as const) {
        yield* faultOnce(env, kind, { spaces, priority, badge, end });
      }
    }
  }
}

const KINDS: readonly (readonly [string, FaultKind, 'P' | 'M', string])[] = [
  ['1', READ, 'M', 'a load from where nothing is mapped'],
  ['2', WRITE, 'M', 'a store to where nothing is mapped'],
  ['3', EXECUTE, 'M', 'an instruction where nothing is mapped'],
  ['4', SYSTEM_CALL, 'P', 'a system call that does not exist'],
  ['5', ILLEGAL_INSTRUCTION, 'M', 'an illegal instruction'],
];

export const FAULT_TESTS: readonly Sel4Test[] = [
  ...KINDS.map(([digit, kind, testClass, what]): Sel4Test => ({
    name: `PAGEFAULT000${digit}`,
    class: testClass,
    description: `${what}: message, badge, restart, at three priorities`,
    run: (env) => matrix(env, kind, 'shared'),
  })),
  ...KINDS.slice(0, 4).map(([digit, kind, testClass, what]): Sel4Test => ({
    name: `PAGEFAULT100${digit}`,
    class: testClass,
    description: `${what}, in another address space`,
    run: (env) => matrix(env, kind, 'own'),
  })),
];
