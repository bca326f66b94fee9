/**
 * The router: two network devices, each with its driver and virtualisers, and one client of both
 * that forwards between them as far as its access list lets it.
 *
 *     priority 102    timer_driver
 *              101    nic0_driver ── nic0            nic1 ── nic1_driver
 *              100    ├─ nic0_virt_tx                        ├─ nic1_virt_tx
 *               99    └─ nic0_virt_rx                        └─ nic1_virt_rx
 *               97            └── router: 10.0.2.1/24, 10.0.3.1/24 ──┘
 *
 * A frame is in the memory of the device that has received it until the router copies it, once, to
 * memory from which the other device sends it: neither driver reaches the other's.
 */

import { main as routerClient, type AccessRule } from '../clients/router/main.ts';
import { SUPERVISOR_COUNTERS } from '../clients/supervisor/counters.ts';
import { ROUTER_COUNTERS } from '../clients/router/config.ts';
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
import { type Net, net } from '../microkit/sddf/net.ts';
import type { Timer } from '../microkit/sddf/timer.ts';
import { main as virtRx, NET_VIRT_RX_COUNTERS } from '../virtualisers/network/rx/virt-rx.ts';
import { main as virtTx, NET_VIRT_TX_COUNTERS } from '../virtualisers/network/tx/virt-tx.ts';
import { NET_DRIVER_BUDGET } from './budgets.ts';
import { addStats, addTimer } from './common-domains.ts';
import { NET_WATCHDOG_NS, networkDevices } from './devices.ts';
import { byPriority, Family, SUPERVISED_OPTIONS, SUPERVISOR_PD } from './supervised.ts';
import type { SystemModule } from './system.ts';

const SIDES = [
  { ip: '10.0.2.1', mac: '52:54:01:00:00:0a' },
  { ip: '10.0.3.1', mac: '52:54:01:00:01:0a' },
] as const;
const PREFIX = 24;

type Access = 'open' | 'services' | 'closed';

const RULES: Readonly<Record<Access, readonly AccessRule[]>> = {
  open: [{ a: 'net0', b: 'net1', aToB: true, bToA: true }],
  services: [
    { a: 'net0', b: 'net1', aToB: true, bToA: true, protocol: 'icmp' },
    ...[7, 1235].map((port) => ({ ...service('udp'), port })),
    { ...service('tcp'), port: 80 },
  ],
  closed: [],
};

/** What `net0` may ask of `net1`, and the answers. */
function service(protocol: 'udp' | 'tcp'): AccessRule {
  return { a: 'net0', b: 'net1', aToB: true, bToA: true, protocol };
}

function build(choices: Readonly<Record<string, string>>): BuildResult {
  const sys = system({ name: 'router' });
  const family = new Family(sys, { choices, driverPriority: 101 });
  const time = addTimer(sys, family.timerPriority);
  const client = counted(sys, family, 'router', {
    program: routerClient,
    image: 'clients/router/main.ts',
    priority: 97,
    budget: 20_000,
  });
  time.addWatchdog(client);
  for (const [nic, { ip, mac }] of SIDES.entries()) {
    addNetwork({ sys, family, time }, nic).addClient(client, { as: `net${nic}`, ip, mac });
  }
  client.configure({ prefix: PREFIX, rules: RULES[choices['access'] as Access] });
  family.supervise(time, byPriority);
  return sys.build();
}

/** What both networks share. */
interface Common {
  readonly sys: SystemBuilder;
  readonly family: Family;
  readonly time: Timer;
}

function addNetwork({ sys, family, time }: Common, nic: number): Net {
  const part = (
    name: string,
    program: Program,
    image: string,
    limits: Pick<PdOptions, 'priority' | 'budget' | 'period'>,
  ): PdBuilder => counted(sys, family, `nic${nic}_${name}`, { program, image, ...limits });
  const folder = 'virtualisers/network';
  const image = 'drivers/network/virtio/driver.ts';
  const limits = { priority: 101, ...NET_DRIVER_BUDGET };
  const driver = part('driver', ethernetDriver, image, limits);
  time.addWatchdog(driver);
  const device = networkDevices[nic];
  if (device === undefined) throw new Error('the board has two NICs');
  return net(sys, {
    device,
    driver,
    watchdogNs: NET_WATCHDOG_NS,
    tx: part('virt_tx', virtTx, `${folder}/tx/virt-tx.ts`, { priority: 100, budget: 20_000 }),
    rx: part('virt_rx', virtRx, `${folder}/rx/virt-rx.ts`, { priority: 99 }),
  });
}

/** A domain with a page for its program's counters. */
function counted(sys: SystemBuilder, family: Family, name: string, options: PdOptions): PdBuilder {
  const pd = family.pd(name, options);
  addStats(sys, pd);
  return pd;
}

export const router: SystemModule = {
  summary: 'a router with an access list between two networks',
  options: {
    access: {
      help: 'what may pass: all, ping and UDP 7 and 1235 and TCP 80 of the second network, nothing',
      choices: ['open', 'services', 'closed'],
      standard: 'open',
    },
    ...SUPERVISED_OPTIONS,
  },
  counters: {
    [SUPERVISOR_PD]: SUPERVISOR_COUNTERS,
    router: ROUTER_COUNTERS,
    ...Object.fromEntries(
      SIDES.flatMap((_, nic) => [
        [`nic${nic}_driver`, NET_DRIVER_COUNTERS],
        [`nic${nic}_virt_rx`, NET_VIRT_RX_COUNTERS],
        [`nic${nic}_virt_tx`, NET_VIRT_TX_COUNTERS],
      ]),
    ),
  },
  build,
};
