/**
 * What the virtualiser checks of a client's request. Every value comes from the client, was read
 * once, and may be anything up to 2^64; the forms used cannot overflow.
 */

import {
  BLK_BARRIER,
  BLK_DISCARD,
  BLK_FLUSH,
  BLK_READ,
  BLK_TRANSFER_BYTES,
  BLK_WRITE,
  BLK_WRITE_ZEROES,
} from '../../queues/blk/layout.ts';
import type { BlkRequest } from '../../queues/blk/request-queue.ts';
import { BLK_VIRT_COUNTERS } from './counters.ts';

/** What a client may touch. */
export interface Allowance {
  /** Blocks of its partition. */
  readonly blocks: number;
  readonly readOnly: boolean;
  /** Bytes of its data region. */
  readonly dataBytes: number;
}

/** {@link fault} of a request that is in order. */
export const NO_FAULT = -1;

/** @returns the counter of the reason why the request is refused, or {@link NO_FAULT} */
export function fault(request: BlkRequest, allowed: Allowance): number {
  switch (request.code) {
    case BLK_READ:
      return transferFault(request, allowed);
    case BLK_WRITE:
      if (allowed.readOnly) return BLK_VIRT_COUNTERS.refusedReadOnly;
      return transferFault(request, allowed);
    case BLK_DISCARD:
    case BLK_WRITE_ZEROES:
      if (allowed.readOnly) return BLK_VIRT_COUNTERS.refusedReadOnly;
      return rangeFault(request, allowed);
    case BLK_FLUSH:
    case BLK_BARRIER:
      return NO_FAULT;
    default:
      return BLK_VIRT_COUNTERS.refusedCode;
  }
}

function transferFault(request: BlkRequest, allowed: Allowance): number {
  const wrong = rangeFault(request, allowed);
  if (wrong !== NO_FAULT) return wrong;
  const { offset, offsetLow } = request;
  const bytes = request.count * BLK_TRANSFER_BYTES;
  const fits = offset <= allowed.dataBytes && bytes <= allowed.dataBytes - offset;
  const isAligned = (offsetLow & (BLK_TRANSFER_BYTES - 1)) === 0;
  if (!fits || !isAligned) return BLK_VIRT_COUNTERS.refusedOffset;
  return NO_FAULT;
}

function rangeFault(request: BlkRequest, allowed: Allowance): number {
  if (request.count === 0) return BLK_VIRT_COUNTERS.refusedCount;
  const fits = request.block <= allowed.blocks && request.count <= allowed.blocks - request.block;
  return fits ? NO_FAULT : BLK_VIRT_COUNTERS.refusedBlock;
}
