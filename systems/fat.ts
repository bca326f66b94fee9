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
import { type BuildResult, system } from '../microkit/builder.ts';
import type { BlkPolicyConfig } from '../queues/blk/config.ts';
import { addDisk, blkSystem, DRIVER_PRIORITY, partitionOf } from './blk.ts';
import { FAT_PD } from './block-names.ts';
import { addTerminal, addTimer } from './common-domains.ts';
import { Family, SUPERVISED_OPTIONS } from './supervised.ts';
import type { SystemModule } from './system.ts';

const POLICY: BlkPolicyConfig = { kind: 'round-robin' };

function build(choices: Readonly<Record<string, string>>): BuildResult {
  const sys = system({ name: 'fat' });
  const family = new Family(sys, { choices, driverPriority: DRIVER_PRIORITY });
  const time = addTimer(sys, family.timerPriority);
  const disk = addDisk(sys, time, 0, POLICY, { family });
  const terminal = addTerminal(sys, family);
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
