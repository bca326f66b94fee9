/** What the loops over batches of the block class share: entries of queues. */

import { demand } from '../../../memory/misuse.ts';
import type { Ram } from '../../../memory/ram.ts';
import { partsOf } from '../../../memory/sealed.ts';
import type { Operand } from '../../../memory/wasm/expression.ts';
import type { Ring } from '../../../memory/wasm/ring-walk.ts';
import { BlkRequestLayout, BlkResponseLayout } from '../layout.ts';
import {
  type BlkRequestConsumer,
  type BlkRequestProducer,
  REQUEST_RING,
} from '../request-queue.ts';
import {
  type BlkResponseConsumer,
  type BlkResponseProducer,
  RESPONSE_RING,
} from '../response-queue.ts';

export const REQUEST_BYTES = BlkRequestLayout.SIZE;
export const RESPONSE_BYTES = BlkResponseLayout.SIZE;
/** Byte of an entry's field. */
export const REQUEST = {
  code: BlkRequestLayout.code.offset,
  offset: BlkRequestLayout.offsetLow.offset,
  block: BlkRequestLayout.blockLow.offset,
  count: BlkRequestLayout.count.offset,
  id: BlkRequestLayout.id.offset,
} as const;
export const RESPONSE = {
  status: BlkResponseLayout.status.offset,
  count: BlkResponseLayout.successCount.offset,
  id: BlkResponseLayout.id.offset,
} as const;

/** Where a queue's entries are, and the mask of a slot's number. */
export interface Entries {
  readonly ram: Ram;
  readonly at: number;
  readonly mask: number;
}

export function requestsOf(queue: BlkRequestConsumer | BlkRequestProducer): Entries {
  const { ram, layout, entriesAt, capacity } = partsOf(queue);
  demand(layout === REQUEST_RING, 'a queue of other entries than requests');
  return { ram, at: entriesAt, mask: capacity - 1 };
}

export function responsesOf(queue: BlkResponseConsumer | BlkResponseProducer): Entries {
  const { ram, layout, entriesAt, capacity } = partsOf(queue);
  demand(layout === RESPONSE_RING, 'a queue of other entries than responses');
  return { ram, at: entriesAt, mask: capacity - 1 };
}

/** A queue's requests from its cursor on. */
export function requestRing(at: Operand, mask: Operand, cursor: Operand): Ring {
  return { at, mask, cursor, bytes: REQUEST_BYTES };
}

/** A queue's responses from its cursor on. */
export function responseRing(at: Operand, mask: Operand, cursor: Operand): Ring {
  return { at, mask, cursor, bytes: RESPONSE_BYTES };
}
