/** Configuration sections of the blk class, as sDDF 0.7 has them: see `../sections.ts`. */

import { counted, field, record, u16, u32, u8 } from '../../memory/c-layout.ts';
import { SLOTS, deviceRegion, region } from '../sections.ts';

const BLK = 2;

const connection = record(56, {
  storageInfo: field(0, region),
  reqQueue: field(16, region),
  respQueue: field(32, region),
  numBuffers: field(48, u16),
  id: field(50, u8),
});

const virtDriver = record(80, { conn: field(0, connection), data: field(56, deviceRegion) });

const virtClient = record(88, {
  conn: field(0, connection),
  data: field(56, deviceRegion),
  partition: field(80, u32),
});

/** By role: the section that a program in it reads, its number and its structure. */
export const BLK_SECTIONS = {
  driver: {
    name: '.blk_driver_config',
    magic: BLK,
    layout: record(64, { virt: field(8, connection) }),
  },
  virt: {
    name: '.blk_virt_config',
    magic: BLK,
    layout: record(5728, {
      driver: field(16, virtDriver),
      clients: counted(96, { slots: SLOTS, of: virtClient, countAt: 8, count: 'u64' }),
    }),
  },
  client: {
    name: '.blk_client_config',
    magic: BLK,
    layout: record(80, { virt: field(8, connection), data: field(64, region) }),
  },
} as const;
