/**
 * Configuration sections of the network class: sDDF 0.7, `network/config.h` and `lib_sddf_lwip`.
 */

import {
  bytes,
  counted,
  deviceRegion,
  field,
  list,
  record,
  region,
  SLOTS,
  u16,
  u32,
  u64,
  u8,
} from './layout.ts';
import { type ConfigSection, configSection } from './section.ts';
import { NO_REGION, type Source } from './source.ts';

const NET = 5;
const LWIP = 8;
const MAC_BYTES = 6;

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

function isConnection(source: Source): boolean {
  return source.has('freeQueue', 'activeQueue', 'capacity', 'channel');
}

function connectionOf(source: Source) {
  return {
    freeQueue: source.at('freeQueue').region(),
    activeQueue: source.at('activeQueue').region(),
    numBuffers: source.at('capacity').number(0xffff),
    id: source.at('channel').number(0xff),
  };
}

const driver = configSection({
  name: '.net_driver_config',
  magic: NET,
  layout: record(88, { virtRx: field(8, connection), virtTx: field(48, connection) }),
  from: (source) => {
    if (!source.has('registers') || !isConnection(source.at('rx'))) return undefined;
    return { virtRx: connectionOf(source.at('rx')), virtTx: connectionOf(source.at('tx')) };
  },
});

const virtRx = configSection({
  name: '.net_virt_rx_config',
  magic: NET,
  layout: record(27_744, {
    driver: field(8, connection),
    data: field(48, deviceRegion),
    bufferMetadata: field(72, region),
    clients: counted(88, { slots: SLOTS, of: virtRxClient, countAt: 27_736, count: 'u8' }),
  }),
  from: (source) => {
    if (!isConnection(source.at('driver')) || !source.has('bufferMetadata')) return undefined;
    return {
      driver: connectionOf(source.at('driver')),
      data: source.at('data').at('region').deviceRegion(),
      bufferMetadata: source.at('bufferMetadata').region(),
      clients: source
        .at('clients')
        .items(SLOTS)
        .map((client) => ({
          conn: connectionOf(client.at('connection')),
          macs: client
            .at('macs')
            .items(SLOTS)
            .map((mac) => mac.mac()),
        })),
    };
  },
});

const virtTx = configSection({
  name: '.net_virt_tx_config',
  magic: NET,
  layout: record(134_200, {
    driver: field(8, connection),
    clients: counted(48, { slots: SLOTS, of: virtTxClient, countAt: 134_192, count: 'u8' }),
  }),
  from: (source) => {
    if (!isConnection(source.at('driver')) || source.has('bufferMetadata')) return undefined;
    return {
      driver: connectionOf(source.at('driver')),
      clients: source
        .at('clients')
        .items(SLOTS)
        .map((client) => ({
          conn: connectionOf(client.at('connection')),
          data: client
            .at('data')
            .items(SLOTS)
            .map((data) => ({
              data: data.at('region').deviceRegion(),
              numBuffers: data.at('buffers').number(0xffff_ffff),
            })),
        })),
    };
  },
});

const copy = configSection({
  name: '.net_copy_config',
  magic: NET,
  layout: record(1128, {
    rx: field(8, connection),
    rxData: field(48, list(SLOTS, region)),
    client: field(1072, connection),
    clientData: field(1112, region),
  }),
  from: (source) => {
    if (!isConnection(source.at('client')) || !source.has('clientData')) return undefined;
    // Behind a switch, frames come from wherever their sender keeps them.
    const sources = source.has('sources')
      ? source.at('sources').items(SLOTS)
      : [source.at('rxData')];
    return {
      rx: connectionOf(source.at('rx')),
      rxData: sources.map((data) => (data.isThere ? data.at('region').region() : NO_REGION)),
      client: connectionOf(source.at('client')),
      clientData: source.at('clientData').at('region').region(),
    };
  },
});

const client = configSection({
  name: '.net_client_config',
  magic: NET,
  layout: record(128, {
    rx: field(8, connection),
    rxData: field(48, region),
    tx: field(64, connection),
    txData: field(104, region),
    mac: field(120, bytes(MAC_BYTES)),
  }),
  from: (source) => {
    const net = source.at('net');
    if (!isConnection(net.at('rx')) || !net.has('mac')) return undefined;
    return {
      rx: connectionOf(net.at('rx')),
      rxData: net.at('rxData').at('region').region(),
      tx: connectionOf(net.at('tx')),
      txData: net.at('txData').at('region').region(),
      mac: net.at('mac').mac(),
    };
  },
});

const vswitch = configSection({
  name: '.net_vswitch_config',
  magic: NET,
  layout: record(7200, {
    ports: counted(8, { slots: SLOTS, of: vswitchPort, countAt: 7176, count: 'u8' }),
    bufferMetadata: field(7184, region),
  }),
  from: (source) => {
    if (!source.has('ports', 'uplink')) return undefined;
    const ports = source.at('ports').items(SLOTS);
    if (source.at('uplink').number(SLOTS) !== ports.length - 1) {
      source.at('uplink').problem('must be the last port: the section has no place for its number');
    }
    return {
      ports: ports.map((port) => ({
        rx: connectionOf(port.at('rx')),
        tx: connectionOf(port.at('tx')),
        txData: port.at('txData').at('region').region(),
        mac: macOfPort(port),
        acl: reachOf(port),
      })),
      bufferMetadata: source.at('bufferMetadata').region(),
    };
  },
});

/** The uplink has none. */
function macOfPort(port: Source): Uint8Array {
  const [mac] = port.at('macs').items(1);
  return mac?.mac() ?? new Uint8Array(MAC_BYTES);
}

/** A bit for each port that may be reached. */
function reachOf(port: Source): bigint {
  return port
    .at('reach')
    .items(SLOTS)
    .reduce((bits, to) => bits | (1n << BigInt(to.number(SLOTS - 1))), 0n);
}

/** `config.lwip`: the pool of buffers that sDDF's glue for lwIP hands out. */
const lwip = configSection({
  name: '.lib_sddf_lwip_config',
  magic: LWIP,
  layout: record(32, { pbufPool: field(8, region), numPbufs: field(24, u64) }),
  from: (source) => {
    const pool = source.at('lwip');
    if (!pool.has('pbufPool')) return undefined;
    return {
      pbufPool: pool.at('pbufPool').region(),
      numPbufs: BigInt(pool.at('numPbufs').number(0xffff_ffff)),
    };
  },
});

export const NET_SECTIONS: readonly ConfigSection[] = [
  driver,
  virtRx,
  virtTx,
  copy,
  client,
  vswitch,
  lwip,
];
