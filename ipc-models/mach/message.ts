/**
 * Messages on their way through the kernel. Copied in: names become references to ports, memory out
 * of line is detached. Copied out: ports become names of the receiver, memory is mapped where there
 * is room.
 */

import type { Ram } from '../../memory/ram.ts';
import type { ModelKernel } from '../model-kernel.ts';
import type { ModelThread, Task } from '../model-thread.ts';
import {
  BITS_COMPLEX,
  BODY_BYTES,
  DESCRIPTOR_TYPE,
  HEADER_BITS,
  HEADER_BYTES,
  HEADER_ID,
  HEADER_LOCAL,
  HEADER_REMOTE,
  HEADER_SIZE,
  KMSG_HEADER_BYTES,
  MACH_MSG_SUCCESS,
  MACH_MSG_VIRTUAL_COPY,
  MACH_RCV_INVALID_DATA,
  MACH_SEND_INVALID_DATA,
  MACH_SEND_INVALID_DEST,
  MACH_SEND_INVALID_MEMORY,
  MACH_SEND_INVALID_REPLY,
  MACH_SEND_INVALID_RIGHT,
  MACH_SEND_MSG_TOO_SMALL,
  MACH_SEND_NO_BUFFER,
  MOVE_RECEIVE,
  OOL_COPY,
  OOL_DEALLOCATE,
  OOL_DESCRIPTOR,
  OOL_DESCRIPTOR_BYTES,
  OOL_SIZE,
  PORT_DESCRIPTOR,
  PORT_DESCRIPTOR_BYTES,
  PORT_DISPOSITION,
  TRAILER_BYTES,
} from './abi.ts';
import { copyInMemory, copyOutMemory } from './out-of-line.ts';
import type { CarriedItem, Kmsg, Port, Right } from './port.ts';
import type { PortSpace } from './port-space.ts';

const INLINE_BYTES_MAX = 512 * 1024;
const DISPOSITION_MASK = 0x1f;
const NO_ITEMS: readonly CarriedItem[] = [];

/** Kernel memory of a message of this size. */
export function kmsgBytes(sizeBytes: number): number {
  return KMSG_HEADER_BYTES + sizeBytes + TRAILER_BYTES;
}

/** Who takes the rights and the memory of a message that is not sent. */
export interface RefusedMessages {
  giveBack(message: Kmsg, space: PortSpace): void;
}

/**
 * Copies a message in.
 *
 * @param refused gets what had been taken in when the message turned out to be wrong
 * @returns the message, or why it was refused
 */
export function copyInMessage(
  kernel: ModelKernel,
  thread: ModelThread,
  space: PortSpace,
  refused: RefusedMessages,
): Kmsg | number {
  const sizeBytes = thread.argument(2);
  if (sizeBytes < HEADER_BYTES || sizeBytes % 4 !== 0) return MACH_SEND_MSG_TOO_SMALL;
  if (sizeBytes > INLINE_BYTES_MAX) return MACH_SEND_NO_BUFFER;
  const at = kernel.heap.allocate(kmsgBytes(sizeBytes));
  if (at === 0) return MACH_SEND_NO_BUFFER;
  const message = copyInHeader(kernel, thread, space, at);
  if (typeof message === 'number') {
    kernel.heap.free(at, kmsgBytes(sizeBytes));
    return message;
  }
  const { ram } = kernel.frames;
  const hasReplyName = word(ram, at + KMSG_HEADER_BYTES + HEADER_LOCAL) !== 0;
  const error =
    hasReplyName && message.reply === null
      ? MACH_SEND_INVALID_REPLY
      : copyInDescriptors(kernel, thread.task, space, message);
  if (error === MACH_MSG_SUCCESS) return message;
  refused.giveBack(message, space);
  return error;
}

/** The bytes, and the two rights that the header names. */
function copyInHeader(
  kernel: ModelKernel,
  thread: ModelThread,
  space: PortSpace,
  at: number,
): Kmsg | number {
  const sizeBytes = thread.argument(2);
  const body = at + KMSG_HEADER_BYTES;
  if (!thread.task.space.copyIn(thread.argument(0), body, sizeBytes)) {
    return MACH_SEND_INVALID_DATA;
  }
  kernel.counters.copies += 1;
  kernel.counters.bytesCopied += sizeBytes;
  const { ram } = kernel.frames;
  const bits = ram.u32[(body + HEADER_BITS) >> 2] as number;
  const targetAs = bits & DISPOSITION_MASK;
  const replyAs = (bits >>> 8) & DISPOSITION_MASK;
  // A receive right is none to send with. It must not have left the sender when this is refused.
  if (targetAs === MOVE_RECEIVE) return MACH_SEND_INVALID_DEST;
  if (replyAs === MOVE_RECEIVE) return MACH_SEND_INVALID_REPLY;
  const target = space.copyIn(word(ram, body + HEADER_REMOTE), targetAs);
  if (target === null) return MACH_SEND_INVALID_DEST;
  const replyName = word(ram, body + HEADER_LOCAL);
  const reply = replyName === 0 ? null : space.copyIn(replyName, replyAs);
  return { at, sizeBytes, target, reply, items: NO_ITEMS, next: null };
}

function copyInDescriptors(
  kernel: ModelKernel,
  task: Task,
  space: PortSpace,
  message: Kmsg,
): number {
  const { ram } = kernel.frames;
  const body = message.at + KMSG_HEADER_BYTES;
  if (word(ram, body + HEADER_BITS) < BITS_COMPLEX) return MACH_MSG_SUCCESS;
  const end = body + message.sizeBytes;
  let at = body + HEADER_BYTES + BODY_BYTES;
  if (at > end) return MACH_SEND_MSG_TOO_SMALL;
  const items: CarriedItem[] = [];
  message.items = items;
  for (let left = word(ram, at - BODY_BYTES); left > 0; left -= 1) {
    if (at + PORT_DESCRIPTOR_BYTES > end) return MACH_SEND_MSG_TOO_SMALL;
    const type = ram.u8[at + DESCRIPTOR_TYPE];
    if (type === PORT_DESCRIPTOR) {
      const found = space.copyIn(word(ram, at), ram.u8[at + PORT_DISPOSITION] as number);
      if (found === null) return MACH_SEND_INVALID_RIGHT;
      items.push({ kind: 'right', at: at - body, carried: found });
      at += PORT_DESCRIPTOR_BYTES;
    } else if (type === OOL_DESCRIPTOR) {
      if (at + OOL_DESCRIPTOR_BYTES > end) return MACH_SEND_MSG_TOO_SMALL;
      const memory = copyInMemory(kernel, task, {
        address: word(ram, at),
        sizeBytes: word(ram, at + OOL_SIZE),
        copy: ram.u8[at + OOL_COPY] === MACH_MSG_VIRTUAL_COPY ? 'virtual' : 'physical',
        deallocate: ram.u8[at + OOL_DEALLOCATE] === 0 ? 'no' : 'yes',
      });
      if (memory === null) return MACH_SEND_INVALID_MEMORY;
      items.push({ kind: 'memory', at: at - body, memory });
      at += OOL_DESCRIPTOR_BYTES;
    } else {
      return MACH_SEND_INVALID_DATA;
    }
  }
  return MACH_MSG_SUCCESS;
}

/**
 * Copies a message out to a thread that receives, and frees its kernel memory. The rights and the
 * memory that it carries are the receiver's from now on; the right that it was sent with is still
 * the caller's to end.
 *
 * @returns a result of MACH_MSG
 */
export function copyOutMessage(
  kernel: ModelKernel,
  thread: ModelThread,
  space: PortSpace,
  message: Kmsg,
): number {
  const { ram } = kernel.frames;
  const { target, reply, sizeBytes } = message;
  const { port } = target;
  const body = message.at + KMSG_HEADER_BYTES;
  const complex = (ram.u32[(body + HEADER_BITS) >> 2] as number) & BITS_COMPLEX;
  const replyName = reply === null ? 0 : space.copyOut(reply.port, reply.right);
  const remoteBits = reply === null ? 0 : dispositionOf(reply.right);
  const localBits = dispositionOf(target.right) << 8;
  ram.u32[(body + HEADER_BITS) >> 2] = (complex | localBits | remoteBits) >>> 0;
  ram.u32[(body + HEADER_SIZE) >> 2] = sizeBytes;
  ram.u32[(body + HEADER_REMOTE) >> 2] = replyName;
  ram.u32[(body + HEADER_LOCAL) >> 2] = port.receiverName;
  for (const item of message.items) {
    const name =
      item.kind === 'right'
        ? space.copyOut(item.carried.port, item.carried.right)
        : copyOutMemory(kernel, thread.task, item.memory);
    ram.u32[(body + item.at) >> 2] = name;
    if (item.kind === 'right') {
      ram.u8[body + item.at + PORT_DISPOSITION] = dispositionOf(item.carried.right);
    }
  }
  const trailer = body + sizeBytes;
  ram.u32[trailer >> 2] = 0;
  ram.u32[(trailer >> 2) + 1] = TRAILER_BYTES;
  ram.u32[(trailer >> 2) + 2] = port.sequence;
  port.sequence += 1;
  const isCopied = thread.task.space.copyOut(body, thread.argument(0), sizeBytes + TRAILER_BYTES);
  kernel.heap.free(message.at, kmsgBytes(sizeBytes));
  if (!isCopied) return MACH_RCV_INVALID_DATA;
  kernel.counters.copies += 1;
  kernel.counters.bytesCopied += sizeBytes;
  return MACH_MSG_SUCCESS;
}

/**
 * @returns a message of the kernel's own, of a header and one word; null when there is no memory
 */
export function makeNotification(
  kernel: ModelKernel,
  destination: Port,
  notification: { readonly id: number; readonly value: number },
): Kmsg | null {
  const sizeBytes = HEADER_BYTES + 4;
  const at = kernel.heap.allocate(kmsgBytes(sizeBytes));
  if (at === 0) return null;
  const { ram } = kernel.frames;
  const body = at + KMSG_HEADER_BYTES;
  ram.fill(body, 0, sizeBytes);
  ram.u32[(body + HEADER_ID) >> 2] = notification.id;
  ram.u32[(body + HEADER_BYTES) >> 2] = notification.value;
  return {
    at,
    sizeBytes,
    target: { port: destination, right: 'sendOnce', isMoved: false },
    reply: null,
    items: NO_ITEMS,
    next: null,
  };
}

/** What a right looks like to its receiver: moved to it. */
function dispositionOf(right: Right): number {
  if (right === 'receive') return 16;
  return right === 'send' ? 17 : 18;
}

function word(ram: Ram, at: number): number {
  return ram.u32[at >> 2] as number;
}
