/** Configuration sections of the i2c class, as sDDF 0.7 has them: see `../sections.ts`. */

import { counted, field, record, u16, u64, u8 } from '../../memory/c-layout.ts';
import { SLOTS, region } from '../sections.ts';

const I2C = 4;

const connection = record(40, {
  reqQueue: field(0, region),
  respQueue: field(16, region),
  numBuffers: field(32, u16),
  id: field(34, u8),
});

const virtClient = record(64, {
  conn: field(0, connection),
  dataSize: field(40, u64),
  driverDataVaddr: field(48, u64),
  clientDataVaddr: field(56, u64),
});

/** By role: the section that a program in it reads, its number and its structure. */
export const I2C_SECTIONS = {
  driver: {
    name: '.i2c_driver_config',
    magic: I2C,
    layout: record(48, { virt: field(8, connection) }),
  },
  virt: {
    name: '.i2c_virt_config',
    magic: I2C,
    layout: record(4152, {
      driver: field(16, connection),
      clients: counted(56, { slots: SLOTS, of: virtClient, countAt: 8, count: 'u64' }),
    }),
  },
  client: {
    name: '.i2c_client_config',
    magic: I2C,
    layout: record(64, { virt: field(8, connection), data: field(48, region) }),
  },
} as const;
