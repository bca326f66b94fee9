/**
 * The switch: four clients behind one network device, of which some may reach each other without
 * it. Priorities and access list are those of sDDF's vswitch example.
 *
 *     priority 101    ethernet_driver ── the virtio network device
 *              100    ├─ net_virt_tx
 *               99    └─ net_virt_rx
 *               97        vswitch        forwards by address, as far as its access list allows
 *               98        ├─ client0_net_copier … client3_net_copier
 *               96        └─ client0 … client3      10.0.2.15 to 10.0.2.18: ARP, ping, UDP on ports 1235 and 7
 *
 *     who reaches whom    client0 ↔ client1, client2, client3;  client1 ↔ client2;  all ↔ the device
 */

import { main as echoClient } from '../clients/echo/echo.ts';
import { ECHO_COUNTERS } from '../clients/echo/responder.ts';
import { SUPERVISOR_COUNTERS } from '../clients/supervisor/counters.ts';
import { NET_DRIVER_COUNTERS } from '../drivers/network/virtio/counters.ts';
import { main as ethernetDriver } from '../drivers/network/virtio/driver.ts';
import { type BuildResult, type PdBuilder, type PdOptions, system } from '../microkit/builder.ts';
import type { Program } from '../microkit/pd.ts';
import { net } from '../microkit/sddf/net.ts';
import { main as virtRx, NET_VIRT_RX_COUNTERS } from '../virtualisers/network/rx/virt-rx.ts';
import { main as virtTx, NET_VIRT_TX_COUNTERS } from '../virtualisers/network/tx/virt-tx.ts';
import {
  counters as COPY_COUNTERS,
  main as portCopy,
} from '../virtualisers/network/vswitch/port-copy.ts';
import { main as vswitch, NET_VSWITCH_COUNTERS } from '../virtualisers/network/vswitch/vswitch.ts';
import { NET_DRIVER_BUDGET } from './budgets.ts';
import { addStats, addTimer } from './common-domains.ts';
import { NET_WATCHDOG_NS, networkDevice } from './devices.ts';
import { Family, SUPERVISED_OPTIONS, SUPERVISOR_PD } from './supervised.ts';
import type { SystemModule } from './system.ts';

const CLIENTS = ['client0', 'client1', 'client2', 'client3'] as const;
/** Pairs of clients that may reach each other. */
const NEIGHBOURS = [
  [0, 1],
  [0, 2],
  [0, 3],
  [1, 2],
] as const;

function build(choices: Readonly<Record<string, string>>): BuildResult {
  const sys = system({ name: 'vswitch' });
  const family = new Family(sys, { choices, driverPriority: 101 });
  const counted = (
    name: string,
    program: Program,
    image: string,
    priority: number,
    limit: Pick<PdOptions, 'budget' | 'period'> = { budget: 20_000 },
  ): PdBuilder => {
    const pd = family.pd(name, { program, image, priority, ...limit });
    addStats(sys, pd);
    return pd;
  };
  const time = addTimer(sys, family.timerPriority);
  const image = 'drivers/network/virtio/driver.ts';
  const driver = counted('ethernet_driver', ethernetDriver, image, 101, NET_DRIVER_BUDGET);
  time.addWatchdog(driver);
  const network = net(sys, {
    device: networkDevice,
    driver,
    watchdogNs: NET_WATCHDOG_NS,
    tx: counted('net_virt_tx', virtTx, 'virtualisers/network/tx/virt-tx.ts', 100),
    rx: counted('net_virt_rx', virtRx, 'virtualisers/network/rx/virt-rx.ts', 99),
    vswitch: counted('vswitch', vswitch, 'virtualisers/network/vswitch/vswitch.ts', 97),
  });
  const clients = CLIENTS.map((name, index) => {
    const image = 'virtualisers/network/vswitch/port-copy.ts';
    const copier = counted(`${name}_net_copier`, portCopy, image, 98);
    const client = counted(name, echoClient, 'clients/echo/echo.ts', 96);
    time.addClient(client);
    network.addClient(client, { copier, vswitch: true, ip: `10.0.2.${15 + index}` });
    network.addAclRule(client, 'uplink');
    return client;
  });
  for (const [a, b] of NEIGHBOURS) {
    network.addAclRule(clients[a] as PdBuilder, clients[b] as PdBuilder);
  }
  family.supervise(time);
  return sys.build();
}

export const vswitchSystem: SystemModule = {
  summary: 'four UDP echo clients behind a switch with an access list',
  options: SUPERVISED_OPTIONS,
  counters: {
    [SUPERVISOR_PD]: SUPERVISOR_COUNTERS,
    ethernet_driver: NET_DRIVER_COUNTERS,
    net_virt_rx: NET_VIRT_RX_COUNTERS,
    net_virt_tx: NET_VIRT_TX_COUNTERS,
    vswitch: NET_VSWITCH_COUNTERS,
    ...Object.fromEntries(CLIENTS.map((name) => [name, ECHO_COUNTERS])),
    ...Object.fromEntries(CLIENTS.map((name) => [`${name}_net_copier`, COPY_COUNTERS])),
  },
  build,
};
