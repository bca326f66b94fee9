/**
 * The serial system: sDDF's two echo clients, and a shell, on one UART.
 *
 *     priority 201    timer_driver           passive; for the shell's `time`
 *              200    serial_driver ── the UART that the option `uart` chooses
 *              199    ├─ serial_virt_tx     merges output, each client in its colour
 *              199    └─ serial_virt_rx     gives input to one client; Ctrl-\ N Enter switches
 *               98        ├─ client0        greets and echoes, as in sDDF's serial example
 *               98        ├─ client1
 *               98        └─ shell          shows the system it runs in
 */

import { main as serialEcho } from '../clients/serial-echo/serial-echo.ts';
import { SUPERVISOR_COUNTERS } from '../clients/supervisor/counters.ts';
import { main as shell } from '../clients/shell/shell.ts';
import type { CountersView, QueueView, RegionView, SystemView } from '../clients/shell/view.ts';
import { main as ns16550aDriver } from '../drivers/serial/ns16550a/driver.ts';
import { main as pl011Driver } from '../drivers/serial/pl011/driver.ts';
import { main as virtioDriver } from '../drivers/serial/virtio/driver.ts';
import { TIMER_DRIVER_COUNTERS } from '../drivers/timer/goldfish/driver.ts';
import type { BuildResult, PdBuilder, SystemBuilder } from '../microkit/builder.ts';
import { system } from '../microkit/builder.ts';
import type { Program } from '../microkit/pd.ts';
import { serial } from '../microkit/sddf/serial.ts';
import {
  SERIAL_DRIVER_COUNTERS,
  SERIAL_VIRT_RX_COUNTERS,
  SERIAL_VIRT_TX_COUNTERS,
} from '../queues/serial/counters.ts';
import { main as virtRx } from '../virtualisers/serial/rx/virt-rx.ts';
import { main as virtTx } from '../virtualisers/serial/tx/virt-tx.ts';
import { DRIVER_BUDGET } from './budgets.ts';
import { addCountedTimer, addStats } from './common-domains.ts';
import { serialDevices, UARTS } from './serial-devices.ts';
import type { Uart } from './serial-devices.ts';
import {
  addNeighbours,
  BLK_PDS,
  NEIGHBOUR_COUNTERS,
  NEIGHBOURS,
  NET_PDS,
} from './serial-neighbours.ts';
import type { Neighbours } from './serial-neighbours.ts';
import { Family, SUPERVISED_OPTIONS, SUPERVISOR_PD } from './supervised.ts';
import type { ProgramCounterNames, SystemModule } from './system.ts';

const DRIVERS: Readonly<Record<Uart, { readonly program: Program; readonly image: string }>> = {
  ns16550a: { program: ns16550aDriver, image: 'drivers/serial/ns16550a/driver.ts' },
  pl011: { program: pl011Driver, image: 'drivers/serial/pl011/driver.ts' },
  virtio: { program: virtioDriver, image: 'drivers/serial/virtio/driver.ts' },
};
const BAUDS = ['9600', '19200', '38400', '57600', '115200'] as const;
/**
 * Above the network's client, which has no end of work in a flood: who types is answered. Below its
 * driver and virtualisers, which are at rest when their client takes nothing more.
 */
const CLIENT_PRIORITY = 98;
/** sDDF's data regions of 64 KiB. */
const DATA_BYTES = 0x1_0000;

const COUNTERS: ProgramCounterNames = {
  [SUPERVISOR_PD]: SUPERVISOR_COUNTERS,
  timer_driver: TIMER_DRIVER_COUNTERS,
  serial_driver: SERIAL_DRIVER_COUNTERS,
  serial_virt_tx: SERIAL_VIRT_TX_COUNTERS,
  serial_virt_rx: SERIAL_VIRT_RX_COUNTERS,
  ...NEIGHBOUR_COUNTERS,
};

function build(choices: Readonly<Record<string, string>>): BuildResult {
  const uart = choices['uart'] as Uart;
  const sys = system({ name: 'serial' });
  const family = new Family(sys, { choices, driverPriority: 200 });
  const timers = addCountedTimer(sys, family.timerPriority);
  const driver = family.pd('serial_driver', { ...DRIVERS[uart], priority: 200, ...DRIVER_BUDGET });
  const tx = family.pd('serial_virt_tx', {
    program: virtTx,
    image: 'virtualisers/serial/tx/virt-tx.ts',
    priority: 199,
  });
  const rx = family.pd('serial_virt_rx', {
    program: virtRx,
    image: 'virtualisers/serial/rx/virt-rx.ts',
    priority: 199,
  });
  for (const pd of [driver, tx, rx]) addStats(sys, pd);
  const terminal = serial(sys, {
    device: serialDevices[uart],
    driver,
    tx,
    rx,
    hardware: uart === 'virtio' ? 'virtio' : 'uart',
    colour: choices['colour'] as 'on' | 'off',
    flow: choices['flow'] as 'none' | 'rtscts',
    defaultBaud: Number(choices['baud']),
    dataBytes: DATA_BYTES,
  });
  for (const name of ['client0', 'client1']) {
    const image = 'clients/serial-echo/serial-echo.ts';
    terminal.addClient(family.pd(name, { program: serialEcho, image, priority: CLIENT_PRIORITY }));
  }
  const shellPd = family.pd('shell', {
    program: shell,
    image: 'clients/shell/shell.ts',
    priority: CLIENT_PRIORITY,
  });
  terminal.addClient(shellPd);
  timers.addClient(shellPd);
  const neighbours = choices['beside'] as Neighbours;
  addNeighbours(sys, timers, neighbours, (pd) => addStats(sys, pd));
  showSystemTo(sys, shellPd);
  family.supervise(timers);
  return sys.build();
}

/**
 * Grants the shell what it shows: counters and queue indices, read-only, and the names of things.
 */
function showSystemTo(sys: SystemBuilder, shellPd: PdBuilder): void {
  // Called after the device classes: their regions are there then.
  sys.extend({
    connect: () => {
      const own = new Set(shellPd.maps.map(({ region }) => region.name));
      for (const region of sys.regions) {
        const shown = region.name.endsWith('_queue') || region.name.endsWith('_stats');
        if (shown && !own.has(region.name)) shellPd.map(region, { perms: 'r' });
      }
      const view = viewOf(sys);
      shellPd.configure({ view });
    },
  });
}

function viewOf(sys: SystemBuilder): SystemView {
  const pds = sys.pds.flatMap((pd) => [pd, ...pd.children.map((child) => child.pd)]);
  return {
    pds: pds.map((pd) => ({
      name: pd.name,
      priority: pd.priority,
      passive: pd.options.passive === true ? 'yes' : 'no',
      ...countersOf(sys, pd),
    })),
    queues: sys.regions.flatMap(({ name }) => queueOf(name)),
    irqs: pds.flatMap((pd) =>
      pd.irqs.flatMap(({ irq }) =>
        'irq' in irq ? [{ irq: irq.irq, device: deviceOf(sys, pd), pd: pd.name }] : [],
      ),
    ),
    regions: sys.regions.map(({ name, options }): RegionView => ({
      name,
      sizeBytes: sizeInBytes(options.size),
      kind: options.physAddr === undefined ? 'memory' : 'device',
    })),
    net: NET_PDS,
    blk: BLK_PDS,
  };
}

function countersOf(sys: SystemBuilder, pd: PdBuilder): { readonly counters?: CountersView } {
  const region = `${pd.name}_stats`;
  const names = COUNTERS[pd.name];
  if (names === undefined || !sys.regions.some(({ name }) => name === region)) return {};
  return { counters: { region, names } };
}

function queueOf(name: string): readonly QueueView[] {
  if (!name.endsWith('_queue')) return [];
  const capacity = name.startsWith('serial_virt_tx') ? DATA_BYTES * 2 : DATA_BYTES;
  return [{ name: name.replace(/_queue$/, ''), region: name, kind: 'serial', capacity }];
}

function deviceOf(sys: SystemBuilder, pd: PdBuilder): string {
  const device = pd.maps.find(({ region }) => region.options.physAddr !== undefined);
  return device?.region.name ?? sys.name;
}

function sizeInBytes(size: unknown): number {
  if (typeof size === 'string' && size.endsWith('K')) return Number(size.slice(0, -1)) * 1024;
  return Number(size);
}

export const serialSystem: SystemModule = {
  summary: 'two echo clients and a shell on one UART, through virtualisers',
  options: {
    uart: { help: 'the serial device', choices: UARTS, standard: 'ns16550a' },
    baud: { help: 'bits per second at the start', choices: BAUDS, standard: '115200' },
    flow: { help: 'RTS/CTS by the UART itself', choices: ['none', 'rtscts'], standard: 'none' },
    beside: {
      help: 'other device classes beside it, for the shell to show',
      choices: NEIGHBOURS,
      standard: 'nothing',
    },
    ...SUPERVISED_OPTIONS,
    colour: { help: 'each client in its colour', choices: ['on', 'off'], standard: 'on' },
  },
  counters: COUNTERS,
  build,
};
