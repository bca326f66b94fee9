/** `--disk` and `--nbd`: read and checked before anything starts. */

import type { DiskSpec } from '../../host/disk/disk.ts';
import { parseStreamAddress, type StreamAddress } from '../../host/net/socket-address.ts';
import { UserMistake } from '../../host/problem.ts';
import { parseSize } from '../quantities.ts';

export const DISK_HELP = `Disks (--disk, up to four; taken in turn, or by name, as in blk1=file=PATH):
  file=PATH[,overlay=discard|none|DELTA][,ro][,sector=512|4096]
                    an image. overlay=discard keeps what is written in memory and leaves the image as it is; that is
                    standard unless --nbd is given. overlay=DELTA keeps it in that file; overlay=none writes the image
  mem=SIZE[,fat][,sector=512|4096]
                    a disk in memory, such as mem=64M; with fat, an empty file system is on it
NBD server on the first disk (instead of the check client):
  unix:PATH[,client=N] or tcp:HOST:PORT[,client=N]
                    exports partition N of the disk, 0 for the first; the whole disk without client=`;

export interface NbdOptions {
  readonly address: StreamAddress;
  /** What is exported: a partition, or the whole disk. */
  readonly partition: number | 'whole';
}

const PARTITION_MAX = 7;
const STANDARD_MEMORY_BYTES = 64 * 1024 * 1024;

/** The disk of a run that names none. */
export const STANDARD_DISK = {
  kind: 'memory',
  sizeBytes: STANDARD_MEMORY_BYTES,
  sectorBytes: 512,
  format: 'none',
} as const satisfies DiskSpec;

/** @param standardOverlay for images that say nothing about it @throws UserMistake */
export function parseDisk(text: string, standardOverlay: 'none' | 'discard'): DiskSpec {
  const fields = new Map<string, string>();
  for (const part of text.split(',')) {
    const equals = part.indexOf('=');
    const name = equals === -1 ? part : part.slice(0, equals);
    if (fields.has(name)) throw wrong(text, `${name} is given twice`);
    fields.set(name, equals === -1 ? '' : part.slice(equals + 1));
  }
  const kind = fields.has('mem') ? 'memory' : 'file';
  const known = kind === 'memory' ? ['mem', 'fat', 'sector'] : ['file', 'overlay', 'ro', 'sector'];
  for (const name of fields.keys()) {
    if (!known.includes(name)) throw wrong(text, `'${name}' is not one of ${known.join(', ')}`);
  }
  const sectorBytes = parseSector(text, fields.get('sector'));
  const size = fields.get('mem');
  if (size !== undefined) {
    const format = parseFlag(text, 'fat', fields) ? 'fat' : 'none';
    return { kind: 'memory', sizeBytes: parseSize(size, '--disk mem'), sectorBytes, format };
  }
  const path = fields.get('file');
  if (path === undefined || path === '') throw wrong(text, 'it names neither file= nor mem=');
  const access = parseFlag(text, 'ro', fields) ? 'read-only' : 'read-write';
  const overlay = parseOverlay(text, fields.get('overlay')) ?? standardOverlay;
  if (access === 'read-only' && fields.has('overlay')) {
    throw wrong(text, 'a read-only disk has no overlay; leave one of the two out');
  }
  return { kind: 'file', path, access, overlay, sectorBytes };
}

/** @throws UserMistake */
export function parseNbd(text: string): NbdOptions {
  const [address = '', ...rest] = text.split(',');
  let partition: number | 'whole' = 'whole';
  for (const part of rest) {
    const match = /^client=(\d+)$/.exec(part);
    if (match === null) throw new UserMistake(`--nbd: '${part}' is not client=N`);
    partition = Number(match[1]);
    if (partition > PARTITION_MAX) {
      throw new UserMistake(`--nbd: client=${partition} is above ${PARTITION_MAX}`);
    }
  }
  return { address: parseStreamAddress(address, '--nbd'), partition };
}

function parseSector(text: string, sector: string | undefined): 512 | 4096 {
  if (sector === undefined || sector === '512') return 512;
  if (sector === '4096') return 4096;
  throw wrong(text, `sector=${sector} is neither 512 nor 4096`);
}

/** Whether a word without a value is there. */
function parseFlag(text: string, name: string, fields: ReadonlyMap<string, string>): boolean {
  const value = fields.get(name);
  if (value !== undefined && value !== '') throw wrong(text, `${name} takes no value`);
  return value !== undefined;
}

function parseOverlay(
  text: string,
  value: string | undefined,
): 'none' | 'discard' | { readonly path: string } | undefined {
  if (value === undefined || value === 'none' || value === 'discard') return value;
  if (value === '') throw wrong(text, 'overlay= needs discard, none or a file');
  return { path: value };
}

function wrong(text: string, why: string): UserMistake {
  return new UserMistake(`--disk ${text}: ${why}`);
}
