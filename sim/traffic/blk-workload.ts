/**
 * Work for disks: every block client of the system is replaced by one that asks at random and
 * compares (`blk-client.ts`), and behind each device lies a disk with a volatile cache. At the end
 * the power goes, and what is left is compared too.
 */

import { SECTOR_BYTES } from '../../board/block-wire.ts';
import type { Random } from '../../board/random.ts';
import { flatten, type PdDescription, type SystemDescription } from '../../microkit/model.ts';
import type { Program } from '../../microkit/pd.ts';
import { BLK_TRANSFER_BYTES } from '../../queues/blk/layout.ts';
import { queueRecords } from '../../queues/classes.ts';
import type { CuttableDisk } from '../points/cuttable-disk.ts';
import { devicesOf } from '../points/system-points.ts';
import { AREA_BLOCKS, blkClient, type BlkTask } from './blk-client.ts';
import { DiskModel } from './disk-model.ts';
import { Findings } from './findings.ts';
import { readStamp } from './sector-stamp.ts';
import type { Excused, Violation, Workload } from './workload.ts';

/** On one disk of 1 MiB. */
const CLIENTS_MAX = 4;

export interface BlkWorkloadOptions {
  readonly system: SystemDescription;
  readonly amount: number;
  readonly random: Random;
  readonly nowNs: () => number;
}

/**
 * @returns domains that are clients of a disk and of nothing else, so that their program can be
 * replaced
 */
export function plainBlkClients(system: SystemDescription): readonly PdDescription[] {
  return flatten(system)
    .map(({ pd }) => pd)
    .filter(({ config, image }) => {
      const fields = typeof config === 'object' && config !== null ? Object.keys(config) : [];
      return fields.includes('blk') && !fields.includes('serial') && image.program !== undefined;
    });
}

export class BlkWorkload implements Workload {
  readonly patienceNs = 50_000_000;
  readonly programs = new Map<string, Program>();
  readonly #options: BlkWorkloadOptions;
  readonly #findings = new Findings();
  readonly #models = new Map<string, DiskModel>();
  readonly #disks = new Map<string, CuttableDisk>();
  readonly #tasks: BlkTask[] = [];

  constructor(options: BlkWorkloadOptions) {
    this.#options = options;
    const { system, amount, random, nowNs } = options;
    const clients = plainBlkClients(system);
    const perDisk = new Map<string, number>();
    for (const pd of clients) {
      const device = diskOf(system, pd);
      const index = perDisk.get(device) ?? 0;
      if (index >= CLIENTS_MAX) continue;
      perDisk.set(device, index + 1);
      const task: BlkTask = {
        name: pd.name,
        random: random.fork(pd.name),
        model: this.model(device),
        findings: this.#findings,
        nowNs,
        firstBlock: index * AREA_BLOCKS,
        amount: Math.ceil(amount / clients.length),
        phase: 'working',
        asked: 0,
        answered: 0,
        failed: 0,
        openRequests: () => 0,
        version: 1,
      };
      this.#tasks.push(task);
      this.programs.set(pd.name, blkClient(task) as unknown as Program);
    }
  }

  /** @param device such as 'blk0' */
  model(device: string): DiskModel {
    const model = this.#models.get(device) ?? new DiskModel();
    this.#models.set(device, model);
    return model;
  }

  plugIn(device: string, disk: CuttableDisk): void {
    this.#disks.set(device, disk);
  }

  start(): void {
    // The clients begin as soon as their disk is there.
  }

  get isDone(): boolean {
    return this.#tasks.every(({ asked, amount }) => asked >= amount);
  }

  probe(): void {
    for (const task of this.#tasks) task.phase = 'checking';
  }

  unserved(): readonly string[] {
    return this.#tasks.filter(({ phase }) => phase !== 'over').map(({ name }) => name);
  }

  counters(): Readonly<Record<string, number>> {
    const sum = (of: (task: BlkTask) => number): number =>
      this.#tasks.reduce((total, task) => total + of(task), 0);
    return {
      requests: sum(({ asked }) => asked),
      requestsAnswered: sum(({ answered }) => answered),
      requestsFailed: sum(({ failed }) => failed),
    };
  }

  violations(excused: Excused): readonly Violation[] {
    for (const task of this.#tasks) {
      const open = task.openRequests();
      if (open === 0) continue;
      this.#findings.add({
        oracle: 'answered-once',
        excuse: 'progress',
        where: task.name,
        what: `waits for answers to ${open} requests`,
        timeNs: this.#options.nowNs(),
      });
    }
    for (const [device, disk] of this.#disks) this.#judgeRemains(device, disk);
    return this.#findings.violations(excused);
  }

  /**
   * @returns the client whose area a sector is in: whoever breaks his own queue loses what is his,
   * and nobody else's
   */
  #ownerOf(device: string, sector: number): string {
    const block = Math.floor((sector * SECTOR_BYTES) / BLK_TRANSFER_BYTES);
    const owner = this.#tasks.find(
      ({ model, firstBlock }) =>
        model === this.model(device) && block >= firstBlock && block < firstBlock + AREA_BLOCKS,
    );
    return owner?.name ?? device;
  }

  /** What a power cut at the very end leaves. */
  #judgeRemains(device: string, disk: CuttableDisk): void {
    const { image, pretended } = disk.afterPowerCut();
    const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
    const model = this.model(device);
    for (const sector of model.touched) {
      if (pretended.has(sector)) continue;
      const version = readStamp(view, sector * SECTOR_BYTES, sector);
      if (model.mayRemain(sector, version)) continue;
      const what = version === undefined ? 'a mixture' : `version ${version}`;
      this.#findings.add({
        oracle: 'durability',
        excuse: 'contents',
        where: this.#ownerOf(device, sector),
        what: `has ${what} in sector ${sector} of ${device} after a power cut, where what was flushed should be`,
        timeNs: this.#options.nowNs(),
      });
    }
  }
}

/**
 * @returns the device behind a client's queue: through the virtualiser, to the driver, to its
 * registers
 */
function diskOf(system: SystemDescription, client: PdDescription): string {
  const domains = flatten(system).map(({ pd }) => pd);
  const seen = new Set([client.name]);
  let reached = [client];
  while (reached.length > 0) {
    const device = reached.map((pd) => deviceOf(system, pd)).find((each) => each !== undefined);
    if (device !== undefined) return device;
    const queues = new Set(
      reached.flatMap(({ config }) => queueRecords(config).map(({ region }) => region)),
    );
    reached = domains.filter(
      ({ name, config }) =>
        !seen.has(name) && queueRecords(config).some(({ region }) => queues.has(region)),
    );
    for (const { name } of reached) seen.add(name);
  }
  return 'blk0';
}

function deviceOf(system: SystemDescription, pd: PdDescription): string | undefined {
  const irqs = new Set(pd.irqs.flatMap((each) => ('irq' in each ? [Number(each.irq)] : [])));
  return devicesOf(system).find((each) => each.class === 'blk' && irqs.has(each.irq))?.name;
}
