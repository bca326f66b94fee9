/**
 * The roles of sDDF: what lies around a domain that plays one. The description is made by the same
 * builders as those of whole systems, so that the unit has the record, the regions and the channels
 * that it has there; queues are small, so that a test can fill one.
 */

import type { PdBuilder, SystemBuilder } from '../../microkit/builder.ts';
import { blk } from '../../microkit/sddf/blk.ts';
import { net } from '../../microkit/sddf/net.ts';
import { serial } from '../../microkit/sddf/serial.ts';
import { timer } from '../../microkit/sddf/timer.ts';
import type { SystemDescription } from '../../microkit/model.ts';
import { main as timerDriver } from '../../drivers/timer/goldfish/driver.ts';
import { blockDevices, networkDevice, timerDevice } from '../../systems/devices.ts';
import { serialDevices, UARTS, type Uart } from '../../systems/serial-devices.ts';
import type { BenchData } from './bench.ts';
import { I2C_ROLES } from './i2c-roles.ts';
import type { PeerInit } from './peer.ts';
import {
  type BenchNumbers,
  Cast,
  count,
  indices,
  PRIORITY,
  type Role,
  type UnitCode,
  type UnitEnd,
} from './role.ts';
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
    manners: (numbers) => ({ driver: { begin: readyDisk(count(numbers, 'blocks')) } }),
    ends: blkVirtEnds,
  },
  ...I2C_ROLES,
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
