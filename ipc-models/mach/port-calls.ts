/** The calls on port names and on memory, beside MACH_MSG. */

import { pageOf } from '../address-space.ts';
import { PAGE_BYTES } from '../frames.ts';
import type { ModelThread, Task } from '../model-thread.ts';
import {
  KERN_INVALID_ADDRESS,
  KERN_INVALID_ARGUMENT,
  KERN_INVALID_NAME,
  KERN_INVALID_RIGHT,
  KERN_INVALID_VALUE,
  KERN_NO_SPACE,
  KERN_SUCCESS,
  MACH_NOTIFY_DEAD_NAME,
  MACH_NOTIFY_NO_SENDERS,
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
  MACH_PORT_RIGHT_SEND_ONCE,
  MACH_PORT_SET_QLIMIT,
  MAKE_SEND,
  QLIMIT_MAX,
  VM_ALLOCATE,
  VM_DEALLOCATE,
} from './abi.ts';
import { deallocate } from './out-of-line.ts';
import { Port, PortSet } from './port.ts';
import type { Entry, PortSpace } from './port-space.ts';
import type { Rights } from './rights.ts';

export interface PortCallSurroundings {
  readonly rights: Rights;
  spaceOf(task: Task): PortSpace;
}

export function portCall(around: PortCallSurroundings, thread: ModelThread): void {
  const space = around.spaceOf(thread.task);
  const name = thread.argument(0);
  switch (thread.callNumber) {
    case MACH_PORT_ALLOCATE:
      return allocate(space, thread);
    case MACH_PORT_DEALLOCATE:
      return thread.answer(release(around, space, name));
    case MACH_PORT_DESTROY:
      return thread.answer(
        around.rights.destroyName(space, name) ? KERN_SUCCESS : KERN_INVALID_NAME,
      );
    case MACH_PORT_INSERT_RIGHT:
      return thread.answer(makeSendRight(space, name));
    case MACH_PORT_SET_QLIMIT:
      return thread.answer(setLimit(space, name, thread.argument(1)));
    case MACH_PORT_MOVE_MEMBER:
      return thread.answer(moveMember(space, name, thread.argument(1)));
    case MACH_PORT_GET_REFS:
      return references(space, thread);
    case MACH_PORT_REQUEST_NOTIFICATION:
      return thread.answer(requestNotification(space, thread));
    case VM_ALLOCATE:
      return allocateMemory(thread);
    case VM_DEALLOCATE:
      deallocate(thread.task, thread.argument(0), thread.argument(1));
      return thread.answer(KERN_SUCCESS);
    default:
      return thread.answer(KERN_INVALID_ARGUMENT);
  }
}

function allocate(space: PortSpace, thread: ModelThread): void {
  switch (thread.argument(0)) {
    case MACH_PORT_RIGHT_RECEIVE:
      return thread.answer(KERN_SUCCESS, space.copyOut(new Port(), 'receive'));
    case MACH_PORT_RIGHT_PORT_SET:
      return thread.answer(KERN_SUCCESS, space.insertSet(new PortSet()));
    default:
      return thread.answer(KERN_INVALID_VALUE);
  }
}

/** One reference less; a receive right is not given up this way. */
function release({ rights }: PortCallSurroundings, space: PortSpace, name: number): number {
  const entry = space.lookup(name);
  if (entry === null) return KERN_INVALID_NAME;
  const { port } = entry;
  if (entry.deadRefs > 0) {
    entry.deadRefs -= 1;
  } else if (port !== null && entry.sendOnceRefs > 0) {
    entry.sendOnceRefs = 0;
    rights.drop(port, 'sendOnce');
  } else if (port !== null && entry.sendRefs > 0) {
    entry.sendRefs -= 1;
    if (entry.sendRefs === 0) rights.drop(port, 'send');
  } else {
    return KERN_INVALID_RIGHT;
  }
  space.removeIfEmpty(name);
  return KERN_SUCCESS;
}

function makeSendRight(space: PortSpace, name: number): number {
  const made = space.copyIn(name, MAKE_SEND);
  if (made === null) return KERN_INVALID_RIGHT;
  space.copyOut(made.port, 'send');
  return KERN_SUCCESS;
}

function receiveRight(space: PortSpace, name: number): Port | null {
  const entry = space.lookup(name);
  return entry?.hasReceive === true ? entry.port : null;
}

function setLimit(space: PortSpace, name: number, limit: number): number {
  const port = receiveRight(space, name);
  if (port === null) return KERN_INVALID_RIGHT;
  if (limit > QLIMIT_MAX) return KERN_INVALID_VALUE;
  port.limit = limit;
  return KERN_SUCCESS;
}

function moveMember(space: PortSpace, name: number, setName: number): number {
  const port = receiveRight(space, name);
  if (port === null) return KERN_INVALID_RIGHT;
  const set = setName === 0 ? null : (space.lookup(setName)?.set ?? null);
  if (setName !== 0 && set === null) return KERN_INVALID_NAME;
  if (port.set !== null) port.set.members.splice(port.set.members.indexOf(port), 1);
  port.set = set;
  set?.members.push(port);
  return KERN_SUCCESS;
}

function references(space: PortSpace, thread: ModelThread): void {
  const entry = space.lookup(thread.argument(0));
  if (entry === null) return thread.answer(KERN_INVALID_NAME);
  thread.answer(KERN_SUCCESS, count(entry, thread.argument(1)));
}

function count(entry: Entry, right: number): number {
  switch (right) {
    case MACH_PORT_RIGHT_SEND:
      return entry.sendRefs;
    case MACH_PORT_RIGHT_SEND_ONCE:
      return entry.sendOnceRefs;
    case MACH_PORT_RIGHT_RECEIVE:
      return entry.hasReceive ? 1 : 0;
    case MACH_PORT_RIGHT_DEAD_NAME:
      return entry.deadRefs;
    default:
      return entry.set === null ? 0 : 1;
  }
}

/**
 * The notification goes to a port of the caller's own, by a send-once right that is made for it.
 */
function requestNotification(space: PortSpace, thread: ModelThread): number {
  const name = thread.argument(0);
  const entry = space.lookup(name);
  const notify = receiveRight(space, thread.argument(2));
  if (entry === null || entry.port === null) return KERN_INVALID_NAME;
  if (notify === null) return KERN_INVALID_RIGHT;
  if (thread.argument(1) === MACH_NOTIFY_DEAD_NAME) {
    entry.port.deadNames.push({ task: thread.task, name, notify });
  } else if (thread.argument(1) === MACH_NOTIFY_NO_SENDERS && entry.hasReceive) {
    entry.port.noSenders = notify;
  } else {
    return KERN_INVALID_VALUE;
  }
  notify.sendOnceRights += 1;
  return KERN_SUCCESS;
}

function allocateMemory(thread: ModelThread): void {
  const bytes = thread.argument(0);
  const vaddr = bytes > 0 ? thread.task.space.findFree(bytes) : 0;
  if (vaddr === 0) return thread.answer(bytes > 0 ? KERN_NO_SPACE : KERN_INVALID_ADDRESS);
  thread.task.space.allocateAt(pageOf(vaddr) * PAGE_BYTES, bytes);
  thread.answer(KERN_SUCCESS, vaddr);
}
