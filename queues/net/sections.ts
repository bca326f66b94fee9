/** Configuration sections of the net class, as sDDF 0.7 has them: see `../sections.ts`. */

import { bytes, counted, field, list, record, u16, u32, u64, u8 } from '../../memory/c-layout.ts';
import { SLOTS, deviceRegion, region } from '../sections.ts';

const NET = 5;
const LWIP = 8;
/** Bytes of a hardware address. */
export const MAC_BYTES = 6;

const connection = record(40, {
  freeQueue: field(0, region),
  activeQueue: field(16, region),
  numBuffers: field(32, u16),
  id: field(34, u8),
});

const virtRxClient = record(432, {
  conn: field(0, connection),
  macs: counted(40, { slots: SLOTS, of: bytes(MAC_BYTES), countAt: 424, count: 'u8' }),
});

const txData = record(32, { data: field(0, deviceRegion), numBuffers: field(24, u32) });

const virtTxClient = record(2096, {
  conn: field(0, connection),
  data: counted(40, { slots: SLOTS, of: txData, countAt: 2088, count: 'u8' }),
});

const vswitchPort = record(112, {
  rx: field(0, connection),
  tx: field(40, connection),
  txData: field(80, region),
  mac: field(96, bytes(MAC_BYTES)),
  acl: field(104, u64),
});

/** By role: the section that a program in it reads, its number and its structure. */
export const NET_SECTIONS = {
  driver: {
    name: '.net_driver_config',
    magic: NET,
    layout: record(88, { virtRx: field(8, connection), virtTx: field(48, connection) }),
  },
  virtRx: {
    name: '.net_virt_rx_config',
    magic: NET,
    layout: record(27_744, {
      driver: field(8, connection),
      data: field(48, deviceRegion),
      bufferMetadata: field(72, region),
      clients: counted(88, { slots: SLOTS, of: virtRxClient, countAt: 27_736, count: 'u8' }),
    }),
  },
  virtTx: {
    name: '.net_virt_tx_config',
    magic: NET,
    layout: record(134_200, {
      driver: field(8, connection),
      clients: counted(48, { slots: SLOTS, of: virtTxClient, countAt: 134_192, count: 'u8' }),
    }),
  },
  copy: {
    name: '.net_copy_config',
    magic: NET,
    layout: record(1128, {
      rx: field(8, connection),
      rxData: field(48, list(SLOTS, region)),
      client: field(1072, connection),
      clientData: field(1112, region),
    }),
  },
  client: {
    name: '.net_client_config',
    magic: NET,
    layout: record(128, {
      rx: field(8, connection),
      rxData: field(48, region),
      tx: field(64, connection),
      txData: field(104, region),
      mac: field(120, bytes(MAC_BYTES)),
    }),
  },
  vswitch: {
    name: '.net_vswitch_config',
    magic: NET,
    layout: record(7200, {
      ports: counted(8, { slots: SLOTS, of: vswitchPort, countAt: 7176, count: 'u8' }),
      bufferMetadata: field(7184, region),
    }),
  },
  lwip: {
    name: '.lib_sddf_lwip_config',
    magic: LWIP,
    layout: record(32, { pbufPool: field(8, region), numPbufs: field(24, u64) }),
  },
} as const;
