/** The network class of sDDF 0.7 as a table: see `../class.ts`. */

import type { QueueClass } from '../class.ts';
import { NetBufferDescriptor, NetQueueHeader } from './queue.ts';
import { NET_SECTIONS } from './sections.ts';

const LAYOUT = {
  tail: NetQueueHeader.tail.offset,
  head: NetQueueHeader.head.offset,
  indexBits: 16,
  signalled: NetQueueHeader.consumerSignalled.offset,
  slots: 'capacity',
  headerBytes: NetQueueHeader.SIZE,
  entryBytes: NetBufferDescriptor.SIZE,
  fields: {
    offset: NetBufferDescriptor.ioOrOffsetLow.offset,
    length: NetBufferDescriptor.len.offset,
  },
  operation: 'entry',
} as const;

/** Roles, records, queues and sections of the class. */
export const NET_CLASS: QueueClass = {
  name: 'net',
  connection: { texts: ['freeQueue', 'activeQueue'], numbers: ['capacity', 'channel'] },
  sections: NET_SECTIONS,
  named: 'activeQueue',
  queues: [
    { ...LAYOUT, name: 'net free', field: 'freeQueue', carries: 'empty buffers' },
    { ...LAYOUT, name: 'net active', field: 'activeQueue', carries: 'data' },
  ],
  sides: [],
  roles: [
    { name: 'driver', has: ['registers', 'rx', 'tx'], regions: ['registers', 'rings'] },
    {
      name: 'receive virtualiser',
      has: ['driver', 'data', 'bufferMetadata', 'clients'],
      served: ['driver'],
      readsOnly: ['data'],
      regions: ['bufferMetadata'],
      fits: [['driver', 'data']],
    },
    { name: 'client of the receive virtualiser', has: ['connection', 'macs'] },
    { name: 'transmit virtualiser', has: ['driver', 'clients'], served: ['driver'] },
    {
      name: 'client of the transmit virtualiser',
      has: ['connection', 'data'],
      readsOnly: ['data'],
    },
    {
      name: 'copier',
      has: ['rx', 'rxData', 'client', 'clientData', 'mode'],
      served: ['rx'],
      readsOnly: ['rxData'],
      fits: [
        ['rx', 'rxData'],
        ['client', 'clientData'],
      ],
    },
    {
      name: 'copier behind a switch',
      has: ['rx', 'sources', 'client', 'clientData'],
      readsOnly: ['sources'],
      fits: [['client', 'clientData']],
    },
    {
      name: 'switch',
      has: ['ports', 'uplink', 'bufferMetadata'],
      regions: ['bufferMetadata'],
    },
    {
      name: 'port of a switch',
      has: ['rx', 'tx', 'txData', 'reach'],
      readsOnly: ['txData'],
    },
    {
      name: 'client',
      has: ['rx', 'tx', 'rxData', 'txData'],
      served: ['rx', 'tx'],
      fits: [
        ['rx', 'rxData'],
        ['tx', 'txData'],
      ],
    },
  ],
};
