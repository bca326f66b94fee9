/** Configuration sections of the i2c class: sDDF 0.7, `i2c/config.h`. */

import { I2C_SECTIONS, SLOTS } from '../../../queues/classes.ts';
import { type ConfigSection, configSection } from './section.ts';
import type { Source } from './source.ts';

function isConnection(source: Source): boolean {
  return source.has('requestQueue', 'responseQueue', 'capacity', 'channel');
}

function connectionOf(source: Source) {
  return {
    reqQueue: source.at('requestQueue').region(),
    respQueue: source.at('responseQueue').region(),
    numBuffers: source.at('capacity').number(0xffff),
    id: source.at('channel').number(0xff),
  };
}

const driver = configSection({
  ...I2C_SECTIONS.driver,
  from: (source) => {
    const { virt } = i2cRecords(source);
    return virt === undefined ? undefined : { virt: connectionOf(virt) };
  },
});

const virt = configSection({
  ...I2C_SECTIONS.virt,
  from: (source) => {
    if (!isConnection(source.at('driver')) || source.at('driver').has('storageInfo')) {
      return undefined;
    }
    return {
      driver: connectionOf(source.at('driver')),
      clients: source
        .at('clients')
        .items(SLOTS)
        .map((client) => ({
          conn: connectionOf(client.at('connection')),
          dataSize: BigInt(client.at('dataSize').number(0xffff_ffff)),
          driverDataVaddr: BigInt(client.at('driverDataVaddr').number(Number.MAX_SAFE_INTEGER)),
          clientDataVaddr: BigInt(client.at('clientDataVaddr').number(Number.MAX_SAFE_INTEGER)),
        })),
    };
  },
});

const client = configSection({
  ...I2C_SECTIONS.client,
  from: (source) => {
    const i2c = source.at('i2c');
    if (!isConnection(i2c.at('virt'))) return undefined;
    return { virt: connectionOf(i2c.at('virt')), data: i2c.at('data').at('region').region() };
  },
});

/** A block driver's connection looks like this one with the storage information beside it. */
function i2cRecords(source: Source): { readonly virt?: Source } {
  const found = source.at('virt');
  const isI2c = isConnection(found) && !found.has('storageInfo');
  return source.has('registers') && isI2c ? { virt: found } : {};
}

export const I2C_CONFIG: readonly ConfigSection[] = [driver, virt, client];
