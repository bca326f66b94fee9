/** Configuration sections of the serial class: sDDF 0.7, `serial/config.h`. */

import {
  bytes,
  counted,
  field,
  record,
  region,
  type RegionValue,
  SLOTS,
  u64,
  u8,
} from './layout.ts';
import { type ConfigSection, configSection } from './section.ts';
import { NO_REGION, type Source } from './source.ts';

const SERIAL = 3;
const NAME_BYTES = 64;
const BEGIN_BYTES = 128;
const BAUD = 115_200;
const BEGIN = 'Begin input\r\n';
/** Ctrl-\ */
const SWITCH_CHARACTER = 28;
/** Enter */
const TERMINATE_CHARACTER = 13;
/** A byte that no keyboard sends: input is never switched. */
const NO_CHARACTER = 0xff;

const connection = record(40, {
  queue: field(0, region),
  data: field(16, region),
  id: field(32, u8),
});

const virtTxClient = record(104, {
  conn: field(0, connection),
  name: field(40, bytes(NAME_BYTES)),
});

interface ConnectionValue {
  readonly queue: RegionValue;
  readonly data: RegionValue;
  readonly id: number;
}

/** A null queue says that there is no such direction. */
const NO_CONNECTION: ConnectionValue = { queue: NO_REGION, data: NO_REGION, id: 0 };

function isConnection(source: Source): boolean {
  return source.has('queue', 'data', 'capacity', 'channel');
}

function connectionOf(source: Source): ConnectionValue {
  const capacity = BigInt(source.at('capacity').number(0x8000_0000));
  // The program takes the region's size for the queue's capacity.
  const data = { vaddr: source.at('data').region().vaddr, size: capacity };
  return { queue: source.at('queue').region(), data, id: source.at('channel').number(0xff) };
}

function optionalConnectionOf(source: Source): ConnectionValue {
  return source.isThere ? connectionOf(source) : NO_CONNECTION;
}

const driver = configSection({
  name: '.serial_driver_config',
  magic: SERIAL,
  layout: record(104, {
    rx: field(8, connection),
    tx: field(48, connection),
    defaultBaud: field(88, u64),
    rxEnabled: field(96, u8),
  }),
  from: (source) => {
    if (!source.has('registers') || !isConnection(source.at('tx'))) return undefined;
    return {
      rx: optionalConnectionOf(source.at('rx')),
      tx: connectionOf(source.at('tx')),
      defaultBaud: BigInt(source.at('defaultBaud').number(0xffff_ffff, BAUD)),
      rxEnabled: source.has('rx') ? 1 : 0,
    };
  },
});

const virtRx = configSection({
  name: '.serial_virt_rx_config',
  magic: SERIAL,
  layout: record(2616, {
    driver: field(8, connection),
    clients: counted(48, { slots: SLOTS, of: connection, countAt: 2608, count: 'u8' }),
    switchChar: field(2609, u8),
    terminateNumChar: field(2610, u8),
  }),
  from: (source) => {
    if (!isConnection(source.at('driver')) || source.has('colour')) return undefined;
    return {
      driver: connectionOf(source.at('driver')),
      clients: source
        .at('clients')
        .items(SLOTS)
        .map((client) => connectionOf(client.at('connection'))),
      switchChar: switchCharacterOf(source),
      terminateNumChar: source.at('terminateCharacter').number(0xff, TERMINATE_CHARACTER),
    };
  },
});

function switchCharacterOf(source: Source): number {
  const character = source.at('switchCharacter');
  return character.is(-1) ? NO_CHARACTER : character.number(0xff, SWITCH_CHARACTER);
}

const virtTx = configSection({
  name: '.serial_virt_tx_config',
  magic: SERIAL,
  layout: record(6840, {
    driver: field(8, connection),
    clients: counted(48, { slots: SLOTS, of: virtTxClient, countAt: 6704, count: 'u8' }),
    beginStr: field(6705, bytes(BEGIN_BYTES)),
    enableColour: field(6833, u8),
    enableRx: field(6834, u8),
  }),
  from: (source) => {
    if (!isConnection(source.at('driver')) || !source.has('colour')) return undefined;
    return {
      driver: connectionOf(source.at('driver')),
      clients: source
        .at('clients')
        .items(SLOTS)
        .map((client) => ({
          conn: connectionOf(client.at('connection')),
          name: client.at('name').text(NAME_BYTES),
        })),
      beginStr: source.at('beginString').text(BEGIN_BYTES, BEGIN),
      enableColour: source.at('colour').is('on') ? 1 : 0,
      enableRx: source.at('input').is('on') ? 1 : 0,
    };
  },
});

const client = configSection({
  name: '.serial_client_config',
  magic: SERIAL,
  layout: record(88, { rx: field(8, connection), tx: field(48, connection) }),
  from: (source) => {
    const serial = source.at('serial');
    if (!isConnection(serial.at('tx'))) return undefined;
    return { rx: optionalConnectionOf(serial.at('rx')), tx: connectionOf(serial.at('tx')) };
  },
});

export const SERIAL_SECTIONS: readonly ConfigSection[] = [driver, virtRx, virtTx, client];
