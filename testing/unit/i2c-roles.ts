/** Roles of the i2c class. */

import type { SystemBuilder } from '../../microkit/builder.ts';
import { flatten, type SystemDescription } from '../../microkit/model.ts';
import { i2c } from '../../microkit/sddf/i2c.ts';
import { timer } from '../../microkit/sddf/timer.ts';
import { main as timerDriver } from '../../drivers/timer/goldfish/driver.ts';
import { timerDevice } from '../../systems/devices.ts';
import { I2C_MORE_IRQS, i2cDevice } from '../../systems/i2c-devices.ts';
import type { DataArea } from './bench.ts';
import { Cast, count, indices, PRIORITY, type Role, type UnitEnd } from './role.ts';

/** Labels of the virtualiser's answers to a claim. */
const GRANTED = 0;
const REFUSED = 1;

function i2cBench(unit: 'driver' | 'virt'): Role['build'] {
  return (numbers, code) => {
    const cast = new Cast(`i2c/${unit}`, unit, code);
    i2cAround(
      cast,
      indices(count(numbers, 'clients')).map((index) => `client${index}`),
    );
    return cast.sys;
  };
}

function i2cAround(cast: Cast, clients: readonly string[]): void {
  const bus = i2c(cast.sys, {
    device: i2cDevice,
    moreIrqs: I2C_MORE_IRQS,
    driver: cast.pd('driver', PRIORITY.driver),
    virt: cast.pd('virt', PRIORITY.virt),
    dataBytes: 4096,
  });
  for (const name of clients) bus.addClient(cast.pd(name, PRIORITY.client));
}

/** A client may wait for time to pass, by a real timer. */
const buildClientBench: Role['build'] = (_, code): SystemBuilder => {
  const cast = new Cast('i2c/client', 'client', code);
  i2cAround(cast, ['client']);
  const driver = cast.sys.pd('timer_driver', {
    program: timerDriver,
    image: 'drivers/timer/goldfish/driver.ts',
    priority: PRIORITY.timer,
    passive: true,
  });
  const time = timer(cast.sys, { device: timerDevice, driver });
  for (const pd of cast.sys.pds) if (pd.name === 'client') time.addClient(pd);
  return cast.sys;
};

interface I2cRecord {
  readonly clients: readonly {
    readonly dataSize: number;
    readonly driverDataVaddr: number;
    readonly clientDataVaddr: number;
  }[];
}

/** Commands name data by where the queue's reader has them mapped. */
function i2cEnds({ clients }: I2cRecord): readonly UnitEnd[] {
  const areaOf = (index: number, base: number, units: number) => {
    const name = `client${index}`;
    return { name, region: `${name}_i2c_data`, units, base };
  };
  const atDriver = clients.map((each, index) => areaOf(index, each.driverDataVaddr, each.dataSize));
  return [
    {
      peer: 'driver',
      name: 'i2c',
      class: 'i2c',
      end: 'consumer',
      field: 'driver',
      data: { by: 'offset', areas: atDriver, unitBytes: 1 },
    },
    ...clients.map((each, index): UnitEnd => ({
      peer: `client${index}`,
      name: 'i2c',
      class: 'i2c',
      end: 'producer',
      field: `clients.${index}.connection`,
      data: {
        by: 'offset',
        areas: [areaOf(index, each.clientDataVaddr, each.dataSize)],
        unitBytes: 1,
      },
    })),
  ];
}

interface I2cDriverRecord {
  readonly data: readonly { readonly region: string }[];
}

function i2cDriverEnds(
  { data }: I2cDriverRecord,
  description: SystemDescription,
): readonly UnitEnd[] {
  const areas = data.map(({ region }, index) => ({
    ...mappedArea(description, 'driver', region),
    name: `client${index}`,
  }));
  return [
    {
      peer: 'virt',
      name: 'i2c',
      class: 'i2c',
      end: 'producer',
      field: 'virt',
      data: { by: 'offset', areas, unitBytes: 1 },
    },
  ];
}

interface I2cClientRecord {
  readonly i2c: { readonly data: { readonly region: string } };
}

function i2cClientEnds(
  { i2c: { data } }: I2cClientRecord,
  description: SystemDescription,
): readonly UnitEnd[] {
  const area = mappedArea(description, 'client', data.region);
  return [
    {
      peer: 'virt',
      name: 'i2c',
      class: 'i2c',
      end: 'consumer',
      field: 'i2c.virt',
      data: { by: 'offset', areas: [area], unitBytes: 1 },
    },
  ];
}

/** A region whose first byte commands call as this domain has it mapped. */
function mappedArea(description: SystemDescription, domain: string, region: string): DataArea {
  const maps = flatten(description).find(({ pd }) => pd.name === domain)?.pd.maps ?? [];
  const found = description.regions.find(({ name }) => name === region);
  const units = Number(found?.size ?? 0n);
  const base = Number(maps.find((map) => map.region === region)?.vaddr ?? 0n);
  return { name: domain, region, units, base };
}

export const I2C_ROLES: readonly Role[] = [
  {
    name: 'i2c/virt',
    what: 'between the peers driver (i2c), client0 (i2c), client1 (i2c) …',
    unit: 'virt',
    hasDevice: false,
    numbers: { clients: 2 },
    build: i2cBench('virt'),
    ends: i2cEnds,
  },
  {
    name: 'i2c/driver',
    what: 'between OpenTitan’s controller with a DS3231 and a 24LC256, and the peer virt (i2c)',
    unit: 'driver',
    hasDevice: true,
    numbers: { clients: 2 },
    build: i2cBench('driver'),
    ends: i2cDriverEnds,
  },
  {
    name: 'i2c/client',
    what: 'between the peer virt (i2c), and a timer; for a client that asks again and again',
    unit: 'client',
    hasDevice: false,
    numbers: { claims: ['granted', 'refused'] },
    build: buildClientBench,
    manners: ({ claims }) => ({
      virt: { answer: () => (claims === 'refused' ? REFUSED : GRANTED) },
    }),
    ends: i2cClientEnds,
  },
];
