/**
 * Configuration sections of the network class: sDDF 0.7, `network/config.h` and `lib_sddf_lwip`.
 */

import { NET_SECTIONS, MAC_BYTES, SLOTS } from '../../../queues/classes.ts';
import { type ConfigSection, configSection } from './section.ts';
import { NO_REGION, type Source } from './source.ts';

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
  ...NET_SECTIONS.driver,
  from: (source) => {
    if (!source.has('registers') || !isConnection(source.at('rx'))) return undefined;
    return { virtRx: connectionOf(source.at('rx')), virtTx: connectionOf(source.at('tx')) };
  },
});

const virtRx = configSection({
  ...NET_SECTIONS.virtRx,
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
  ...NET_SECTIONS.virtTx,
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
  ...NET_SECTIONS.copy,
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
  ...NET_SECTIONS.client,
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
  ...NET_SECTIONS.vswitch,
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
  ...NET_SECTIONS.lwip,
  from: (source) => {
    const pool = source.at('lwip');
    if (!pool.has('pbufPool')) return undefined;
    return {
      pbufPool: pool.at('pbufPool').region(),
      numPbufs: BigInt(pool.at('numPbufs').number(0xffff_ffff)),
    };
  },
});

export const NET_CONFIG: readonly ConfigSection[] = [
  driver,
  virtRx,
  virtTx,
  copy,
  client,
  vswitch,
  lwip,
];
