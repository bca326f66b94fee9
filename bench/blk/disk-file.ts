/** A disk image in a folder of its own, and what a bare loop of reads makes of it. */

import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostNow } from '../../host/host-time.ts';
import { type Slice, timeSlice, type Worker } from '../slices.ts';

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

/** Reads at random places of a file, with nothing around it. */
export class ReadLoop implements Worker {
  readonly #fd: number;
  readonly #buffer: Uint8Array;
  #random = 1;
  #reads = 0;

  constructor(path: string, requestBytes: number) {
    this.#fd = openSync(path, 'r');
    this.#buffer = new Uint8Array(requestBytes);
  }

  slice(sliceNs: number): Promise<Slice> {
    return timeSlice(
      sliceNs,
      (ns) => this.#run(hostNow() + ns),
      () => this.#reads,
    );
  }

  close(): void {
    closeSync(this.#fd);
  }

  #run(untilNs: number): void {
    const { length } = this.#buffer;
    const places = FILE_BYTES / length;
    while (hostNow() < untilNs) {
      for (let i = 0; i < READS; i += 1) {
        this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) | 0;
        readSync(this.#fd, this.#buffer, 0, length, ((this.#random >>> 8) % places) * length);
      }
      this.#reads += READS;
    }
  }
}
