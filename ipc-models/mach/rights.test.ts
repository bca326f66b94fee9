// Mach rights: names and counts, death and who is told, memory that travels out of line.

import { describe, expect, it } from 'vitest';
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
  MACH_PORT_REQUEST_NOTIFICATION,
  MACH_PORT_RIGHT_DEAD_NAME,
  MACH_PORT_RIGHT_RECEIVE,
  MACH_PORT_RIGHT_SEND,
  MACH_RCV_INVALID_NAME,
  MACH_RCV_PORT_DIED,
  MACH_RCV_TIMED_OUT,
  MACH_SEND_INVALID_DEST,
  MAKE_SEND_ONCE,
  MOVE_RECEIVE,
  MOVE_SEND,
  VM_DEALLOCATE,
} from './abi.ts';
import { Port } from './port.ts';
import {
  OUT,
  IN,
  BIG,
  SEND_RECEIVE,
  write,
  port,
  outOfLine,
  send,
  receive,
  tryReceive,
  setUp,
  setUpPair,
} from '../../test/support/mach-scene.ts';

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

  it('to send are counted by name, in tasks and in messages, until the last has gone', () => {
    const { kernel, mach, makeTask, run, server, client, own, sending } = setUpPair();
    const friend = makeTask('friend');
    const friendPort = mach.spaceOf(friend).copyOut(new Port(), 'receive');
    const toFriend = mach.insertSendRight(friend, friendPort, client);
    // A second reference under the same name.
    expect(mach.insertSendRight(server, own, client)).toBe(sending);
    const seen: string[] = [];
    run(server, 40, function* (thread) {
      yield [MACH_PORT_ALLOCATE, MACH_PORT_RIGHT_RECEIVE];
      const mine = thread.secondResult;
      yield [MACH_PORT_REQUEST_NOTIFICATION, own, MACH_NOTIFY_NO_SENDERS, mine];
      yield receive(mine);
      seen.push('no senders');
    });
    run(client, 30, function* (thread) {
      const to = { remote: toFriend, remoteAs: COPY_SEND };
      const gifts = [2, ...port(sending, COPY_SEND), ...port(sending, MOVE_SEND)];
      yield send(write(thread.task, to, gifts, BITS_COMPLEX));
      yield [MACH_PORT_ALLOCATE, MACH_PORT_RIGHT_RECEIVE];
      yield tryReceive(thread.secondResult, 1);
      seen.push('the last dropped');
      yield [MACH_PORT_DEALLOCATE, sending];
    });
    run(friend, 20, function* ({ task }) {
      yield receive(friendPort);
      const name = task.space.load32(IN + 28);
      yield [MACH_PORT_DEALLOCATE, name];
      seen.push('one dropped');
      yield [MACH_PORT_DEALLOCATE, name];
      seen.push('two dropped');
    });
    kernel.run(1e12);

    expect(seen).toEqual(['one dropped', 'two dropped', 'the last dropped', 'no senders']);
  });

  it('to receive are no rights to send, and stay where they are', () => {
    const { kernel, run, server, own } = setUpPair();
    const seen: number[] = [];
    run(server, 20, function* ({ task }) {
      seen.push(yield send(write(task, { remote: own, remoteAs: MOVE_RECEIVE })));
      seen.push(yield tryReceive(own, 0));
    });
    kernel.run(1e12);

    expect(seen).toEqual([MACH_SEND_INVALID_DEST, MACH_RCV_TIMED_OUT]);
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
      costs.faults = kernel.scheduler.counters.faults;
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
