// POSIX message queues as IEEE 1003.1 has them: names, rights, order, capacity, time, and what a
// message costs.

import { describe, expect, it } from 'vitest';
import type { ModelBody } from '../generator-program.ts';
import { spawnGenerator } from '../generator-program.ts';
import { makeModelKernel } from '../../bench/ipc/model-machine.ts';
import type { ModelKernel } from '../model-kernel.ts';
import type { ModelThread, Task } from '../model-thread.ts';
import {
  EACCES,
  EAGAIN,
  EBADF,
  EBUSY,
  EEXIST,
  EFAULT,
  EINVAL,
  EMFILE,
  EMSGSIZE,
  ENOENT,
  ETIMEDOUT,
  MQ_CLOSE,
  MQ_GETSETATTR,
  MQ_NOTIFY,
  MQ_OPEN,
  MQ_TIMEDRECEIVE,
  MQ_TIMEDSEND,
  MQ_UNLINK,
  O_CREAT,
  O_EXCL,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  SIGWAIT,
} from './abi.ts';
import { PosixMq } from './posix-mq.ts';

const PATH = 0x1000;
const ATTR = 0x1100;
const TIME = 0x1200;
const PRIORITY_AT = 0x1300;
const BUFFER = 0x2000;
const HEADER = 48;

/** Maps three pages, and puts a path and attributes for 2 messages of 64 bytes there. */
function prepare(task: Task, path = '/q', maxMessages = 2, messageBytes = 64): void {
  task.space.allocateAt(0x1000, 0x3000);
  writePath(task, path);
  task.space.store32(ATTR + 8, maxMessages);
  task.space.store32(ATTR + 16, messageBytes);
}

function writePath(task: Task, path: string): void {
  task.space.write(
    PATH,
    Uint8Array.from(`${path}\0`, (letter) => letter.charCodeAt(0)),
  );
}

interface Bench {
  readonly kernel: ModelKernel;
  /** Runs a program until nothing is left to do. */
  readonly start: (
    priority: number,
    body: (thread: ModelThread) => ModelBody,
    uid?: number,
  ) => ModelThread;
}

function bench(allocation: 'perMessage' | 'preallocated' = 'perMessage'): Bench {
  const kernel = makeModelKernel('virtual');
  void new PosixMq(kernel, { allocation });
  return {
    kernel,
    start: (priority, body, uid = 1) => {
      const task = kernel.makeTask('task', uid);
      prepare(task);
      return spawnGenerator(kernel, { task, priority, body });
    },
  };
}

/** One program alone. @returns what it pushed */
function results(body: (thread: ModelThread, out: number[]) => ModelBody, uid = 1): number[] {
  const { kernel, start } = bench();
  const out: number[] = [];
  start(10, (thread) => body(thread, out), uid);
  kernel.run(1e12);
  expect(kernel.faults).toEqual([]);
  return out;
}

describe('names and rights', () => {
  it('opens what exists, makes what does not, and refuses what it is told to refuse', () => {
    const out = results(function* (thread, seen) {
      seen.push(yield [MQ_OPEN, PATH, O_RDWR, 0o600, 0]);
      seen.push(yield [MQ_OPEN, PATH, O_RDWR | O_CREAT, 0o600, ATTR]);
      seen.push(yield [MQ_OPEN, PATH, O_RDWR, 0, 0]);
      seen.push(yield [MQ_OPEN, PATH, O_RDWR | O_CREAT | O_EXCL, 0o600, ATTR]);
      writePath(thread.task, 'no-slash');
      seen.push(yield [MQ_OPEN, PATH, O_RDWR | O_CREAT, 0o600, 0]);
      writePath(thread.task, '/a/b');
      seen.push(yield [MQ_OPEN, PATH, O_RDWR | O_CREAT, 0o600, 0]);
      seen.push(yield [MQ_OPEN, 0x9_0000, O_RDWR, 0, 0]);
    });

    expect(out).toEqual([-ENOENT, 0, 1, -EEXIST, -EINVAL, -EACCES, -EFAULT]);
  });

  it('bounds attributes, and what one user may hold', () => {
    const out = results(function* ({ task }, seen) {
      for (const [maxMessages, bytes] of [
        [0, 64],
        [11, 64],
        [10, 8193],
      ] as const) {
        task.space.store32(ATTR + 8, maxMessages);
        task.space.store32(ATTR + 16, bytes);
        seen.push(yield [MQ_OPEN, PATH, O_RDWR | O_CREAT, 0o600, ATTR]);
      }
      for (let i = 0; i < 10; i += 1) {
        writePath(task, `/large${i}`);
        seen.push(yield [MQ_OPEN, PATH, O_RDWR | O_CREAT, 0o600, 0]);
      }
    });

    // Nine queues of 10 x (8192 + 48) bytes are below 819,200; the tenth is not.
    expect(out).toEqual([-EINVAL, -EINVAL, -EINVAL, 0, 1, 2, 3, 4, 5, 6, 7, 8, -EMFILE]);
  });

  it('checks the mode once, at open, and the direction at each call', () => {
    const { kernel, start } = bench();
    const out: number[] = [];
    start(20, function* () {
      const fd = yield [MQ_OPEN, PATH, O_WRONLY | O_CREAT, 0o604, ATTR];
      out.push(yield [MQ_TIMEDRECEIVE, fd, BUFFER, 64, 0, 0]);
      yield [SIGWAIT, 1];
    });
    const stranger = function* (): ModelBody {
      out.push(yield [MQ_OPEN, PATH, O_RDWR, 0, 0]);
      const fd = yield [MQ_OPEN, PATH, O_RDONLY, 0, 0];
      out.push(fd);
      out.push(yield [MQ_TIMEDSEND, fd, BUFFER, 1, 0, 0]);
      out.push(yield [MQ_UNLINK, PATH]);
    };
    start(10, stranger, 2);
    kernel.run(1e12);

    expect(out).toEqual([-EBADF, -EACCES, 0, -EBADF, -EACCES]);
  });

  it('unlinks the name at once, and the queue with its last descriptor', () => {
    const { kernel, start } = bench();
    const out: number[] = [];
    start(10, function* () {
      const fd = yield [MQ_OPEN, PATH, O_RDWR | O_CREAT, 0o600, ATTR];
      yield [MQ_TIMEDSEND, fd, BUFFER, 64, 0, 0];
      out.push(yield [MQ_UNLINK, PATH], yield [MQ_OPEN, PATH, O_RDWR, 0, 0]);
      out.push(kernel.heap.liveBytes, yield [MQ_TIMEDRECEIVE, fd, BUFFER, 64, 0, 0]);
      yield [MQ_TIMEDSEND, fd, BUFFER, 10, 0, 0];
      out.push(yield [MQ_CLOSE, fd], kernel.heap.liveBytes, yield [MQ_CLOSE, fd]);
    });
    kernel.run(1e12);

    expect(out).toEqual([0, -ENOENT, HEADER + 64, 64, 0, 0, -EBADF]);
  });
});

describe('messages', () => {
  it('come oldest first within the highest priority', () => {
    const out = results(function* ({ task }, seen) {
      task.space.store32(ATTR + 8, 4);
      const fd = yield [MQ_OPEN, PATH, O_RDWR | O_CREAT, 0o600, ATTR];
      for (const [value, priority] of [
        [11, 1],
        [22, 5],
        [33, 1],
        [44, 5],
      ] as const) {
        task.space.store32(BUFFER, value);
        yield [MQ_TIMEDSEND, fd, BUFFER, 4, priority, 0];
      }
      for (let i = 0; i < 4; i += 1) {
        yield [MQ_TIMEDRECEIVE, fd, BUFFER, 64, PRIORITY_AT, 0];
        seen.push(task.space.load32(BUFFER), task.space.load32(PRIORITY_AT));
      }
    });

    expect(out).toEqual([22, 5, 44, 5, 11, 1, 33, 1]);
  });

  it('are refused when too long, and a buffer that is too short', () => {
    const out = results(function* (_, seen) {
      const fd = yield [MQ_OPEN, PATH, O_RDWR | O_CREAT, 0o600, ATTR];
      seen.push(yield [MQ_TIMEDSEND, fd, BUFFER, 65, 0, 0]);
      seen.push(yield [MQ_TIMEDRECEIVE, fd, BUFFER, 63, 0, 0]);
      seen.push(yield [MQ_TIMEDSEND, fd, BUFFER, 64, 32_768, 0]);
      seen.push(yield [MQ_TIMEDSEND, fd, 0x9_0000, 64, 0, 0]);
    });

    expect(out).toEqual([-EMSGSIZE, -EMSGSIZE, -EINVAL, -EFAULT]);
  });

  it.each(['perMessage', 'preallocated'] as const)(
    'fill a queue to its capacity: then senders wait, highest priority first (%s)',
    (allocation) => {
      const { kernel, start } = bench(allocation);
      const order: string[] = [];
      const sender = (name: string, value: number) =>
        function* ({ task }: ModelThread): ModelBody {
          const fd = yield [MQ_OPEN, PATH, O_RDWR | O_CREAT, 0o600, ATTR];
          task.space.store32(BUFFER, value);
          yield [MQ_TIMEDSEND, fd, BUFFER, 64, 0, 0];
          order.push(name);
          yield [SIGWAIT, 1];
        };
      start(50, sender('one', 1));
      start(49, sender('two', 2));
      start(20, sender('low', 3));
      kernel.run(1e12);
      start(30, sender('high', 4));
      kernel.run(1e12);
      start(5, function* ({ task }) {
        const fd = yield [MQ_OPEN, PATH, O_RDWR, 0, 0];
        for (let i = 0; i < 4; i += 1) {
          yield [MQ_TIMEDRECEIVE, fd, BUFFER, 64, 0, 0];
          order.push(`got ${task.space.load32(BUFFER)}`);
        }
      });
      kernel.run(1e12);

      // Whoever waits goes on as soon as there is room, for it outranks the receiver.
      expect(order).toEqual(['one', 'two', 'high', 'got 1', 'low', 'got 2', 'got 4', 'got 3']);
    },
  );

  it('go straight to a waiting receiver, with two copies all the same', () => {
    const { kernel, start } = bench();
    const out: number[] = [];
    start(20, function* ({ task }) {
      const fd = yield [MQ_OPEN, PATH, O_RDWR | O_CREAT, 0o600, ATTR];
      out.push(yield [MQ_TIMEDRECEIVE, fd, BUFFER, 64, 0, 0], task.space.load32(BUFFER));
    });
    start(10, function* ({ task }) {
      const fd = yield [MQ_OPEN, PATH, O_WRONLY, 0, 0];
      task.space.store32(BUFFER, 77);
      const before = { ...kernel.counters };
      yield [MQ_TIMEDSEND, fd, BUFFER, 40, 0, 0];
      out.push(kernel.counters.copies - before.copies);
      out.push(kernel.counters.bytesCopied - before.bytesCopied);
      out.push(kernel.heap.allocatedBytes, kernel.heap.liveBytes);
    });
    kernel.run(1e12);

    expect(out).toEqual([40, 77, 2, 80, HEADER + 40, 0]);
  });

  it('of a preallocated queue need no memory when they are sent', () => {
    const { kernel, start } = bench('preallocated');
    const out: number[] = [];
    start(10, function* () {
      const fd = yield [MQ_OPEN, PATH, O_RDWR | O_CREAT, 0o600, ATTR];
      out.push(kernel.heap.allocatedBytes);
      for (let i = 0; i < 5; i += 1) {
        yield [MQ_TIMEDSEND, fd, BUFFER, 64, 0, 0];
        yield [MQ_TIMEDRECEIVE, fd, BUFFER, 64, 0, 0];
      }
      out.push(kernel.heap.allocatedBytes);
    });
    kernel.run(1e12);

    expect(out).toEqual([2 * (HEADER + 64), 2 * (HEADER + 64)]);
  });
});

describe('waiting', () => {
  it('is refused by O_NONBLOCK, which is all that can be set', () => {
    const out = results(function* ({ task }, seen) {
      const fd = yield [MQ_OPEN, PATH, O_RDWR | O_CREAT, 0o600, ATTR];
      task.space.store32(BUFFER, O_NONBLOCK);
      seen.push(yield [MQ_GETSETATTR, fd, BUFFER, BUFFER + 64]);
      seen.push(task.space.load32(BUFFER + 64), task.space.load32(BUFFER + 72));
      seen.push(yield [MQ_TIMEDRECEIVE, fd, BUFFER, 64, 0, 0]);
      yield [MQ_TIMEDSEND, fd, BUFFER, 64, 0, 0];
      yield [MQ_TIMEDSEND, fd, BUFFER, 64, 0, 0];
      seen.push(yield [MQ_TIMEDSEND, fd, BUFFER, 64, 0, 0]);
      task.space.store32(BUFFER, 1);
      seen.push(yield [MQ_GETSETATTR, fd, BUFFER, 0]);
    });

    expect(out).toEqual([0, 0, 2, -EAGAIN, -EAGAIN, -EINVAL]);
  });

  it('ends at an absolute time, and what was held is given back', () => {
    const { kernel, start } = bench();
    const out: number[] = [];
    start(10, function* ({ task }) {
      const fd = yield [MQ_OPEN, PATH, O_RDWR | O_CREAT, 0o600, ATTR];
      task.space.store32(TIME, 2);
      task.space.store32(TIME + 8, 500);
      out.push(yield [MQ_TIMEDRECEIVE, fd, BUFFER, 64, 0, TIME]);
      out.push(kernel.now() >= 2e9 + 500 && kernel.now() < 2e9 + 10_000 ? 1 : 0);
      out.push(yield [MQ_TIMEDRECEIVE, fd, BUFFER, 64, 0, TIME]);
      yield [MQ_TIMEDSEND, fd, BUFFER, 64, 0, 0];
      yield [MQ_TIMEDSEND, fd, BUFFER, 64, 0, 0];
      const full = kernel.heap.liveBytes;
      task.space.store32(TIME, 3);
      out.push(yield [MQ_TIMEDSEND, fd, BUFFER, 64, 0, TIME], kernel.heap.liveBytes - full);
      task.space.store32(TIME + 8, 1e9);
      out.push(yield [MQ_TIMEDSEND, fd, BUFFER, 64, 0, TIME]);
    });
    kernel.run(1e12);

    expect(out).toEqual([-ETIMEDOUT, 1, -ETIMEDOUT, -ETIMEDOUT, 0, -EINVAL]);
  });

  it('does not let a queue die under a thread that waits at it', () => {
    const { kernel } = bench('preallocated');
    const task = kernel.makeTask('two threads');
    prepare(task);
    const out: number[] = [];
    spawnGenerator(kernel, {
      task,
      priority: 20,
      *body() {
        const fd = yield [MQ_OPEN, PATH, O_RDWR | O_CREAT, 0o600, ATTR];
        task.space.store32(TIME, 1);
        out.push(yield [MQ_TIMEDRECEIVE, fd, BUFFER, 64, 0, TIME]);
        out.push(kernel.heap.liveBytes);
      },
    });
    spawnGenerator(kernel, {
      task,
      priority: 10,
      *body() {
        yield [MQ_CLOSE, 0];
        yield [MQ_UNLINK, PATH];
        out.push(kernel.heap.liveBytes);
      },
    });
    kernel.run(1e12);

    expect(out).toEqual([2 * (HEADER + 64), -ETIMEDOUT, 0]);
  });
});

describe('notification', () => {
  it('comes once, when an empty queue gets a message that nobody waits for', () => {
    const out = results(function* (_, seen) {
      const fd = yield [MQ_OPEN, PATH, O_RDWR | O_CREAT, 0o600, ATTR];
      seen.push(yield [MQ_NOTIFY, fd, 7], yield [MQ_NOTIFY, fd, 8]);
      yield [MQ_TIMEDSEND, fd, BUFFER, 1, 0, 0];
      seen.push(yield [SIGWAIT, 7]);
      // The registration is used up: another one may follow, and a message to a queue with content
      // tells nobody.
      seen.push(yield [MQ_NOTIFY, fd, 9]);
      yield [MQ_TIMEDSEND, fd, BUFFER, 1, 0, 0];
      seen.push(yield [MQ_NOTIFY, fd, 9], yield [MQ_NOTIFY, fd, 0], yield [MQ_NOTIFY, fd, 9]);
    });

    expect(out).toEqual([0, -EBUSY, 7, 0, -EBUSY, 0, 0]);
  });

  it('does not come when a receiver takes the message', () => {
    const { kernel, start } = bench();
    const out: number[] = [];
    start(20, function* () {
      const fd = yield [MQ_OPEN, PATH, O_RDWR | O_CREAT, 0o600, ATTR];
      yield [MQ_NOTIFY, fd, 7];
      out.push(yield [MQ_TIMEDRECEIVE, fd, BUFFER, 64, 0, 0]);
      out.push(yield [MQ_NOTIFY, fd, 7]);
    });
    start(10, function* () {
      const fd = yield [MQ_OPEN, PATH, O_WRONLY, 0, 0];
      yield [MQ_TIMEDSEND, fd, BUFFER, 3, 0, 0];
    });
    kernel.run(1e12);

    expect(out).toEqual([3, -EBUSY]);
  });
});
