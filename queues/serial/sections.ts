/** Configuration sections of the serial class, as sDDF 0.7 has them: see `../sections.ts`. */

import { bytes, counted, field, record, u64, u8 } from '../../memory/c-layout.ts';
import { SLOTS, region } from '../sections.ts';

const SERIAL = 3;
/** `SDDF_NAME_LENGTH`: bytes of a client's name, its end included. */
export const NAME_BYTES = 64;
/** Bytes of the text that is printed when input begins. */
export const BEGIN_BYTES = 128;

const connection = record(40, {
  queue: field(0, region),
  data: field(16, region),
  id: field(32, u8),
});

const virtTxClient = record(104, {
  conn: field(0, connection),
  name: field(40, bytes(NAME_BYTES)),
});

/** By role: the section that a program in it reads, its number and its structure. */
export const SERIAL_SECTIONS = {
  driver: {
    name: '.serial_driver_config',
    magic: SERIAL,
    layout: record(104, {
      rx: field(8, connection),
      tx: field(48, connection),
      defaultBaud: field(88, u64),
      rxEnabled: field(96, u8),
    }),
  },
  virtRx: {
    name: '.serial_virt_rx_config',
    magic: SERIAL,
    layout: record(2616, {
      driver: field(8, connection),
      clients: counted(48, { slots: SLOTS, of: connection, countAt: 2608, count: 'u8' }),
      switchChar: field(2609, u8),
      terminateNumChar: field(2610, u8),
    }),
  },
  virtTx: {
    name: '.serial_virt_tx_config',
    magic: SERIAL,
    layout: record(6840, {
      driver: field(8, connection),
      clients: counted(48, { slots: SLOTS, of: virtTxClient, countAt: 6704, count: 'u8' }),
      beginStr: field(6705, bytes(BEGIN_BYTES)),
      enableColour: field(6833, u8),
      enableRx: field(6834, u8),
    }),
  },
  client: {
    name: '.serial_client_config',
    magic: SERIAL,
    layout: record(88, { rx: field(8, connection), tx: field(48, connection) }),
  },
} as const;
