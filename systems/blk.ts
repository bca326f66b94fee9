/**
 * The block system: a check client behind a driver and a virtualiser, as in sDDF's block example;
 * with `disks`, one of each for every disk.
 *
 *     priority 200    blk_driver ── the virtio block device
 *              199    └─ blk_virt            partitions, checks, order
 *                1        └─ client          writes two blocks, reads them back, compares
 *              201    timer_driver           passive; for the token buckets and the driver's watchdog
 *
 * With `nbd`, the client is `nbd_server` instead: a program that lives in `host/`, and that whoever
 * runs the system gives to the testbed (see `cli/blk/attachment.ts`); its doorbell is interrupt 32.
 */

import { main as blkCheck } from '../clients/blk-check/main.ts';
import { SUPERVISOR_COUNTERS } from '../clients/supervisor/counters.ts';
import { BLK_DRIVER_COUNTERS, main as blkDriver } from '../drivers/blk/virtio/driver.ts';
import {
  type BuildResult,
  type PdBuilder,
  system,
  type SystemBuilder,
} from '../microkit/builder.ts';
import { blk } from '../microkit/sddf/blk.ts';
import type { Timer } from '../microkit/sddf/timer.ts';
import type { BlkPolicyConfig } from '../queues/blk/config.ts';
import { BLK_VIRT_COUNTERS } from '../virtualisers/blk/counters.ts';
import { main as blkVirt } from '../virtualisers/blk/virt.ts';
import { BLK_POLICIES, nameOf, NBD_PD, POLICIES } from './block-names.ts';
import { DRIVER_BUDGET } from './budgets.ts';
import { addStats, addTimer } from './common-domains.ts';
import { BLOCK_SLOTS, blockDevices, doorbellIrq } from './devices.ts';
import { Family, SUPERVISED_OPTIONS, SUPERVISOR_PD } from './supervised.ts';
import type { SystemModule } from './system.ts';

const WATCHDOG_NS = 10e9;
export const DRIVER_PRIORITY = 200;
export interface DiskOptions {
  /** Requests given to the driver at once. */
  readonly window?: number;
  /** Where the domains are made; in the system itself, unless told. */
  readonly family?: Pick<Family, 'pd'>;
}

/** Driver and virtualiser of one disk, with their counters, connected to the timer. */
export function addDisk(
  sys: SystemBuilder,
  time: Timer,
  index: number,
  policy: BlkPolicyConfig,
  { window, family = sys }: DiskOptions = {},
): ReturnType<typeof blk> {
  const device = blockDevices[index];
  if (device === undefined) throw new Error(`the board has no slot for disk ${index}`);
  const driver = family.pd(nameOf('blk_driver', index), {
    program: blkDriver,
    image: 'drivers/blk/virtio/driver.ts',
    priority: DRIVER_PRIORITY,
    ...DRIVER_BUDGET,
  });
  const virt = family.pd(nameOf('blk_virt', index), {
    program: blkVirt,
    image: 'virtualisers/blk/virt.ts',
    priority: 199,
  });
  for (const pd of [driver, virt]) {
    addStats(sys, pd);
    time.addClient(pd);
  }
  return blk(sys, {
    device,
    driver,
    virt,
    policy,
    watchdogNs: WATCHDOG_NS,
    ...(window === undefined ? {} : { window }),
  });
}

function build(choices: Readonly<Record<string, string>>): BuildResult {
  const sys = system({ name: 'blk' });
  const family = new Family(sys, { choices, driverPriority: DRIVER_PRIORITY });
  const time = addTimer(sys, family.timerPriority);
  const policy = POLICIES[choices['policy'] as string] as BlkPolicyConfig;
  for (let index = 0; index < Number(choices['disks']); index += 1) {
    const disk = addDisk(sys, time, index, policy, { family });
    const hasServer = choices['nbd'] === 'yes' && index === 0;
    const partition = partitionOf(choices[nameOf('partition', index)] as string);
    const client = hasServer ? nbdServer(family) : checkClient(family, index);
    disk.addClient(client, { partition, ...(hasServer ? { dataSize: '8M' } : {}) });
  }
  family.supervise(time);
  return sys.build();
}

/** What the option `partition` means. */
export function partitionOf(choice: string): number | 'whole' {
  return choice === 'whole' ? 'whole' : Number(choice);
}

function checkClient(family: Family, index: number): PdBuilder {
  return family.pd(nameOf('client', index), {
    program: blkCheck,
    image: 'clients/blk-check/main.ts',
    priority: 1,
  });
}

/** Its program needs the host: it is not in the description. */
function nbdServer(family: Family): PdBuilder {
  const server = family.pd(NBD_PD, { image: 'host/nbd/program.ts', priority: 1 });
  const irq = server.irq(doorbellIrq(0), { trigger: 'level' });
  server.configure(() => ({ doorbell: irq.value }));
  return server;
}

const COUNTED = BLOCK_SLOTS.flatMap((_, index) => [
  [nameOf('blk_driver', index), BLK_DRIVER_COUNTERS] as const,
  [nameOf('blk_virt', index), BLK_VIRT_COUNTERS] as const,
]);

const PARTITIONS = ['whole', '0', '1', '2', '3', '4', '5', '6', '7'];

/** `partition1` and on: each disk has a table of its own, or none. */
const FURTHER_PARTITIONS = Object.fromEntries(
  BLOCK_SLOTS.slice(1).map((_, index) => {
    const help = `the same for the disk of ${nameOf('client', index + 1)}`;
    return [nameOf('partition', index + 1), { help, choices: PARTITIONS, standard: 'whole' }];
  }),
);

export const blkSystem: SystemModule = {
  summary: 'a client that checks a disk, through driver and virtualiser; or an NBD server on it',
  options: {
    disks: {
      help: 'how many disks, each with its own driver, virtualiser and client',
      choices: ['1', '2', '3', '4'],
      standard: '1',
    },
    partition: {
      help: 'which partition of the disk its client has, 0 for the first of the table',
      choices: PARTITIONS,
      standard: 'whole',
    },
    ...FURTHER_PARTITIONS,
    policy: {
      help: 'whose request goes next when several clients share a disk',
      choices: BLK_POLICIES,
      standard: 'round-robin',
    },
    nbd: {
      help: 'an NBD server is the client of the first disk',
      choices: ['no', 'yes'],
      standard: 'no',
    },
    ...SUPERVISED_OPTIONS,
  },
  counters: { [SUPERVISOR_PD]: SUPERVISOR_COUNTERS, ...Object.fromEntries(COUNTED) },
  build,
};
