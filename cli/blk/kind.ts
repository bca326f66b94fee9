/** The block options of `sddf run`: `--disk`, `--nbd`, `--policy`. */

import type { DiskSpec } from '../../host/disk/disk.ts';
import type { FileUse } from '../../host/file-use.ts';
import { UserMistake } from '../../host/problem.ts';
import type { SystemDescription } from '../../microkit/model.ts';
import { BLK_POLICIES, FAT_PD, NBD_PD } from '../../systems/block-names.ts';
import { BLOCK_SLOTS, blockDevices } from '../../systems/devices.ts';
import {
  type Attachment,
  type AttachmentKind,
  type ParsedAttachment,
  type RunParts,
} from '../run/attachment.ts';
import { checkGiven, type DeviceClass, devicesGiven, parseNamed } from '../run/named-devices.ts';
import { asWritten, choice, type OptionValues, readOptions, text, texts } from '../option.ts';
import { DISK_HELP, type NbdOptions, parseDisk, parseNbd, STANDARD_DISK } from './disk-options.ts';
import type { LoadedSystem } from '../run/loaded-system.ts';

const MIB = 1024 * 1024;
const DISKS: DeviceClass = { option: '--disk', prefix: 'blk', unnamed: 'the next' };

const OPTIONS = {
  disks: texts({
    flags: '--disk <disk>',
    help: 'a disk, see below; once for each disk',
    parse: (given) => parseNamed(given, DISKS, asWritten),
    completes: { words: ['file=@files', 'mem='] },
  }),
  nbd: text({
    flags: '--nbd <address>',
    help: 'serves the first disk to NBD clients, see below',
    parse: parseNbd,
    completes: { words: ['unix:', 'tcp:'] },
  }),
  policy: choice({
    flags: '--policy <policy>',
    help: `whose request goes next: ${BLK_POLICIES.join(', ')}`,
    words: BLK_POLICIES,
  }),
};

export const blkKind: AttachmentKind = {
  name: 'blk',
  heading: 'Disks:',
  help: DISK_HELP,
  examples: [
    'sddf run blk --disk file=disk.img',
    'sddf run blk --disk file=disk.img,overlay=delta.img --disk mem=64M,sector=4096',
    'sddf run blk --set disks=2 --disk blk1=file=disk.img',
    'sddf run blk --disk mem=64M --nbd unix:d.sock',
    'sddf run blk --disk file=disk.img --policy drr --json',
  ],
  options: OPTIONS,
  parse: (raw) => ParsedBlk.parse(readOptions(OPTIONS, raw)),
};

class ParsedBlk implements ParsedAttachment {
  readonly standardOutput = 'free';
  readonly files: readonly FileUse[];
  readonly choices: Readonly<Record<string, string>>;
  /** By the disk's number. */
  readonly #disks: ReadonlyMap<number, DiskSpec>;
  readonly #nbd: NbdOptions | undefined;
  readonly #policy: string | undefined;

  static async parse({ disks, nbd, policy }: OptionValues<typeof OPTIONS>): Promise<ParsedBlk> {
    const standardOverlay = nbd === undefined ? 'discard' : 'none';
    const given = disks.map(({ index, spec }) => ({
      index,
      spec: parseDisk(spec, standardOverlay),
    }));
    const named = devicesGiven(given, DISKS);
    const count = 1 + Math.max(0, ...named.keys());
    if (count > BLOCK_SLOTS.length) {
      throw new UserMistake(`--disk: the board has blk0 to blk${BLOCK_SLOTS.length - 1}`);
    }
    const choices: Record<string, string> = policy === undefined ? {} : { policy };
    if (nbd !== undefined || disks.length > 0) {
      const { blkChoices } = await import('./disk-choices.ts');
      Object.assign(choices, blkChoices(disksUpTo(count, named, STANDARD_DISK), nbd));
    }
    return new ParsedBlk(named, choices, { nbd, policy });
  }

  private constructor(
    disks: ReadonlyMap<number, DiskSpec>,
    choices: Readonly<Record<string, string>>,
    { nbd, policy }: { readonly nbd: NbdOptions | undefined; readonly policy: string | undefined },
  ) {
    this.#disks = disks;
    this.#nbd = nbd;
    this.#policy = policy;
    this.choices = choices;
    this.files = [...disks.values()].flatMap(filesOf);
  }

  async open(run: RunParts): Promise<Attachment | undefined> {
    const { loaded, clock, onNotice } = run;
    const { name, system } = loaded;
    const count = diskCount(system);
    if (count === 0) {
      const isAsked = this.#disks.size > 0 || this.#nbd !== undefined;
      if (!isAsked && this.#policy === undefined) return undefined;
      throw new UserMistake(
        `${name}: the system has no disk; leave --disk, --nbd and --policy out`,
      );
    }
    const numbers = Array.from({ length: count }, (_, index) => index);
    checkGiven(name, this.#disks.keys(), numbers, DISKS);
    if (loaded.notOffered.includes('policy')) {
      throw new UserMistake(`${name}: the system's policy is fixed; leave --policy out`);
    }
    const standard = standardDisk(system);
    await this.#checkServer(loaded, this.#disks.get(0) ?? standard);
    if (hasDomain(system, FAT_PD)) {
      for (const disk of this.#disks.values()) checkFormatted(name, disk);
    }
    const { BlockAttachment } = await import('./attachment.ts');
    return new BlockAttachment({
      disks: disksUpTo(count, this.#disks, standard),
      ...(this.#nbd === undefined ? {} : { nbd: this.#nbd }),
      clock,
      onNotice,
    });
  }

  /**
   * @throws UserMistake when there is a server without `--nbd`, `--nbd` without one, or nothing for
   * it to export
   */
  async #checkServer({ name, system, notOffered }: LoadedSystem, disk: DiskSpec): Promise<void> {
    const hasServer = hasDomain(system, NBD_PD);
    if (this.#nbd === undefined) {
      if (!hasServer) return;
      throw new UserMistake(`${name}: the system has an NBD server; --nbd says where`);
    }
    if (!hasServer) throw new UserMistake(`${name}: the system has no NBD server; leave --nbd out`);
    const { partition } = this.#nbd;
    if (partition === 'whole') return;
    if (notOffered.includes('partition')) {
      throw new UserMistake(`${name}: what its NBD server exports is fixed; leave client= out`);
    }
    const { checkPartition } = await import('./disk-partitions.ts');
    checkPartition(disk, partition, `--nbd client=${partition}`);
  }
}

/** @returns the first disks, those of which nothing was said being standard ones */
function disksUpTo(
  count: number,
  given: ReadonlyMap<number, DiskSpec>,
  standard: DiskSpec,
): readonly DiskSpec[] {
  return Array.from({ length: count }, (_, index) => given.get(index) ?? standard);
}

/** A disk in memory begins empty, and the file system's client cannot make one on it. */
function checkFormatted(system: string, disk: DiskSpec): void {
  if (disk.kind !== 'memory' || disk.format !== 'none') return;
  const size = disk.sizeBytes % MIB === 0 ? `${disk.sizeBytes / MIB}M` : `${disk.sizeBytes}`;
  throw new UserMistake(
    `${system}: there is no file system on the disk in memory; use --disk mem=${size},fat`,
  );
}

function hasDomain(system: SystemDescription, name: string): boolean {
  return system.protectionDomains.some((pd) => pd.name === name);
}

/** The disk of a system for which none is named. */
function standardDisk(system: SystemDescription): DiskSpec {
  if (!hasDomain(system, FAT_PD)) return STANDARD_DISK;
  return { ...STANDARD_DISK, format: 'fat' };
}

/** How many disks the system's drivers want. */
function diskCount(system: SystemDescription): number {
  return blockDevices.filter(({ physAddr }) =>
    system.regions.some((region) => region.physAddr === BigInt(physAddr)),
  ).length;
}

/** An image below an overlay is only read. */
function filesOf(disk: DiskSpec): readonly FileUse[] {
  if (disk.kind === 'memory') return [];
  const { path, overlay, access } = disk;
  const by = `--disk file=${path}`;
  const isWritten = overlay === 'none' && access === 'read-write';
  const image: FileUse = { path, use: isWritten ? 'written' : 'read', by };
  if (typeof overlay !== 'object') return [image];
  return [image, { path: overlay.path, use: 'written', by: `${by},overlay=` }];
}
