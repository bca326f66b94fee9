/**
 * Where kernel objects and frames get their memory: the untypeds of the boot information, and the
 * kernel's watermark in each of them followed by hand, so that objects can be put at a physical
 * address.
 */

import { assert } from '../../memory/assert.ts';
import { INIT_SLOT_CNODE, OBJECT_UNTYPED, UNTYPED_RETYPE } from '../../kernel/abi.ts';
import { bytesOf } from '../../kernel/objects/object-sizes.ts';
import { BootFailure, type RootTask } from './root-task.ts';

/** The kernel makes at most this many objects in one retype. */
const RETYPE_FAN_OUT_MAX = 256;
const UNTYPED_BITS_MIN = 4;
interface Untyped {
  readonly slot: number;
  readonly paddr: number;
  readonly sizeBytes: number;
  readonly kind: 'ram' | 'device';
  /** Bytes below the watermark: what has been retyped so far. */
  usedBytes: number;
}

/** A run of like objects that lie one behind the other. */
export interface ObjectRequest {
  /** For messages: "frames of region 'x'". */
  readonly what: string;
  readonly type: number;
  /** `size_bits` of the retype: for objects whose size the caller chooses, else 0. */
  readonly userSizeBits: number;
  /** The size of one object is 2^objectBits bytes. */
  readonly objectBits: number;
  readonly count: number;
}

export class UntypedMemory {
  readonly #root: RootTask;
  readonly #untypeds: Untyped[];
  readonly #ramEnd: number;

  /** @param ramEnd where the board's RAM ends, with what the kernel has of it; 0 for unknown */
  constructor(root: RootTask, ramEnd = 0) {
    this.#root = root;
    this.#ramEnd = ramEnd;
    this.#untypeds = root.bootInfo.untypedList.map((untyped) => ({
      slot: untyped.slot,
      paddr: untyped.paddr,
      sizeBytes: bytesOf(untyped.sizeBits),
      kind: untyped.isDevice === 'yes' ? 'device' : 'ram',
      usedBytes: 0,
    }));
  }

  /**
   * Makes objects anywhere in RAM, from the untyped in which they leave the least room: the large
   * ones stay whole.
   *
   * @returns the first of `count` consecutive slots
   */
  make(request: ObjectRequest): number {
    const needed = neededBytes(request);
    let best: Untyped | undefined;
    let least = Infinity;
    for (const untyped of this.#untypeds) {
      const free = untyped.kind === 'device' ? 0 : freeBytes(untyped, request);
      if (free < needed || free >= least) continue;
      best = untyped;
      least = free;
    }
    if (best === undefined) {
      throw new BootFailure(
        `${request.what}: no untyped has ${needed} contiguous bytes left`,
        'memory',
      );
    }
    return this.#retype(best, request);
  }

  /**
   * Makes objects at a physical address, in RAM or over device registers. Ask in the order of
   * addresses.
   */
  makeAt(request: ObjectRequest, paddr: number): number {
    const where = `${request.what} at 0x${paddr.toString(16)}`;
    const untyped = this.#untypeds.find(
      (candidate) =>
        paddr >= candidate.paddr &&
        paddr + neededBytes(request) <= candidate.paddr + candidate.sizeBytes,
    );
    if (untyped === undefined) {
      const end = paddr + neededBytes(request);
      const { start: kernelStart, end: ramEnd } = this.#kernelRam();
      if (paddr < ramEnd && end > kernelStart) {
        const kernel = `0x${kernelStart.toString(16)}..0x${ramEnd.toString(16)}`;
        throw new BootFailure(`${where}: lies over the kernel's RAM ${kernel}; place it below`);
      }
      throw new BootFailure(`${where}: the board has neither RAM nor a device there`, 'device');
    }
    if (paddr < untyped.paddr + untyped.usedBytes) {
      throw new BootFailure(`${where}: the memory is already in use`);
    }
    this.#skipTo(untyped, paddr);
    return this.#retype(untyped, { ...request, what: where });
  }

  /** What the kernel keeps for itself: RAM above all that it hands over. */
  #kernelRam(): { readonly start: number; readonly end: number } {
    let start = 0;
    for (const { kind, paddr, sizeBytes } of this.#untypeds) {
      if (kind === 'ram') start = Math.max(start, paddr + sizeBytes);
    }
    return { start, end: this.#ramEnd };
  }

  /**
   * Raises the watermark to an address by cutting off untypeds; those of RAM stay in use as memory.
   */
  #skipTo(untyped: Untyped, paddr: number): void {
    for (;;) {
      const at = untyped.paddr + untyped.usedBytes;
      if (at === paddr) return;
      const bits = Math.min(alignmentBits(at), Math.floor(Math.log2(paddr - at)));
      assert(bits >= UNTYPED_BITS_MIN, 'fixed addresses are aligned to pages');
      const slot = this.#retype(untyped, {
        what: `memory below 0x${paddr.toString(16)}`,
        type: OBJECT_UNTYPED,
        userSizeBits: bits,
        objectBits: bits,
        count: 1,
      });
      this.#untypeds.push({
        slot,
        paddr: at,
        sizeBytes: bytesOf(bits),
        kind: untyped.kind,
        usedBytes: 0,
      });
    }
  }

  #retype(untyped: Untyped, request: ObjectRequest): number {
    const { calls } = this.#root;
    const first = this.#root.takeSlots(request.count, request.what);
    for (let done = 0; done < request.count; done += RETYPE_FAN_OUT_MAX) {
      calls.setWord(0, request.type);
      calls.setWord(1, request.userSizeBits);
      calls.setWord(2, 0); // the destination is the initial thread's CNode itself
      calls.setWord(3, 0);
      calls.setWord(4, first + done);
      calls.setWord(5, Math.min(RETYPE_FAN_OUT_MAX, request.count - done));
      calls.setCap(0, INIT_SLOT_CNODE);
      this.#root.invoke(request.what, untyped.slot, UNTYPED_RETYPE, 1, 6);
    }
    untyped.usedBytes = alignedUsed(untyped, request) + neededBytes(request);
    return first;
  }
}

function neededBytes(request: ObjectRequest): number {
  return request.count * bytesOf(request.objectBits);
}

function alignedUsed(untyped: Untyped, request: ObjectRequest): number {
  const size = bytesOf(request.objectBits);
  return Math.ceil(untyped.usedBytes / size) * size;
}

function freeBytes(untyped: Untyped, request: ObjectRequest): number {
  return untyped.sizeBytes - alignedUsed(untyped, request);
}

/** @returns the largest b for which the address is a multiple of 2^b */
function alignmentBits(address: number): number {
  let bits = 0;
  for (let rest = address; rest % 2 === 0 && bits < 38; rest /= 2) bits++;
  return bits;
}
