/**
 * The echo system: two clients behind one network device, as in sDDF's echo example. The first file
 * to read.
 *
 *     priority 101    ethernet_driver ── the virtio network device
 *              100    ├─ net_virt_tx       checks and translates what clients send
 *               99    └─ net_virt_rx       gives each frame to the client with its MAC address
 *               98        ├─ client0_net_copier     copies it into the client's own memory
 *               98        └─ client1_net_copier
 *               97            ├─ client0            10.0.2.15, answers ARP, ping, and UDP on ports 1235 and 7
 *               97            └─ client1            10.0.2.16
 *              102    timer_driver         passive: runs on its callers' time; for the driver's watchdog and the clients
 *
 * The option `path` takes protection domains out, to see what each of them costs: `4pd` is without
 * copiers, `2pd` is the driver and one client alone, `dummy` has copiers that do not copy. The
 * option `clients` says how many there are.
 *
 * With `code=c` the programs on the path are machine code, from programs/network/; `driver=c` and
 * its like choose for one of them. Whichever are taken, the traffic is the same.
 */

import { main as copier, NET_COPY_COUNTERS } from '../virtualisers/network/copy/copy.ts';
import { main as virtRx, NET_VIRT_RX_COUNTERS } from '../virtualisers/network/rx/virt-rx.ts';
import { main as virtTx, NET_VIRT_TX_COUNTERS } from '../virtualisers/network/tx/virt-tx.ts';
import { main as echoClient } from '../clients/echo/echo.ts';
import { ECHO_COUNTERS } from '../clients/echo/responder.ts';
import { SUPERVISOR_COUNTERS } from '../clients/supervisor/counters.ts';
import { NET_DRIVER_COUNTERS } from '../drivers/network/virtio/counters.ts';
import { main as ethernetDriver } from '../drivers/network/virtio/driver.ts';
import {
  type BuildResult,
  type PdBuilder,
  type PdOptions,
  system,
  type SystemBuilder,
} from '../microkit/builder.ts';
import type { Program } from '../microkit/pd.ts';
import { type Net, net, type NetClientOptions, type NetOptions } from '../microkit/sddf/net.ts';
import { NET_DRIVER_BUDGET } from './budgets.ts';
import { addTimer } from './common-domains.ts';
import { NET_WATCHDOG_NS, networkDevice } from './devices.ts';
import { byPriority, Family, SUPERVISED_OPTIONS, SUPERVISOR_PD } from './supervised.ts';
import { ChoiceError, type SystemModule, type SystemOption } from './system.ts';

/** The programs on the path. */
const PARTS = ['driver', 'rx', 'tx', 'copier', 'client'] as const;
type Part = (typeof PARTS)[number];

interface Code {
  readonly what: string;
  readonly program: Program;
  readonly image: string;
  /** The image that does the same. */
  readonly elf: string;
}

const PROGRAMS: Readonly<Record<Part, Code>> = {
  driver: {
    what: 'driver',
    program: ethernetDriver,
    image: 'drivers/network/virtio/driver.ts',
    elf: 'eth_driver.elf',
  },
  rx: {
    what: 'receive virtualiser',
    program: virtRx,
    image: 'virtualisers/network/rx/virt-rx.ts',
    elf: 'network_virt_rx.elf',
  },
  tx: {
    what: 'transmit virtualiser',
    program: virtTx,
    image: 'virtualisers/network/tx/virt-tx.ts',
    elf: 'network_virt_tx.elf',
  },
  copier: {
    what: 'copiers',
    program: copier,
    image: 'virtualisers/network/copy/copy.ts',
    elf: 'network_copy.elf',
  },
  client: {
    what: 'clients',
    program: echoClient,
    image: 'clients/echo/echo.ts',
    elf: 'echo.elf',
  },
};
/** Where `npm run programs` puts images. */
const IMAGES = 'programs/build/';
/** Where such an image looks for the address of its counters. */
const STATS_SYMBOL = 'stats';

/** How many protection domains a packet passes on its way. */
type Path = '5pd' | '4pd' | '2pd' | 'dummy';

const CLIENTS_MAX = 32;
/**
 * With a copier each: Microkit has 63 protection domains at most, and four are the driver's and the
 * virtualisers'.
 */
const COPIED_CLIENTS_MAX = 29;

/** The first is 10.0.2.15 with 52:54:01:00:00:0a, the next 10.0.2.16 with …:0b, and so on. */
const CLIENTS = Array.from({ length: CLIENTS_MAX }, (_, index) => ({
  name: `client${index}`,
  ip: `10.0.2.${15 + index}`,
  mac: `52:54:01:00:00:${(10 + index).toString(16).padStart(2, '0')}`,
}));

/**
 * Microseconds, in a period of the same length: a time slice and no limit, as sDDF's example has it
 * for most domains.
 */
const LONG_BUDGET = { budget: 20_000 };

type Choices = Readonly<Record<string, string>>;

function build(choices: Choices): BuildResult {
  const path = choices['path'] as Path;
  const clients = path === '2pd' ? 1 : Number(choices['clients']);
  if (hasCopiers(path) && clients > COPIED_CLIENTS_MAX) {
    throw new ChoiceError(
      `${clients} clients with a copier each are more than the 63 protection domains of a system; ` +
        '--set path=4pd leaves the copiers out',
    );
  }
  checkMachineCode(choices, path);
  const sys = system({ name: 'echo' });
  const family = new Family(sys, { choices, driverPriority: 101 });
  if (family.isSupervised && path === 'dummy') {
    throw new ChoiceError(
      'idle copiers keep no account of buffers; supervised=on needs --set path=5pd',
    );
  }
  const timers = addTimer(sys, family.timerPriority);
  const parts = new Parts(sys, family, choices);
  const driver = parts.add('ethernet_driver', 'driver', { priority: 101, ...NET_DRIVER_BUDGET });
  timers.addWatchdog(driver);
  const alone = { device: networkDevice, driver, watchdogNs: NET_WATCHDOG_NS };
  const network = path === '2pd' ? net(sys, alone) : virtualised(sys, parts, alone);
  for (const { name, ip, mac } of CLIENTS.slice(0, clients)) {
    const client = parts.add(name, 'client', { priority: 97, ...LONG_BUDGET });
    const isAsking = choices['address'] === 'dhcp';
    if (isAsking) client.configure({ address: 'dhcp' });
    // A lease that is renewed in hours keeps no run from coming to rest.
    if (isAsking) timers.addWatchdog(client);
    else timers.addClient(client);
    if (choices['checksums'] === 'device') client.configure({ checksums: 'device' });
    if (choices['closed'] === 'silent') client.configure({ closedPorts: 'silent' });
    network.addClient(client, {
      ...(isAsking ? {} : { ip }),
      mac,
      ...withCopier(parts, name, path),
    });
  }
  family.supervise(timers, byPriority);
  return sys.build();
}

function virtualised(sys: SystemBuilder, parts: Parts, alone: NetOptions): Net {
  const tx = parts.add('net_virt_tx', 'tx', { priority: 100, ...LONG_BUDGET });
  const rx = parts.add('net_virt_rx', 'rx', { priority: 99 });
  return net(sys, { ...alone, rx, tx });
}

function withCopier(parts: Parts, client: string, path: Path): NetClientOptions {
  if (!hasCopiers(path)) return {};
  const options = { priority: 98, ...LONG_BUDGET };
  const pd = parts.add(`${client}_net_copier`, 'copier', options);
  return { copier: pd, mode: path === 'dummy' ? 'dummy' : 'copy' };
}

/**
 * Makes the domains on the path, each with a page for its program's counters, so that they can be
 * looked at from outside.
 */
class Parts {
  readonly #sys: SystemBuilder;
  readonly #family: Family;
  readonly #choices: Choices;

  constructor(sys: SystemBuilder, family: Family, choices: Choices) {
    this.#sys = sys;
    this.#family = family;
    this.#choices = choices;
  }

  add(name: string, part: Part, options: PdOptions): PdBuilder {
    const { program, image, elf } = PROGRAMS[part];
    const isMachineCode = codeOf(this.#choices, part) === 'c';
    const code = isMachineCode ? { image: IMAGES + elf } : { program, image };
    const pd = this.#family.pd(name, { ...code, ...options });
    const stats = this.#sys.region(`${name}_stats`, { size: '4K' });
    pd.map(stats, {
      perms: 'rw',
      ...(isMachineCode ? { setvarVaddr: STATS_SYMBOL } : {}),
    });
    pd.configure({ stats: stats.name });
    return pd;
  }
}

function codeOf(choices: Choices, part: Part): string | undefined {
  return choices[part] === 'code' ? choices['code'] : choices[part];
}

/** What sDDF's configuration has no place for. */
function checkMachineCode(choices: Choices, path: Path): void {
  if (path === 'dummy' && codeOf(choices, 'copier') === 'c') {
    throw new ChoiceError('a copier in C copies; --set path=dummy needs --set copier=ts');
  }
  if (path === '2pd' && codeOf(choices, 'client') === 'c') {
    throw new ChoiceError(
      'a client in C knows no addresses for DMA; --set path=2pd needs --set client=ts',
    );
  }
}

function hasCopiers(path: Path): boolean {
  return path === '5pd' || path === 'dummy';
}

function codeOption(part: Part): SystemOption {
  return {
    help: `the same for the ${PROGRAMS[part].what} alone; 'code' takes what the option code says`,
    choices: ['code', 'ts', 'c'],
    standard: 'code',
  };
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
    address: {
      help: 'clients have the addresses above, or ask for theirs by DHCP',
      choices: ['fixed', 'dhcp'],
      standard: 'fixed',
    },
    closed: {
      help: 'what closed ports of clients answer: a refusal, or nothing',
      choices: ['refused', 'silent'],
      standard: 'refused',
    },
    checksums: {
      help: 'who makes those of messages of the clients themselves: the network device, or they',
      choices: ['device', 'client'],
      standard: 'device',
    },
    code: {
      help: 'programs in TypeScript, or in C as machine code; npm run programs builds those',
      choices: ['ts', 'c'],
      standard: 'ts',
    },
    ...Object.fromEntries(PARTS.map((part) => [part, codeOption(part)])),
    ...SUPERVISED_OPTIONS,
  },
  counters: {
    [SUPERVISOR_PD]: SUPERVISOR_COUNTERS,
    ethernet_driver: NET_DRIVER_COUNTERS,
    net_virt_rx: NET_VIRT_RX_COUNTERS,
    net_virt_tx: NET_VIRT_TX_COUNTERS,
    ...Object.fromEntries(CLIENTS.map(({ name }) => [name, ECHO_COUNTERS])),
    ...Object.fromEntries(CLIENTS.map(({ name }) => [`${name}_net_copier`, NET_COPY_COUNTERS])),
  },
  build,
};
