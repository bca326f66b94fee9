/**
 * The echo system: two clients behind one network device, as in sDDF's echo example. The first file to read.
 *
 *     priority 101    ethernet_driver ── the virtio network device
 *              100    ├─ net_virt_tx       checks and translates what clients send
 *               99    └─ net_virt_rx       gives each frame to the client with its MAC address
 *               98        ├─ client0_net_copier     copies it into the client's own memory
 *               98        └─ client1_net_copier
 *               97            ├─ client0            10.0.2.15, answers ARP, ping, and UDP on ports 1235 and 7
 *               97            └─ client1            10.0.2.16
 *              102    timer_driver         passive: runs on its callers' time
 *
 * The option `path` takes protection domains out, to see what each of them costs: `4pd` is without copiers, `2pd` is
 * the driver and one client alone, `dummy` has copiers that do not copy. The option `clients` says how many there are.
 */

import { main as copier, NET_COPY_COUNTERS } from '../virtualisers/network/copy/copy.ts';
import { main as virtRx, NET_VIRT_RX_COUNTERS } from '../virtualisers/network/rx/virt-rx.ts';
import { main as virtTx, NET_VIRT_TX_COUNTERS } from '../virtualisers/network/tx/virt-tx.ts';
import { main as echoClient } from '../clients/echo/echo.ts';
import { ECHO_COUNTERS } from '../clients/echo/responder.ts';
import { NET_DRIVER_COUNTERS } from '../drivers/network/virtio/counters.ts';
import { main as ethernetDriver } from '../drivers/network/virtio/driver.ts';
import { main as timerDriver } from '../drivers/timer/goldfish/driver.ts';
import {
  type BuildResult,
  type PdBuilder,
  type PdOptions,
  system,
  type SystemBuilder,
} from '../microkit/builder.ts';
import { type Net, net, type NetClientOptions } from '../microkit/sddf/net.ts';
import { timer } from '../microkit/sddf/timer.ts';
import { networkDevice, timerDevice } from './devices.ts';
import { ChoiceError, type SystemModule } from './system.ts';

/** How many protection domains a packet passes on its way. */
type Path = '5pd' | '4pd' | '2pd' | 'dummy';

const CLIENTS_MAX = 32;
/** With a copier each: Microkit has 63 protection domains at most, and four are the driver's and the virtualisers'. */
const COPIED_CLIENTS_MAX = 29;

/** The first is 10.0.2.15 with 52:54:01:00:00:0a, the next 10.0.2.16 with …:0b, and so on. */
const CLIENTS = Array.from({ length: CLIENTS_MAX }, (_, index) => ({
  name: `client${index}`,
  ip: `10.0.2.${15 + index}`,
  mac: `52:54:01:00:00:${(10 + index).toString(16).padStart(2, '0')}`,
}));

/**
 * Microseconds, in a period of the same length: a time slice and no limit, as sDDF's example has it for most domains. There
 * the driver alone has a limit, 100 of every 400. It throttles: under the virtual clock the echo of 1500-byte frames, 64 in
 * flight, falls from 14.9 to 13.0 million a second, and of single ones from 0.233 to 0.204. So the driver has none here.
 */
const LONG_BUDGET = { budget: 20_000 };

function build(choices: Readonly<Record<string, string>>): BuildResult {
  const path = choices['path'] as Path;
  const clients = path === '2pd' ? 1 : Number(choices['clients']);
  if (hasCopiers(path) && clients > COPIED_CLIENTS_MAX) {
    throw new ChoiceError(
      `${clients} clients with a copier each are more than the 63 protection domains of a system; ` +
        '--set path=4pd leaves the copiers out',
    );
  }
  const sys = system({ name: 'echo' });
  const timers = timer(sys, {
    device: timerDevice,
    driver: sys.pd('timer_driver', {
      program: timerDriver,
      image: 'drivers/timer/goldfish/driver.ts',
      priority: 102,
      passive: true,
    }),
  });
  const driver = sys.pd('ethernet_driver', {
    program: ethernetDriver,
    image: 'drivers/network/virtio/driver.ts',
    priority: 101,
    ...LONG_BUDGET,
  });
  addStats(sys, driver);
  const network =
    path === '2pd' ? net(sys, { device: networkDevice, driver }) : virtualised(sys, driver);
  for (const { name, ip, mac } of CLIENTS.slice(0, clients)) {
    const client = sys.pd(name, {
      program: echoClient,
      image: 'clients/echo/echo.ts',
      priority: 97,
      ...LONG_BUDGET,
    });
    addStats(sys, client);
    timers.addClient(client);
    network.addClient(client, { ip, mac, ...withCopier(sys, name, path) });
  }
  return sys.build();
}

function virtualised(sys: SystemBuilder, driver: PdBuilder): Net {
  const tx = sys.pd('net_virt_tx', {
    program: virtTx,
    image: 'virtualisers/network/tx/virt-tx.ts',
    priority: 100,
    ...LONG_BUDGET,
  });
  const rx = sys.pd('net_virt_rx', {
    program: virtRx,
    image: 'virtualisers/network/rx/virt-rx.ts',
    priority: 99,
  });
  addStats(sys, tx);
  addStats(sys, rx);
  return net(sys, { device: networkDevice, driver, rx, tx });
}

function withCopier(sys: SystemBuilder, client: string, path: Path): NetClientOptions {
  if (!hasCopiers(path)) return {};
  const options: PdOptions = {
    program: copier,
    image: 'virtualisers/network/copy/copy.ts',
    priority: 98,
    ...LONG_BUDGET,
  };
  const pd = sys.pd(`${client}_net_copier`, options);
  addStats(sys, pd);
  return { copier: pd, mode: path === 'dummy' ? 'dummy' : 'copy' };
}

function hasCopiers(path: Path): boolean {
  return path === '5pd' || path === 'dummy';
}

/** A page for the program's counters, so that they can be looked at from outside. */
function addStats(sys: SystemBuilder, pd: PdBuilder): void {
  const stats = sys.region(`${pd.name}_stats`, { size: '4K' });
  pd.map(stats, { perms: 'rw' });
  pd.configure({ stats: stats.name });
}

export const echo: SystemModule = {
  summary: 'two UDP echo clients behind one network device',
  options: {
    path: {
      help: 'which protection domains a packet passes: all five, without copiers, driver and client alone, idle copiers',
      choices: ['5pd', '4pd', '2pd', 'dummy'],
      standard: '5pd',
    },
    clients: {
      help: 'how many clients there are; the path 2pd has one',
      choices: ['1', '2', '8', '32'],
      standard: '2',
    },
  },
  counters: {
    ethernet_driver: NET_DRIVER_COUNTERS,
    net_virt_rx: NET_VIRT_RX_COUNTERS,
    net_virt_tx: NET_VIRT_TX_COUNTERS,
    ...Object.fromEntries(CLIENTS.map(({ name }) => [name, ECHO_COUNTERS])),
    ...Object.fromEntries(CLIENTS.map(({ name }) => [`${name}_net_copier`, NET_COPY_COUNTERS])),
  },
  build,
};
