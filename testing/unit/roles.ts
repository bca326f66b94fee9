/**
 * Roles of sDDF: what lies around a domain that plays one. The description is made by the same
 * builders as those of whole systems, so that the unit has the record, the regions and the channels
 * that it has there; queues are small, so that a test can fill one.
 */

import type { PdBuilder, SystemBuilder } from '../../microkit/builder.ts';
import { system } from '../../microkit/builder.ts';
import { blk } from '../../microkit/sddf/blk.ts';
import { i2c } from '../../microkit/sddf/i2c.ts';
import { net } from '../../microkit/sddf/net.ts';
import { serial } from '../../microkit/sddf/serial.ts';
import { timer } from '../../microkit/sddf/timer.ts';
import type { PdOptions } from '../../microkit/records.ts';
import { flatten, type SystemDescription } from '../../microkit/model.ts';
import { main as timerDriver } from '../../drivers/timer/goldfish/driver.ts';
import { blockDevices, networkDevice, timerDevice } from '../../systems/devices.ts';
import { I2C_MORE_IRQS, i2cDevice } from '../../systems/i2c-devices.ts';
import { serialDevices, UARTS, type Uart } from '../../systems/serial-devices.ts';
import type { BenchConnection, BenchData } from './bench.ts';
import type { PeerInit } from './peer.ts';

/** Numbers of a bench, by name. */
export type BenchNumbers = Readonly<Record<string, number | string>>;

/** What the domain that is tried is made of: an image, or a program. */
export type UnitCode = Pick<PdOptions, 'image' | 'program'>;

/** An end of the unit, and who is at the other one. */
export type UnitEnd = Pick<BenchConnection, 'peer' | 'name' | 'class' | 'end' | 'data'> & {
  /** Field of the unit's record that has the connection, such as 'clients.0.connection'. */
  readonly field: string;
};

export interface Role {
  /** Such as 'net/virt-rx'. */
  readonly name: string;
  /** One line: who the peers are. */
  readonly what: string;
  readonly unit: string;
  readonly hasDevice: boolean;
  /** Numbers and words that a bench may set, with what they are unless told. */
  readonly numbers: Readonly<Record<string, number | readonly string[]>>;
  readonly build: (numbers: BenchNumbers, code: UnitCode) => SystemBuilder;
  /** What peers do in their `init`, by domain. */
  readonly begins?: (numbers: BenchNumbers) => Readonly<Record<string, PeerInit>>;
  readonly ends: (record: never, system: SystemDescription) => readonly UnitEnd[];
}

const PRIORITY = { timer: 202, driver: 201, virt: 200, copier: 199, client: 198 } as const;

/** Domains of a bench: the unit has its own code, all others are played. */
class Cast {
  readonly sys: SystemBuilder;
  readonly #unit: string;
  readonly #code: UnitCode;

  constructor(role: string, unit: string, code: UnitCode) {
    this.sys = system({ name: `bench of ${role}` });
    this.#unit = unit;
    this.#code = code;
  }

  pd(name: string, priority: number, options: Partial<PdOptions> = {}): PdBuilder {
    const code = name === this.#unit ? this.#code : { image: `a peer, ${name}` };
    return this.sys.pd(name, { ...code, priority, ...options });
  }
}

function count(numbers: BenchNumbers, name: string): number {
  return Number(numbers[name]);
}

function indices(length: number): readonly number[] {
  return Array.from({ length }, (_, index) => index);
}

interface NetParts {
  readonly unit: string;
  readonly hasCopier?: boolean;
  readonly hasTimer?: boolean;
}

function netBench(name: string, parts: NetParts): Role['build'] {
  return (numbers, code) => {
    const cast = new Cast(name, parts.unit, code);
    const { sys } = cast;
    const driver = cast.pd('driver', PRIORITY.driver);
    const rx = cast.pd('virt_rx', PRIORITY.virt);
    const tx = cast.pd('virt_tx', PRIORITY.virt);
    const buffers = count(numbers, 'buffers');
    if (parts.hasTimer === true) addTimer(sys, driver);
    const watchdog = parts.hasTimer === true ? { watchdogNs: 10e6 } : {};
    const options = { device: networkDevice, driver, rx, tx, rxBuffers: buffers, ...watchdog };
    const network = net(sys, options);
    const clients = parts.hasCopier === true ? 1 : count(numbers, 'clients');
    for (const index of indices(clients)) {
      const client = cast.pd(`client${index}`, PRIORITY.client);
      const copier = parts.hasCopier === true ? { copier: cast.pd('copier', PRIORITY.copier) } : {};
      const own = parts.hasCopier === true ? count(numbers, 'client-buffers') : buffers;
      network.addClient(client, { rxBuffers: own, txBuffers: buffers, ...copier });
    }
    return sys;
  };
}

function addTimer(sys: SystemBuilder, ...clients: readonly PdBuilder[]): void {
  const driver = sys.pd('timer_driver', {
    program: timerDriver,
    image: 'drivers/timer/goldfish/driver.ts',
    priority: PRIORITY.timer,
    passive: true,
  });
  const time = timer(sys, { device: timerDevice, driver });
  for (const client of clients) time.addWatchdog(client);
}

interface DataRecord {
  readonly region: string;
  readonly buffers: number;
}

function buffersOf(name: string, { region, buffers }: DataRecord, by: BenchData['by']): BenchData {
  return { by, areas: [{ name, region, units: buffers }], unitBytes: 2048 };
}

function netDriverEnds(_: never, description: SystemDescription): readonly UnitEnd[] {
  const region = (name: string) => buffersIn(description, name, 2048, 'address');
  return [
    {
      peer: 'virt_rx',
      name: 'rx',
      class: 'net',
      end: 'consumer',
      field: 'rx',
      data: region('driver_rx_data'),
    },
    {
      peer: 'virt_tx',
      name: 'tx',
      class: 'net',
      end: 'producer',
      field: 'tx',
      data: region('client0_tx_data'),
    },
  ];
}

function buffersIn(
  { regions }: SystemDescription,
  name: string,
  unitBytes: number,
  by: BenchData['by'],
): BenchData {
  const size = Number(regions.find((region) => region.name === name)?.size ?? 0n);
  return { by, areas: [{ name, region: name, units: size / unitBytes }], unitBytes };
}

interface RxRecord {
  readonly data: DataRecord;
  readonly clients: readonly unknown[];
}

function virtRxEnds({ data, clients }: RxRecord): readonly UnitEnd[] {
  return [
    {
      peer: 'driver',
      name: 'rx',
      class: 'net',
      end: 'producer',
      field: 'driver',
      data: buffersOf('data', data, 'address'),
    },
    ...clients.map((_, index): UnitEnd => ({
      peer: `client${index}`,
      name: 'rx',
      class: 'net',
      end: 'consumer',
      field: `clients.${index}.connection`,
      data: buffersOf('data', data, 'offset'),
    })),
  ];
}

interface TxRecord {
  readonly clients: readonly { readonly data: readonly DataRecord[] }[];
}

function virtTxEnds({ clients }: TxRecord): readonly UnitEnd[] {
  const areas = clients.map(({ data: [data] }, index) => ({
    name: `client${index}`,
    region: data?.region ?? '',
    units: data?.buffers ?? 0,
  }));
  return [
    {
      peer: 'driver',
      name: 'tx',
      class: 'net',
      end: 'consumer',
      field: 'driver',
      data: { by: 'address', areas, unitBytes: 2048 },
    },
    ...areas.map((area, index): UnitEnd => ({
      peer: area.name,
      name: 'tx',
      class: 'net',
      end: 'producer',
      field: `clients.${index}.connection`,
      data: { by: 'offset', areas: [area], unitBytes: 2048 },
    })),
  ];
}

interface CopyRecord {
  readonly rxData: DataRecord;
  readonly clientData: DataRecord;
}

function copierEnds({ rxData, clientData }: CopyRecord): readonly UnitEnd[] {
  return [
    {
      peer: 'virt',
      name: 'rx',
      class: 'net',
      end: 'producer',
      field: 'rx',
      data: buffersOf('data', rxData, 'offset'),
    },
    {
      peer: 'client',
      name: 'rx',
      class: 'net',
      end: 'consumer',
      field: 'client',
      data: buffersOf('data', clientData, 'offset'),
    },
  ];
}

function serialBench(name: string, unit: string): Role['build'] {
  return (numbers, code) => {
    const cast = new Cast(name, unit, code);
    // Where the board has no UART, a slot for a virtio console is there all the same.
    const uart = (numbers['device'] ?? 'virtio') as Uart;
    const terminal = serial(cast.sys, {
      device: serialDevices[uart],
      driver: cast.pd('driver', PRIORITY.driver),
      tx: cast.pd('virt_tx', PRIORITY.virt),
      rx: cast.pd('virt_rx', PRIORITY.virt),
      hardware: uart === 'virtio' ? 'virtio' : 'uart',
      colour: numbers['colour'] === 'on' ? 'on' : 'off',
      dataBytes: count(numbers, 'bytes'),
    });
    for (const index of indices(count(numbers, 'clients'))) {
      terminal.addClient(cast.pd(`client${index}`, PRIORITY.client));
    }
    return cast.sys;
  };
}

type Clients = { readonly clients: readonly unknown[] };

function serialEnds(name: 'rx' | 'tx'): (record: Clients) => readonly UnitEnd[] {
  const isTx = name === 'tx';
  return ({ clients }) => [
    {
      peer: 'driver',
      name,
      class: 'serial',
      end: isTx ? 'consumer' : 'producer',
      field: 'driver',
      data: undefined,
    },
    ...clients.map((_, index): UnitEnd => ({
      peer: `client${index}`,
      name,
      class: 'serial',
      end: isTx ? 'producer' : 'consumer',
      field: `clients.${index}.connection`,
      data: undefined,
    })),
  ];
}

const SERIAL_DRIVER_ENDS: readonly UnitEnd[] = [
  { peer: 'virt_tx', name: 'tx', class: 'serial', end: 'producer', field: 'tx', data: undefined },
  { peer: 'virt_rx', name: 'rx', class: 'serial', end: 'consumer', field: 'rx', data: undefined },
];

function blkBench(name: string, unit: string): Role['build'] {
  return (numbers, code) => {
    const cast = new Cast(name, unit, code);
    const { sys } = cast;
    const driver = cast.pd('driver', PRIORITY.driver);
    const virt = cast.pd('virt', PRIORITY.virt);
    const isDriver = unit === 'driver';
    if (isDriver) addTimer(sys, driver);
    const [device] = blockDevices;
    if (device === undefined) throw new Error('the board has a slot for a disk');
    const own = isDriver ? { watchdogNs: 10e9 } : { window: count(numbers, 'window') };
    const disk = blk(sys, { device, driver, virt, ...own });
    const partition = numbers['partition'];
    for (const index of indices(count(numbers, 'clients'))) {
      const client = cast.pd(`client${index}`, PRIORITY.client);
      disk.addClient(client, {
        partition: partition === 'whole' ? 'whole' : index,
        queueCapacity: count(numbers, 'requests'),
        dataSize: count(numbers, 'buffers') * 4096,
      });
    }
    return sys;
  };
}

/** A driver fills its page of storage information before its virtualiser begins. */
function readyDisk(blocks: number): PeerInit {
  return (pd) => {
    if (blocks === 0) return;
    const { virt } = pd.config as { readonly virt: { readonly storageInfo: string } };
    const page = pd.region(virt.storageInfo);
    page.write16(66, 512);
    page.write32(80, blocks);
    page.write8(65, 1);
  };
}

interface BlkVirtRecord {
  readonly table: { readonly region: string };
  readonly clients: readonly { readonly data: { readonly region: string } }[];
}

function blkVirtEnds(
  { table, clients }: BlkVirtRecord,
  description: SystemDescription,
): readonly UnitEnd[] {
  const areaOf = (name: string, region: string) => {
    const [area] = buffersIn(description, region, 4096, 'address').areas;
    return { name, region, units: area?.units ?? 0 };
  };
  const areas = clients.map(({ data }, index) => areaOf(`client${index}`, data.region));
  const all = [...areas, areaOf('table', table.region)];
  return [
    {
      peer: 'driver',
      name: 'blk',
      class: 'blk',
      end: 'consumer',
      field: 'driver',
      data: { by: 'address', areas: all, unitBytes: 4096 },
    },
    ...areas.map((area, index): UnitEnd => ({
      peer: area.name,
      name: 'blk',
      class: 'blk',
      end: 'producer',
      field: `clients.${index}.connection`,
      data: { by: 'offset', areas: [area], unitBytes: 4096 },
    })),
  ];
}

function blkDriverEnds(_: never, description: SystemDescription): readonly UnitEnd[] {
  const data = buffersIn(description, 'client0_virt_data', 4096, 'address');
  return [{ peer: 'virt', name: 'blk', class: 'blk', end: 'producer', field: 'virt', data }];
}

function timerBench(numbers: BenchNumbers, code: UnitCode): SystemBuilder {
  const cast = new Cast('timer/driver', 'driver', code);
  const driver = cast.pd('driver', PRIORITY.driver, { passive: true });
  const time = timer(cast.sys, { device: timerDevice, driver });
  for (const index of indices(count(numbers, 'clients'))) {
    time.addClient(cast.pd(`client${index}`, PRIORITY.client));
  }
  return cast.sys;
}

interface TimerRecord {
  readonly clients: readonly number[];
}

function timerEnds({ clients }: TimerRecord): readonly UnitEnd[] {
  return clients.map((_, index): UnitEnd => ({
    peer: `client${index}`,
    name: 'timer',
    class: 'timer',
    end: 'producer',
    field: `clients.${index}`,
    data: undefined,
  }));
}

function i2cBench(unit: 'driver' | 'virt'): Role['build'] {
  return (numbers, code) => i2cAround(new Cast(`i2c/${unit}`, unit, code), numbers);
}

function i2cAround(cast: Cast, numbers: BenchNumbers): SystemBuilder {
  const bus = i2c(cast.sys, {
    device: i2cDevice,
    moreIrqs: I2C_MORE_IRQS,
    driver: cast.pd('driver', PRIORITY.driver),
    virt: cast.pd('virt', PRIORITY.virt),
    dataBytes: 4096,
  });
  for (const index of indices(count(numbers, 'clients'))) {
    bus.addClient(cast.pd(`client${index}`, PRIORITY.client));
  }
  return cast.sys;
}

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
  const maps = flatten(description).find(({ pd }) => pd.name === 'driver')?.pd.maps ?? [];
  const areas = data.map(({ region }, index) => {
    const units = Number(description.regions.find(({ name }) => name === region)?.size ?? 0n);
    const base = Number(maps.find((map) => map.region === region)?.vaddr ?? 0n);
    return { name: `client${index}`, region, units, base };
  });
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

const NET = { clients: 2, buffers: 16 } as const;
const SERIAL = { clients: 2, bytes: 64, colour: ['off', 'on'] } as const;
/**
 * `blocks`: of the disk, whose driver is ready from the start; 0 for a driver that is not.
 * `window`: requests that the virtualiser may have with its driver at a time.
 */
const BLK = {
  clients: 2,
  requests: 8,
  buffers: 16,
  blocks: 64,
  partition: ['each', 'whole'],
  window: 64,
} as const;

export const ROLES: readonly Role[] = [
  {
    name: 'net/driver',
    what: 'between a virtio network device, and the peers virt_rx (rx) and virt_tx (tx)',
    unit: 'driver',
    hasDevice: true,
    numbers: { buffers: 16 },
    build: (numbers, code) =>
      netBench('net/driver', { unit: 'driver', hasTimer: true })({ ...numbers, clients: 1 }, code),
    ends: netDriverEnds,
  },
  {
    name: 'net/virt-rx',
    what: 'between the peers driver (rx), client0 (rx), client1 (rx) …',
    unit: 'virt_rx',
    hasDevice: false,
    numbers: NET,
    build: netBench('net/virt-rx', { unit: 'virt_rx' }),
    ends: virtRxEnds,
  },
  {
    name: 'net/virt-tx',
    what: 'between the peers driver (tx), client0 (tx), client1 (tx) …',
    unit: 'virt_tx',
    hasDevice: false,
    numbers: NET,
    build: netBench('net/virt-tx', { unit: 'virt_tx' }),
    ends: virtTxEnds,
  },
  {
    name: 'net/copy',
    what: 'between the peers virt (rx) and client (rx)',
    unit: 'copier',
    hasDevice: false,
    numbers: { buffers: 16, 'client-buffers': 8 },
    build: netBench('net/copy', { unit: 'copier', hasCopier: true }),
    ends: copierEnds,
  },
  {
    name: 'serial/driver',
    what: 'between a UART, and the peers virt_tx (tx) and virt_rx (rx)',
    unit: 'driver',
    hasDevice: true,
    numbers: { bytes: 64, device: UARTS },
    build: (numbers, code) =>
      serialBench('serial/driver', 'driver')({ clients: 1, ...numbers }, code),
    ends: () => SERIAL_DRIVER_ENDS,
  },
  {
    name: 'serial/virt-tx',
    what: 'between the peers driver (tx), client0 (tx), client1 (tx) …',
    unit: 'virt_tx',
    hasDevice: false,
    numbers: SERIAL,
    build: serialBench('serial/virt-tx', 'virt_tx'),
    ends: serialEnds('tx'),
  },
  {
    name: 'serial/virt-rx',
    what: 'between the peers driver (rx), client0 (rx), client1 (rx) …',
    unit: 'virt_rx',
    hasDevice: false,
    numbers: SERIAL,
    build: serialBench('serial/virt-rx', 'virt_rx'),
    ends: serialEnds('rx'),
  },
  {
    name: 'blk/driver',
    what: 'between a virtio disk and the peer virt (blk)',
    unit: 'driver',
    hasDevice: true,
    numbers: { requests: 8, buffers: 16 },
    build: (numbers, code) =>
      blkBench('blk/driver', 'driver')({ clients: 1, partition: 'whole', ...numbers }, code),
    ends: blkDriverEnds,
  },
  {
    name: 'blk/virt',
    what: 'between the peers driver (blk), client0 (blk), client1 (blk) …',
    unit: 'virt',
    hasDevice: false,
    numbers: BLK,
    build: blkBench('blk/virt', 'virt'),
    begins: (numbers) => ({ driver: readyDisk(count(numbers, 'blocks')) }),
    ends: blkVirtEnds,
  },
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
    name: 'timer/driver',
    what: 'between a Goldfish clock, and the peers client0 (timer), client1 (timer) …',
    unit: 'driver',
    hasDevice: true,
    numbers: { clients: 2 },
    build: timerBench,
    ends: timerEnds,
  },
];
