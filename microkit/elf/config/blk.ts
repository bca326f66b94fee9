/** Configuration sections of the block class: sDDF 0.7, `blk/config.h`. */

import { counted, deviceRegion, field, record, region, SLOTS, u16, u32, u8 } from './layout.ts';
import { type ConfigSection, configSection } from './section.ts';
import type { Source } from './source.ts';

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

function isConnection(source: Source): boolean {
  return source.has('storageInfo', 'requestQueue', 'responseQueue', 'capacity', 'channel');
}

function connectionOf(source: Source) {
  return {
    storageInfo: source.at('storageInfo').region(),
    reqQueue: source.at('requestQueue').region(),
    respQueue: source.at('responseQueue').region(),
    numBuffers: source.at('capacity').number(0xffff),
    id: source.at('channel').number(0xff),
  };
}

const driver = configSection({
  name: '.blk_driver_config',
  magic: BLK,
  layout: record(64, { virt: field(8, connection) }),
  from: (source) => {
    if (!source.has('registers') || !isConnection(source.at('virt'))) return undefined;
    return { virt: connectionOf(source.at('virt')) };
  },
});

const virt = configSection({
  name: '.blk_virt_config',
  magic: BLK,
  layout: record(5728, {
    driver: field(16, virtDriver),
    clients: counted(96, { slots: SLOTS, of: virtClient, countAt: 8, count: 'u64' }),
  }),
  from: (source) => {
    if (!isConnection(source.at('driver'))) return undefined;
    return {
      driver: {
        conn: connectionOf(source.at('driver')),
        data: source.at('table').at('region').deviceRegion(),
      },
      clients: source
        .at('clients')
        .items(SLOTS)
        .map((client) => ({
          conn: connectionOf(client.at('connection')),
          data: client.at('data').at('region').deviceRegion(),
          partition: partitionOf(client.at('partition')),
        })),
    };
  },
});

/** Upstream's clients have a partition each. */
function partitionOf(partition: Source): number {
  if (!partition.is('whole')) return partition.number(0xffff_ffff);
  partition.problem("is 'whole', and sDDF knows numbered partitions only; give the client one");
  return 0;
}

const client = configSection({
  name: '.blk_client_config',
  magic: BLK,
  layout: record(80, { virt: field(8, connection), data: field(64, region) }),
  from: (source) => {
    // `blk`, unless the description has given it another name.
    const record = [source.at('blk'), source.find(isClient)].find(
      (each) => each !== undefined && isClient(each),
    );
    if (record === undefined) return undefined;
    return {
      virt: connectionOf(record.at('virt')),
      data: record.at('data').at('region').region(),
    };
  },
});

function isClient(source: Source): boolean {
  return isConnection(source.at('virt')) && source.has('data') && !source.has('registers');
}

export const BLK_SECTIONS: readonly ConfigSection[] = [driver, virt, client];
