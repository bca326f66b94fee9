/**
 * The calls by which an initial thread builds a scene out of the boot information: for checks and
 * replays, where a refusal is a bug of the kernel.
 */

import {
  CNODE_COPY,
  CNODE_MINT,
  CNODE_MOVE,
  INIT_SLOT_CNODE,
  RIGHTS_ALL,
  SYS_CALL,
  UNTYPED_RETYPE,
} from '../abi.ts';
import type { BootInfo } from '../boot-info.ts';
import { assert } from '../../memory/assert.ts';
import type { ThreadStep, Word } from '../system-call.ts';

/** Depth at which the initial thread names a slot of its own CSpace. */
export const SETUP_DEPTH = 64;
/** Registers that TCB_WriteRegisters sets: up to tp. */
const REGISTERS = 32;

/** Where a capability is put: a CNode, bits of the index, the index. */
export interface Place {
  readonly cnode: number;
  readonly depth: number;
  readonly index: number;
}

export class SetupCalls {
  readonly #what: string;
  #nextSlot: number;

  /** @param what is built, for the assertion: 'a partition' */
  constructor(bootInfo: BootInfo, what: string) {
    this.#what = what;
    this.#nextSlot = bootInfo.empty.start;
  }

  takeSlot(): number {
    this.#nextSlot += 1;
    return this.#nextSlot - 1;
  }

  /** @returns the slot of a new object */
  *make(untyped: number, type: number, bits = 0): ThreadStep<number> {
    const slot = this.takeSlot();
    yield* this.makeInside(INIT_SLOT_CNODE, untyped, type, bits, slot);
    return slot;
  }

  /** Puts `count` new objects into consecutive slots of a CNode. */
  makeInside(
    cnode: number,
    untyped: number,
    type: number,
    bits: number,
    slot: number,
    count = 1,
  ): ThreadStep<void> {
    return this.call(untyped, UNTYPED_RETYPE, [type, bits, 0, 0, slot, count], [cnode]);
  }

  copy({ cnode, depth, index }: Place, source: number): ThreadStep<void> {
    const mrs = [index, depth, source, SETUP_DEPTH, RIGHTS_ALL];
    return this.call(cnode, CNODE_COPY, mrs, [INIT_SLOT_CNODE]);
  }

  mint(to: Place, source: number, rights: number, data: number): ThreadStep<void> {
    const mrs = [to.index, to.depth, source, SETUP_DEPTH, rights, data];
    return this.call(to.cnode, CNODE_MINT, mrs, [INIT_SLOT_CNODE]);
  }

  move({ cnode, depth, index }: Place, source: number): ThreadStep<void> {
    return this.call(cnode, CNODE_MOVE, [index, depth, source, SETUP_DEPTH], [INIT_SLOT_CNODE]);
  }

  *call(
    cptr: number,
    label: number,
    mrs: readonly Word[],
    caps: readonly number[],
  ): ThreadStep<void> {
    const answer = yield { kind: 'call', sys: SYS_CALL, cptr, label, mrs, caps };
    assert(answer.label === 0, `${this.#what} is built (${label}: ${answer.label})`);
  }
}

/** @returns the slot of the largest untyped of RAM */
export function largestUntyped(bootInfo: BootInfo): number {
  const [largest] = bootInfo.untypedList
    .filter(({ isDevice }) => isDevice === 'no')
    .toSorted((one, other) => other.sizeBits - one.sizeBits);
  assert(largest !== undefined, 'the machine has memory');
  return largest.slot;
}

/**
 * @returns message registers of a TCB_WriteRegisters that resumes a thread at an entry, with its
 * IPC buffer in tp
 */
export function startRegisters(entry: number, buffer: number): readonly number[] {
  return [1, REGISTERS, entry, ...Array.from({ length: REGISTERS - 2 }, () => 0), buffer];
}
