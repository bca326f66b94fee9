/**
 * How fast is the kernel? Round trips between two threads, retype, copies of capabilities, revocation, and the boot of a
 * large system, under the host clock. All is done by system calls of ordinary threads.
 *
 * A call's cost must not depend on how much else there is: the first two are measured again with thousands of objects.
 */

import {
  CNODE_COPY,
  CNODE_DELETE,
  CNODE_REVOKE,
  INIT_SLOT_CNODE,
  messageInfo,
  OBJECT_4K_PAGE,
  OBJECT_ENDPOINT,
  OBJECT_NOTIFICATION,
  OBJECT_REPLY,
  OBJECT_UNTYPED,
  REG_A0,
  REG_A1,
  REG_A7,
  RIGHTS_ALL,
  SCHED_CONTEXT_UNBIND,
  SYS_CALL,
  SYS_RECV,
  SYS_REPLY_RECV,
  SYS_SEND,
  SYS_WAIT,
} from '../kernel/abi.ts';
import type { LoadedImage } from '../kernel/boot.ts';
import { hostNow } from '../host/event-loop.ts';
import { type PdBuilder, system } from '../microkit/builder.ts';
import type { SystemDescription } from '../microkit/model.ts';
import { createTestbed } from '../systems/testbed.ts';
import { Responder, RIG_PRIORITY, type RigThread, runRig, setRegister } from './kernel-rig.ts';
import type { BenchRow } from './results.ts';
import { round, summarise } from './statistics.ts';

export interface KernelBenchOptions {
  readonly repeat: number;
  /** How long each sample of a rate is. */
  readonly sampleNs: number;
  readonly onProgress: (line: string) => void;
}

const ENTRY = 0x20_0000;
const WARM_UP_SAMPLES = 3;
const CHUNK = 1000;
const REVOKE_CHILDREN = 10_000;
/** What Microkit allows; the monitor is the sixty-fourth. */
const PDS_MAX = 63;
/** Other objects in the system while a call is measured. */
const CROWDS = [10, 1_000, 50_000];

export function benchKernel(options: KernelBenchOptions): readonly BenchRow[] {
  const rows: BenchRow[] = [];
  for (const others of CROWDS) {
    options.onProgress(`kernel/call-reply among ${others} objects`);
    rows.push(callReply(options, others));
    options.onProgress(`kernel/signal among ${others} objects`);
    rows.push(signal(options, others));
  }
  options.onProgress('kernel/retype');
  rows.push(retype(options));
  options.onProgress('kernel/copy-delete');
  rows.push(copyDelete(options));
  for (const children of [REVOKE_CHILDREN / 10, REVOKE_CHILDREN, REVOKE_CHILDREN * 5]) {
    options.onProgress(`kernel/revoke-${children}`);
    rows.push(revoke(options, children));
  }
  options.onProgress('kernel/boot-64pd');
  rows.push(bootManyPds(options));
  return rows;
}

/**
 * Cycles that seL4's own benchmarks publish for a SiFive HiFive U540 at 1.5 GHz (RISC-V 64, MCS), as microseconds: to be
 * printed beside ours. A call there is one way, ours is there and back.
 */
const PUBLISHED_US: Readonly<Record<string, number>> = {
  'kernel/call-reply': (712 + 828) / 1500,
  'kernel/signal': 3960 / 1500,
};

// ---------------------------------------------------------------------------------------------- round trips

/** A client that calls a passive server. */
function callReply(options: KernelBenchOptions, others: number): BenchRow {
  const rates: number[] = [];
  runWithPeer(SYS_RECV, SYS_REPLY_RECV, (rig, peer) => {
    crowd(rig, others);
    const { tcb, schedContext } = rig.makeThread(ENTRY, RIG_PRIORITY + 10);
    rig.lowerOwnPriority();
    rig.resume(tcb);
    // It waits now. Without a scheduling context of its own it runs on its caller's.
    rig.must(schedContext, SCHED_CONTEXT_UNBIND, []);
    measure(options, rates, () => trapRepeatedly(rig, SYS_CALL, peer.object));
  });
  return rate('kernel/call-reply', rates, { objects: others });
}

/** A thread that wakes one of higher priority, which waits again. */
function signal(options: KernelBenchOptions, others: number): BenchRow {
  const rates: number[] = [];
  runWithPeer(SYS_WAIT, SYS_WAIT, (rig, peer) => {
    crowd(rig, others);
    const { tcb } = rig.makeThread(ENTRY, RIG_PRIORITY + 10);
    rig.lowerOwnPriority();
    rig.resume(tcb);
    measure(options, rates, () => trapRepeatedly(rig, SYS_SEND, peer.object));
  });
  return rate('kernel/signal', rates, { objects: others });
}

interface Peer {
  object: number;
  reply: number;
}

/** Runs a body with a second thread that answers on one object. */
function runWithPeer(first: number, sys: number, body: (rig: RigThread, peer: Peer) => void): void {
  const peer: Peer = { object: 0, reply: 0 };
  const image: LoadedImage = {
    entry: ENTRY,
    image: {
      name: 'peer',
      start: (thread) =>
        new Responder(thread, { first, sys, cptr: peer.object, reply: peer.reply }),
    },
  };
  runRig(
    (rig) => {
      peer.object = rig.make(first === SYS_WAIT ? OBJECT_NOTIFICATION : OBJECT_ENDPOINT);
      peer.reply = rig.make(OBJECT_REPLY);
      body(rig, peer);
    },
    [image],
  );
}

/** Fills the system with endpoints that nobody uses. */
function crowd(rig: RigThread, count: number): void {
  const radix = Math.max(1, Math.ceil(Math.log2(count)));
  const cnode = rig.makeCNode(radix);
  const memory = rig.make(OBJECT_UNTYPED, radix + 5);
  for (let at = 0; at < count; at += 256) {
    rig.retype(memory, OBJECT_ENDPOINT, 0, cnode, at, Math.min(256, count - at));
  }
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

// ---------------------------------------------------------------------------------------------- capabilities

/** 4 KiB pages, one at a time; what is made is revoked between the samples. */
function retype(options: KernelBenchOptions): BenchRow {
  const rates: number[] = [];
  runRig((rig) => {
    const radix = 12;
    const cnode = rig.makeCNode(radix);
    const memory = rig.make(OBJECT_UNTYPED, radix + 12);
    for (let sample = -WARM_UP_SAMPLES * 4; sample < options.repeat; sample += 1) {
      const startedAt = hostNow();
      for (let i = 0; i < 2 ** radix; i += 1) {
        rig.retype(memory, OBJECT_4K_PAGE, 0, cnode, i, 1);
      }
      if (sample >= 0) rates.push((2 ** radix / (hostNow() - startedAt)) * 1e9);
      rig.must(INIT_SLOT_CNODE, CNODE_REVOKE, [memory, rig.depth]);
    }
  });
  return rate('kernel/retype', rates, {});
}

function copyDelete(options: KernelBenchOptions): BenchRow {
  const rates: number[] = [];
  runRig((rig) => {
    const endpoint = rig.make(OBJECT_ENDPOINT);
    const target = rig.takeSlot();
    const copy = [target, rig.depth, endpoint, rig.depth, RIGHTS_ALL];
    const remove = [target, rig.depth];
    const root = [INIT_SLOT_CNODE];
    measure(options, rates, () => {
      for (let i = 0; i < CHUNK; i += 1) {
        rig.must(INIT_SLOT_CNODE, CNODE_COPY, copy, root);
        rig.must(INIT_SLOT_CNODE, CNODE_DELETE, remove);
      }
    });
  });
  return rate('kernel/copy-delete', rates, {});
}

/** One revocation of many copies. */
function revoke(options: KernelBenchOptions, children: number): BenchRow {
  const times: number[] = [];
  runRig((rig) => {
    const radix = Math.ceil(Math.log2(children));
    const cnode = rig.makeCNode(radix);
    const memory = rig.make(OBJECT_UNTYPED, radix + 4);
    for (let sample = -WARM_UP_SAMPLES; sample < options.repeat; sample += 1) {
      for (let at = 0; at < children; at += 256) {
        rig.retype(memory, OBJECT_ENDPOINT, 0, cnode, at, Math.min(256, children - at));
      }
      const startedAt = hostNow();
      rig.must(INIT_SLOT_CNODE, CNODE_REVOKE, [memory, rig.depth]);
      if (sample >= 0) times.push((hostNow() - startedAt) / 1e6);
    }
  });
  const name = children === REVOKE_CHILDREN ? 'kernel/revoke-10000' : 'kernel/revoke';
  return { name, unit: 'ms', ...summarise(times), children, ratioToNative: null };
}

/** As many protection domains as Microkit allows, each with a channel to the next: boot, initialiser, all inits. */
function bootManyPds(options: KernelBenchOptions): BenchRow {
  const times: number[] = [];
  for (let sample = -1; sample < options.repeat; sample += 1) {
    const description = chainOfPds(PDS_MAX);
    const startedAt = hostNow();
    const testbed = createTestbed({
      system: description,
      clock: 'virtual',
      observer: { log: () => undefined },
    });
    testbed.runUntilQuiet();
    if (sample >= 0) times.push((hostNow() - startedAt) / 1e6);
  }
  const name = 'kernel/boot-64pd';
  return { name, unit: 'ms', ...summarise(times), pds: PDS_MAX, ratioToNative: null };
}

function chainOfPds(count: number): SystemDescription {
  const sys = system({ name: 'chain' });
  let before: PdBuilder | undefined;
  for (let i = 0; i < count; i += 1) {
    const pd = sys.pd(`pd${i}`, {
      program: () => ({ notified: () => undefined }),
      priority: 1 + i,
    });
    if (before !== undefined) sys.channel(before, pd);
    before = pd;
  }
  const built = sys.build();
  if (!built.ok) throw new Error(built.errors.map((error) => error.message).join('; '));
  return built.system;
}

// ---------------------------------------------------------------------------------------------- measuring

/** Calls `chunk`, which does {@link CHUNK} operations, for the length of each sample. */
function measure(options: KernelBenchOptions, rates: number[], chunk: () => void): void {
  for (let sample = -WARM_UP_SAMPLES; sample < options.repeat; sample += 1) {
    const startedAt = hostNow();
    let operations = 0;
    let passedNs = 0;
    while (passedNs < options.sampleNs) {
      chunk();
      operations += CHUNK;
      passedNs = hostNow() - startedAt;
    }
    if (sample >= 0) rates.push((operations / passedNs) * 1e9);
  }
}

function rate(
  name: string,
  rates: readonly number[],
  parameters: Readonly<Record<string, number>>,
): BenchRow {
  const summary = summarise(rates);
  return {
    name,
    unit: 'operations/s',
    ...summary,
    ...parameters,
    microseconds: round(1e6 / summary.median),
    publishedMicroseconds: PUBLISHED_US[name] ?? null,
    ratioToNative: null,
  };
}
