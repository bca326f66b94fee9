// L4 IPC: rendezvous by thread id, both phases in one call, the direct switch, time, strings, pages
// given and taken back.

import { describe, expect, it } from 'vitest';
import { type ModelBody, spawnGenerator } from '../generator-program.ts';
import { makeModelKernel } from '../../bench/ipc/model-machine.ts';
import type { ModelThread } from '../model-thread.ts';
import {
  acceptor,
  ANY_THREAD,
  ERROR_ABORTED,
  ERROR_CANCELED,
  ERROR_NON_EXISTENT,
  ERROR_OVERFLOW,
  ERROR_TIMEOUT,
  fpage,
  ITEM_GRANT,
  ITEM_MAP,
  L4_CANCEL,
  L4_IPC,
  L4_UNMAP,
  mapItem,
  MAP_NODE_BYTES,
  messageTag,
  NIL_THREAD,
  RIGHT_READ,
  RIGHT_WRITE,
  stringItem,
  TIMEOUT_NEVER,
  UNMAP_ALL,
  UNMAP_OTHERS,
} from './abi.ts';
import { L4 } from './l4.ts';

const UTCB = 0x1000;
const BUFFER_REGISTERS = UTCB + 512;
const DATA = 0x4000;
const WINDOW = 0x10_0000;
const FOR_EVER = TIMEOUT_NEVER;

const sendError = (code: number): number => -(code * 2);
const receiveError = (code: number): number => -(code * 2 + 1);

function put(thread: ModelThread, at: number, words: readonly number[]): void {
  words.forEach((word, i) => thread.task.space.store32(at + i * 8, word));
}

function register(thread: ModelThread, index: number): number {
  return thread.task.space.load32(UTCB + index * 8);
}

type Call = [number, ...number[]];
const sendTo = (to: number, timeoutUs = FOR_EVER): Call => [L4_IPC, to, NIL_THREAD, timeoutUs, 0];
const waitFor = (from: number, timeoutUs = FOR_EVER): Call => [
  ...([L4_IPC, NIL_THREAD, from, 0, timeoutUs] as const),
];
const call = (to: number): Call => [L4_IPC, to, to, FOR_EVER, FOR_EVER];

function setUp() {
  const kernel = makeModelKernel('virtual');
  const l4 = new L4(kernel);
  /**
   * A thread in a task of its own, with a control block and four pages of data. Ids count from 1.
   */
  const run = (priority: number, body: (thread: ModelThread) => ModelBody): ModelThread => {
    const task = kernel.makeTask('task');
    task.space.allocateAt(UTCB, 0x1000);
    task.space.allocateAt(DATA, 0x4000);
    const thread = spawnGenerator(kernel, { task, priority, body });
    l4.register(thread, UTCB);
    return thread;
  };
  return { kernel, l4, run };
}

describe('rendezvous', () => {
  it('copies the words once, keeps nothing in the kernel, and tells who has sent', () => {
    const { kernel, run } = setUp();
    const seen: number[] = [];
    run(20, function* (thread) {
      seen.push(yield waitFor(ANY_THREAD));
      seen.push(register(thread, 0), register(thread, 1), register(thread, 2));
    });
    run(10, function* (thread) {
      put(thread, UTCB, [messageTag(2, 0, 7), 11, 22]);
      seen.push(yield sendTo(1));
    });
    kernel.run(1e12);

    expect(seen).toEqual([2, messageTag(2, 0, 7), 11, 22, 0]);
    expect(kernel.counters).toMatchObject({ copies: 1, bytesCopied: 16, nameLookups: 1 });
    expect(kernel.heap.allocatedBytes).toBe(0);
  });

  it('lets senders queue up, first come first, whatever their priority', () => {
    const { kernel, run } = setUp();
    const seen: number[] = [];
    run(40, function* () {
      yield waitFor(2, 1000);
      seen.push(yield waitFor(ANY_THREAD), yield waitFor(ANY_THREAD), yield waitFor(ANY_THREAD));
    });
    run(40, function* () {
      yield waitFor(1);
    });
    for (const priority of [20, 30, 25]) {
      run(priority, function* () {
        yield sendTo(1);
      });
      kernel.run(kernel.now() + 10_000);
    }
    kernel.run(1e12);

    expect(seen).toEqual([3, 4, 5]);
  });

  it('waits for the partner that is named, whoever else wants to send', () => {
    const { kernel, run } = setUp();
    const seen: number[] = [];
    run(30, function* () {
      seen.push(yield waitFor(3), yield waitFor(ANY_THREAD));
    });
    for (const priority of [20, 10]) {
      run(priority, function* (thread) {
        put(thread, UTCB, [messageTag(0, 0)]);
        yield sendTo(1);
      });
    }
    kernel.run(1e12);

    expect(seen).toEqual([3, 2]);
  });

  it('of a call switches to the partner at once, although another thread has a higher priority', () => {
    const { kernel, run } = setUp();
    const order: string[] = [];
    const partner = run(5, function* () {
      yield waitFor(ANY_THREAD);
      order.push('partner');
    });
    kernel.run(1e12);
    run(10, function* () {
      order.push('bystander');
      yield { workNs: 1 };
    });
    // Among equals the thread that was made last runs first.
    run(10, function* () {
      order.push('caller');
      yield call(partner.id);
    });
    kernel.run(1e12);

    expect(order).toEqual(['caller', 'partner', 'bystander']);
  });

  it('of a call forgets nobody who has become ready in the same system call', () => {
    const { kernel, run } = setUp();
    const order: string[] = [];
    run(5, function* () {
      yield waitFor(ANY_THREAD);
      order.push('partner');
    });
    run(20, function* () {
      yield waitFor(ANY_THREAD, 10);
      order.push('time is over');
    });
    kernel.run(5000);
    run(10, function* () {
      yield { workNs: 20_000 };
      yield call(1);
    });
    kernel.run(1e12);

    expect(order.toSorted()).toEqual(['partner', 'time is over']);
  });

  it('goes from the send phase to the receive phase in the kernel', () => {
    const { kernel, run } = setUp();
    const seen: number[] = [];
    run(20, function* (thread) {
      put(thread, UTCB, [messageTag(1, 0), 5]);
      // Nobody listens yet: it waits to send, and then for the answer, all in one system call.
      seen.push(yield call(2), register(thread, 1));
    });
    run(10, function* (thread) {
      const sender = yield waitFor(ANY_THREAD);
      put(thread, UTCB, [messageTag(1, 0), register(thread, 1) + 1]);
      yield sendTo(sender);
    });
    kernel.run(1e12);

    expect(seen).toEqual([2, 6]);
    expect(kernel.scheduler.counters.kernelEntries).toBe(3);
  });
});

describe('errors', () => {
  it('tell a partner that is none, and time that is over, by phase', () => {
    const { kernel, run } = setUp();
    const seen: number[] = [];
    run(20, function* () {
      seen.push(yield sendTo(9), yield waitFor(9), yield sendTo(2, 0), yield waitFor(2, 0));
      seen.push(yield sendTo(2, 300), Math.floor(kernel.now() / 1000 / 300));
      seen.push(yield waitFor(ANY_THREAD, 600), Math.floor(kernel.now() / 1000 / 900));
    });
    run(10, function* () {
      yield waitFor(2);
    });
    kernel.run(1e12);

    expect(seen).toEqual([
      sendError(ERROR_NON_EXISTENT),
      receiveError(ERROR_NON_EXISTENT),
      sendError(ERROR_TIMEOUT),
      receiveError(ERROR_TIMEOUT),
      ...[sendError(ERROR_TIMEOUT), 1, receiveError(ERROR_TIMEOUT), 1],
    ]);
  });

  it('tell of a cancelled wait, and of a partner that has ended', () => {
    const { kernel, run } = setUp();
    const seen: number[] = [];
    run(30, function* () {
      seen.push(yield waitFor(3));
      seen.push(yield sendTo(3));
    });
    run(20, function* () {
      seen.push(yield sendTo(3));
    });
    run(10, function* () {
      yield [L4_CANCEL, 1];
    });
    kernel.run(1e12);

    expect(seen).toEqual([
      receiveError(ERROR_CANCELED),
      sendError(ERROR_NON_EXISTENT),
      sendError(ERROR_NON_EXISTENT),
    ]);
  });
});

describe('strings', () => {
  /** A string of two pieces of 3000 bytes to a buffer of `pieces` pieces. */
  function transfer(pieces: number, pieceBytes: number, addresses: readonly number[]) {
    const { kernel, run } = setUp();
    const seen: number[] = [];
    const receiver = run(20, function* (thread) {
      put(thread, BUFFER_REGISTERS, [
        acceptor(0, 'strings'),
        stringItem(pieceBytes, pieces),
        ...addresses,
      ]);
      seen.push(yield waitFor(ANY_THREAD));
    });
    run(10, function* (thread) {
      const bytes = Uint8Array.from({ length: 6000 }, (_, i) => i % 251);
      thread.task.space.write(DATA, bytes.subarray(0, 3000));
      thread.task.space.write(DATA + 0x2000, bytes.subarray(3000));
      put(thread, UTCB, [messageTag(0, 3), stringItem(3000, 2), DATA, DATA + 0x2000]);
      seen.push(yield sendTo(1));
    });
    kernel.run(1e12);
    return { seen, receiver, kernel };
  }

  it('are gathered and scattered in one copy', () => {
    const { seen, receiver, kernel } = transfer(3, 2000, [
      DATA + 100,
      DATA + 0x2000,
      DATA + 0x3000,
    ]);

    expect(seen).toEqual([2, 0]);
    const { space } = receiver.task;
    expect(space.read(DATA + 100, 1)[0]).toBe(0);
    expect(space.read(DATA + 0x2000, 1)[0]).toBe(2000 % 251);
    expect(space.read(DATA + 0x3000 + 1999, 1)[0]).toBe(5999 % 251);
    expect(kernel.counters).toMatchObject({ copies: 1, bytesCopied: 6000 });
  });

  it('that do not fit are an error of both sides', () => {
    const { seen } = transfer(1, 5999, [DATA]);

    expect(seen).toEqual([receiveError(ERROR_OVERFLOW), sendError(ERROR_OVERFLOW)]);
  });

  it('to memory that is not there abort the transfer', () => {
    const { seen } = transfer(1, 6000, [0x20_0000]);

    expect(seen).toEqual([receiveError(ERROR_ABORTED), sendError(ERROR_ABORTED)]);
  });
});

describe('pages', () => {
  /**
   * Thread 2 sends an item for two pages of its data to thread 1, and then does what `then` says.
   */
  function give(kind: typeof ITEM_MAP | typeof ITEM_GRANT, rights: number, then: readonly Call[]) {
    const { kernel, run } = setUp();
    const receiver = run(20, function* (thread) {
      put(thread, BUFFER_REGISTERS, [acceptor(fpage(WINDOW, 16), 'none')]);
      yield waitFor(ANY_THREAD);
      yield waitFor(ANY_THREAD);
    });
    const giver = run(10, function* (thread) {
      thread.task.space.store32(DATA, 99);
      const item = [mapItem(kind, 0x6000), fpage(DATA, 13, rights)];
      put(thread, UTCB, [messageTag(0, 2), ...item]);
      yield sendTo(1);
      for (const request of then) yield request;
      yield waitFor(1);
    });
    kernel.run(1e12);
    return { kernel, target: receiver.task.space, source: giver.task.space };
  }

  it('that are mapped are shared, where the window and the send base say', () => {
    const { kernel, target, source } = give(ITEM_MAP, RIGHT_READ | RIGHT_WRITE, []);

    expect(target.load32(WINDOW + 0x6000)).toBe(99);
    target.store32(WINDOW + 0x7000, 42);
    expect(source.load32(DATA + 0x1000)).toBe(42);
    expect(kernel.counters.copies).toBe(0);
    // A node for each page on each side.
    expect(kernel.heap.liveBytes).toBe(4 * MAP_NODE_BYTES);
  });

  it('are read-only without the right to write', () => {
    const { target } = give(ITEM_MAP, RIGHT_READ, []);

    expect(target.load32(WINDOW + 0x6000)).toBe(99);
    expect(() => target.store32(WINDOW + 0x6000, 1)).toThrow('outside the mapping');
  });

  it('that are granted leave their giver, and need no memory of the kernel', () => {
    const { kernel, target, source } = give(ITEM_GRANT, RIGHT_READ | RIGHT_WRITE, []);

    expect(target.load32(WINDOW + 0x6000)).toBe(99);
    expect(source.frameAt(DATA >> 12)).toBe(-1);
    expect(kernel.heap.allocatedBytes).toBe(0);
  });

  it.each([
    ['others', UNMAP_OTHERS, true, 2 * MAP_NODE_BYTES],
    ['all', UNMAP_ALL, false, 0],
  ] as const)('can be taken back from %s', (_, what, isKept, nodeBytes) => {
    const { kernel, target, source } = give(ITEM_MAP, RIGHT_READ | RIGHT_WRITE, [
      [L4_UNMAP, fpage(DATA, 13), what],
    ]);

    expect(target.frameAt((WINDOW + 0x6000) >> 12)).toBe(-1);
    expect(source.frameAt(DATA >> 12) >= 0).toBe(isKept);
    expect(kernel.heap.liveBytes).toBe(nodeBytes);
  });

  it('are refused by whoever opens no window', () => {
    const { kernel, run } = setUp();
    const seen: number[] = [];
    run(20, function* () {
      seen.push(yield waitFor(ANY_THREAD));
    });
    run(10, function* (thread) {
      put(thread, UTCB, [messageTag(0, 2), mapItem(ITEM_MAP, 0), fpage(DATA, 12, RIGHT_READ)]);
      seen.push(yield sendTo(1));
    });
    kernel.run(1e12);

    expect(seen).toEqual([receiveError(ERROR_OVERFLOW), sendError(ERROR_OVERFLOW)]);
  });
});
