/**
 * One message from a sender to a receiver that waits for it: untyped words from registers to
 * registers, strings once from memory to memory, pages by the mapping database. All of it within
 * one kernel entry: seL4 has dropped strings for that.
 */

import type { Ram } from '../../memory/ram.ts';
import { PAGE_SHIFT } from '../frames.ts';
import type { ModelKernel } from '../model-kernel.ts';
import type { ModelThread } from '../model-thread.ts';
import {
  BUFFER_REGISTERS_AT,
  ERROR_ABORTED,
  ERROR_OVERFLOW,
  ITEM_GRANT,
  ITEM_KIND_MASK,
  ITEM_MAP,
  ITEM_STRING,
  MESSAGE_REGISTERS_MAX,
  RIGHT_WRITE,
  STRING_BYTES_MAX,
  WORD_BYTES,
} from './abi.ts';
import type { MappingDatabase } from './mapping-database.ts';

export interface Party {
  readonly thread: ModelThread;
  /** Offset in RAM of its control block. */
  readonly utcbAt: number;
}

export interface TransferKernel {
  readonly kernel: ModelKernel;
  readonly mappings: MappingDatabase;
}

const OK = 0;
/** The low bits of an item's first word. */
const ITEM_MASK = 0xf;

/** @returns 0 or an error code, for both */
export function transferMessage(l4: TransferKernel, from: Party, to: Party): number {
  const { ram } = l4.kernel.frames;
  const tag = ram.u32[from.utcbAt >> 2] as number;
  const untyped = tag & 0x3f;
  const typed = (tag >>> 6) & 0x3f;
  if (untyped + typed > MESSAGE_REGISTERS_MAX) return ERROR_OVERFLOW;
  const words = 1 + untyped + typed;
  ram.copy(to.utcbAt, from.utcbAt, words * WORD_BYTES);
  if (untyped > 0) {
    l4.kernel.counters.copies += 1;
    l4.kernel.counters.bytesCopied += untyped * WORD_BYTES;
  }
  return typed === 0 ? OK : transferItems(l4, from, to, { first: 1 + untyped, end: words });
}

/** Message registers that hold typed items. */
interface ItemRange {
  readonly first: number;
  readonly end: number;
}

function transferItems(l4: TransferKernel, from: Party, to: Party, items: ItemRange): number {
  const { ram } = l4.kernel.frames;
  const accepted = wordAt(ram, to.utcbAt + BUFFER_REGISTERS_AT, 0);
  let buffer = 1;
  let register = items.first;
  while (register < items.end) {
    const first = wordAt(ram, from.utcbAt, register);
    const kind = first & ITEM_KIND_MASK;
    if (kind === ITEM_MAP || kind === ITEM_GRANT) {
      if (register + 2 > items.end) return ERROR_OVERFLOW;
      const page = wordAt(ram, from.utcbAt, register + 1);
      const error = transferPages(l4, from, to, { first, page, window: accepted & ~0xf });
      if (error !== OK) return error;
      register += 2;
    } else if ((first & ITEM_MASK) === ITEM_STRING && (accepted & 1) === 1) {
      const source = stringAt(ram, from.utcbAt, register);
      const target = stringAt(ram, to.utcbAt + BUFFER_REGISTERS_AT, buffer);
      if (register + 1 + source.pieces > items.end) return ERROR_OVERFLOW;
      const error = copyString(
        l4.kernel,
        { thread: from.thread, ...source },
        {
          thread: to.thread,
          ...target,
        },
      );
      if (error !== OK) return error;
      register += 1 + source.pieces;
      buffer += 1 + target.pieces;
    } else {
      return ERROR_OVERFLOW;
    }
  }
  return OK;
}

// ----------------------------------------------------------------------------------------- strings

/** `pieces` substrings of `pieceBytes` each; their addresses begin at `addressesAt` in RAM. */
interface StringPlace {
  readonly pieces: number;
  readonly pieceBytes: number;
  readonly addressesAt: number;
}

function stringAt(ram: Ram, registersAt: number, register: number): StringPlace {
  const first = wordAt(ram, registersAt, register);
  return {
    pieces: ((first >>> 4) & 0x3f) + 1,
    pieceBytes: first >>> 10,
    addressesAt: registersAt + (register + 1) * WORD_BYTES,
  };
}

/** Gathers and scatters: the pieces of the two sides need not fit. */
function copyString(
  kernel: ModelKernel,
  from: StringPlace & { readonly thread: ModelThread },
  to: StringPlace & { readonly thread: ModelThread },
): number {
  const { ram } = kernel.frames;
  const total = from.pieces * from.pieceBytes;
  if (total > to.pieces * to.pieceBytes || total > STRING_BYTES_MAX) return ERROR_OVERFLOW;
  for (let done = 0; done < total;) {
    const inFrom = done % from.pieceBytes;
    const inTo = done % to.pieceBytes;
    const length = Math.min(from.pieceBytes - inFrom, to.pieceBytes - inTo, total - done);
    const source = wordAt(ram, from.addressesAt, Math.floor(done / from.pieceBytes)) + inFrom;
    const target = wordAt(ram, to.addressesAt, Math.floor(done / to.pieceBytes)) + inTo;
    const { space } = to.thread.task;
    if (!space.copyFrom(from.thread.task.space, source, target, length)) return ERROR_ABORTED;
    done += length;
  }
  if (total > 0) kernel.counters.copies += 1;
  kernel.counters.bytesCopied += total;
  return OK;
}

// ------------------------------------------------------------------------------------------- pages

interface PageTransfer {
  /** The item's first word: its kind, and where in the window (or in the flexpage) the pages go. */
  readonly first: number;
  readonly page: number;
  readonly window: number;
}

function transferPages(
  { mappings }: TransferKernel,
  from: Party,
  to: Party,
  { first, page, window }: PageTransfer,
): number {
  const sizeBits = (page >>> 4) & 0x3f;
  const windowBits = (window >>> 4) & 0x3f;
  if (windowBits < PAGE_SHIFT || sizeBits < PAGE_SHIFT) return ERROR_OVERFLOW;
  const bits = Math.min(sizeBits, windowBits);
  const sendBase = first & ~0x3ff;
  const hotspot = (limitBits: number): number => ((sendBase % 2 ** limitBits) >>> bits) * 2 ** bits;
  const source = baseOf(page) + (sizeBits > windowBits ? hotspot(sizeBits) : 0);
  const target = baseOf(window) + (sizeBits < windowBits ? hotspot(windowBits) : 0);
  const writable = (page & RIGHT_WRITE) === 0 ? 'no' : 'yes';
  const isGrant = (first & ITEM_KIND_MASK) === ITEM_GRANT;
  for (let i = 0; i < 2 ** (bits - PAGE_SHIFT); i += 1) {
    const place = { space: from.thread.task.space, page: (source >>> PAGE_SHIFT) + i };
    const goal = { space: to.thread.task.space, page: (target >>> PAGE_SHIFT) + i };
    const isDone = isGrant
      ? mappings.grant(place, goal, writable)
      : mappings.map(place, goal, writable);
    if (!isDone) return ERROR_ABORTED;
  }
  return OK;
}

function baseOf(page: number): number {
  return (page & ~0x3ff) >>> 0;
}

function wordAt(ram: Ram, registersAt: number, register: number): number {
  return ram.u32[(registersAt + register * WORD_BYTES) >> 2] as number;
}
