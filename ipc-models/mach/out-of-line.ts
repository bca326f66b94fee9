/**
 * Memory that travels beside a message. A virtual copy shares the frames until one side writes, or
 * takes them away from the sender; a physical copy goes through kernel memory, as inline bytes do.
 */

import { COPY_ON_WRITE, pageOf, pagesOf, READ_WRITE } from '../address-space.ts';
import { PAGE_BYTES } from '../frames.ts';
import type { ModelKernel } from '../model-kernel.ts';
import type { Task } from '../model-thread.ts';
import { VM_MAP_COPY_BYTES } from './abi.ts';

export type OutOfLine =
  | { readonly kind: 'physical'; readonly at: number; readonly sizeBytes: number }
  | {
      readonly kind: 'virtual';
      readonly at: number;
      readonly sizeBytes: number;
      /** Of the first byte in its page. */
      readonly offset: number;
      readonly frames: readonly number[];
      readonly isMoved: boolean;
    };

export interface OutOfLineRequest {
  readonly address: number;
  readonly sizeBytes: number;
  readonly copy: 'physical' | 'virtual';
  readonly deallocate: 'yes' | 'no';
}

/**
 * @returns the memory, detached from the sender; null when it is not mapped or kernel memory is
 * used up
 */
export function copyInMemory(
  kernel: ModelKernel,
  task: Task,
  request: OutOfLineRequest,
): OutOfLine | null {
  const { address, sizeBytes } = request;
  if (request.copy === 'virtual') return shareFrames(kernel, task, request);
  const at = kernel.heap.allocate(Math.max(1, sizeBytes));
  if (at === 0) return null;
  const memory: OutOfLine = { kind: 'physical', at, sizeBytes };
  if (!task.space.copyIn(address, at, sizeBytes)) {
    dropMemory(kernel, memory);
    return null;
  }
  countCopy(kernel, sizeBytes);
  if (request.deallocate === 'yes') deallocate(task, address, sizeBytes);
  return memory;
}

function shareFrames(
  kernel: ModelKernel,
  task: Task,
  { address, sizeBytes, deallocate: wish }: OutOfLineRequest,
): OutOfLine | null {
  const { space } = task;
  const offset = address % PAGE_BYTES;
  const first = (address - offset) / PAGE_BYTES;
  const count = pagesOf(offset + sizeBytes);
  const frames = Array.from({ length: count }, (_, i) => space.frameAt(first + i));
  if (frames.includes(-1)) return null;
  const at = kernel.heap.allocate(VM_MAP_COPY_BYTES);
  if (at === 0) return null;
  const isMoved = wish === 'yes' && offset === 0 && sizeBytes % PAGE_BYTES === 0;
  frames.forEach((frame, i) => {
    kernel.frames.share(frame);
    if (isMoved) space.unmapPage(first + i);
    else if (space.isWritable(first + i)) space.protectPage(first + i, COPY_ON_WRITE);
  });
  if (wish === 'yes' && !isMoved) deallocate(task, address, sizeBytes);
  return { kind: 'virtual', at, sizeBytes, offset, frames, isMoved };
}

/**
 * Gives the memory to a receiver, at an address of the kernel's choice.
 * @returns the address; 0 when there is no room
 */
export function copyOutMemory(kernel: ModelKernel, task: Task, memory: OutOfLine): number {
  const { space } = task;
  const { sizeBytes } = memory;
  const offset = memory.kind === 'virtual' ? memory.offset : 0;
  const vaddr = space.findFree(Math.max(1, offset + sizeBytes));
  if (vaddr === 0) return 0;
  if (memory.kind === 'physical') {
    space.allocateAt(vaddr, Math.max(1, sizeBytes));
    space.copyOut(memory.at, vaddr, sizeBytes);
    countCopy(kernel, sizeBytes);
  } else {
    const first = pageOf(vaddr);
    memory.frames.forEach((frame, i) => {
      kernel.frames.share(frame);
      space.mapPage(first + i, frame, memory.isMoved ? READ_WRITE : COPY_ON_WRITE);
    });
  }
  dropMemory(kernel, memory);
  return vaddr + offset;
}

/** The message that carried it is gone. */
export function dropMemory(kernel: ModelKernel, memory: OutOfLine): void {
  if (memory.kind === 'physical') {
    kernel.heap.free(memory.at, Math.max(1, memory.sizeBytes));
    return;
  }
  for (const frame of memory.frames) kernel.frames.release(frame);
  kernel.heap.free(memory.at, VM_MAP_COPY_BYTES);
}

/** VM_DEALLOCATE: takes the pages away that the range touches. */
export function deallocate(task: Task, address: number, sizeBytes: number): void {
  const first = Math.floor(address / PAGE_BYTES);
  const end = Math.ceil((address + sizeBytes) / PAGE_BYTES);
  for (let page = first; page < end; page += 1) {
    if (task.space.frameAt(page) >= 0) task.space.unmapPage(page);
  }
}

function countCopy(kernel: ModelKernel, sizeBytes: number): void {
  kernel.counters.copies += 1;
  kernel.counters.bytesCopied += sizeBytes;
}
