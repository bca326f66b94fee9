/**
 * Lists of buffers: gathered from one task and scattered to another in one copy, with no buffer of
 * the kernel's in between.
 */

import type { ModelKernel } from '../model-kernel.ts';
import type { Task } from '../model-thread.ts';
import { IOV_BYTES, IOV_LENGTH, IOV_PARTS_MAX } from './abi.ts';

export interface IovList {
  readonly task: Task;
  readonly at: number;
  readonly parts: number;
  /** Bytes to skip at the start. */
  readonly offset: number;
}

export const SOURCE_FAULT = -1;
export const TARGET_FAULT = -2;

/** @returns bytes in all parts, behind the offset; -1 when the list cannot be read */
export function iovBytes(kernel: ModelKernel, list: IovList): number {
  if (list.parts > IOV_PARTS_MAX) return -1;
  let total = -list.offset;
  for (let i = 0; i < list.parts; i += 1) {
    const length = word(kernel, list.task, list.at + i * IOV_BYTES + IOV_LENGTH);
    if (length < 0) return -1;
    total += length;
  }
  return Math.max(0, total);
}

/** Copies as much as both sides have. @returns bytes, or SOURCE_FAULT, TARGET_FAULT */
export function copyIov(kernel: ModelKernel, from: IovList, to: IovList): number {
  const available = iovBytes(kernel, from);
  const room = iovBytes(kernel, to);
  if (available < 0) return SOURCE_FAULT;
  if (room < 0) return TARGET_FAULT;
  const total = Math.min(available, room);
  const source = new IovCursor(kernel, from);
  const target = new IovCursor(kernel, to);
  for (let done = 0; done < total;) {
    const length = Math.min(source.left, target.left, total - done);
    if (!isMapped(from.task, source.address, length)) return SOURCE_FAULT;
    if (!to.task.space.copyFrom(from.task.space, source.address, target.address, length)) {
      return TARGET_FAULT;
    }
    source.advance(length);
    target.advance(length);
    done += length;
  }
  if (total > 0) {
    kernel.counters.copies += 1;
    kernel.counters.bytesCopied += total;
  }
  return total;
}

/** A place in a list of buffers. */
class IovCursor {
  address = 0;
  left = 0;
  readonly #kernel: ModelKernel;
  readonly #list: IovList;
  #part = 0;

  constructor(kernel: ModelKernel, list: IovList) {
    this.#kernel = kernel;
    this.#list = list;
    this.#nextPart();
    let skip = list.offset;
    while (skip >= this.left && this.#part < list.parts) {
      skip -= this.left;
      this.#nextPart();
    }
    this.address += skip;
    this.left -= skip;
  }

  advance(length: number): void {
    this.address += length;
    this.left -= length;
    while (this.left === 0 && this.#part < this.#list.parts) this.#nextPart();
  }

  #nextPart(): void {
    const { task, at, parts } = this.#list;
    if (this.#part >= parts) return;
    const iov = at + this.#part * IOV_BYTES;
    this.address = word(this.#kernel, task, iov);
    this.left = word(this.#kernel, task, iov + IOV_LENGTH);
    this.#part += 1;
  }
}

function isMapped(task: Task, address: number, length: number): boolean {
  const last = (address + length - 1) >>> 12;
  for (let page = address >>> 12; page <= last; page += 1) {
    if (task.space.frameAt(page) < 0) return false;
  }
  return true;
}

function word(kernel: ModelKernel, task: Task, vaddr: number): number {
  const at = task.space.locateWord(vaddr);
  return at < 0 ? -1 : (kernel.frames.ram.u32[at >> 2] as number);
}
