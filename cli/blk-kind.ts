/** The block options of `sddf run`: `--disk`, `--nbd`, `--policy`. */

import type { Command } from 'commander';
import type { DiskSpec } from '../host/disk/disk.ts';
import { UserMistake } from '../host/problem.ts';
import type { SystemDescription } from '../microkit/model.ts';
import { BLK_POLICIES, NBD_PD } from '../systems/blk.ts';
import { blockDevices } from '../systems/devices.ts';
import { FAT_PD } from '../systems/fat.ts';
import {
  type Attachment,
  type AttachmentKind,
  collect,
  type ParsedAttachment,
  type RawOptions,
  type RunParts,
  textOption,
  textsOption,
} from './attachment.ts';
import { blkChoices, BlockAttachment } from './blk-attachment.ts';
import { DISK_HELP, type NbdOptions, parseDisk, parseNbd, STANDARD_DISK } from './disk-options.ts';
import { parseChoice } from './quantities.ts';

export const blkKind: AttachmentKind = {
  name: 'blk',
  help: DISK_HELP,
  examples: [
    'sddf run blk --disk file=disk.img',
    'sddf run blk --disk file=disk.img,overlay=delta.img --disk mem=64M,sector=4096',
    'sddf run blk --disk mem=64M --nbd unix:d.sock',
    'sddf run blk --disk file=disk.img --policy drr --json',
  ],
  addOptions: (command: Command) => {
    command
      .option('--disk <disk>', 'a disk, see below; may be repeated', collect, [])
      .option('--nbd <address>', 'serves the first disk to NBD clients, see below')
      .option('--policy <policy>', `whose request goes next: ${BLK_POLICIES.join(', ')}`);
  },
  parse: (raw) => new ParsedBlk(raw),
};

class ParsedBlk implements ParsedAttachment {
  readonly standardOutput = 'free';
  readonly choices: Readonly<Record<string, string>>;
  readonly #disks: readonly DiskSpec[];
  readonly #nbd: NbdOptions | undefined;

  constructor(raw: RawOptions) {
    const nbd = textOption(raw, 'nbd');
    const disks = textsOption(raw, 'disk');
    const policy = textOption(raw, 'policy');
    const standardOverlay = nbd === undefined ? 'discard' : 'none';
    this.#nbd = nbd === undefined ? undefined : parseNbd(nbd);
    this.#disks = disks.map((disk) => parseDisk(disk, standardOverlay));
    const isAsked = nbd !== undefined || disks.length > 0;
    this.choices = {
      ...(isAsked ? blkChoices(disks.length === 0 ? [STANDARD_DISK] : this.#disks, this.#nbd) : {}),
      ...(policy === undefined ? {} : { policy: parseChoice(policy, '--policy', BLK_POLICIES) }),
    };
  }

  async open(run: RunParts): Promise<Attachment | undefined> {
    const { loaded, clock, onNotice } = run;
    const count = diskCount(loaded.system);
    if (count === 0) {
      if (this.#disks.length === 0 && this.#nbd === undefined) return undefined;
      throw new UserMistake(`${loaded.name}: the system has no disk; leave --disk and --nbd out`);
    }
    if (this.#disks.length > count) {
      throw new UserMistake(`${loaded.name}: the system has ${count} disks; give fewer --disk`);
    }
    const hasServer = loaded.system.protectionDomains.some((pd) => pd.name === NBD_PD);
    if (this.#nbd === undefined && hasServer) {
      throw new UserMistake(`${loaded.name}: the system has an NBD server; --nbd says where`);
    }
    const standard = standardDisk(loaded.system);
    const missing = Array.from({ length: count - this.#disks.length }, () => standard);
    return Promise.resolve(
      new BlockAttachment({
        disks: [...this.#disks, ...missing],
        ...(this.#nbd === undefined ? {} : { nbd: this.#nbd }),
        clock,
        onNotice,
      }),
    );
  }
}

/** The disk of a system for which none is named. */
function standardDisk(system: SystemDescription): DiskSpec {
  if (!system.protectionDomains.some((pd) => pd.name === FAT_PD)) return STANDARD_DISK;
  return { ...STANDARD_DISK, format: 'fat' };
}

/** How many disks the system's drivers want. */
function diskCount(system: SystemDescription): number {
  return blockDevices.filter(({ physAddr }) =>
    system.regions.some((region) => region.physAddr === BigInt(physAddr)),
  ).length;
}
