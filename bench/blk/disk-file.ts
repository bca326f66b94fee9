/** A disk image in a folder of its own, and what a bare loop of reads makes of it. */

import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostNow } from '../../host/event-loop.ts';

const MIB = 1024 * 1024;
const FILE_BYTES = 64 * MIB;
/** Between two looks at the clock. */
const READS = 256;

/** Gives the body a file of 64 MiB, which is in the page cache, and removes it afterwards. */
export async function withDiskFile<Value>(body: (path: string) => Promise<Value>): Promise<Value> {
  const folder = mkdtempSync(join(tmpdir(), 'sddf-blk-'));
  const path = join(folder, 'disk.img');
  try {
    const fd = openSync(path, 'w');
    const chunk = new Uint8Array(MIB).fill(7);
    for (let at = 0; at < FILE_BYTES; at += MIB) writeSync(fd, chunk, 0, MIB, at);
    closeSync(fd);
    return await body(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Reads at random places of the same file. @returns reads per second */
export function readLoop(path: string, requestBytes: number, durationNs: number): number {
  const fd = openSync(path, 'r');
  const buffer = new Uint8Array(requestBytes);
  const places = FILE_BYTES / requestBytes;
  const startedAt = hostNow();
  let now = startedAt;
  let reads = 0;
  let random = 1;
  while (now < startedAt + durationNs) {
    for (let i = 0; i < READS; i += 1) {
      random = (Math.imul(random, 1_664_525) + 1_013_904_223) | 0;
      readSync(fd, buffer, 0, requestBytes, ((random >>> 8) % places) * requestBytes);
    }
    reads += READS;
    now = hostNow();
  }
  closeSync(fd);
  return (reads * 1e9) / (now - startedAt);
}
