/**
 * Channels, connections to them, and the paths under which servers are found: names of a process,
 * and names of all.
 */

import type { ModelKernel } from '../model-kernel.ts';
import type { ModelThread, Task } from '../model-thread.ts';
import {
  EBADF,
  EEXIST,
  EFAULT,
  EINVAL,
  ENOENT,
  ESRCH,
  NTO_CHF_FIXED_PRIORITY,
  NTO_CHF_UNBLOCK,
} from './abi.ts';
import { Channel } from './channel.ts';

const PATH_MAX = 255;

export class Connections {
  readonly #kernel: ModelKernel;
  readonly #onDestroyed: (channel: Channel) => void;
  /** By pid, then by chid and coid. */
  readonly #channels: (Channel | null)[][] = [];
  readonly #connections: (Channel | null)[][] = [];
  /** The path manager: one name space for all. */
  readonly #paths = new Map<string, Channel>();

  /** @param onDestroyed told to let go of whoever waits at the channel */
  constructor(kernel: ModelKernel, onDestroyed: (channel: Channel) => void) {
    this.#kernel = kernel;
    this.#onDestroyed = onDestroyed;
  }

  createChannel(thread: ModelThread): number {
    const flags = thread.argument(0);
    const table = (this.#channels[thread.task.pid] ??= [null]);
    const chid = table.length;
    table.push(
      new Channel({
        owner: thread.task,
        chid,
        priorities: (flags & NTO_CHF_FIXED_PRIORITY) === 0 ? 'floating' : 'fixed',
        unblocks: (flags & NTO_CHF_UNBLOCK) === 0 ? 'at once' : 'by pulse',
      }),
    );
    return chid;
  }

  /** A process's own channel. */
  channelOf(task: Task, chid: number): Channel | null {
    this.#kernel.counters.nameLookups += 1;
    return this.#channels[task.pid]?.[chid] ?? null;
  }

  /** What a connection leads to; null for none, and for one whose channel is gone. */
  lookup(task: Task, coid: number): Channel | null {
    this.#kernel.counters.nameLookups += 1;
    const channel = this.#connections[task.pid]?.[coid] ?? null;
    return channel === null || channel.isDestroyed ? null : channel;
  }

  destroyChannel(task: Task, chid: number): number {
    const channel = this.channelOf(task, chid);
    if (channel === null) return -EINVAL;
    (this.#channels[task.pid] as (Channel | null)[])[chid] = null;
    channel.isDestroyed = true;
    while (channel.firstPulse !== undefined) channel.dropFirstPulse(this.#kernel.heap);
    for (const [path, target] of this.#paths) if (target === channel) this.#paths.delete(path);
    this.#onDestroyed(channel);
    return 0;
  }

  attach(thread: ModelThread): number {
    if (thread.argument(0) !== 0) return -ESRCH;
    const channel = this.#channels[thread.argument(1)]?.[thread.argument(2)] ?? null;
    return channel === null ? -ESRCH : this.#connect(thread.task, channel);
  }

  detach(thread: ModelThread): number {
    if (this.lookup(thread.task, thread.argument(0)) === null) return -EBADF;
    (this.#connections[thread.task.pid] as (Channel | null)[])[thread.argument(0)] = null;
    return 0;
  }

  attachName(thread: ModelThread): number {
    const path = this.#readPath(thread);
    const channel = this.channelOf(thread.task, thread.argument(1));
    if (path === undefined) return -EFAULT;
    if (channel === null) return -EINVAL;
    if (this.#paths.has(path)) return -EEXIST;
    this.#paths.set(path, channel);
    return 0;
  }

  openName(thread: ModelThread): number {
    const path = this.#readPath(thread);
    if (path === undefined) return -EFAULT;
    const channel = this.#paths.get(path);
    return channel === undefined ? -ENOENT : this.#connect(thread.task, channel);
  }

  /** A process has ended. */
  closeAll(task: Task): void {
    this.#channels[task.pid]?.forEach((channel, chid) => {
      if (channel !== null) this.destroyChannel(task, chid);
    });
    this.#connections[task.pid] = [];
  }

  #connect(task: Task, channel: Channel): number {
    const table = (this.#connections[task.pid] ??= []);
    const free = table.indexOf(null);
    const coid = free < 0 ? table.length : free;
    table[coid] = channel;
    return coid;
  }

  #readPath(thread: ModelThread): string | undefined {
    this.#kernel.counters.pathLookups += 1;
    return this.#kernel.readPath(thread.task, thread.argument(0), PATH_MAX);
  }
}
