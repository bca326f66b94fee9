/**
 * Other device classes beside the serial one, so that its shell has something to show: the option
 * `beside` of `serial`.
 */

import { main as blkCheck } from '../clients/blk-check/main.ts';
import { main as echoClient } from '../clients/echo/echo.ts';
import { ECHO_COUNTERS } from '../clients/echo/responder.ts';
import { BLK_DRIVER_COUNTERS } from '../drivers/blk/virtio/driver.ts';
import { NET_DRIVER_COUNTERS } from '../drivers/network/virtio/counters.ts';
import { main as ethernetDriver } from '../drivers/network/virtio/driver.ts';
import type { PdBuilder, SystemBuilder } from '../microkit/builder.ts';
import type { Program } from '../microkit/pd.ts';
import { net } from '../microkit/sddf/net.ts';
import type { Timer } from '../microkit/sddf/timer.ts';
import { BLK_VIRT_COUNTERS } from '../virtualisers/blk/counters.ts';
import { main as netVirtRx, NET_VIRT_RX_COUNTERS } from '../virtualisers/network/rx/virt-rx.ts';
import { main as netVirtTx, NET_VIRT_TX_COUNTERS } from '../virtualisers/network/tx/virt-tx.ts';
import { addDisk } from './blk.ts';
import { NET_WATCHDOG_NS, networkDevice } from './devices.ts';
import type { ProgramCounterNames } from './system.ts';

export const NEIGHBOURS = ['nothing', 'net', 'blk', 'all'] as const;
export type Neighbours = (typeof NEIGHBOURS)[number];

/** Domains whose counters the shell's `net` and `blk` show. */
export const NET_PDS: readonly string[] = ['ethernet_driver', 'net_virt_rx', 'net_virt_tx', 'echo'];
export const BLK_PDS: readonly string[] = ['blk_driver', 'blk_virt'];

export const NEIGHBOUR_COUNTERS: ProgramCounterNames = {
  ethernet_driver: NET_DRIVER_COUNTERS,
  net_virt_rx: NET_VIRT_RX_COUNTERS,
  net_virt_tx: NET_VIRT_TX_COUNTERS,
  echo: ECHO_COUNTERS,
  blk_driver: BLK_DRIVER_COUNTERS,
  blk_virt: BLK_VIRT_COUNTERS,
};

/** @param addStats gives a domain a page for its counters */
export function addNeighbours(
  sys: SystemBuilder,
  timers: Timer,
  neighbours: Neighbours,
  addStats: (pd: PdBuilder) => void,
): void {
  if (neighbours === 'net' || neighbours === 'all') addNetwork(sys, timers, addStats);
  if (neighbours === 'blk' || neighbours === 'all') {
    const disk = addDisk(sys, timers, 0, { kind: 'round-robin' });
    const program = { program: blkCheck, image: 'clients/blk-check/main.ts' };
    disk.addClient(sys.pd('blk_check', { ...program, priority: 1 }), { partition: 'whole' });
  }
}

/** One UDP echo client at 10.0.2.15, without a copier. */
function addNetwork(sys: SystemBuilder, timers: Timer, addStats: (pd: PdBuilder) => void): void {
  const pd = <Config>(
    name: string,
    program: Program<Config>,
    image: string,
    priority: number,
  ): PdBuilder => {
    const made = sys.pd(name, { program, image, priority });
    addStats(made);
    return made;
  };
  const folder = 'virtualisers/network';
  const driver = pd('ethernet_driver', ethernetDriver, 'drivers/network/virtio/driver.ts', 101);
  timers.addWatchdog(driver);
  const network = net(sys, {
    device: networkDevice,
    driver,
    watchdogNs: NET_WATCHDOG_NS,
    tx: pd('net_virt_tx', netVirtTx, `${folder}/tx/virt-tx.ts`, 100),
    rx: pd('net_virt_rx', netVirtRx, `${folder}/rx/virt-rx.ts`, 99),
  });
  const client = pd('echo', echoClient, 'clients/echo/echo.ts', 97);
  timers.addClient(client);
  network.addClient(client, { ip: '10.0.2.15', mac: '52:54:01:00:00:0a' });
}
