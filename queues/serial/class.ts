/** The serial class of sDDF 0.7 as a table: see `../class.ts`. */

import type { QueueClass } from '../class.ts';
import { SerialQueueHeader } from './queue.ts';
import { SERIAL_SECTIONS } from './sections.ts';

/** Roles, records, queues and sections of the class. */
export const SERIAL_CLASS: QueueClass = {
  name: 'serial',
  connection: { texts: ['queue', 'data'], numbers: ['capacity', 'channel'] },
  sections: SERIAL_SECTIONS,
  named: 'queue',
  queues: [
    {
      name: 'serial',
      field: 'queue',
      tail: SerialQueueHeader.tail.offset,
      head: SerialQueueHeader.head.offset,
      indexBits: 32,
      signalled: SerialQueueHeader.producerSignalled.offset,
      slots: 'capacity',
      headerBytes: SerialQueueHeader.SIZE,
      // Its bytes lie in the data region.
      entryBytes: 0,
      fields: {},
      carries: 'data',
      operation: 'publication',
    },
  ],
  sides: [{ field: 'data', writer: 'producer', bytes: 'capacity' }],
  roles: [
    { name: 'driver', has: ['registers', 'tx'], produces: ['rx'], regions: ['registers', 'rings'] },
    {
      name: 'transmit virtualiser',
      has: ['driver', 'clients', 'colour'],
      served: ['driver'],
      produces: ['driver'],
    },
    { name: 'client of the transmit virtualiser', has: ['connection'], within: ['colour'] },
    { name: 'receive virtualiser', has: ['driver', 'clients'], served: ['driver'] },
    {
      name: 'client of the receive virtualiser',
      has: ['connection'],
      notWithin: ['colour'],
      produces: ['connection'],
    },
    { name: 'client', has: ['tx'], served: ['rx', 'tx'], produces: ['tx'] },
  ],
};
