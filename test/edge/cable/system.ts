/**
 * A system of two NICs with a piece of cable between them: nic0 for slirp, nic1 for a TAP device.
 *
 * The receive virtualisers choose by MAC address. So the client has on nic0 the guest's, which the
 * TAP device is to have, and on nic1 that of slirp's gateway.
 */

import { main as ethernetDriver } from '../../../drivers/network/virtio/driver.ts';
import { system, type SystemBuilder } from '../../../microkit/builder.ts';
import type { Program } from '../../../microkit/pd.ts';
import { type Net, net } from '../../../microkit/sddf/net.ts';
import { networkDevices } from '../../../systems/devices.ts';
import { main as virtRx } from '../../../virtualisers/network/rx/virt-rx.ts';
import { main as virtTx } from '../../../virtualisers/network/tx/virt-tx.ts';
import { main as cable } from './client.ts';

const GUEST = { ip: '10.0.2.15', mac: '52:54:01:00:00:0a' };
const GATEWAY = { ip: '10.0.2.2', mac: '52:55:0a:00:02:02' };

export function build() {
  const sys = system({ name: 'cable' });
  const client = sys.pd('cable', { program: cable, priority: 97 });
  network(sys, 0).addClient(client, { as: 'net0', ...GUEST });
  network(sys, 1).addClient(client, { as: 'net1', ...GATEWAY });
  return sys.build();
}

function network(sys: SystemBuilder, nic: 0 | 1): Net {
  const device = networkDevices[nic];
  if (device === undefined) throw new Error('the board has two NICs');
  const part = (name: string, program: Program, image: string, priority: number) =>
    sys.pd(`nic${nic}_${name}`, { program, image, priority });
  return net(sys, {
    device,
    driver: part('driver', ethernetDriver, 'drivers/network/virtio/driver.ts', 101),
    tx: part('virt_tx', virtTx, 'virtualisers/network/tx/virt-tx.ts', 100),
    rx: part('virt_rx', virtRx, 'virtualisers/network/rx/virt-rx.ts', 99),
  });
}
