/** The i2c class of sDDF 0.7 as a table: see `../class.ts`. */

import type { QueueClass } from '../class.ts';
import {
  I2C_SLOTS,
  I2cCommandLayout,
  I2cResponseLayout,
  REQUEST_COMMANDS,
  REQUEST_HEAD,
  REQUEST_TAIL,
  RESPONSE_ENTRIES,
  RESPONSE_HEAD,
  RESPONSE_TAIL,
} from './layout.ts';
import { I2C_SECTIONS } from './sections.ts';

/** Roles, records, queues and sections of the class. */
export const I2C_CLASS: QueueClass = {
  name: 'i2c',
  connection: {
    texts: ['requestQueue', 'responseQueue'],
    numbers: ['capacity', 'channel'],
  },
  sections: I2C_SECTIONS,
  named: 'requestQueue',
  queues: [
    {
      name: 'i2c request',
      field: 'requestQueue',
      tail: REQUEST_TAIL,
      head: REQUEST_HEAD,
      indexBits: 32,
      slots: I2C_SLOTS,
      headerBytes: REQUEST_COMMANDS,
      entryBytes: I2cCommandLayout.SIZE,
      // Payloads are addresses, and lengths have 8 bits.
      fields: {},
      carries: 'data',
      operation: 'entry',
    },
    {
      name: 'i2c response',
      field: 'responseQueue',
      tail: RESPONSE_TAIL,
      head: RESPONSE_HEAD,
      indexBits: 32,
      slots: I2C_SLOTS,
      headerBytes: RESPONSE_ENTRIES,
      entryBytes: I2cResponseLayout.SIZE,
      fields: {},
      carries: 'data',
      operation: 'entry',
    },
  ],
  sides: [],
  roles: [
    { name: 'driver', has: ['registers', 'virt'], regions: ['registers'] },
    { name: 'virtualiser', has: ['driver', 'clients'], lacks: ['table'], served: ['driver'] },
    { name: 'client of the virtualiser', has: ['connection', 'clientDataVaddr'] },
    { name: 'client', has: ['virt', 'data'], served: ['virt'] },
  ],
};
