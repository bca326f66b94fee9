// Mach ports: rights and their names, queues and their limit, time, memory out of line, death, and what a message costs.

import { describe, expect, it } from 'vitest';
import { type ModelBody, spawnGenerator } from '../generator-program.ts';
import { makeModelKernel } from '../machine.ts';
import type { ModelThread, Task } from '../model-thread.ts';
import {
  BITS_COMPLEX,
  COPY_SEND,
  KERN_INVALID_NAME,
  KERN_INVALID_RIGHT,
  MACH_MSG,
  MACH_MSG_PHYSICAL_COPY,
  MACH_MSG_VIRTUAL_COPY,
  MACH_NOTIFY_DEAD_NAME,
  MACH_NOTIFY_NO_SENDERS,
  MACH_NOTIFY_SEND_ONCE,
  MACH_PORT_ALLOCATE,
  MACH_PORT_DEALLOCATE,
  MACH_PORT_DESTROY,
  MACH_PORT_GET_REFS,
  MACH_PORT_INSERT_RIGHT,
  MACH_PORT_MOVE_MEMBER,
  MACH_PORT_REQUEST_NOTIFICATION,
  MACH_PORT_RIGHT_DEAD_NAME,
  MACH_PORT_RIGHT_PORT_SET,
  MACH_PORT_RIGHT_RECEIVE,
  MACH_PORT_RIGHT_SEND,
  MACH_PORT_SET_QLIMIT,
  MACH_RCV_INVALID_NAME,
  MACH_RCV_IN_SET,
  MACH_RCV_LARGE,
  MACH_RCV_MSG,
  MACH_RCV_PORT_DIED,
  MACH_RCV_TIMED_OUT,
  MACH_RCV_TIMEOUT,
  MACH_RCV_TOO_LARGE,
  MACH_SEND_INVALID_DEST,
  MACH_SEND_INVALID_MEMORY,
  MACH_SEND_INVALID_RIGHT,
  MACH_SEND_MSG,
  MACH_SEND_MSG_TOO_SMALL,
  MACH_SEND_TIMED_OUT,
  MACH_SEND_TIMEOUT,
  MAKE_SEND,
  MAKE_SEND_ONCE,
  MOVE_RECEIVE,
  MOVE_SEND,
  MOVE_SEND_ONCE,
  OOL_DESCRIPTOR,
  PORT_DESCRIPTOR,
  VM_DEALLOCATE,
} from './abi.ts';
import { Mach } from './mach.ts';
import { Port } from './port.ts';

const OUT = 0x1000;
const IN = 0x1800;
const BIG = 0x4000;
const KMSG_OVERHEAD = 64 + 12;
const SEND_RECEIVE = MACH_SEND_MSG | MACH_RCV_MSG;

interface Header {
  readonly remote: number;
  readonly remoteAs: number;
  readonly local?: number;
  readonly localAs?: number;
  readonly id?: number;
}

/** Writes a header, and `words` behind it. @returns the size */
function write(task: Task, header: Header, words: readonly number[] = [], isComplex = 0): number {
  const bits = header.remoteAs | ((header.localAs ?? 0) << 8);
  const size = 24 + words.length * 4;
  const all = [(bits | isComplex) >>> 0, size, header.remote, header.local ?? 0, 0, header.id ?? 0];
  [...all, ...words].forEach((value, i) => task.space.store32(OUT + i * 4, value));
  return size;
}

function port(name: number, disposition: number): number[] {
  return [name, 0, ((disposition << 16) | (PORT_DESCRIPTOR << 24)) >>> 0];
}

function outOfLine(address: number, bytes: number, copy: number, deallocate = 0): number[] {
  return [address, 0, (deallocate | (copy << 8) | (OOL_DESCRIPTOR << 24)) >>> 0, bytes];
}

const send = (size: number): Call => [MACH_MSG, OUT, MACH_SEND_MSG, size];
const receive = (name: number, limit = 512): Call => [MACH_MSG, IN, MACH_RCV_MSG, 0, limit, name];
/** With an option and a time in ms. */
function trySend(size: number, timeoutMs: number): Call {
  return [MACH_MSG, OUT, MACH_SEND_MSG | MACH_SEND_TIMEOUT, size, 0, 0, timeoutMs];
}
function tryReceive(name: number, timeoutMs: number): Call {
  return [MACH_MSG, IN, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, 512, name, timeoutMs];
}
type Call = [number, ...number[]];

function setUp() {
  const kernel = makeModelKernel('virtual');
  const mach = new Mach(kernel);
  const makeTask = (name: string): Task => {
    const task = kernel.makeTask(name);
    task.space.allocateAt(0x1000, 0x1000);
    return task;
  };
  const run = (
    task: Task,
    priority: number,
    body: (thread: ModelThread) => ModelBody,
  ): ModelThread => spawnGenerator(kernel, { task, priority, body });
  /** A port that `server` receives from and `client` may send to: their names. */
  const connect = (server: Task, client: Task): { own: number; sending: number } => {
    const own = mach.spaceOf(server).copyOut(new Port(), 'receive');
    return { own, sending: mach.insertSendRight(server, own, client) };
  };
  return { kernel, mach, makeTask, run, connect };
}

/** A server with a port, and a client that may send to it. */
function setUpPair() {
  const all = setUp();
  const server = all.makeTask('server');
  const client = all.makeTask('client');
  return { ...all, server, client, ...all.connect(server, client) };
}

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

    // What the server saw: the right, the port, the word, the sequence number; its reply, which can be sent once.
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

describe('rights', () => {
  it('to send have one name with a count, and travel in messages', () => {
    const { kernel, makeTask, run, connect } = setUp();
    const server = makeTask('server');
    const client = makeTask('client');
    const third = connect(makeTask('third'), client);
    const { own, sending } = connect(server, client);
    const seen: number[] = [];
    run(client, 20, function* (thread) {
      const to = { remote: sending, remoteAs: COPY_SEND };
      const gift = [2, ...port(third.sending, COPY_SEND), ...port(third.sending, MOVE_SEND)];
      seen.push(yield send(write(thread.task, to, gift, BITS_COMPLEX)));
      // The last reference has gone.
      seen.push(yield [MACH_PORT_GET_REFS, third.sending, MACH_PORT_RIGHT_SEND]);
    });
    run(server, 10, function* (thread) {
      const { space } = thread.task;
      yield receive(own);
      const name = space.load32(IN + 28);
      seen.push(name === space.load32(IN + 28 + 12) ? 1 : 0);
      yield [MACH_PORT_GET_REFS, name, MACH_PORT_RIGHT_SEND];
      seen.push(thread.secondResult);
      yield [MACH_PORT_DEALLOCATE, name];
      yield [MACH_PORT_DEALLOCATE, name];
      seen.push(yield [MACH_PORT_DEALLOCATE, name], yield [MACH_PORT_DEALLOCATE, own]);
    });
    kernel.run(1e12);

    expect(seen).toEqual([0, KERN_INVALID_NAME, 1, 2, KERN_INVALID_NAME, KERN_INVALID_RIGHT]);
  });

  it('to receive can be handed over, with the messages that wait', () => {
    const { kernel, makeTask, run, connect } = setUp();
    const old = makeTask('old server');
    const next = makeTask('new server');
    const client = makeTask('client');
    const service = connect(old, client);
    const channel = connect(next, old);
    const seen: number[] = [];
    run(client, 30, function* ({ task }) {
      yield send(write(task, { remote: service.sending, remoteAs: COPY_SEND }, [55]));
    });
    run(old, 20, function* ({ task }) {
      const to = { remote: channel.sending, remoteAs: COPY_SEND };
      yield send(write(task, to, [1, ...port(service.own, MOVE_RECEIVE)], BITS_COMPLEX));
      seen.push(yield receive(service.own));
    });
    run(next, 10, function* ({ task }) {
      yield receive(channel.own);
      const taken = task.space.load32(IN + 28);
      seen.push(yield receive(taken), task.space.load32(IN + 24));
    });
    kernel.run(1e12);

    expect(seen).toEqual([MACH_RCV_INVALID_NAME, 0, 55]);
  });

  it('die with the port: names become dead names, waiting threads fail, listeners are told', () => {
    const { kernel, run, server, client, own, sending } = setUpPair();
    const seen: number[] = [];
    run(client, 30, function* (thread) {
      const { task } = thread;
      yield [MACH_PORT_ALLOCATE, MACH_PORT_RIGHT_RECEIVE];
      const mine = thread.secondResult;
      yield [MACH_PORT_REQUEST_NOTIFICATION, sending, MACH_NOTIFY_DEAD_NAME, mine];
      const size = write(task, { remote: sending, remoteAs: COPY_SEND });
      for (let i = 0; i < 5; i += 1) yield send(size);
      seen.push(yield send(size));
      yield receive(mine);
      seen.push(task.space.load32(IN + 20), task.space.load32(IN + 24) === sending ? 1 : 0);
      yield [MACH_PORT_GET_REFS, sending, MACH_PORT_RIGHT_DEAD_NAME];
      seen.push(thread.secondResult, yield send(size));
      seen.push(yield [MACH_PORT_DEALLOCATE, sending], yield [MACH_PORT_DEALLOCATE, sending]);
    });
    run(server, 10, function* () {
      yield [MACH_PORT_DESTROY, own];
    });
    kernel.run(1e12);

    const told = [MACH_SEND_INVALID_DEST, MACH_NOTIFY_DEAD_NAME, 1, 1, MACH_SEND_INVALID_DEST];
    expect(seen).toEqual([...told, 0, KERN_INVALID_NAME]);
    expect(kernel.heap.liveBytes).toBe(0);
  });

  it('end the wait of another thread that receives', () => {
    const { kernel, mach, makeTask, run } = setUp();
    const task = makeTask('two threads');
    const own = mach.spaceOf(task).copyOut(new Port(), 'receive');
    const seen: number[] = [];
    run(task, 20, function* () {
      seen.push(yield receive(own));
    });
    run(task, 10, function* () {
      yield [MACH_PORT_DESTROY, own];
    });
    kernel.run(1e12);

    expect(seen).toEqual([MACH_RCV_PORT_DIED]);
  });

  it('to a reply that never comes tell the caller when the server ends', () => {
    const { kernel, run, server, client, own, sending } = setUpPair();
    const seen: number[] = [];
    run(server, 20, function* () {
      yield receive(own);
    });
    run(client, 10, function* (thread) {
      yield [MACH_PORT_ALLOCATE, MACH_PORT_RIGHT_RECEIVE];
      const local = thread.secondResult;
      const header = { remote: sending, remoteAs: COPY_SEND, local, localAs: MAKE_SEND_ONCE };
      const size = write(thread.task, header);
      seen.push(yield [MACH_MSG, OUT, SEND_RECEIVE, size, 512, local]);
      seen.push(thread.task.space.load32(OUT + 20));
    });
    kernel.run(1e12);

    expect(seen).toEqual([0, MACH_NOTIFY_SEND_ONCE]);
  });

  it('to send that have all gone are told of once', () => {
    const { kernel, run, server, client, own, sending } = setUpPair();
    const seen: number[] = [];
    run(server, 20, function* (thread) {
      yield [MACH_PORT_ALLOCATE, MACH_PORT_RIGHT_RECEIVE];
      const mine = thread.secondResult;
      yield [MACH_PORT_REQUEST_NOTIFICATION, own, MACH_NOTIFY_NO_SENDERS, mine];
      yield receive(mine);
      seen.push(thread.task.space.load32(IN + 20), thread.task.space.load32(IN + 24));
      yield [MACH_PORT_INSERT_RIGHT, own];
      yield [MACH_PORT_GET_REFS, own, MACH_PORT_RIGHT_SEND];
      seen.push(thread.secondResult, yield [MACH_PORT_DEALLOCATE, own]);
      seen.push(yield tryReceive(mine, 0));
    });
    run(client, 10, function* () {
      yield [MACH_PORT_DEALLOCATE, sending];
    });
    kernel.run(1e12);

    expect(seen).toEqual([MACH_NOTIFY_NO_SENDERS, own, 1, 0, MACH_RCV_TIMED_OUT]);
  });
});

describe('memory out of line', () => {
  /** Sends four pages; the receiver reports what it sees. */
  function transfer(copy: number, deallocate: number) {
    const { kernel, run, server, client, own, sending } = setUpPair();
    client.space.allocateAt(BIG, 0x4000);
    client.space.store32(BIG, 1234);
    client.space.store32(BIG + 0x3000, 5678);
    const seen: number[] = [];
    const costs = { copies: 0, bytesCopied: 0, faults: 0 };
    run(client, 20, function* ({ task }) {
      const to = { remote: sending, remoteAs: COPY_SEND };
      const memory = [1, ...outOfLine(BIG, 0x4000, copy, deallocate)];
      const before = { ...kernel.counters };
      yield send(write(task, to, memory, BITS_COMPLEX));
      if (deallocate === 0) task.space.store32(BIG, 4321);
      yield { workNs: 1 };
      yield [VM_DEALLOCATE, 0x1000_0000, 0];
      costs.copies = kernel.counters.copies - before.copies;
      costs.bytesCopied = kernel.counters.bytesCopied - before.bytesCopied;
      costs.faults = kernel.k.counters.faults;
    });
    run(server, 10, function* ({ task }) {
      yield receive(own);
      const address = task.space.load32(IN + 28);
      seen.push(task.space.load32(address), task.space.load32(address + 0x3000));
      task.space.store32(address + 0x3000, 8765);
      yield [VM_DEALLOCATE, address, 0x4000];
    });
    kernel.run(1e12);
    expect(kernel.faults).toEqual([]);
    expect(kernel.heap.liveBytes).toBe(0);
    return { seen, costs, client, kernel };
  }

  it('is shared until one side writes, and then copied a page at a time', () => {
    const { seen, costs, client, kernel } = transfer(MACH_MSG_VIRTUAL_COPY, 0);

    expect(seen).toEqual([1234, 5678]);
    // The header and its descriptor, and the one page that the sender wrote to while it was shared.
    expect(costs).toEqual({ copies: 2, bytesCopied: 44 + 4096, faults: 1 });
    expect([client.space.load32(BIG), client.space.load32(BIG + 0x3000)]).toEqual([4321, 5678]);
    // The receiver let go of it: the sender has its page to itself, and the kernel only says so.
    const { copies } = kernel.counters;
    client.space.store32(BIG + 0x1000, 1);
    expect(kernel.counters.copies).toBe(copies);
  });

  it('moves to the receiver when the sender gives it up', () => {
    const { seen, costs, client } = transfer(MACH_MSG_VIRTUAL_COPY, 1);

    expect(seen).toEqual([1234, 5678]);
    expect(costs).toEqual({ copies: 1, bytesCopied: 44, faults: 0 });
    expect(client.space.frameAt(BIG >> 12)).toBe(-1);
  });

  it('is copied twice when a physical copy is asked for', () => {
    const { seen, costs, kernel } = transfer(MACH_MSG_PHYSICAL_COPY, 0);

    expect(seen).toEqual([1234, 5678]);
    expect(costs).toEqual({ copies: 2, bytesCopied: 44 + 0x4000, faults: 0 });
    expect(kernel.counters.copies).toBe(4);
  });
});
