/**
 * A hart's view of its address space: the runs of equal rights that it has met, and what it
 * executes.
 *
 * Memory that may be executed and not written is executed from a *snapshot*, as hardware executes
 * from its instruction cache: what others write there is seen after a `fence.i` or a change of
 * mappings. The snapshot is taken of a whole run at once, so that it does not depend on which
 * engine executes, or how far it looks ahead.
 *
 * Of memory that may be both written and executed, the part that the host says is code has a
 * snapshot, too. What the hart itself writes there, it executes at once: engines tell of every such
 * store, and the snapshot is compared again. Where code changes again and again, and where nobody
 * knows what is code, each instruction is fetched from the memory as it is.
 */

import type { Ram } from '../memory/ram.ts';
import type { Outside, Run } from './hart.ts';

/**
 * A run that may be executed and not written, with its bytes as they were when they were last
 * looked at.
 */
export interface CodeRun {
  readonly vaddr: number;
  readonly sizeBytes: number;
  /**
   * Own copy; never changes. Other bytes mean another `CodeRun`, so that caches may hang on the
   * object.
   */
  readonly bytes: Uint8Array;
}

/** A stretch of addresses. */
export interface Extent {
  readonly start: number;
  /** Behind its last byte. */
  readonly end: number;
}

export interface WatchedExtent extends Extent {
  /** 'write': loads from it are nobody's business. */
  readonly access: 'write' | 'any';
}

/**
 * What somebody wants to know who looks at a hart from outside. It makes no difference to what the
 * hart does, nor to how many instructions that takes.
 */
export interface Scrutiny {
  /** Engines return `EXIT.planted` before an instruction that begins at one of these addresses. */
  readonly stops: readonly number[];
  /** Stretches of RAM, by offset in it. */
  readonly watched: readonly WatchedExtent[];
  /**
   * A load or store has been done that touches what is {@link watched}.
   *
   * @param at offset in RAM of the first byte of the whole access
   */
  accessed(access: 'read' | 'write', at: number, bytes: number): void;
}

const UNSEEN: Scrutiny = { stops: [], watched: [], accessed: () => undefined };
/** `c.ebreak`: it fits wherever an instruction begins. */
const PLANTED_LOW = 0x02;
const PLANTED_HIGH = 0x90;
/** Watched memory is taken out of runs by as many bytes: the longest access that is aligned. */
const WATCHED_UNIT = 8;

/** @returns where the code is in a run that may be written, too, as far as the host knows */
export type CodeExtent = (run: Run) => Extent | undefined;

/**
 * Snapshots of one stretch of writable code that have been taken because it had changed: with more,
 * no more are taken.
 */
const MOST_CHANGES = 16;

/**
 * A run that may be written and executed: what of it is code, and the data before and behind it.
 */
interface SplitRun {
  readonly code: Run;
  readonly data: readonly Run[];
}

interface Snapshot {
  /** With stops planted in it. */
  readonly code: CodeRun;
  /** The memory as it was: the same object where no stop is. */
  readonly bare: CodeRun;
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
  readonly #codeExtent: CodeExtent;
  /** Of runs that may be written and executed. */
  #splits = new WeakMap<Run, SplitRun | 'whole'>();
  #scrutiny: Scrutiny = UNSEEN;
  /** By address: how often writable code has changed. */
  readonly #changes = new Map<number, number>();

  constructor(ram: Ram, outside: Outside, codeExtent: CodeExtent = () => undefined) {
    this.#ram = ram;
    this.outside = outside;
    this.#codeExtent = codeExtent;
  }

  /**
   * Changes whenever {@link refresh} finds that mappings have: caches of an engine are void then.
   */
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

  /**
   * From the next time on that an engine is entered, somebody looks: stops are planted in the
   * snapshots, so that they cost nothing where none is, and memory that is watched is in no cache.
   */
  scrutinise(scrutiny: Scrutiny | undefined): void {
    this.#scrutiny = scrutiny ?? UNSEEN;
    this.#version += 1;
    this.#replant();
  }

  isPlanted(vaddr: number): boolean {
    return this.#scrutiny.stops.includes(vaddr);
  }

  /** Whether somebody wants to know of such accesses to some bytes of RAM. */
  isWatched(access: 'read' | 'write', at: number, bytes: number): boolean {
    for (const each of this.#scrutiny.watched) {
      if (at < each.end && each.start < at + bytes && isMeant(each, access)) return true;
    }
    return false;
  }

  /** Tells of an access to RAM that has been done. */
  hasAccessed(access: 'read' | 'write', at: number, bytes: number): void {
    if (this.isWatched(access, at, bytes)) this.#scrutiny.accessed(access, at, bytes);
  }

  /**
   * @returns of a run of RAM the part around an address that a cache may hold: nobody wants to know
   * of such accesses there
   */
  unwatchedPart(run: Run, vaddr: number, access: 'read' | 'write'): Run | undefined {
    const at = run.at + (vaddr - run.vaddr);
    let start = run.at;
    let end = run.at + run.sizeBytes;
    for (const each of this.#scrutiny.watched) {
      if (!isMeant(each, access) || each.end <= start || each.start >= end) continue;
      const first = each.start - (each.start % WATCHED_UNIT);
      const behind = Math.ceil(each.end / WATCHED_UNIT) * WATCHED_UNIT;
      if (at >= first && at < behind) return undefined;
      if (behind <= at) start = Math.max(start, behind);
      else end = Math.min(end, first);
    }
    if (start === run.at && end === run.at + run.sizeBytes) return run;
    return { ...run, vaddr: run.vaddr + (start - run.at), sizeBytes: end - start, at: start };
  }

  /** What `fence.i` does: snapshots are compared with the memory before they are executed again. */
  fenceInstructions(): void {
    for (const snapshot of this.#snapshots) snapshot.isFresh = false;
    this.#voidOthers();
  }

  /** Under scrutiny a second engine executes in this space, and has caches of its own. */
  #voidOthers(): void {
    if (this.#scrutiny !== UNSEEN) this.#version += 1;
  }

  /**
   * @returns the run that holds an address below 2^53, or undefined when nothing is mapped there
   */
  runAt(vaddr: number): Run | undefined {
    const known = this.#runs.find((run) => holds(run, vaddr));
    if (known !== undefined) return known;
    const run = this.outside.runAt(vaddr);
    if (run !== undefined) this.#runs.push(run);
    return run;
  }

  /**
   * @returns the run of RAM that holds an address and may be read, or written without being code;
   * undefined for others
   */
  plainRunAt(vaddr: number, isWrite: boolean): Run | undefined {
    const run = this.runAt(vaddr);
    if (run === undefined || run.at < 0) return undefined;
    if (!isWrite) return run.isReadable ? run : undefined;
    if (!run.isWritable) return undefined;
    const split = this.#splitOf(run);
    return split === 'whole' ? run : split.data.find((each) => holds(each, vaddr));
  }

  /**
   * Tells of a store, after it: code that it has changed is executed from now on.
   *
   * @returns whether it was to code
   */
  hasStored(vaddr: number, bytes: number): boolean {
    const run = this.runAt(vaddr);
    if (run === undefined || run.at < 0 || !run.isWritable || !run.isExecutable) return false;
    const split = this.#splitOf(run);
    if (split === 'whole' || !overlaps(split.code, { vaddr, sizeBytes: bytes })) return false;
    for (const snapshot of this.#snapshots) {
      if (overlaps(snapshot.code, split.code)) snapshot.isFresh = false;
    }
    this.#voidOthers();
    return true;
  }

  /**
   * @returns the code at an address; undefined where nothing may be executed, in writable memory
   * and among registers
   */
  codeAt(vaddr: number): CodeRun | undefined {
    return this.#snapshotAt(vaddr)?.code;
  }

  /** As {@link codeAt}, without the stops that are planted in it. */
  bareCodeAt(vaddr: number): CodeRun | undefined {
    return this.#snapshotAt(vaddr)?.bare;
  }

  #snapshotAt(vaddr: number): Snapshot | undefined {
    for (const snapshot of this.#snapshots) {
      if (snapshot.isFresh && holds(snapshot.code, vaddr)) return snapshot;
    }
    const run = this.runAt(vaddr);
    if (run === undefined || !run.isExecutable || run.at < 0) return undefined;
    if (!run.isWritable) return this.#snapshotOf(run);
    const split = this.#splitOf(run);
    if (split === 'whole' || !holds(split.code, vaddr)) return undefined;
    if ((this.#changes.get(split.code.vaddr) ?? 0) > MOST_CHANGES) return undefined;
    return this.#snapshotOf(split.code);
  }

  #splitOf(run: Run): SplitRun | 'whole' {
    const known = this.#splits.get(run);
    if (known !== undefined) return known;
    const extent = run.isExecutable && run.isWritable ? this.#codeExtent(run) : undefined;
    const split = extent === undefined ? 'whole' : splitAt(run, extent);
    this.#splits.set(run, split);
    return split;
  }

  /** The snapshot of a run: the one that there was if its bytes are still the same. */
  #snapshotOf(run: Run): Snapshot {
    const now = this.#ram.u8.subarray(run.at, run.at + run.sizeBytes);
    const before = this.#snapshots.find(({ code }) => code.vaddr === run.vaddr);
    if (before !== undefined && isEqual(before.bare.bytes, now)) {
      before.isFresh = true;
      return before;
    }
    if (before !== undefined && run.isWritable) {
      this.#changes.set(run.vaddr, (this.#changes.get(run.vaddr) ?? 0) + 1);
    }
    const bare = { vaddr: run.vaddr, sizeBytes: run.sizeBytes, bytes: now.slice() };
    const others = this.#snapshots.filter((each) => !overlaps(each.code, run));
    const snapshot = { code: this.#planted(bare), bare, isFresh: true };
    this.#snapshots = [...others, snapshot];
    return snapshot;
  }

  /** @returns the same object where no stop is */
  #planted(bare: CodeRun): CodeRun {
    const { vaddr, sizeBytes } = bare;
    const places = this.#scrutiny.stops
      .map((stop) => stop - vaddr)
      .filter((place) => place >= 0 && place + 2 <= sizeBytes);
    if (places.length === 0) return bare;
    const bytes = bare.bytes.slice();
    for (const place of places) {
      bytes[place] = PLANTED_LOW;
      bytes[place + 1] = PLANTED_HIGH;
    }
    return { vaddr, sizeBytes, bytes };
  }

  /** Code in which stops have come or gone is other code. What is fresh stays as it was taken. */
  #replant(): void {
    this.#snapshots = this.#snapshots.map((snapshot) => {
      const code = this.#planted(snapshot.bare);
      return isEqual(code.bytes, snapshot.code.bytes) ? snapshot : { ...snapshot, code };
    });
  }
}

function isMeant(watched: WatchedExtent, access: 'read' | 'write'): boolean {
  return watched.access === 'any' || access === 'write';
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

/** @param extent its ends are moved to whole words inside the run */
function splitAt(run: Run, extent: Extent): SplitRun {
  const end = run.vaddr + run.sizeBytes;
  const start = Math.max(run.vaddr, extent.start - (extent.start % 4));
  const stop = Math.max(start, Math.min(end, Math.ceil(extent.end / 4) * 4));
  const part = (from: number, to: number): Run => ({
    ...run,
    vaddr: from,
    sizeBytes: to - from,
    at: run.at + from - run.vaddr,
  });
  const data = [part(run.vaddr, start), part(stop, end)].filter(({ sizeBytes }) => sizeBytes > 0);
  return { code: part(start, stop), data };
}

/** Both are whole words. */
function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  const words = a.length >> 2;
  const left = new Int32Array(a.buffer, a.byteOffset, words);
  const right = new Int32Array(b.buffer, b.byteOffset, words);
  for (let index = 0; index < words; index += 1) if (left[index] !== right[index]) return false;
  return true;
}
