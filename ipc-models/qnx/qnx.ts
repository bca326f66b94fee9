/**
 * QNX Neutrino's message passing: MsgSend blocks until the server has received and replied, the
 * bytes go straight from the client's buffers to the server's and back, the server runs at its
 * client's priority. Pulses are the messages that wait in the kernel.
 *
 * Not modelled: other nodes than 0, signals, credentials, priority inheritance through chains of
 * servers, pulses that are joined, shared memory objects.
 */

import type { BlockedState, Model, ModelKernel } from '../model-kernel.ts';
import type { ModelThread } from '../model-thread.ts';
import {
  CHANNEL_CREATE,
  CHANNEL_DESTROY,
  CONNECT_ATTACH,
  CONNECT_DETACH,
  EAGAIN,
  EBADF,
  EFAULT,
  EINVAL,
  ENOSYS,
  ESRCH,
  ETIMEDOUT,
  INFO_MSGLEN,
  INFO_PID,
  INFO_PRIORITY,
  INFO_SRCMSGLEN,
  MSG_ERROR,
  MSG_READ,
  MSG_RECEIVE,
  MSG_REPLY,
  MSG_SEND,
  MSG_SEND_PULSE,
  MSG_WRITE,
  NAME_ATTACH,
  NAME_OPEN,
  OWN_PRIORITY,
  PULSE_BYTES,
  PULSE_CODE,
  PULSE_CODE_UNBLOCK,
  PULSE_SCOID,
  PULSE_VALUE,
  STATE_RECEIVE,
  STATE_REPLY,
  STATE_SEND,
  TIMER_TIMEOUT,
} from './abi.ts';
import type { Channel, Pulse, Received } from './channel.ts';
import { Connections } from './connections.ts';
import { copyIov, iovBytes, type IovList, SOURCE_FAULT, TARGET_FAULT } from './iov.ts';

export class Qnx implements Model {
  readonly #kernel: ModelKernel;
  readonly #connections: Connections;
  /** By rcvid, which is the id of the client's thread. */
  readonly #received: (Received | null)[] = [];
  /** Priorities that threads have of their own, and limits to their waits; by thread id. */
  readonly #ownPriority: number[] = [];
  readonly #nextTimeoutStates: number[] = [];
  readonly #timeoutStates: number[] = [];
  readonly #timeoutNs: number[] = [];

  constructor(kernel: ModelKernel) {
    this.#kernel = kernel;
    this.#connections = new Connections(kernel, (channel) => this.#abandonClients(channel));
    kernel.install(this);
  }

  systemCall(thread: ModelThread): void {
    this.#ownPriority[thread.id] ??= thread.tcb.priority;
    if (thread.callNumber === TIMER_TIMEOUT) {
      this.#nextTimeoutStates[thread.id] = thread.argument(0);
      this.#timeoutNs[thread.id] = thread.argument(1);
      return thread.answer(0);
    }
    // The limit is for one call.
    this.#timeoutStates[thread.id] = this.#nextTimeoutStates[thread.id] ?? 0;
    this.#nextTimeoutStates[thread.id] = 0;
    this.#dispatch(thread);
  }

  #dispatch(thread: ModelThread): void {
    switch (thread.callNumber) {
      case MSG_SEND:
        return this.#send(thread);
      case MSG_RECEIVE:
        return this.#receive(thread);
      case MSG_REPLY:
        return thread.answer(this.#reply(thread));
      case MSG_ERROR:
        return thread.answer(this.#replyError(thread));
      case MSG_READ:
      case MSG_WRITE:
        return thread.answer(this.#readOrWrite(thread));
      case MSG_SEND_PULSE:
        return thread.answer(this.#sendPulse(thread));
      case CHANNEL_CREATE:
        return thread.answer(this.#connections.createChannel(thread));
      case CHANNEL_DESTROY:
        return thread.answer(this.#connections.destroyChannel(thread.task, thread.argument(0)));
      case CONNECT_ATTACH:
        return thread.answer(this.#connections.attach(thread));
      case CONNECT_DETACH:
        return thread.answer(this.#connections.detach(thread));
      case NAME_ATTACH:
        return thread.answer(this.#connections.attachName(thread));
      case NAME_OPEN:
        return thread.answer(this.#connections.openName(thread));
      default:
        return thread.answer(-ENOSYS);
    }
  }

  timedOut(thread: ModelThread): void {
    const received = this.#received[thread.id] ?? null;
    if (thread.tcb.state === 'blockedOnReply' && received !== null) {
      const { channel } = received;
      // The server is asked to let the client go: it may be in the middle of its work for it.
      const priority = thread.tcb.priority;
      const pulse = { priority, code: PULSE_CODE_UNBLOCK, value: thread.id, scoid: 0 };
      if (channel.unblocks === 'by pulse' && this.#deliverPulse(channel, pulse)) return;
      this.#received[thread.id] = null;
    }
    this.#answer(thread, -ETIMEDOUT);
  }

  ended(thread: ModelThread): void {
    const { task } = thread;
    const isLast = !this.#kernel.threads.some(
      (other) => other.task === task && other.tcb.state !== 'inactive',
    );
    if (isLast) this.#connections.closeAll(task);
  }

  // -------------------------------------------------------------------------------------- messages

  #send(client: ModelThread): void {
    const channel = this.#connections.lookup(client.task, client.argument(0));
    if (channel === null) return client.answer(-EBADF);
    if (iovBytes(this.#kernel, sendList(client)) < 0) return client.answer(-EFAULT);
    const server = channel.receivers.take();
    if (server !== null) {
      this.#handOver(client, server, channel);
      return;
    }
    this.#block(client, 'blockedOnSend', channel);
    if (channel.priorities === 'fixed') return;
    for (const one of channel.serving) this.#raise(one, client.tcb.priority);
  }

  #receive(server: ModelThread): void {
    const channel = this.#connections.channelOf(server.task, server.argument(0));
    if (channel === null) return server.answer(-ESRCH);
    const at = channel.serving.indexOf(server);
    if (at >= 0) channel.serving.splice(at, 1);
    const pulse = channel.firstPulse;
    const client = channel.senders.head;
    if (pulse !== undefined && pulse.priority >= (client?.tcb.priority ?? 0)) {
      channel.dropFirstPulse(this.#kernel.heap);
      return this.#handOverPulse(server, channel, pulse);
    }
    if (client !== null) {
      channel.senders.remove(client);
      client.timeoutAtNs = Infinity;
      return this.#handOver(client, server, channel);
    }
    this.#kernel.setPriority(server, this.#ownPriority[server.id] as number);
    this.#block(server, 'blockedOnReceive', channel);
  }

  /** The message goes to a server that waits or has just asked; the client waits for the reply. */
  #handOver(client: ModelThread, server: ModelThread, channel: Channel): void {
    const copied = copyIov(this.#kernel, sendList(client), receiveList(server));
    if (copied === SOURCE_FAULT) return this.#refuseClient(client, server, channel);
    if (copied === TARGET_FAULT) return this.#refuseServer(client, server, channel);
    this.#received[client.id] = { client, channel };
    channel.serving.push(server);
    this.#inform(server, client, copied);
    if (channel.priorities === 'floating') {
      this.#kernel.setPriority(server, client.tcb.priority);
    }
    this.#answer(server, client.id, copied);
    this.#block(client, 'blockedOnReply', null);
  }

  /** The client's buffers are not there: the server has noticed nothing. */
  #refuseClient(client: ModelThread, server: ModelThread, channel: Channel): void {
    this.#answer(client, -EFAULT);
    if (server.tcb.state === 'running') this.#receive(server);
    else channel.receivers.enqueue(server);
  }

  #refuseServer(client: ModelThread, server: ModelThread, channel: Channel): void {
    this.#answer(server, -EFAULT);
    if (client.tcb.state === 'running') this.#block(client, 'blockedOnSend', channel);
    else channel.senders.enqueue(client);
  }

  #inform(server: ModelThread, client: ModelThread, copied: number): void {
    const at = server.argument(3);
    if (at === 0) return;
    const { space } = server.task;
    const put = (field: number, value: number): void => {
      const place = space.locateWordForWriting(at + field);
      if (place >= 0) this.#kernel.frames.ram.u32[place >> 2] = value;
    };
    put(INFO_PID, client.task.pid);
    put(INFO_PRIORITY, client.tcb.priority);
    put(INFO_MSGLEN, copied);
    put(INFO_SRCMSGLEN, iovBytes(this.#kernel, sendList(client)));
  }

  #lookupClient(server: ModelThread): Received | null {
    this.#kernel.counters.nameLookups += 1;
    const received = this.#received[server.argument(0)] ?? null;
    return received !== null && received.channel.owner === server.task ? received : null;
  }

  #reply(server: ModelThread): number {
    const received = this.#lookupClient(server);
    if (received === null) return -ESRCH;
    const { client } = received;
    const from = {
      task: server.task,
      at: server.argument(2),
      parts: server.argument(3),
      offset: 0,
    };
    const copied = copyIov(this.#kernel, from, replyList(client, 0));
    if (copied === SOURCE_FAULT) return -EFAULT;
    this.#release(client, copied === TARGET_FAULT ? -EFAULT : server.argument(1));
    return 0;
  }

  #replyError(server: ModelThread): number {
    const received = this.#lookupClient(server);
    if (received === null) return -ESRCH;
    this.#release(received.client, -server.argument(1));
    return 0;
  }

  #release(client: ModelThread, status: number): void {
    this.#received[client.id] = null;
    this.#answer(client, status);
  }

  /** More of a client's message, or a part of its reply, while it waits. @returns bytes */
  #readOrWrite(server: ModelThread): number {
    const received = this.#lookupClient(server);
    if (received === null) return -ESRCH;
    const own = { task: server.task, at: server.argument(1), parts: server.argument(2), offset: 0 };
    const offset = server.argument(3);
    const copied =
      server.callNumber === MSG_READ
        ? copyIov(this.#kernel, { ...sendList(received.client), offset }, own)
        : copyIov(this.#kernel, own, replyList(received.client, offset));
    return copied < 0 ? -EFAULT : copied;
  }

  // ---------------------------------------------------------------------------------------- pulses

  #sendPulse(thread: ModelThread): number {
    const coid = thread.argument(0);
    const channel = this.#connections.lookup(thread.task, coid);
    if (channel === null) return -EBADF;
    const wanted = thread.argument(1);
    const priority = wanted === OWN_PRIORITY ? thread.tcb.priority : wanted;
    const code = (thread.argument(2) << 24) >> 24;
    // Negative codes are the kernel's.
    if (priority > 255 || code < 0) return -EINVAL;
    const pulse = { priority, code, value: thread.argument(3), scoid: coid };
    return this.#deliverPulse(channel, pulse) ? 0 : -EAGAIN;
  }

  /** To a thread that waits, or into the queue. @returns whether there was memory for it */
  #deliverPulse(channel: Channel, pulse: Omit<Pulse, 'at'>): boolean {
    const server = channel.receivers.head;
    if (server === null) return channel.addPulse(this.#kernel.heap, pulse);
    channel.receivers.remove(server);
    this.#handOverPulse(server, channel, pulse);
    return true;
  }

  #handOverPulse(server: ModelThread, channel: Channel, pulse: Omit<Pulse, 'at'>): void {
    const list = receiveList(server);
    const buffer = server.task.space.locateWord(list.at);
    const { ram } = this.#kernel.frames;
    const base = buffer < 0 || list.parts === 0 ? 0 : (ram.u32[buffer >> 2] as number);
    const at = server.task.space.locateWordForWriting(base);
    const isThere = at >= 0 && iovBytes(this.#kernel, list) >= PULSE_BYTES;
    if (
      isThere &&
      server.task.space.locateWordForWriting(base + PULSE_SCOID) === at + PULSE_SCOID
    ) {
      ram.fill(at, 0, PULSE_BYTES);
      ram.u8[at + PULSE_CODE] = pulse.code;
      ram.u32[(at + PULSE_VALUE) >> 2] = pulse.value;
      ram.u32[(at + PULSE_SCOID) >> 2] = pulse.scoid;
    } else {
      return this.#answer(server, -EFAULT);
    }
    channel.serving.push(server);
    if (channel.priorities === 'floating') this.#kernel.setPriority(server, pulse.priority);
    this.#answer(server, 0);
  }

  // --------------------------------------------------------------------------------------- waiting

  #block(thread: ModelThread, state: BlockedState, channel: Channel | null): void {
    const queue = state === 'blockedOnSend' ? channel?.senders : channel?.receivers;
    this.#kernel.block(thread, state, queue ?? null);
    const states = this.#timeoutStates[thread.id] ?? 0;
    if ((states & STATE_BIT[state]) === 0) return;
    const limit = this.#kernel.now() + (this.#timeoutNs[thread.id] as number);
    this.#kernel.setTimeout(thread, limit);
  }

  #raise(server: ModelThread, priority: number): void {
    if (server.tcb.priority < priority) this.#kernel.setPriority(server, priority);
  }

  #answer(thread: ModelThread, value: number, second = 0): void {
    thread.answer(value, second);
    if (thread.tcb.state !== 'running') this.#kernel.wake(thread);
  }

  /** The channel is gone: its clients will not be served. */
  #abandonClients(channel: Channel): void {
    for (let one = channel.senders.take(); one !== null; one = channel.senders.take()) {
      this.#answer(one, -ESRCH);
    }
    for (const received of this.#received) {
      if (received?.channel === channel) this.#release(received.client, -ESRCH);
    }
    for (let one = channel.receivers.take(); one !== null; one = channel.receivers.take()) {
      this.#answer(one, -ESRCH);
    }
  }
}

const STATE_BIT: Readonly<Record<BlockedState, number>> = {
  blockedOnSend: STATE_SEND,
  blockedOnReply: STATE_REPLY,
  blockedOnReceive: STATE_RECEIVE,
};

// What the registers of a thread that waits still say.

function sendList(client: ModelThread): IovList {
  return { task: client.task, at: client.argument(1), parts: client.argument(2), offset: 0 };
}

function replyList(client: ModelThread, offset: number): IovList {
  return { task: client.task, at: client.argument(3), parts: client.argument(4), offset };
}

function receiveList(server: ModelThread): IovList {
  return { task: server.task, at: server.argument(1), parts: server.argument(2), offset: 0 };
}
