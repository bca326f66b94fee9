/** Configuration sections of the i2c class: sDDF 0.7, `i2c/config.h`. */

import { counted, field, record, region, SLOTS, u16, u64, u8 } from './layout.ts';
import { type ConfigSection, configSection } from './section.ts';
import type { Source } from './source.ts';

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
  name: '.i2c_driver_config',
  magic: I2C,
  layout: record(48, { virt: field(8, connection) }),
  from: (source) => {
    const { virt } = i2cRecords(source);
    return virt === undefined ? undefined : { virt: connectionOf(virt) };
  },
});

const virt = configSection({
  name: '.i2c_virt_config',
  magic: I2C,
  layout: record(4152, {
    driver: field(16, connection),
    clients: counted(56, { slots: SLOTS, of: virtClient, countAt: 8, count: 'u64' }),
  }),
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
  name: '.i2c_client_config',
  magic: I2C,
  layout: record(64, { virt: field(8, connection), data: field(48, region) }),
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

export const I2C_SECTIONS: readonly ConfigSection[] = [driver, virt, client];
