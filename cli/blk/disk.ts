/** `sddf disk create`: makes a disk image with partitions and empty file systems. */

import { randomBytes } from 'node:crypto';
import { Command } from 'commander';
import { createImage } from '../../host/disk/create-image.ts';
import type { WantedPartition } from '../../host/disk/partition-writer.ts';
import { UserMistake } from '../../host/problem.ts';
import { parseSize } from '../quantities.ts';
import { openTerminal } from '../terminal.ts';

interface RawOptions {
  readonly size: string;
  readonly gpt?: string;
  readonly mbr?: string;
  readonly fat?: true;
  readonly sector: string;
  readonly force?: true;
}

export function diskCommand(): Command {
  const command = new Command('disk')
    .description('Works on disk images.')
    .addHelpText(
      'after',
      '\nExamples:\n  sddf disk create disk.img --size 64M --gpt fat:32M,raw:24M',
    );
  command.addCommand(
    new Command('create')
      .description('Makes a disk image: a partition table, and empty file systems in it.')
      .argument('<file>', 'the image to make')
      .requiredOption('--size <size>', 'size of the disk, such as 64M')
      .option('--gpt <partitions>', 'a GPT with these partitions, such as fat:32M,raw:24M')
      .option('--mbr <partitions>', 'an MBR with these partitions, at most four')
      .option('--fat', 'no partition table: one FAT file system over the whole disk')
      .option('--sector <bytes>', 'logical sector, 512 or 4096', '512')
      .option('--force', 'replaces a file that exists')
      .addHelpText('after', EXAMPLES)
      .action(createAction),
  );
  return command;
}

const EXAMPLES = `
A partition is fat:SIZE or raw:SIZE, with a name if wanted: fat:32M:boot. The last one gives up what the table needs.

Examples:
  sddf disk create disk.img --size 64M --gpt fat:32M,raw:24M
  sddf disk create disk.img --size 16M --fat`;

function createAction(path: string, raw: RawOptions): void {
  const chosen = [raw.gpt, raw.mbr, raw.fat].filter((one) => one !== undefined);
  if (chosen.length > 1) throw new UserMistake('--gpt, --mbr and --fat exclude each other');
  const scheme = raw.gpt === undefined ? (raw.mbr === undefined ? 'none' : 'mbr') : 'gpt';
  const sizeBytes = parseSize(raw.size, '--size');
  const placed = createImage({
    path,
    sizeBytes,
    sectorBytes: parseSector(raw.sector),
    scheme,
    partitions: readPartitions(raw, sizeBytes),
    existing: raw.force === true ? 'replace' : 'refuse',
    randomBytes,
  });
  const terminal = openTerminal('stdout');
  terminal.print(`${path}: ${sizeBytes} bytes, ${describeScheme(scheme)}`);
  for (const [index, { use, name, startBytes, sizeBytes: bytes }] of placed.entries()) {
    terminal.print(`  ${index}  ${use}  ${name}  at ${startBytes}, ${bytes} bytes`);
  }
}

function readPartitions(raw: RawOptions, sizeBytes: number): readonly WantedPartition[] {
  if (raw.fat === true) return [{ use: 'fat', name: 'SDDF', sizeBytes }];
  const option = raw.gpt === undefined ? '--mbr' : '--gpt';
  const text = raw.gpt ?? raw.mbr;
  if (text === undefined) return [];
  return text.split(',').map((part, index) => parsePartition(part, index, option));
}

function parsePartition(text: string, index: number, option: string): WantedPartition {
  const [use, size, name, ...rest] = text.split(':');
  const isKnown = use === 'fat' || use === 'raw';
  if (!isKnown || size === undefined || rest.length > 0) {
    throw new UserMistake(`${option}: '${text}' is not fat:SIZE or raw:SIZE, with :NAME if wanted`);
  }
  const sizeBytes = parseSize(size, option);
  if (sizeBytes % 4096 !== 0 || sizeBytes === 0) {
    throw new UserMistake(`${option}: '${size}' is not a multiple of 4096 bytes`);
  }
  return { use, sizeBytes, name: name ?? `${use}${index}` };
}

function parseSector(text: string): 512 | 4096 {
  if (text === '512') return 512;
  if (text === '4096') return 4096;
  throw new UserMistake(`--sector: '${text}' is neither 512 nor 4096`);
}

function describeScheme(scheme: 'gpt' | 'mbr' | 'none'): string {
  return scheme === 'none' ? 'no partition table' : scheme.toUpperCase();
}
