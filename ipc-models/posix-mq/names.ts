/**
 * The names of message queues: one table for the whole system, with the limits that a system has.
 */

import type { ModelKernel } from '../model-kernel.ts';
import type { ModelThread, Task } from '../model-thread.ts';
import {
  ATTR_MAXMSG,
  ATTR_MSGSIZE,
  EACCES,
  EEXIST,
  EFAULT,
  EINVAL,
  EMFILE,
  ENAMETOOLONG,
  ENOENT,
  ENOSPC,
  MSG_MAX,
  MSGSIZE_MAX,
  NAME_MAX,
  O_CREAT,
  O_EXCL,
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
  QUEUES_MAX,
  RLIMIT_MSGQUEUE,
} from './abi.ts';
import { type Allocation, type Descriptor, MessageQueue } from './queue.ts';

const PATH_MAX = 4096;
const MODE_READ = 4;
const MODE_WRITE = 2;
/** Access mode: O_RDONLY, O_WRONLY or O_RDWR. */
const O_ACCMODE = 3;

export class QueueNames {
  readonly #kernel: ModelKernel;
  readonly #allocation: Allocation;
  readonly #byName = new Map<string, MessageQueue>();
  /** Bytes that the queues of a user may hold, by uid. */
  readonly #charged = new Map<number, number>();

  constructor(kernel: ModelKernel, allocation: Allocation) {
    this.#kernel = kernel;
    this.#allocation = allocation;
  }

  /**
   * MQ_OPEN.
   * @returns the open queue, or an error. The only place where permissions are checked.
   */
  open(thread: ModelThread): Descriptor | number {
    const flags = thread.argument(1);
    const name = this.#readName(thread.task, thread.argument(0));
    if (typeof name === 'number') return name;
    const access = flags & O_ACCMODE;
    if (access === O_ACCMODE) return -EINVAL;
    const existing = this.#byName.get(name);
    const queue = existing ?? this.#create(thread, name);
    if (typeof queue === 'number') return queue;
    const canRead = access !== O_WRONLY;
    const canWrite = access !== O_RDONLY;
    if (existing !== undefined) {
      if ((flags & O_CREAT) !== 0 && (flags & O_EXCL) !== 0) return -EEXIST;
      if (!mayOpen(existing, thread.task.uid, canRead, canWrite)) return -EACCES;
    }
    queue.references += 1;
    return { queue, canRead, canWrite, isNonblocking: (flags & O_NONBLOCK) !== 0 };
  }

  /** MQ_UNLINK: the name goes at once, the queue with its last descriptor. */
  unlink(task: Task, pathAt: number): number {
    const name = this.#readName(task, pathAt);
    if (typeof name === 'number') return name;
    const queue = this.#byName.get(name);
    if (queue === undefined) return -ENOENT;
    if (task.uid !== 0 && task.uid !== queue.ownerUid) return -EACCES;
    this.#byName.delete(name);
    queue.hasName = false;
    this.#destroyIfUnused(queue);
    return 0;
  }

  /** A descriptor of the queue has been closed. */
  release(queue: MessageQueue): void {
    queue.references -= 1;
    this.#destroyIfUnused(queue);
  }

  #destroyIfUnused(queue: MessageQueue): void {
    if (queue.hasName || queue.references > 0) return;
    queue.destroy();
    this.#charge(queue.ownerUid, -queue.chargedBytes);
  }

  #create(thread: ModelThread, name: string): MessageQueue | number {
    if ((thread.argument(1) & O_CREAT) === 0) return -ENOENT;
    const attributesAt = thread.argument(3);
    const { space, uid } = thread.task;
    const word = (vaddr: number): number => {
      const at = space.locateWord(vaddr);
      return at < 0 ? -1 : (this.#kernel.frames.ram.i32[at >> 2] as number);
    };
    const maxMessages = attributesAt === 0 ? MSG_MAX : word(attributesAt + ATTR_MAXMSG);
    const messageBytes = attributesAt === 0 ? MSGSIZE_MAX : word(attributesAt + ATTR_MSGSIZE);
    if (maxMessages <= 0 || maxMessages > MSG_MAX) return -EINVAL;
    if (messageBytes <= 0 || messageBytes > MSGSIZE_MAX) return -EINVAL;
    if (this.#byName.size >= QUEUES_MAX) return -ENOSPC;
    const queue = new MessageQueue(this.#kernel.heap, {
      name,
      mode: thread.argument(2),
      ownerUid: uid,
      maxMessages,
      messageBytes,
      allocation: this.#allocation,
    });
    if ((this.#charged.get(uid) ?? 0) + queue.chargedBytes > RLIMIT_MSGQUEUE) {
      queue.destroy();
      return -EMFILE;
    }
    this.#charge(uid, queue.chargedBytes);
    this.#byName.set(name, queue);
    return queue;
  }

  #charge(uid: number, bytes: number): void {
    this.#charged.set(uid, (this.#charged.get(uid) ?? 0) + bytes);
  }

  /** @returns the name of a path `/name` in the task's memory, or an error */
  #readName(task: Task, pathAt: number): string | number {
    this.#kernel.counters.pathLookups += 1;
    const path = this.#kernel.readPath(task, pathAt, PATH_MAX);
    return path === undefined ? -EFAULT : checkName(path);
  }
}

function checkName(path: string): string | number {
  if (!path.startsWith('/') || path.length === 1) return -EINVAL;
  if (path.length > NAME_MAX) return -ENAMETOOLONG;
  return path.includes('/', 1) ? -EACCES : path;
}

function mayOpen(queue: MessageQueue, uid: number, canRead: boolean, canWrite: boolean): boolean {
  if (uid === 0) return true;
  const bits = uid === queue.ownerUid ? queue.mode >> 6 : queue.mode;
  const needed = (canRead ? MODE_READ : 0) | (canWrite ? MODE_WRITE : 0);
  return (bits & needed) === needed;
}
