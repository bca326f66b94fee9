// QNX message passing: blocking on both sides, partial reads and writes, priorities that float,
// pulses, time, death.

import { describe, expect, it } from 'vitest';
import { type ModelBody, spawnGenerator } from '../generator-program.ts';
import { makeModelKernel } from '../../bench/ipc/model-machine.ts';
import type { ModelThread } from '../model-thread.ts';
import {
  CHANNEL_CREATE,
  CHANNEL_DESTROY,
  CONNECT_ATTACH,
  CONNECT_DETACH,
  EBADF,
  EEXIST,
  EFAULT,
  EINVAL,
  ENOENT,
  ESRCH,
  ETIMEDOUT,
  MSG_ERROR,
  MSG_READ,
  MSG_RECEIVE,
  MSG_REPLY,
  MSG_SEND,
  MSG_SEND_PULSE,
  MSG_WRITE,
  NAME_ATTACH,
  NAME_OPEN,
  NTO_CHF_FIXED_PRIORITY,
  NTO_CHF_UNBLOCK,
  OWN_PRIORITY,
  PULSE_NODE_BYTES,
  STATE_RECEIVE,
  STATE_REPLY,
  STATE_SEND,
  TIMER_TIMEOUT,
} from './abi.ts';
import { Qnx } from './qnx.ts';

const PATH = 0x1000;
const SEND_IOV = 0x1100;
const REPLY_IOV = 0x1200;
const INFO = 0x1300;
const DATA = 0x2000;
const REPLY = 0x3000;

type Call = [number, ...number[]];

/** Writes a list of buffers. @returns its length */
function iov(
  thread: ModelThread,
  at: number,
  buffers: readonly (readonly [number, number])[],
): number {
  buffers.forEach(([base, length], i) => {
    thread.task.space.store32(at + i * 16, base);
    thread.task.space.store32(at + i * 16 + 8, length);
  });
  return buffers.length;
}

function setUp() {
  const kernel = makeModelKernel('virtual');
  void new Qnx(kernel);
  /** A process with one thread. The first has pid 1. */
  const run = (priority: number, body: (thread: ModelThread) => ModelBody): ModelThread => {
    const task = kernel.makeTask('process');
    task.space.allocateAt(0x1000, 0x4000);
    return spawnGenerator(kernel, {
      task,
      priority,
      body: (thread) => {
        iov(thread, SEND_IOV, [[DATA, 64]]);
        iov(thread, REPLY_IOV, [[REPLY, 64]]);
        return body(thread);
      },
    });
  };
  return { kernel, run };
}

const receive = (chid: number): Call => [MSG_RECEIVE, chid, SEND_IOV, 1, INFO];
const reply = (rcvid: number, status = 0): Call => [MSG_REPLY, rcvid, status, REPLY_IOV, 1];
const send = (coid: number): Call => [MSG_SEND, coid, SEND_IOV, 1, REPLY_IOV, 1];
const attach = (pid: number, chid: number): Call => [CONNECT_ATTACH, 0, pid, chid];

describe('a message', () => {
  it('blocks its sender until it is replied to, and is copied once there and once back', () => {
    const { kernel, run } = setUp();
    const order: string[] = [];
    const seen: number[] = [];
    run(20, function* ({ task }) {
      const chid = yield [CHANNEL_CREATE, 0];
      const rcvid = yield receive(chid);
      order.push('received');
      seen.push(task.space.load32(DATA), task.space.load32(INFO), task.space.load32(INFO + 8));
      yield { workNs: 100 };
      task.space.store32(REPLY, 8);
      seen.push(yield reply(rcvid, 33), yield reply(rcvid, 33));
      order.push('replied');
      yield receive(chid);
    });
    run(10, function* ({ task }) {
      const coid = yield attach(1, 1);
      task.space.store32(DATA, 7);
      const before = { ...kernel.counters };
      seen.push(yield send(coid), task.space.load32(REPLY));
      order.push('sent');
      seen.push(kernel.counters.copies - before.copies);
      seen.push(kernel.counters.bytesCopied - before.bytesCopied);
      seen.push(yield [CONNECT_DETACH, coid], yield send(coid));
    });
    kernel.run(1e12);

    expect(order).toEqual(['received', 'replied', 'sent']);
    expect(seen).toEqual([7, 2, 64, 0, -ESRCH, 33, 8, 2, 128, 0, -EBADF]);
    expect(kernel.heap.allocatedBytes).toBe(0);
  });

  it('that is longer than its receiver has room for is read further, and replied to in parts', () => {
    const { kernel, run } = setUp();
    const seen: number[] = [];
    run(20, function* (thread) {
      const { space } = thread.task;
      const chid = yield [CHANNEL_CREATE, 0];
      iov(thread, SEND_IOV, [[DATA, 10]]);
      const rcvid = yield receive(chid);
      seen.push(thread.secondResult, space.load32(INFO + 8), space.load32(INFO + 12));
      iov(thread, SEND_IOV, [
        [DATA + 100, 3],
        [DATA + 200, 50],
      ]);
      seen.push(yield [MSG_READ, rcvid, SEND_IOV, 2, 60], space.read(DATA + 200, 1)[0] ?? -1);
      seen.push(yield [MSG_READ, rcvid, SEND_IOV, 2, 200]);
      space.write(REPLY, Uint8Array.from([1, 2, 3, 4]));
      iov(thread, SEND_IOV, [[REPLY, 4]]);
      seen.push(yield [MSG_WRITE, rcvid, SEND_IOV, 1, 30]);
      seen.push(yield [MSG_WRITE, rcvid, SEND_IOV, 1, 62]);
      yield [MSG_REPLY, rcvid, 0, 0, 0];
    });
    run(10, function* (thread) {
      const { space } = thread.task;
      const coid = yield attach(1, 1);
      space.write(
        DATA,
        Uint8Array.from({ length: 100 }, (_, i) => i),
      );
      iov(thread, SEND_IOV, [
        [DATA, 30],
        [DATA + 40, 60],
      ]);
      yield [MSG_SEND, coid, SEND_IOV, 2, REPLY_IOV, 1];
      seen.push(...space.read(REPLY + 30, 4), ...space.read(REPLY + 62, 2));
    });
    kernel.run(1e12);

    // 90 bytes in two buffers: byte 63 of them is number 73 of the client's data.
    expect(seen).toEqual([10, 10, 90, 30, 73, 0, 4, 2, 1, 2, 3, 4, 1, 2]);
  });

  it('goes to the thread that has waited for the shortest time, and is answered by its process alone', () => {
    const { kernel, run } = setUp();
    const seen: string[] = [];
    const first = run(20, function* () {
      const chid = yield [CHANNEL_CREATE, 0];
      yield receive(chid);
      seen.push('first');
    });
    spawnGenerator(kernel, {
      task: first.task,
      priority: 19,
      *body() {
        const rcvid = yield receive(1);
        seen.push('second');
        yield [TIMER_TIMEOUT, STATE_RECEIVE, 50_000];
        yield receive(1);
        seen.push(`replied ${yield reply(rcvid)}`);
      },
    });
    kernel.run(1e12);
    const client = run(10, function* () {
      yield send(yield attach(1, 1));
    });
    run(5, function* () {
      seen.push(`stranger ${yield reply(client.id)}`);
    });
    kernel.run(1e12);

    expect(seen).toEqual(['second', `stranger ${-ESRCH}`, 'replied 0']);
  });

  it('to nobody, from nowhere or to nowhere is refused', () => {
    const { kernel, run } = setUp();
    const seen: number[] = [];
    run(20, function* (thread) {
      const chid = yield [CHANNEL_CREATE, 0];
      iov(thread, SEND_IOV, [[0x20_0000, 8]]);
      seen.push(yield receive(9), yield receive(chid));
      iov(thread, SEND_IOV, [[DATA, 8]]);
      const rcvid = yield receive(chid);
      seen.push(yield [MSG_ERROR, rcvid, EINVAL]);
    });
    run(10, function* (thread) {
      seen.push(yield attach(1, 7), yield attach(9, 1), yield send(3));
      const coid = yield attach(1, 1);
      iov(thread, SEND_IOV, [[0x20_0000, 8]]);
      seen.push(yield send(coid));
      iov(thread, SEND_IOV, [[DATA, 8]]);
      seen.push(yield send(coid));
    });
    kernel.run(1e12);

    // The message that the server had no memory for is still there when it asks again.
    expect(seen).toEqual([-ESRCH, -ESRCH, -EBADF, -EFAULT, -ESRCH, -EFAULT, 0, -EINVAL]);
  });
});

describe('priorities', () => {
  it('order the clients that wait to send; the server runs at that of its client', () => {
    const { kernel, run } = setUp();
    const seen: number[] = [];
    const server = run(15, function* () {
      const chid = yield [CHANNEL_CREATE, 0];
      // It works for itself first, while clients come.
      yield [TIMER_TIMEOUT, STATE_RECEIVE, 5000];
      seen.push(yield receive(chid + 1));
      for (let i = 0; i < 3; i += 1) {
        const rcvid = yield receive(chid);
        seen.push(rcvid, server.tcb.priority);
        yield reply(rcvid);
      }
      seen.push(server.tcb.priority);
      yield receive(chid);
    });
    const client = function* (): ModelBody {
      yield send(yield attach(1, 1));
    };
    run(10, client);
    run(12, client);
    run(10, client);
    kernel.run(1e12);

    expect(server.tcb.priority).toBe(15);
    // Of the two equals the one that was made last runs, and comes, first.
    expect(seen).toEqual([-ESRCH, 3, 12, 4, 10, 2, 10, 10]);
  });

  it.each([
    ['floating', 0, ['server', 'high', 'middle']],
    ['fixed', NTO_CHF_FIXED_PRIORITY, ['middle', 'server', 'high']],
  ] as const)('of a client that waits lift the server above others (%s)', (_, flags, expected) => {
    const { kernel, run } = setUp();
    const order: string[] = [];
    run(7, function* () {
      const chid = yield [CHANNEL_CREATE, flags];
      const first = yield receive(chid);
      // Work that can be preempted.
      for (let i = 0; i < 50; i += 1) yield [TIMER_TIMEOUT, 0, 0];
      yield reply(first);
      order.push('server');
      yield reply(yield receive(chid));
      yield receive(chid);
    });
    // The server serves this one at priority 5 when the others come.
    run(5, function* () {
      yield send(yield attach(1, 1));
    });
    kernel.run(5000);
    expect(order).toEqual([]);
    run(10, function* () {
      order.push('middle');
      yield { workNs: 1 };
    });
    run(30, function* () {
      yield send(yield attach(1, 1));
      order.push('high');
    });
    kernel.run(1e12);

    expect(order).toEqual(expected);
  });
});

describe('pulses', () => {
  it('wait in the kernel without blocking anyone, the most important first, before messages', () => {
    const { kernel, run } = setUp();
    const seen: number[] = [];
    let live = 0;
    run(5, function* ({ task }) {
      const chid = yield [CHANNEL_CREATE, 0];
      const coid = yield attach(1, chid);
      seen.push(yield [MSG_SEND_PULSE, coid, 3, 1, 100]);
      seen.push(yield [MSG_SEND_PULSE, coid, 9, 2, 200]);
      seen.push(yield [MSG_SEND_PULSE, coid, OWN_PRIORITY, 3, 300]);
      seen.push(yield [MSG_SEND_PULSE, coid, 9, 0xff, 0]);
      live = kernel.heap.liveBytes;
      for (let i = 0; i < 3; i += 1) {
        seen.push(yield receive(chid), task.space.load32(DATA + 4), task.space.load32(DATA + 8));
      }
    });
    kernel.run(1e12);

    expect(seen).toEqual([0, 0, 0, -EINVAL, 0, 2, 200, 0, 3, 300, 0, 1, 100]);
    expect(live).toBe(3 * PULSE_NODE_BYTES);
    expect(kernel.heap.liveBytes).toBe(0);
  });

  it('go straight to a thread that waits', () => {
    const { kernel, run } = setUp();
    const seen: number[] = [];
    run(20, function* ({ task }) {
      const chid = yield [CHANNEL_CREATE, 0];
      seen.push(yield receive(chid), task.space.load32(DATA + 8));
    });
    run(10, function* () {
      yield [MSG_SEND_PULSE, yield attach(1, 1), 10, 1, 77];
    });
    kernel.run(1e12);

    expect(seen).toEqual([0, 77]);
    expect(kernel.heap.allocatedBytes).toBe(0);
  });
});

describe('time and death', () => {
  it('end a wait to send, to receive and for a reply', () => {
    const { kernel, run } = setUp();
    const seen: number[] = [];
    run(20, function* () {
      const chid = yield [CHANNEL_CREATE, 0];
      yield [TIMER_TIMEOUT, STATE_RECEIVE, 1000];
      seen.push(yield receive(chid));
      yield [TIMER_TIMEOUT, STATE_RECEIVE, 100_000];
      const rcvid = yield receive(chid);
      yield [TIMER_TIMEOUT, STATE_RECEIVE, 50_000];
      seen.push(yield receive(chid), yield reply(rcvid));
    });
    run(10, function* () {
      yield { workNs: 5000 };
      const coid = yield attach(1, 1);
      yield [TIMER_TIMEOUT, STATE_SEND | STATE_REPLY, 10_000];
      seen.push(yield send(coid));
      seen.push(Math.floor(kernel.now() / 10_000));
    });
    kernel.run(1e12);

    expect(seen).toEqual([-ETIMEDOUT, -ETIMEDOUT, 1, -ETIMEDOUT, -ESRCH]);
  });

  it('tell a server by a pulse that its client wants to go, if it has asked for that', () => {
    const { kernel, run } = setUp();
    const seen: number[] = [];
    run(20, function* ({ task }) {
      const chid = yield [CHANNEL_CREATE, NTO_CHF_UNBLOCK];
      const rcvid = yield receive(chid);
      seen.push(yield receive(chid), task.space.load32(DATA + 4), task.space.load32(DATA + 8));
      seen.push(yield [MSG_ERROR, rcvid, ETIMEDOUT]);
    });
    run(10, function* () {
      const coid = yield attach(1, 1);
      yield [TIMER_TIMEOUT, STATE_REPLY, 10_000];
      seen.push(yield send(coid));
    });
    kernel.run(1e12);

    expect(seen).toEqual([0, 256 - 32, 2, 0, -ETIMEDOUT]);
  });

  it.each(['destroys its channel', 'ends'])('fail the clients of a server that %s', (how) => {
    const { kernel, run } = setUp();
    const seen: number[] = [];
    run(5, function* () {
      const chid = yield [CHANNEL_CREATE, NTO_CHF_FIXED_PRIORITY];
      yield receive(chid);
      if (how === 'ends') return;
      yield [CHANNEL_DESTROY, chid];
      yield receive(yield [CHANNEL_CREATE, 0]);
    });
    kernel.run(1e12);
    const client = function* (): ModelBody {
      const coid = yield attach(1, 1);
      seen.push(yield send(coid), yield send(coid));
    };
    run(10, client);
    run(10, client);
    kernel.run(1e12);

    expect(seen).toEqual([-ESRCH, -EBADF, -ESRCH, -EBADF]);
  });
});

describe('paths', () => {
  it('lead to a channel by the name that its server has attached', () => {
    const { kernel, run } = setUp();
    const seen: number[] = [];
    const path = Uint8Array.from('/dev/ser1\0', (letter) => letter.charCodeAt(0));
    run(20, function* ({ task }) {
      task.space.write(PATH, path);
      const chid = yield [CHANNEL_CREATE, 0];
      seen.push(yield [NAME_ATTACH, PATH, chid], yield [NAME_ATTACH, PATH, chid]);
      yield reply(yield receive(chid), 5);
    });
    run(10, function* ({ task }) {
      task.space.write(PATH, path);
      const coid = yield [NAME_OPEN, PATH];
      seen.push(yield send(coid));
      seen.push(yield [NAME_OPEN, PATH]);
    });
    kernel.run(1e12);

    expect(seen).toEqual([0, -EEXIST, 5, -ENOENT]);
    expect(kernel.counters.pathLookups).toBe(4);
  });
});
