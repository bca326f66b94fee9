/**
 * A FAT file system on a disk, with its command line on a UART: `ls`, `cat`, `write`, `rm`,
 * `mkdir`, `df`.
 *
 *     priority 201    timer_driver           passive
 *              200    blk_driver ── the virtio block device      serial_driver ── the UART
 *              199    blk_virt                                   serial_virt_tx, serial_virt_rx
 *                1    fat                    the file system, client of both classes
 *
 *     sddf disk create disk.img --size 64M --gpt fat:32M,raw:24M
 *     sddf run fat --disk file=disk.img,overlay=none --serial stdio
 */

import { main as fatClient } from '../clients/fat/main.ts';
import { main as serialDriver } from '../drivers/serial/ns16550a/driver.ts';
import { type BuildResult, system } from '../microkit/builder.ts';
import { serial } from '../microkit/sddf/serial.ts';
import type { BlkPolicyConfig } from '../queues/blk/config.ts';
import { main as virtRx } from '../virtualisers/serial/rx/virt-rx.ts';
import { main as virtTx } from '../virtualisers/serial/tx/virt-tx.ts';
import { addDisk, addTimer, blkSystem, DRIVER_PRIORITY, partitionOf } from './blk.ts';
import { FAT_PD } from './block-names.ts';
import { DRIVER_BUDGET } from './budgets.ts';
import { serialDevices } from './serial-devices.ts';
import { Family, SUPERVISED_OPTIONS } from './supervised.ts';
import type { SystemModule } from './system.ts';

const DATA_BYTES = 0x1_0000;
const POLICY: BlkPolicyConfig = { kind: 'round-robin' };

function build(choices: Readonly<Record<string, string>>): BuildResult {
  const sys = system({ name: 'fat' });
  const family = new Family(sys, { choices, driverPriority: DRIVER_PRIORITY });
  const time = addTimer(sys, family.timerPriority);
  const disk = addDisk(sys, time, 0, POLICY, { family });
  const terminal = serial(sys, {
    device: serialDevices.ns16550a,
    driver: family.pd('serial_driver', {
      program: serialDriver,
      image: 'drivers/serial/ns16550a/driver.ts',
      priority: DRIVER_PRIORITY,
      ...DRIVER_BUDGET,
    }),
    tx: family.pd('serial_virt_tx', {
      program: virtTx,
      image: 'virtualisers/serial/tx/virt-tx.ts',
      priority: 199,
    }),
    rx: family.pd('serial_virt_rx', {
      program: virtRx,
      image: 'virtualisers/serial/rx/virt-rx.ts',
      priority: 199,
    }),
    hardware: 'uart',
    colour: 'off',
    flow: 'none',
    defaultBaud: 115_200,
    dataBytes: DATA_BYTES,
  });
  const fat = family.pd(FAT_PD, {
    program: fatClient,
    image: 'clients/fat/main.ts',
    priority: 1,
    config: { commands: ['help', 'df'] },
  });
  disk.addClient(fat, { partition: partitionOf(choices['partition'] as string) });
  terminal.addClient(fat);
  family.supervise(time);
  return sys.build();
}

const { partition } = blkSystem.options ?? {};

export const fatSystem: SystemModule = {
  summary: 'a FAT file system on a disk, with ls, cat, write, rm, mkdir and df on a UART',
  options: {
    ...(partition === undefined ? {} : { partition }),
    disks: { help: 'how many disks', choices: ['1'], standard: '1' },
    ...SUPERVISED_OPTIONS,
  },
  counters: blkSystem.counters ?? {},
  build,
};
