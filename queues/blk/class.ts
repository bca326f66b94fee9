/** The block class of sDDF 0.7 as a table: see `../class.ts`. */

import type { QueueClass } from '../class.ts';
import {
  BlkRequestLayout,
  BlkResponseLayout,
  REQUEST_ENTRIES,
  REQUEST_HEAD,
  REQUEST_TAIL,
  RESPONSE_ENTRIES,
  RESPONSE_HEAD,
  RESPONSE_TAIL,
  STORAGE_INFO_BYTES,
} from './layout.ts';
import { BLK_SECTIONS } from './sections.ts';

/** Roles, records, queues and sections of the class. */
export const BLK_CLASS: QueueClass = {
  name: 'blk',
  connection: {
    texts: ['storageInfo', 'requestQueue', 'responseQueue'],
    numbers: ['capacity', 'channel'],
  },
  sections: BLK_SECTIONS,
  named: 'requestQueue',
  queues: [
    {
      name: 'blk request',
      field: 'requestQueue',
      tail: REQUEST_TAIL,
      head: REQUEST_HEAD,
      indexBits: 32,
      slots: 'capacity',
      headerBytes: REQUEST_ENTRIES,
      entryBytes: BlkRequestLayout.SIZE,
      fields: {
        offset: BlkRequestLayout.offsetLow.offset,
        length: BlkRequestLayout.count.offset,
      },
      carries: 'data',
      operation: 'entry',
    },
    {
      name: 'blk response',
      field: 'responseQueue',
      tail: RESPONSE_TAIL,
      head: RESPONSE_HEAD,
      indexBits: 32,
      slots: 'capacity',
      headerBytes: RESPONSE_ENTRIES,
      entryBytes: BlkResponseLayout.SIZE,
      fields: { length: BlkResponseLayout.successCount.offset },
      carries: 'data',
      operation: 'entry',
    },
  ],
  sides: [{ field: 'storageInfo', writer: 'server', bytes: STORAGE_INFO_BYTES }],
  roles: [
    { name: 'driver', has: ['registers', 'virt'], regions: ['registers', 'rings'] },
    { name: 'virtualiser', has: ['driver', 'table', 'clients'], served: ['driver'] },
    { name: 'client of the virtualiser', has: ['connection', 'partition'] },
    { name: 'client', has: ['virt', 'data'], served: ['virt'] },
  ],
};
