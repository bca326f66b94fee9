/**
 * A hart's view of its address space: the runs of equal rights that it has met, and what it executes.
 *
 * Memory that may be executed and not written is executed from a *snapshot*, as hardware executes from its instruction
 * cache: what others write there is seen after a `fence.i` or a change of mappings. The snapshot is taken of a whole
 * run at once, so that it does not depend on which engine executes, or how far it looks ahead. Memory that may be both
 * written and executed has no snapshot: each instruction is fetched from it as it is.
 */

import type { Ram } from '../memory/ram.ts';
import type { Outside, Run } from './hart.ts';

/** A run that may be executed and not written, with its bytes as they were when they were last looked at. */
export interface CodeRun {
  readonly vaddr: number;
  readonly sizeBytes: number;
  /** Own copy; never changes. Other bytes mean another `CodeRun`, so that caches may hang on the object. */
  readonly bytes: Uint8Array;
}

interface Snapshot {
  readonly code: CodeRun;
  /** Equal to the memory since the last `fence.i` or change of mappings. */
  isFresh: boolean;
}

export class AddressSpace {
  readonly outside: Outside;
  readonly #ram: Ram;
  #generation = -1;
  #version = 0;
  #runs: Run[] = [];
  #snapshots: Snapshot[] = [];

  constructor(ram: Ram, outside: Outside) {
    this.#ram = ram;
    this.outside = outside;
  }

  /** Changes whenever {@link refresh} finds that mappings have: caches of an engine are void then. */
  get version(): number {
    return this.#version;
  }

  /** Forgets what changed mappings have made void. To be called whenever an engine is entered. */
  refresh(): void {
    const generation = this.outside.generation();
    if (generation === this.#generation) return;
    this.#generation = generation;
    this.#version += 1;
    this.#runs = [];
    this.fenceInstructions();
  }

  /** What `fence.i` does: snapshots are compared with the memory before they are executed again. */
  fenceInstructions(): void {
    for (const snapshot of this.#snapshots) snapshot.isFresh = false;
  }

  /** @returns the run that holds an address below 2^53, or undefined when nothing is mapped there */
  runAt(vaddr: number): Run | undefined {
    const known = this.#runs.find((run) => holds(run, vaddr));
    if (known !== undefined) return known;
    const run = this.outside.runAt(vaddr);
    if (run !== undefined) this.#runs.push(run);
    return run;
  }

  /** @returns the run of RAM that holds an address and may be read, or written without being code; undefined for others */
  plainRunAt(vaddr: number, isWrite: boolean): Run | undefined {
    const run = this.runAt(vaddr);
    if (run === undefined || run.at < 0) return undefined;
    const isAllowed = isWrite ? run.isWritable && !run.isExecutable : run.isReadable;
    return isAllowed ? run : undefined;
  }

  /** @returns the code at an address; undefined where nothing may be executed, in writable memory and among registers */
  codeAt(vaddr: number): CodeRun | undefined {
    const found = this.#snapshots.find(({ isFresh, code }) => isFresh && holds(code, vaddr));
    if (found !== undefined) return found.code;
    const run = this.runAt(vaddr);
    if (run === undefined || !run.isExecutable || run.isWritable || run.at < 0) return undefined;
    return this.#snapshotOf(run);
  }

  /** The snapshot of a run: the one that there was if its bytes are still the same. */
  #snapshotOf(run: Run): CodeRun {
    const now = this.#ram.u8.subarray(run.at, run.at + run.sizeBytes);
    const before = this.#snapshots.find(({ code }) => code.vaddr === run.vaddr);
    if (before !== undefined && isEqual(before.code.bytes, now)) {
      before.isFresh = true;
      return before.code;
    }
    const code = { vaddr: run.vaddr, sizeBytes: run.sizeBytes, bytes: now.slice() };
    const others = this.#snapshots.filter((each) => !overlaps(each.code, run));
    this.#snapshots = [...others, { code, isFresh: true }];
    return code;
  }
}

interface Range {
  readonly vaddr: number;
  readonly sizeBytes: number;
}

function holds({ vaddr, sizeBytes }: Range, address: number): boolean {
  return address >= vaddr && address < vaddr + sizeBytes;
}

function overlaps(a: Range, b: Range): boolean {
  return a.vaddr < b.vaddr + b.sizeBytes && b.vaddr < a.vaddr + a.sizeBytes;
}

/** Both are whole pages. */
function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  const words = a.length >> 2;
  const left = new Int32Array(a.buffer, a.byteOffset, words);
  const right = new Int32Array(b.buffer, b.byteOffset, words);
  for (let index = 0; index < words; index += 1) if (left[index] !== right[index]) return false;
  return true;
}
