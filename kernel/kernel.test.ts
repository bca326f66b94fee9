// Goal: threads nest on the JavaScript stack as they would preempt each other on a processor, and
// the corners of it are as the README says. Method: programs that trap in the middle of their work,
// on a booted kernel, with a log of steps.

import { describe, expect, it } from 'vitest';
import { Ram } from '../memory/ram.ts';
import {
  INIT_SLOT_CNODE,
  INIT_SLOT_TCB,
  INIT_SLOT_VSPACE,
  messageInfo,
  OBJECT_ENDPOINT,
  OBJECT_NOTIFICATION,
  OBJECT_REPLY,
  OBJECT_SCHED_CONTEXT,
  OBJECT_TCB,
  REG_A0,
  REG_A1,
  REG_A6,
  REG_A7,
  REG_T0,
  SCHED_CONTEXT_UNBIND,
  SCHED_CONTROL_CONFIGURE_FLAGS,
  SYS_CALL,
  SYS_NB_SEND_RECV,
  SYS_RECV,
  SYS_REPLY_RECV,
  SYS_SEND,
  SYS_WAIT,
  TCB_CONFIGURE,
  TCB_SET_SCHED_PARAMS,
  TCB_SUSPEND,
  TCB_WRITE_REGISTERS,
  UNTYPED_RETYPE,
} from './abi.ts';
import { boot, BootError } from './boot.ts';
import type { BootInfo } from './boot-info.ts';
import type { Kernel } from './kernel.ts';
import { Chance } from '../sim/oracles/kernel/chance.ts';
import { FuzzMachine } from '../sim/oracles/kernel/fuzz-machine.ts';
import { generatorImage } from './generator-context.ts';
import type { ThreadStep, Word } from './system-call.ts';
import type { UserThread } from './user.ts';
import { ThreadUnwound } from './user.ts';

const GUARD = 64 - 7;
const A = 40;
const B = 41;
const REPLY = 42;
const FAULTS = 43;
const TCB = 48;
const SC = 56;
const ENTRY = 0x2_0000;

interface ThreadPlan {
  readonly name: string;
  readonly priority: number;
  /** What `resume()` does: it traps, and ends with `last`. */
  readonly resume: (thread: UserThread, log: string[]) => void;
  readonly budgetUs?: number;
  readonly periodUs?: number;
  readonly hasFaultHandler?: true;
}

/** Makes a system call at once. */
function trap(thread: UserThread, sys: number, cptr: number, label = 0): void {
  set(thread, sys, cptr, label);
  thread.trap();
}

/** Makes the last system call of this `resume()`. */
function last(thread: UserThread, sys: number, cptr: number, label = 0): void {
  set(thread, sys, cptr, label);
  thread.trapLast();
}

function set(thread: UserThread, sys: number, cptr: number, label: number): void {
  const { regs } = thread;
  regs[REG_A0 << 1] = cptr;
  regs[(REG_A0 << 1) + 1] = 0;
  regs[REG_A1 << 1] = messageInfo(label, 0, 0);
  regs[REG_A6 << 1] = REPLY;
  regs[REG_A7 << 1] = sys;
  regs[(REG_A7 << 1) + 1] = -1;
}

/**
 * Boots with an endpoint or notification in A and B, a reply object, and these threads, started in
 * order.
 */
function system(
  types: { a: number; b: number },
  plans: readonly ThreadPlan[],
  after?: (log: string[]) => ThreadStep<void>,
  fastPath: 'on' | 'off' = 'on',
): { log: string[]; kernel: Kernel; run: () => void } {
  const log: string[] = [];
  const machine = new FuzzMachine(new Ram({ sizeBytes: 2 ** 20 }), new Chance(1), 1e9);
  const kernel = boot({
    machine,
    fastPath,
    rootCNodeSizeBits: 7,
    rootTask: (info) =>
      generatorImage('root', function* () {
        yield* build(info, types, plans);
        if (after !== undefined) yield* after(log);
        yield { kind: 'call', sys: SYS_WAIT, cptr: FAULTS };
      }),
    images: plans.map((plan, i) => ({
      entry: ENTRY + i * 64,
      image: {
        name: plan.name,
        start: (thread) => ({ resume: () => plan.resume(thread, log) }),
      },
    })),
  });
  const run = (): void => {
    for (let i = 0; i < 50; i += 1) {
      machine.deadlineNs = Infinity;
      kernel.run(Infinity);
      if (machine.deadlineNs === Infinity) return;
      machine.charge(Math.max(0, machine.deadlineNs - machine.now()));
    }
  };
  return { log, kernel, run };
}

function* build(
  info: BootInfo,
  types: { a: number; b: number },
  plans: readonly ThreadPlan[],
): ThreadStep<void> {
  const memory = info.untypedList.find(({ sizeBits }) => sizeBits === 19)?.slot ?? 0;
  const root = [INIT_SLOT_CNODE];
  yield* call(memory, UNTYPED_RETYPE, [types.a, 0, 0, 0, A, 1], root);
  yield* call(memory, UNTYPED_RETYPE, [types.b, 0, 0, 0, B, 1], root);
  yield* call(memory, UNTYPED_RETYPE, [OBJECT_REPLY, 0, 0, 0, REPLY, 1], root);
  yield* call(memory, UNTYPED_RETYPE, [OBJECT_ENDPOINT, 0, 0, 0, FAULTS, 1], root);
  yield* call(memory, UNTYPED_RETYPE, [OBJECT_TCB, 0, 0, 0, TCB, plans.length], root);
  yield* call(memory, UNTYPED_RETYPE, [OBJECT_SCHED_CONTEXT, 8, 0, 0, SC, plans.length], root);
  for (const [i, plan] of plans.entries()) {
    const { budgetUs = 10_000, periodUs = budgetUs } = plan;
    const time = [budgetUs, periodUs, 0, 0, 0];
    yield* call(info.schedControl.start, SCHED_CONTROL_CONFIGURE_FLAGS, time, [SC + i]);
    yield* call(TCB + i, TCB_CONFIGURE, [GUARD, 0, 0], [INIT_SLOT_CNODE, INIT_SLOT_VSPACE, 0]);
    const handler = plan.hasFaultHandler === true ? FAULTS : 0;
    const params = [INIT_SLOT_TCB, SC + i, handler];
    yield* call(TCB + i, TCB_SET_SCHED_PARAMS, [254, plan.priority], params);
    yield* call(TCB + i, TCB_WRITE_REGISTERS, [1, 1, ENTRY + i * 64], []);
  }
}

function* call(
  cptr: number,
  label: number,
  mrs: readonly Word[],
  caps: readonly number[],
): ThreadStep<void> {
  const answer = yield { kind: 'call', sys: SYS_CALL, cptr, label, mrs, caps };
  expect(answer.label).toBe(0);
}

/** Waits at A each time, and says so. */
function waiter(name: string, priority: number, sys = SYS_WAIT): ThreadPlan {
  let runs = 0;
  return {
    name,
    priority,
    resume: (thread, log) => {
      if (runs > 0) log.push(`${name} runs`);
      runs += 1;
      last(thread, sys, A);
    },
  };
}

describe('a signal', () => {
  it('runs a thread of higher priority before it returns', () => {
    const { log, run } = system({ a: OBJECT_NOTIFICATION, b: OBJECT_NOTIFICATION }, [
      waiter('high', 100),
      {
        name: 'low',
        priority: 50,
        resume: (thread, steps) => {
          steps.push('low signals');
          trap(thread, SYS_SEND, A);
          steps.push('low goes on');
          last(thread, SYS_WAIT, B);
        },
      },
    ]);

    run();

    expect(log).toEqual(['low signals', 'high runs', 'low goes on']);
  });

  it('lets a thread of lower priority wait until the signaller does', () => {
    const { log, run } = system({ a: OBJECT_NOTIFICATION, b: OBJECT_NOTIFICATION }, [
      waiter('low', 50),
      {
        name: 'high',
        priority: 100,
        resume: (thread, steps) => {
          steps.push('high signals');
          trap(thread, SYS_SEND, A);
          steps.push('high goes on');
          last(thread, SYS_WAIT, B);
        },
      },
    ]);

    run();

    expect(log).toEqual(['high signals', 'high goes on', 'low runs']);
  });
});

describe.each(['on', 'off'] as const)('a signal with a wait, fast path %s', (fastPath) => {
  const NOTIFICATIONS = { a: OBJECT_NOTIFICATION, b: OBJECT_NOTIFICATION };

  /** Fills in the call that signals A and waits at B. */
  function setSignalAndWait(thread: UserThread, log: string[]): void {
    set(thread, SYS_NB_SEND_RECV, B, 0);
    thread.regs[REG_T0 << 1] = A;
    thread.regs[(REG_T0 << 1) + 1] = 0;
    log.push('sender signals and waits');
  }

  /** Does something first, then makes that call. */
  function sender(priority: number, first: (thread: UserThread) => void): ThreadPlan {
    return {
      name: 'sender',
      priority,
      resume: (thread, log) => {
        first(thread);
        setSignalAndWait(thread, log);
        thread.trap();
        log.push('sender goes on');
        last(thread, SYS_WAIT, B);
      },
    };
  }

  it('lets a waiter of lower priority run, and then who was preempted', () => {
    let runs = 0;
    const woken: ThreadPlan = {
      name: 'woken',
      priority: 100,
      resume: (thread, steps) => {
        runs += 1;
        if (runs === 1) {
          last(thread, SYS_WAIT, B);
          return;
        }
        setSignalAndWait(thread, steps);
        thread.trapLast();
      },
    };
    const starter: ThreadPlan = {
      name: 'starter',
      priority: 10,
      resume: (thread, steps) => {
        trap(thread, SYS_SEND, B);
        steps.push('starter goes on');
        last(thread, SYS_WAIT, B);
      },
    };
    const plans = [waiter('low', 50), woken, starter];
    const { log, run } = system(NOTIFICATIONS, plans, undefined, fastPath);

    run();

    expect(log).toEqual(['sender signals and waits', 'low runs', 'starter goes on']);
  });

  it('does not wait where a signal has come already', () => {
    const plans = [waiter('high', 100), sender(50, (thread) => trap(thread, SYS_SEND, B))];
    const { log, run } = system(NOTIFICATIONS, plans, undefined, fastPath);

    run();

    expect(log).toEqual(['sender signals and waits', 'high runs', 'sender goes on']);
  });

  it('does not run a waiter that has no scheduling context any more', () => {
    const unbind = (thread: UserThread): void => trap(thread, SYS_CALL, SC, SCHED_CONTEXT_UNBIND);
    const plans = [waiter('high', 100), sender(50, unbind)];
    const { log, run, kernel } = system(NOTIFICATIONS, plans, undefined, fastPath);

    run();

    expect(log).toEqual(['sender signals and waits']);
    expect(kernel.state.current).toBe(kernel.state.idleThread);
  });
});

describe('a call', () => {
  it('leaves a length over 120 in the tag as its sender wrote it', () => {
    let isFirst = true;
    const { log, run } = system({ a: OBJECT_ENDPOINT, b: OBJECT_NOTIFICATION }, [
      {
        name: 'server',
        priority: 100,
        resume: (thread, steps) => {
          if (!isFirst) steps.push(`received ${(thread.regs[REG_A1 << 1] as number) & 0x7f}`);
          isFirst = false;
          last(thread, SYS_RECV, A);
        },
      },
      {
        name: 'client',
        priority: 50,
        resume: (thread, steps) => {
          set(thread, SYS_SEND, A, 20);
          thread.regs[REG_A1 << 1] = messageInfo(20, 0, 127);
          thread.trap();
          steps.push(`sent ${(thread.regs[REG_A1 << 1] as number) & 0x7f}`);
          last(thread, SYS_WAIT, B);
        },
      },
    ]);

    run();

    // Without IPC buffers, the registers of the message alone are transferred.
    expect(log).toEqual(['received 4', 'sent 127']);
  });

  it('runs the callee nested, and goes on with its answer', () => {
    let isFirst = true;
    const { log, run, kernel } = system({ a: OBJECT_ENDPOINT, b: OBJECT_NOTIFICATION }, [
      {
        name: 'server',
        priority: 100,
        resume: (thread, steps) => {
          if (!isFirst) steps.push(`server gets ${(thread.regs[REG_A1 << 1] as number) >>> 12}`);
          const sys = isFirst ? SYS_RECV : SYS_REPLY_RECV;
          isFirst = false;
          last(thread, sys, A, 21);
        },
      },
      {
        name: 'client',
        priority: 50,
        resume: (thread, steps) => {
          trap(thread, SYS_CALL, A, 20);
          steps.push(`client gets ${(thread.regs[REG_A1 << 1] as number) >>> 12}`);
          last(thread, SYS_WAIT, B);
        },
      },
    ]);

    run();

    expect(log).toEqual(['server gets 20', 'client gets 21']);
    expect(kernel.counters.framesLost).toBe(0);
  });

  it('waits for a callee whose budget is spent, while others run above it', () => {
    let runs = 0;
    const { log, run, kernel } = system({ a: OBJECT_ENDPOINT, b: OBJECT_NOTIFICATION }, [
      {
        name: 'server',
        priority: 100,
        budgetUs: 50,
        periodUs: 5_000,
        resume: (thread, steps) => {
          if (runs > 0) steps.push('server answers');
          // It uses up its budget in one go: the next system call is made a period later.
          thread.spend(45_000);
          runs += 1;
          last(thread, runs === 1 ? SYS_RECV : SYS_REPLY_RECV, A);
        },
      },
      {
        name: 'client',
        priority: 50,
        resume: (thread, steps) => {
          trap(thread, SYS_CALL, A);
          steps.push('client goes on');
          last(thread, SYS_WAIT, B);
        },
      },
      {
        name: 'other',
        priority: 10,
        resume: (thread, steps) => {
          steps.push('other runs');
          last(thread, SYS_WAIT, B);
        },
      },
    ]);

    run();

    expect(log).toContain('other runs');
    expect(log.indexOf('other runs')).toBeLessThan(log.indexOf('client goes on'));
    expect(log.at(-1)).toBe('client goes on');
    expect(kernel.counters.framesLost).toBe(0);
  });
});

describe('a frame that has to go', () => {
  it('is unwound when its thread is stopped by one above it, and cannot go on', () => {
    const caught: unknown[] = [];
    const { log, run } = system({ a: OBJECT_NOTIFICATION, b: OBJECT_NOTIFICATION }, [
      {
        name: 'stopper',
        priority: 100,
        resume: (thread, steps) => {
          if (steps.includes('victim signals')) trap(thread, SYS_CALL, TCB + 1, TCB_SUSPEND);
          last(thread, SYS_WAIT, A);
        },
      },
      {
        name: 'victim',
        priority: 50,
        resume: (thread, steps) => {
          steps.push('victim signals');
          try {
            trap(thread, SYS_SEND, A);
            steps.push('victim goes on');
          } catch (error) {
            caught.push(error);
            // Catching it is of no use: the next trap throws again.
            trap(thread, SYS_SEND, A);
          }
        },
      },
      {
        name: 'low',
        priority: 10,
        resume: (thread, steps) => {
          steps.push('low runs');
          last(thread, SYS_WAIT, B);
        },
      },
    ]);

    run();

    expect(caught).toEqual([expect.any(ThreadUnwound)]);
    expect(log).toEqual(['victim signals', 'low runs']);
  });

  it('is lost when nobody can answer its call any more, and the others go on', () => {
    const { log, run } = system({ a: OBJECT_ENDPOINT, b: OBJECT_NOTIFICATION }, [
      {
        name: 'caller',
        priority: 100,
        resume: (thread, steps) => {
          steps.push('caller calls');
          trap(thread, SYS_CALL, A);
          steps.push('caller goes on');
        },
      },
      {
        name: 'low',
        priority: 10,
        resume: (thread, steps) => {
          steps.push('low runs');
          last(thread, SYS_WAIT, B);
        },
      },
    ]);

    run();

    expect(log).toEqual(['caller calls', 'low runs']);
  });
});

describe('an error thrown by a program', () => {
  it('becomes a user exception of its thread, and after the reply it runs again', () => {
    let runs = 0;
    const { log, run } = system(
      { a: OBJECT_NOTIFICATION, b: OBJECT_NOTIFICATION },
      [
        {
          name: 'thrower',
          priority: 50,
          hasFaultHandler: true,
          resume: (thread, steps) => {
            runs += 1;
            steps.push(`run ${runs}`);
            if (runs === 1) throw new Error('a bug in the program');
            last(thread, SYS_WAIT, A);
          },
        },
      ],
      function* (steps) {
        const fault = yield { kind: 'call', sys: SYS_RECV, cptr: FAULTS, reply: REPLY };
        steps.push(`fault ${fault.label} number ${fault.mrs[2]}`);
        yield { kind: 'call', sys: SYS_SEND, cptr: REPLY, label: 0 };
      },
    );

    run();

    expect(log).toEqual(['run 1', 'fault 3 number 16', 'run 2']);
  });
});

describe('a boot configuration that cannot be met', () => {
  const image = (): ReturnType<typeof generatorImage> => generatorImage('root', function* () {});
  const machineOf = (bytes: number): FuzzMachine =>
    new FuzzMachine(new Ram({ sizeBytes: bytes }), new Chance(1), 1e9);

  it.each([
    ['RAM is too small', () => boot({ machine: machineOf(65_536), rootTask: image })],
    [
      'root CNode',
      () => boot({ machine: machineOf(2 ** 20), rootTask: image, rootCNodeSizeBits: 40 }),
    ],
    [
      'two programs start at 0x20000',
      () =>
        boot({
          machine: machineOf(2 ** 20),
          rootTask: image,
          images: [
            { entry: ENTRY, image: image() },
            { entry: ENTRY, image: image() },
          ],
        }),
    ],
  ])('ends with one line: %s', (line, start) => {
    expect(start).toThrow(BootError);
    expect(start).toThrow(line);
  });
});
