/**
 * Call and reply, signal and interrupt: a thread and a partner of higher priority that answers and
 * waits again.
 *
 * What else is in the system must not matter. Each round trip is measured among crowds of objects,
 * threads and priorities, and the crowds take turns in one kernel: whatever else the machine does
 * meanwhile meets all of them alike.
 */

import {
  INIT_SLOT_CNODE,
  INIT_SLOT_IRQ_CONTROL,
  IRQ_ACK_IRQ,
  IRQ_ISSUE_IRQ_HANDLER,
  IRQ_SET_IRQ_HANDLER,
  messageInfo,
  OBJECT_ENDPOINT,
  OBJECT_NOTIFICATION,
  OBJECT_REPLY,
  REG_A0,
  REG_A1,
  REG_A7,
  REG_T0,
  SCHED_CONTEXT_UNBIND,
  SYS_CALL,
  SYS_NB_SEND,
  SYS_NB_SEND_RECV,
  SYS_RECV,
  SYS_REPLY_RECV,
  SYS_SEND,
  SYS_WAIT,
} from '../../kernel/abi.ts';
import type { UserContext, UserThread } from '../../kernel/user.ts';
import { bootRig, Responder, RIG_PRIORITY, type RigThread, setRegister } from '../kernel-rig.ts';
import type { BenchRow } from '../results.ts';
import { type Crowd, CROWD_ROOT_BITS, CrowdMaker } from './crowd.ts';
import {
  bytesPerOperation,
  CHUNK,
  type KernelBenchOptions,
  rateRow,
  sampleRate,
  WARM_UP_SAMPLES,
} from './measure.ts';

const CROWDS: readonly Crowd[] = [
  { objects: 10 },
  { objects: 1_000 },
  { objects: 50_000 },
  { threads: 10 },
  { threads: 1_000 },
  { threads: 10_000 },
  { priorities: 1 },
  { priorities: 10 },
  { priorities: 99 },
];
/** There are many crowds: each gets a part of a sample's time. */
const CROWD_SHARE = 0.5;
const PARTNER_ENTRY = 0x20_0000;
/** An interrupt that no device has. */
const IRQ = 40;

/** What a partner's program is told once the rig has made it. */
interface Partner {
  object: number;
  reply: number;
}

/** A client that calls a passive server. */
export function callReply(options: KernelBenchOptions): readonly BenchRow[] {
  const partner: Partner = { object: 0, reply: 0 };
  return amongCrowds('kernel/call-reply', options, {
    start: (thread) =>
      new Responder(thread, {
        first: SYS_RECV,
        sys: SYS_REPLY_RECV,
        cptr: partner.object,
        reply: partner.reply,
      }),
    prepare: (rig) => {
      partner.object = rig.make(OBJECT_ENDPOINT);
      partner.reply = rig.make(OBJECT_REPLY);
      const { schedContext } = startPartner(rig);
      // It waits now. Without a scheduling context of its own it runs on its caller's.
      rig.must(schedContext, SCHED_CONTEXT_UNBIND, []);
      return () => trapRepeatedly(rig, SYS_CALL, partner.object);
    },
  });
}

/** A thread that wakes one of higher priority, which waits again. */
export function signal(options: KernelBenchOptions): readonly BenchRow[] {
  const partner: Partner = { object: 0, reply: 0 };
  return amongCrowds('kernel/signal', options, {
    start: (thread) =>
      new Responder(thread, { first: SYS_WAIT, sys: SYS_WAIT, cptr: partner.object, reply: 0 }),
    prepare: (rig) => {
      partner.object = rig.make(OBJECT_NOTIFICATION);
      startPartner(rig);
      return () => trapRepeatedly(rig, SYS_SEND, partner.object);
    },
  });
}

/**
 * An interrupt that comes while a thread is in the kernel and wakes its driver, which acknowledges
 * it and waits again.
 */
export function interrupt(options: KernelBenchOptions): readonly BenchRow[] {
  const wiring: Wiring = { raise: () => undefined, lower: () => undefined, handler: 0, signal: 0 };
  return amongCrowds('kernel/interrupt', options, {
    start: (thread) => new Driver(thread, wiring),
    prepare: (rig, line) => {
      wiring.raise = () => line.raise();
      wiring.lower = () => line.lower();
      wiring.signal = rig.make(OBJECT_NOTIFICATION);
      wiring.handler = rig.takeSlot();
      const handlerAt = [IRQ, wiring.handler, rig.depth];
      rig.must(INIT_SLOT_IRQ_CONTROL, IRQ_ISSUE_IRQ_HANDLER, handlerAt, [INIT_SLOT_CNODE]);
      rig.must(wiring.handler, IRQ_SET_IRQ_HANDLER, [], [wiring.signal]);
      const nobody = rig.make(OBJECT_NOTIFICATION);
      startPartner(rig);
      return () => interruptRepeatedly(rig, wiring, nobody);
    },
  });
}

interface Line {
  raise(): void;
  lower(): void;
}

interface RoundTrip {
  /** The partner's program. */
  readonly start: (thread: UserThread) => UserContext;
  /** Makes what is needed, partner included. @returns what does {@link CHUNK} round trips */
  readonly prepare: (rig: RigThread, line: Line) => () => void;
}

function amongCrowds(
  name: string,
  options: KernelBenchOptions,
  { start, prepare }: RoundTrip,
): readonly BenchRow[] {
  const rates = CROWDS.map((): number[] => []);
  let allocated = 0;
  const rig = bootRig({
    clock: 'host',
    rootCNodeSizeBits: CROWD_ROOT_BITS,
    images: [{ entry: PARTNER_ENTRY, image: { name: 'partner', start } }],
    body: (thread) => {
      const crowds = new CrowdMaker(thread);
      const chunk = prepare(thread, rig.board.irqLine(IRQ));
      for (let i = 0; i < WARM_UP_SAMPLES; i += 1) sampleRate(options.sampleNs, chunk);
      for (let sample = 1; sample <= options.repeat; sample += 1) {
        options.onProgress(`${name}: ${sample} of ${options.repeat}`);
        CROWDS.forEach((crowd, i) => {
          crowds.make(crowd);
          chunk();
          rates[i]?.push(sampleRate(options.sampleNs * CROWD_SHARE, chunk));
          crowds.remove();
        });
      }
      allocated = bytesPerOperation(chunk);
    },
  });
  rig.run(Infinity);
  return CROWDS.map((crowd, i) =>
    rateRow(name, rates[i] ?? [], { ...crowd, bytesPerOperation: allocated }),
  );
}

/** It runs until it waits. */
function startPartner(rig: RigThread): { schedContext: number } {
  const { tcb, schedContext } = rig.makeThread(PARTNER_ENTRY, RIG_PRIORITY + 10);
  rig.lowerOwnPriority();
  rig.resume(tcb);
  return { schedContext };
}

function trapRepeatedly(rig: RigThread, sys: number, cptr: number): void {
  const regs = rig.thread.regs;
  for (let i = 0; i < CHUNK; i += 1) {
    setRegister(regs, REG_A0, cptr);
    setRegister(regs, REG_A1, messageInfo(7, 0, 2));
    setRegister(regs, REG_A7, sys);
    rig.thread.trap();
  }
}

// -------------------------------------------------------------------------------------- interrupts

interface Wiring extends Line {
  handler: number;
  signal: number;
}

/**
 * As a driver does: sees to its device, then acknowledges the interrupt and waits for the next in
 * one system call.
 */
class Driver implements UserContext {
  readonly #thread: UserThread;
  readonly #wiring: Wiring;

  constructor(thread: UserThread, wiring: Wiring) {
    this.#thread = thread;
    this.#wiring = wiring;
  }

  resume(): void {
    this.#wiring.lower();
    const regs = this.#thread.regs;
    setRegister(regs, REG_T0, this.#wiring.handler);
    setRegister(regs, REG_A1, messageInfo(IRQ_ACK_IRQ, 0, 0));
    setRegister(regs, REG_A0, this.#wiring.signal);
    setRegister(regs, REG_A7, SYS_NB_SEND_RECV);
    this.#thread.trapLast();
  }
}

/** The kernel looks for interrupts when it leaves: a signal that concerns nobody lets it. */
function interruptRepeatedly(rig: RigThread, wiring: Wiring, nobody: number): void {
  const regs = rig.thread.regs;
  for (let i = 0; i < CHUNK; i += 1) {
    wiring.raise();
    setRegister(regs, REG_A0, nobody);
    setRegister(regs, REG_A1, 0);
    setRegister(regs, REG_A7, SYS_NB_SEND);
    rig.thread.trap();
  }
}
