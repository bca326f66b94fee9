/**
 * Work for a file system: the command line on it is replaced by a client that uses it at random
 * (`fat-client.ts`). At the end the power goes, and every file that the disk then holds has to be
 * one that it may hold.
 */

import type { Random } from '../../board/random.ts';
import { type BlockTask, FatError } from '../../clients/fat/block-io.ts';
import { FatFileSystem } from '../../clients/fat/file-system.ts';
import { fatPatches } from '../../host/disk/fat-format.ts';
import { flatten, type PdDescription, type SystemDescription } from '../../microkit/model.ts';
import type { Program } from '../../microkit/pd.ts';
import { BLK_TRANSFER_BYTES } from '../../queues/blk/layout.ts';
import type { CuttableDisk } from '../points/cuttable-disk.ts';
import {
  FILE_NAMES,
  type FatTask,
  fatTraffic,
  readVersion,
  strangeFile,
  versionText,
} from './fat-client.ts';
import { FileModel } from './file-model.ts';
import { Findings } from './findings.ts';
import type { Excused, Violation, Workload } from './workload.ts';

const FAT_IMAGE = 'clients/fat/main.ts';
/** An operation on a file is so many on the disk. */
const REQUESTS_EACH = 10;

export interface FatWorkloadOptions {
  readonly system: SystemDescription;
  /** Requests to the disk, about. */
  readonly amount: number;
  readonly random: Random;
  readonly nowNs: () => number;
}

/**
 * @returns the domain with the file system; undefined where there is none, or several, which one
 * disk could not tell apart
 */
export function fatDomain(system: SystemDescription): PdDescription | undefined {
  const found = flatten(system)
    .map(({ pd }) => pd)
    .filter(({ image }) => image.path === FAT_IMAGE && image.program !== undefined);
  return found.length === 1 ? found[0] : undefined;
}

export class FatWorkload implements Workload {
  readonly patienceNs = 200_000_000;
  readonly programs = new Map<string, Program>();
  readonly model = new FileModel();
  readonly #options: FatWorkloadOptions;
  readonly #findings = new Findings();
  readonly #task: FatTask | undefined;
  #disk: CuttableDisk | undefined;

  constructor(options: FatWorkloadOptions) {
    this.#options = options;
    const domain = fatDomain(options.system);
    if (domain === undefined) return;
    this.#task = {
      name: domain.name,
      random: options.random,
      model: this.model,
      findings: this.#findings,
      nowNs: options.nowNs,
      amount: Math.ceil(options.amount / REQUESTS_EACH),
      phase: 'working',
      asked: 0,
      answered: 0,
      failed: 0,
      version: 1,
    };
    this.programs.set(domain.name, fatTraffic(this.#task) as unknown as Program);
  }

  /** Whether the system has a file system. */
  get isThere(): boolean {
    return this.#task !== undefined;
  }

  /** Makes an empty file system. */
  format(image: Uint8Array): void {
    const made = fatPatches({
      startBytes: 0,
      sizeBytes: image.length,
      sectorBytes: 512,
      label: 'WORLD',
      serial: 1,
    });
    if ('problem' in made) throw new Error(made.problem);
    for (const { at, bytes } of made) image.set(bytes, at);
  }

  plugIn(disk: CuttableDisk): void {
    this.#disk = disk;
  }

  start(): void {
    // The client begins as soon as its disk is there.
  }

  get isDone(): boolean {
    return this.#task === undefined || this.#task.asked >= this.#task.amount;
  }

  probe(): void {
    if (this.#task !== undefined) this.#task.phase = 'checking';
  }

  unserved(): readonly string[] {
    return this.#task === undefined || this.#task.phase === 'over' ? [] : [this.#task.name];
  }

  counters(): Readonly<Record<string, number>> {
    const { asked = 0, answered = 0, failed = 0 } = this.#task ?? {};
    return { operations: asked, operationsEnded: answered, operationsFailed: failed };
  }

  violations(excused: Excused): readonly Violation[] {
    if (this.#disk !== undefined && !this.model.isDamaged) this.#judgeRemains(this.#disk);
    return this.#findings.violations(excused);
  }

  /** What a power cut at the very end leaves. */
  #judgeRemains(disk: CuttableDisk): void {
    const { image, pretended } = disk.afterPowerCut();
    if (pretended.size > 0) return;
    try {
      const fs = runOn(image, FatFileSystem.mount(image.length / BLK_TRANSFER_BYTES));
      FILE_NAMES.forEach((name, file) => {
        const found = runOn(image, readVersion(fs, file));
        if (!this.model.mayBe(name, found)) this.#lost(`${versionText(found)} in ${name}`);
      });
      const strange = runOn(image, strangeFile(fs));
      if (strange !== undefined) this.#lost(`a file ${strange}, which nobody has made`);
    } catch (error) {
      if (!(error instanceof FatError)) throw error;
      this.#lost(`a file system that says: ${error.message}`);
    }
  }

  #lost(what: string): void {
    this.#findings.add({
      oracle: 'durability',
      excuse: ['durability', 'contents'],
      where: this.#task?.name ?? '',
      what: `has, after a power cut at the end, ${what}`,
      timeNs: this.#options.nowNs(),
    });
  }
}

/** Runs a task that only reads on a disk that is over. */
function runOn<Result>(image: Uint8Array, task: BlockTask<Result>): Result {
  let step = task.next();
  while (step.done !== true) {
    const wish = step.value;
    if (wish.kind !== 'read') throw new Error('what only reads does not write');
    const at = wish.block * BLK_TRANSFER_BYTES;
    step = task.next(image.slice(at, at + wish.count * BLK_TRANSFER_BYTES));
  }
  return step.value;
}
