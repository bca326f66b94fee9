/** Configuration sections of the block class: sDDF 0.7, `blk/config.h`. */

import { BLK_SECTIONS, SLOTS } from '../../../queues/classes.ts';
import { type ConfigSection, configSection } from './section.ts';
import type { Source } from './source.ts';

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
  ...BLK_SECTIONS.driver,
  from: (source) => {
    if (!source.has('registers') || !isConnection(source.at('virt'))) return undefined;
    return { virt: connectionOf(source.at('virt')) };
  },
});

const virt = configSection({
  ...BLK_SECTIONS.virt,
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
  ...BLK_SECTIONS.client,
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

export const BLK_CONFIG: readonly ConfigSection[] = [driver, virt, client];
