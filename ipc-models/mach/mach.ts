/**
 * Mach 3.0 ports, as XNU has them: messages are sent to ports by those who hold a right, and wait
 * in a queue of limited length for the one holder of the receive right.
 *
 * Not modelled: arrays of ports out of line, vouchers, audit trailers, urefs overflow, rights of
 * other tasks (task ports). Rights of a message that could not be sent go back to the sender,
 * perhaps under another name.
 */

import type { Model, ModelKernel } from '../model-kernel.ts';
import type { ModelThread, Task } from '../model-thread.ts';
import {
  HEADER_SIZE,
  KERN_INVALID_ARGUMENT,
  MACH_MSG,
  MACH_MSG_SUCCESS,
  MACH_RCV_IN_SET,
  MACH_RCV_INVALID_NAME,
  MACH_RCV_LARGE,
  MACH_RCV_MSG,
  MACH_RCV_PORT_DIED,
  MACH_RCV_TIMED_OUT,
  MACH_RCV_TIMEOUT,
  MACH_RCV_TOO_LARGE,
  MACH_SEND_INVALID_DEST,
  MACH_SEND_MSG,
  MACH_SEND_TIMED_OUT,
  MACH_SEND_TIMEOUT,
  TRAILER_BYTES,
} from './abi.ts';
import { copyInMessage, copyOutMessage } from './message.ts';
import type { Kmsg, Port, PortSet } from './port.ts';
import { PortSpace } from './port-space.ts';
import { Rights } from './rights.ts';
import { portCall } from './port-calls.ts';

const NS_PER_MS = 1e6;

export class Mach implements Model {
  readonly kernel: ModelKernel;
  readonly rights: Rights;
  /** By pid. */
  readonly #spaces: PortSpace[] = [];
  /** Messages of threads that wait for room in a queue, by thread id. */
  readonly #held: (Kmsg | null)[] = [];

  constructor(kernel: ModelKernel) {
    this.kernel = kernel;
    this.rights = new Rights(kernel, {
      deliver: (message) => this.deliver(message),
      abandonThreads: (port) => this.#abandonThreads(port),
      spaces: this.#spaces,
    });
    kernel.install(this);
  }

  spaceOf(task: Task): PortSpace {
    return (this.#spaces[task.pid] ??= new PortSpace(task, this.kernel.counters));
  }

  /**
   * Gives a task a send right to another one's port, as its parent does with the bootstrap port.
   * @returns the name
   */
  insertSendRight(owner: Task, name: number, target: Task): number {
    const entry = this.spaceOf(owner).lookup(name);
    const port = entry?.hasReceive === true ? entry.port : null;
    if (port === null) throw new RangeError(`${owner.name} has no receive right ${name}`);
    port.sendRights += 1;
    return this.spaceOf(target).copyOut(port, 'send');
  }

  systemCall(thread: ModelThread): void {
    if (thread.callNumber !== MACH_MSG) return portCall(this, thread);
    const option = thread.argument(1);
    if ((option & MACH_SEND_MSG) !== 0) this.#send(thread);
    else if ((option & MACH_RCV_MSG) !== 0) this.#receive(thread);
    else thread.answer(KERN_INVALID_ARGUMENT);
  }

  timedOut(thread: ModelThread): void {
    const held = this.#held[thread.id] ?? null;
    this.#held[thread.id] = null;
    if (held !== null) this.rights.giveBack(held, this.spaceOf(thread.task));
    this.#finish(thread, held === null ? MACH_RCV_TIMED_OUT : MACH_SEND_TIMED_OUT);
  }

  /** With its last thread a task loses all its rights. */
  ended(thread: ModelThread): void {
    const { task } = thread;
    const isLast = !this.kernel.threads.some(
      (other) => other.task === task && other.tcb.state !== 'inactive',
    );
    if (isLast) this.rights.destroyAll(this.spaceOf(task));
  }

  // --------------------------------------------------------------------------------------- sending

  #send(thread: ModelThread): void {
    const space = this.spaceOf(thread.task);
    const message = copyInMessage(this.kernel, thread, space, this.rights);
    if (typeof message === 'number') return thread.answer(message);
    const { port } = message.target;
    if (port.isDead) {
      this.rights.giveBack(message, space);
      return thread.answer(MACH_SEND_INVALID_DEST);
    }
    const isFull = port.count >= port.limit && message.target.right !== 'sendOnce';
    if (!isFull || hasReceiver(port)) {
      this.deliver(message);
      return this.#sent(thread);
    }
    this.#waitForRoom(thread, message);
  }

  #waitForRoom(thread: ModelThread, message: Kmsg): void {
    const timeoutMs = thread.argument(5);
    const hasTimeout = (thread.argument(1) & MACH_SEND_TIMEOUT) !== 0;
    if (hasTimeout && timeoutMs === 0) {
      this.rights.giveBack(message, this.spaceOf(thread.task));
      return thread.answer(MACH_SEND_TIMED_OUT);
    }
    this.#held[thread.id] = message;
    this.kernel.block(thread, 'blockedOnSend', message.target.port.senders);
    if (hasTimeout) {
      this.kernel.setTimeout(thread, this.kernel.now() + timeoutMs * NS_PER_MS);
    }
  }

  /** The message is delivered or in the queue: on to receiving, if that was asked for too. */
  #sent(thread: ModelThread): void {
    if ((thread.argument(1) & MACH_RCV_MSG) !== 0) return this.#receive(thread);
    this.#finish(thread, MACH_MSG_SUCCESS);
  }

  /** To a thread that waits for it, or into the queue. */
  deliver(message: Kmsg): void {
    const { port } = message.target;
    const receiver = port.receivers.head ?? port.set?.receivers.head ?? null;
    if (receiver === null) {
      port.append(message);
      return;
    }
    if (!fits(receiver, message) && (receiver.argument(1) & MACH_RCV_LARGE) !== 0) {
      port.append(message);
      this.#finish(receiver, this.#tooLarge(receiver, message));
      return;
    }
    this.#handOver(receiver, message);
  }

  // ------------------------------------------------------------------------------------- receiving

  #receive(thread: ModelThread): void {
    const entry = this.spaceOf(thread.task).lookup(thread.argument(4));
    const set = entry?.set ?? null;
    if (set !== null) return this.#receiveFromSet(thread, set);
    if (entry === null || !entry.hasReceive) return this.#finish(thread, MACH_RCV_INVALID_NAME);
    const port = entry.port as Port;
    if (port.set !== null) return this.#finish(thread, MACH_RCV_IN_SET);
    if (port.first !== null) return this.#takeFrom(thread, port);
    this.#waitForMessage(thread, port);
  }

  #receiveFromSet(thread: ModelThread, set: PortSet): void {
    const ready = set.members.findIndex((port) => port.first !== null);
    const port = set.members[ready];
    if (port === undefined) return this.#waitForMessage(thread, set);
    // The next one to be looked at first is the one behind it: no member starves another.
    set.members.push(...set.members.splice(0, ready + 1));
    this.#takeFrom(thread, port);
  }

  #waitForMessage(thread: ModelThread, place: Port | PortSet): void {
    const timeoutMs = thread.argument(5);
    const hasTimeout = (thread.argument(1) & MACH_RCV_TIMEOUT) !== 0;
    if (hasTimeout && timeoutMs === 0) return this.#finish(thread, MACH_RCV_TIMED_OUT);
    this.kernel.block(thread, 'blockedOnReceive', place.receivers);
    if (hasTimeout) {
      this.kernel.setTimeout(thread, this.kernel.now() + timeoutMs * NS_PER_MS);
    }
  }

  #takeFrom(thread: ModelThread, port: Port): void {
    const first = port.first as Kmsg;
    if (!fits(thread, first) && (thread.argument(1) & MACH_RCV_LARGE) !== 0) {
      return this.#finish(thread, this.#tooLarge(thread, first));
    }
    const message = port.take() as Kmsg;
    this.#admitSender(port);
    this.#handOver(thread, message);
  }

  #handOver(thread: ModelThread, message: Kmsg): void {
    const space = this.spaceOf(thread.task);
    if (!fits(thread, message)) {
      const code = this.#tooLarge(thread, message);
      this.rights.destroyReceived(message);
      return this.#finish(thread, code);
    }
    const code = copyOutMessage(this.kernel, thread, space, message);
    this.rights.useUp(message.target);
    this.#finish(thread, code);
  }

  /** Tells the size that would have been needed. */
  #tooLarge(thread: ModelThread, message: Kmsg): number {
    const at = thread.task.space.locateWordForWriting(thread.argument(0) + HEADER_SIZE);
    if (at >= 0) this.kernel.frames.ram.u32[at >> 2] = message.sizeBytes;
    return MACH_RCV_TOO_LARGE;
  }

  /** There is room for one message: whoever has waited longest goes on. */
  #admitSender(port: Port): void {
    const sender = port.count < port.limit ? port.senders.take() : null;
    if (sender === null) return;
    const message = this.#held[sender.id] as Kmsg;
    this.#held[sender.id] = null;
    port.append(message);
    sender.timeoutAtNs = Infinity;
    this.#sent(sender);
  }

  /** The port is dead: nobody can send to it or receive from it any more. */
  #abandonThreads(port: Port): void {
    for (let one = port.senders.take(); one !== null; one = port.senders.take()) {
      this.rights.giveBack(this.#held[one.id] as Kmsg, this.spaceOf(one.task));
      this.#held[one.id] = null;
      this.#finish(one, MACH_SEND_INVALID_DEST);
    }
    for (let one = port.receivers.take(); one !== null; one = port.receivers.take()) {
      this.#finish(one, MACH_RCV_PORT_DIED);
    }
  }

  /** Answers a thread that runs, or one that waits, which goes on. */
  #finish(thread: ModelThread, code: number): void {
    thread.answer(code);
    if (thread.tcb.state !== 'running') this.kernel.wake(thread);
  }
}

function hasReceiver(port: Port): boolean {
  return port.receivers.head !== null || (port.set !== null && port.set.receivers.head !== null);
}

function fits(thread: ModelThread, message: Kmsg): boolean {
  return thread.argument(3) >= message.sizeBytes + TRAILER_BYTES;
}
