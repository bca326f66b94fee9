/** The files of a disk with a FAT file system, as the file system itself reads them. */

import { type BlockTask, FatError } from '../../clients/fat/block-io.ts';
import { FatFileSystem } from '../../clients/fat/file-system.ts';
import { BLK_TRANSFER_BYTES } from '../../queues/blk/layout.ts';
import { baseName } from './own/file-names.ts';

/** A page shows no more of a file. */
const SHOWN_BYTES = 65_536;

export interface DiskEntry {
  readonly name: string;
  readonly kind: 'file' | 'directory';
  readonly sizeBytes: number;
}

export type FileListing =
  | { readonly kind: 'directory'; readonly path: string; readonly entries: readonly DiskEntry[] }
  /** @property bytes its beginning */
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly sizeBytes: number;
      readonly bytes: Uint8Array;
    }
  /** There is no such file, or no file system. */
  | { readonly kind: 'none'; readonly path: string; readonly why: string };

/** @param path of a directory or a file, such as '/' or '/LOGS/BOOT.TXT' */
export function listFiles(image: Uint8Array, path: string): FileListing {
  try {
    return answered(listing(image.length / BLK_TRANSFER_BYTES, path), image);
  } catch (error) {
    if (error instanceof FatError) return { kind: 'none', path, why: error.message };
    throw error;
  }
}

function* listing(blocks: number, path: string): BlockTask<FileListing> {
  const files = yield* FatFileSystem.mount(blocks);
  const parent = path.replace(/\/[^/]*$/, '') || '/';
  const name = baseName(path);
  const entry =
    name === '' ? undefined : (yield* files.list(parent)).find((each) => each.name === name);
  if (entry?.kind === 'file') {
    const bytes = yield* files.readFile(path);
    const { sizeBytes } = entry;
    return { kind: 'file', path, sizeBytes, bytes: bytes.slice(0, SHOWN_BYTES) };
  }
  const entries = (yield* files.list(path)).map(({ name: each, kind, sizeBytes }) => ({
    name: each,
    kind,
    sizeBytes,
  }));
  return { kind: 'directory', path, entries };
}

/** Runs a task to its end; it has what it asks for at once. */
function answered<Result>(task: BlockTask<Result>, image: Uint8Array): Result {
  let bytes = new Uint8Array();
  for (;;) {
    const { done, value } = task.next(bytes);
    if (done === true) return value;
    if (value.kind !== 'read') throw new FatError('whoever looks writes nothing');
    const from = value.block * BLK_TRANSFER_BYTES;
    bytes = image.slice(from, from + value.count * BLK_TRANSFER_BYTES);
  }
}
