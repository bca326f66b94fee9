/**
 * The end of rights: used up by a message, dropped, or dead with their port; and the notifications
 * that tell of it.
 */

import { pageOf, READ_WRITE } from '../address-space.ts';
import type { ModelKernel } from '../model-kernel.ts';
import { MACH_NOTIFY_DEAD_NAME, MACH_NOTIFY_NO_SENDERS, MACH_NOTIFY_SEND_ONCE } from './abi.ts';
import { kmsgBytes, makeNotification } from './message.ts';
import { dropMemory, type OutOfLine } from './out-of-line.ts';
import type { CarriedRight, Kmsg, Port, Right } from './port.ts';
import type { PortSpace } from './port-space.ts';

/** What the rights need of the rest of the kernel. */
export interface RightsSurroundings {
  readonly deliver: (message: Kmsg) => void;
  readonly abandonThreads: (port: Port) => void;
  /** By pid. */
  readonly spaces: readonly (PortSpace | undefined)[];
}

export class Rights {
  readonly #kernel: ModelKernel;
  readonly #around: RightsSurroundings;

  constructor(kernel: ModelKernel, surroundings: RightsSurroundings) {
    this.#kernel = kernel;
    this.#around = surroundings;
  }

  /** A right has served its message. */
  useUp({ port, right }: CarriedRight): void {
    if (right === 'sendOnce') port.sendOnceRights -= 1;
    else this.#dropSend(port);
  }

  /** A right goes away unused: the holder of the port hears of a reply that will not come. */
  drop(port: Port, right: Right): void {
    if (port.isDead) return;
    if (right === 'receive') return this.destroyPort(port);
    if (right === 'send') return this.#dropSend(port);
    this.#notify(port, MACH_NOTIFY_SEND_ONCE, 0);
  }

  #dropSend(port: Port): void {
    port.sendRights -= 1;
    const listener = port.noSenders;
    if (port.sendRights > 0 || listener === null) return;
    port.noSenders = null;
    this.#notify(listener, MACH_NOTIFY_NO_SENDERS, port.receiverName);
  }

  /** A send-once right of the kernel's own is used for it. */
  #notify(port: Port, id: number, value: number): void {
    if (port.isDead) return;
    const message = makeNotification(this.#kernel, port, { id, value });
    if (message !== null) this.#around.deliver(message);
  }

  /** The receive right is gone: messages die, senders fail, names become dead names. */
  destroyPort(port: Port): void {
    port.isDead = true;
    if (port.set !== null) port.set.members.splice(port.set.members.indexOf(port), 1);
    port.set = null;
    for (let left = port.take(); left !== null; left = port.take()) this.destroyMessage(left);
    const listeners = port.deadNames.filter(({ task, name }) =>
      this.#around.spaces[task.pid]?.holds(name, port),
    );
    for (const space of this.#around.spaces) space?.onDeath(port);
    this.#around.abandonThreads(port);
    for (const request of listeners) {
      this.#notify(request.notify, MACH_NOTIFY_DEAD_NAME, request.name);
    }
  }

  /** A message that nobody will receive. */
  destroyMessage(message: Kmsg): void {
    this.drop(message.target.port, message.target.right);
    this.#destroyContents(message);
  }

  /** A message that its receiver had no room for. */
  destroyReceived(message: Kmsg): void {
    this.useUp(message.target);
    this.#destroyContents(message);
  }

  #destroyContents(message: Kmsg): void {
    if (message.reply !== null) this.drop(message.reply.port, message.reply.right);
    for (const item of message.items) {
      if (item.kind === 'right') this.drop(item.carried.port, item.carried.right);
      else dropMemory(this.#kernel, item.memory);
    }
    this.#kernel.heap.free(message.at, kmsgBytes(message.sizeBytes));
  }

  /** A message that could not be sent: its sender has its rights and its memory again. */
  giveBack(message: Kmsg, space: PortSpace): void {
    this.#returnRight(message.target, space);
    if (message.reply !== null) this.#returnRight(message.reply, space);
    for (const item of message.items) {
      if (item.kind === 'right') this.#returnRight(item.carried, space);
      else this.#returnMemory(item.memory, space);
    }
    this.#kernel.heap.free(message.at, kmsgBytes(message.sizeBytes));
  }

  #returnRight(carried: CarriedRight, space: PortSpace): void {
    const { port, right, isMoved } = carried;
    if (port.isDead) return;
    if (isMoved) space.copyOut(port, right);
    else this.useUp(carried);
  }

  #returnMemory(memory: OutOfLine, space: PortSpace): void {
    if (memory.kind === 'virtual' && memory.isMoved) {
      const vaddr = space.task.space.findFree(memory.sizeBytes);
      memory.frames.forEach((frame, i) => {
        this.#kernel.frames.share(frame);
        space.task.space.mapPage(pageOf(vaddr) + i, frame, READ_WRITE);
      });
    }
    dropMemory(this.#kernel, memory);
  }

  /** Everything under a name. @returns whether there was anything */
  destroyName(space: PortSpace, name: number): boolean {
    const entry = space.lookup(name);
    if (entry === null) return false;
    const { port, set } = entry;
    const { hasReceive, sendRefs, sendOnceRefs } = entry;
    space.remove(name);
    if (set !== null) for (const member of set.members.splice(0)) member.set = null;
    if (port === null) return true;
    if (sendRefs > 0) this.drop(port, 'send');
    if (sendOnceRefs > 0) this.drop(port, 'sendOnce');
    if (hasReceive) this.destroyPort(port);
    return true;
  }

  destroyAll(space: PortSpace): void {
    for (const name of space.names()) this.destroyName(space, name);
  }
}
