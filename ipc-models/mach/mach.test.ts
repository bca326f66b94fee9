// Mach messages: calls, queues and their limit, time, sets, and what a message costs.

import { describe, expect, it } from 'vitest';
import {
  BITS_COMPLEX,
  COPY_SEND,
  MACH_MSG,
  MACH_MSG_VIRTUAL_COPY,
  MACH_PORT_ALLOCATE,
  MACH_PORT_GET_REFS,
  MACH_PORT_MOVE_MEMBER,
  MACH_PORT_RIGHT_PORT_SET,
  MACH_PORT_RIGHT_RECEIVE,
  MACH_PORT_RIGHT_SEND,
  MACH_PORT_SET_QLIMIT,
  MACH_RCV_INVALID_NAME,
  MACH_RCV_IN_SET,
  MACH_RCV_LARGE,
  MACH_RCV_MSG,
  MACH_RCV_TIMED_OUT,
  MACH_RCV_TOO_LARGE,
  MACH_SEND_INVALID_DEST,
  MACH_SEND_INVALID_MEMORY,
  MACH_SEND_INVALID_RIGHT,
  MACH_SEND_MSG_TOO_SMALL,
  MACH_SEND_TIMED_OUT,
  MAKE_SEND,
  MAKE_SEND_ONCE,
  MOVE_RECEIVE,
  MOVE_SEND,
  MOVE_SEND_ONCE,
} from './abi.ts';
import { Port } from './port.ts';
import {
  OUT,
  IN,
  KMSG_OVERHEAD,
  SEND_RECEIVE,
  write,
  port,
  outOfLine,
  send,
  receive,
  trySend,
  tryReceive,
  setUp,
  setUpPair,
} from '../../test/support/mach-scene.ts';

describe('a call', () => {
  it('carries a send-once right to reply with, and each message is copied twice', () => {
    const { kernel, run, server, client, own, sending } = setUpPair();
    const seen: number[] = [];
    run(server, 20, function* ({ task }) {
      yield receive(own);
      // Remote and local have changed places: the reply right, and the port that was received from.
      const replyTo = task.space.load32(IN + 8);
      seen.push(task.space.load32(IN) & 0x1f, task.space.load32(IN + 12) === own ? 1 : 0);
      seen.push(task.space.load32(IN + 24), task.space.load32(IN + 28 + 8));
      const size = write(task, { remote: replyTo, remoteAs: MOVE_SEND_ONCE }, [200]);
      seen.push(yield send(size), yield send(size));
    });
    run(client, 10, function* (thread) {
      const { space } = thread.task;
      yield [MACH_PORT_ALLOCATE, MACH_PORT_RIGHT_RECEIVE];
      const replyPort = thread.secondResult;
      const to = { remote: sending, remoteAs: COPY_SEND };
      const size = write(
        thread.task,
        { ...to, local: replyPort, localAs: MAKE_SEND_ONCE, id: 9 },
        [100],
      );
      const before = { ...kernel.counters };
      const result = yield [MACH_MSG, OUT, SEND_RECEIVE, size, 512, replyPort];
      seen.push(result, space.load32(OUT + 24));
      seen.push(kernel.counters.copies - before.copies);
      seen.push(kernel.counters.bytesCopied - before.bytesCopied);
      seen.push(kernel.heap.allocatedBytes, kernel.heap.liveBytes);
    });
    kernel.run(1e12);

    // What the server saw: the right, the port, the word, the sequence number; its reply, which can
    // be sent once.
    expect(seen.slice(0, 6)).toEqual([MOVE_SEND_ONCE, 1, 100, 0, 0, MACH_SEND_INVALID_DEST]);
    expect(seen.slice(6, 8)).toEqual([0, 200]);
    // Two messages copied in and out, and one that was copied in to be refused.
    expect(seen.slice(8)).toEqual([5, 5 * 28, 3 * (28 + KMSG_OVERHEAD), 0]);
  });

  it('refuses names that are none, rights that are not held, and messages that are no messages', () => {
    const { kernel, run, client, own, sending } = setUpPair();
    const seen: number[] = [];
    run(client, 10, function* ({ task }) {
      seen.push(yield send(write(task, { remote: 0x7703, remoteAs: COPY_SEND })));
      seen.push(yield send(write(task, { remote: sending, remoteAs: MAKE_SEND })));
      // The server's name means nothing here.
      expect(own).not.toBe(0);
      const wrong = write(
        task,
        { remote: sending, remoteAs: COPY_SEND },
        [1, ...port(sending, MOVE_RECEIVE)],
        BITS_COMPLEX,
      );
      seen.push(yield send(wrong));
      const memory = [1, ...outOfLine(0x20_0000, 4096, MACH_MSG_VIRTUAL_COPY)];
      const to = { remote: sending, remoteAs: COPY_SEND };
      seen.push(yield send(write(task, to, memory, BITS_COMPLEX)));
      seen.push(yield send(20), yield receive(sending), yield receive(0x7703));
    });
    kernel.run(1e12);

    expect(seen).toEqual([
      MACH_SEND_INVALID_DEST,
      MACH_SEND_INVALID_DEST,
      MACH_SEND_INVALID_RIGHT,
      MACH_SEND_INVALID_MEMORY,
      MACH_SEND_MSG_TOO_SMALL,
      MACH_RCV_INVALID_NAME,
      MACH_RCV_INVALID_NAME,
    ]);
    expect(kernel.heap.liveBytes).toBe(0);
  });
});

describe('a queue', () => {
  it('holds five messages; the sixth sender waits for room, and the seventh behind it', () => {
    const { kernel, mach, makeTask, run } = setUp();
    const server = makeTask('server');
    const own = mach.spaceOf(server).copyOut(new Port(), 'receive');
    const order: string[] = [];
    const start = (name: string, priority: number, count: number): void => {
      const task = makeTask(name);
      const sending = mach.insertSendRight(server, own, task);
      run(task, priority, function* () {
        const size = write(task, { remote: sending, remoteAs: COPY_SEND });
        for (let i = 0; i < count; i += 1) yield send(size);
        order.push(name);
      });
    };
    start('first', 30, 6);
    kernel.run(1e12);
    start('second', 40, 1);
    kernel.run(1e12);
    expect(order).toEqual([]);
    expect(kernel.heap.liveBytes).toBe(7 * (24 + KMSG_OVERHEAD));
    run(server, 5, function* () {
      yield receive(own);
      order.push('one received');
      yield receive(own);
      order.push('two received');
    });
    kernel.run(1e12);

    // First come first, although the second sender has the higher priority.
    expect(order).toEqual(['first', 'one received', 'second', 'two received']);
  });

  it('has another limit when it is set, and a send-once right passes it', () => {
    const { kernel, makeTask, run, server, client, own, sending } = setUpPair();
    const seen: number[] = [];
    run(server, 20, function* (thread) {
      yield [MACH_PORT_SET_QLIMIT, own, 1];
      yield [MACH_PORT_ALLOCATE, MACH_PORT_RIGHT_RECEIVE];
      // It has something else to wait for.
      yield receive(thread.secondResult);
    });
    run(client, 10, function* ({ task }) {
      const plain = write(task, { remote: sending, remoteAs: COPY_SEND });
      seen.push(yield trySend(plain, 0), yield trySend(plain, 0));
      yield [MACH_PORT_ALLOCATE, MACH_PORT_RIGHT_RECEIVE];
    });
    run(makeTask('server2'), 5, function* (thread) {
      yield [MACH_PORT_ALLOCATE, MACH_PORT_RIGHT_RECEIVE];
      const name = thread.secondResult;
      yield [MACH_PORT_SET_QLIMIT, name, 0];
      seen.push(yield trySend(write(thread.task, { remote: name, remoteAs: MAKE_SEND_ONCE }), 0));
      seen.push(yield trySend(write(thread.task, { remote: name, remoteAs: MAKE_SEND }), 0));
    });
    kernel.run(1e12);

    expect(seen).toEqual([0, MACH_SEND_TIMED_OUT, 0, MACH_SEND_TIMED_OUT]);
  });

  it('is waited for as long as is asked, and what was moved comes back', () => {
    const { kernel, mach, makeTask, run, connect } = setUp();
    const client = makeTask('client');
    const { sending } = connect(makeTask('server'), client);
    const other = connect(makeTask('other'), client).sending;
    const seen: number[] = [];
    run(client, 10, function* (thread) {
      const { task } = thread;
      const to = { remote: sending, remoteAs: COPY_SEND };
      const plain = write(task, to);
      for (let i = 0; i < 5; i += 1) yield send(plain);
      const full = kernel.heap.liveBytes;
      const size = write(task, to, [1, ...port(other, MOVE_SEND)], BITS_COMPLEX);
      seen.push(yield trySend(size, 3), Math.floor(kernel.now() / 1e6));
      seen.push(kernel.heap.liveBytes - full);
      yield [MACH_PORT_GET_REFS, other, MACH_PORT_RIGHT_SEND];
      seen.push(thread.secondResult, mach.spaceOf(client).names().length);
      yield [MACH_PORT_ALLOCATE, MACH_PORT_RIGHT_RECEIVE];
      seen.push(yield tryReceive(thread.secondResult, 4), Math.floor(kernel.now() / 1e6));
    });
    kernel.run(1e12);

    expect(seen).toEqual([MACH_SEND_TIMED_OUT, 3, 0, 1, 2, MACH_RCV_TIMED_OUT, 7]);
  });

  it('keeps a message that is too large, if so asked, and says how large; otherwise it is gone', () => {
    const { kernel, run, server, client, own, sending } = setUpPair();
    const seen: number[] = [];
    run(client, 20, function* ({ task }) {
      const size = write(task, { remote: sending, remoteAs: COPY_SEND }, [1, 2, 3, 4]);
      yield send(size);
      yield send(size);
    });
    run(server, 10, function* ({ task }) {
      const option = MACH_RCV_MSG | MACH_RCV_LARGE;
      seen.push(yield [MACH_MSG, IN, option, 0, 40 + 12 - 1, own], task.space.load32(IN + 4));
      seen.push(yield [MACH_MSG, IN, option, 0, 40 + 12, own]);
      seen.push(yield receive(own, 40), yield tryReceive(own, 0));
    });
    kernel.run(1e12);

    expect(seen).toEqual([MACH_RCV_TOO_LARGE, 40, 0, MACH_RCV_TOO_LARGE, MACH_RCV_TIMED_OUT]);
    expect(kernel.heap.liveBytes).toBe(0);
  });

  it('can be one of a set: whoever receives from the set gets from each in turn', () => {
    const { kernel, makeTask, run, connect } = setUp();
    const server = makeTask('server');
    const client = makeTask('client');
    const one = connect(server, client);
    const two = connect(server, client);
    const seen: number[] = [];
    run(client, 20, function* ({ task }) {
      for (const remote of [one.sending, one.sending, two.sending]) {
        yield send(write(task, { remote, remoteAs: COPY_SEND }));
      }
    });
    run(server, 10, function* (thread) {
      yield [MACH_PORT_ALLOCATE, MACH_PORT_RIGHT_PORT_SET];
      const set = thread.secondResult;
      yield [MACH_PORT_MOVE_MEMBER, one.own, set];
      yield [MACH_PORT_MOVE_MEMBER, two.own, set];
      seen.push(yield receive(one.own));
      for (let i = 0; i < 3; i += 1) {
        yield receive(set);
        seen.push(thread.task.space.load32(IN + 12) === one.own ? 1 : 2);
      }
      seen.push(yield tryReceive(set, 0));
    });
    kernel.run(1e12);

    expect(seen).toEqual([MACH_RCV_IN_SET, 1, 2, 1, MACH_RCV_TIMED_OUT]);
  });
});
