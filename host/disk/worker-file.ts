/**
 * A raw file as a disk, its I/O done by a worker thread: reads and writes at positions, fdatasync
 * for a flush, bytes straight between the file and RAM.
 *
 * Requests and completions pass through two rings in shared memory, a wake-up only when the other
 * side sleeps. While operations are under way the disk takes a turn of the board again and again,
 * for a message between threads costs more than most reads; after some turns without news it
 * sleeps, and the worker sends a message.
 *
 * What the thread has read or written lies in the host's page cache. Reads of it are done at once,
 * without the thread: they take a microsecond or two. One that takes long shows that the host has
 * given the cache away: everything is read by the thread again from then on.
 */

import { closeSync, fstatSync, readSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { BlockEnd, BlockStatus, BlockWire } from '../../board/block-wire.ts';
import { openRegular } from '../regular-file.ts';
import { BLOCK_IO_ERROR, BLOCK_OK, BLOCK_PENDING, SECTOR_BYTES } from '../../board/block-wire.ts';
import type { Turn, TurnQueue } from '../../board/device.ts';
import type { Ram } from '../../memory/ram.ts';
import { hostNow } from '../host-time.ts';
import { lockImage } from './file-lock.ts';

const SLOTS = 1024;
const REQUEST_WORDS = 8;
const DONE_WORDS = 2;
const REQUESTS_AT = 16;
const DONE_AT = REQUESTS_AT + SLOTS * REQUEST_WORDS;
/** Looks that the worker takes before it sleeps: some tens of microseconds. */
const SPINS = 2000;
/** Turns without a completion after which the disk sleeps. */
const IDLE_TURNS = 100;
/** The thread brings whole extents into the page cache. */
const EXTENT_BYTES = 65_536;
/** A read of the page cache that takes longer than this was none. */
const SLOW_READ_NS = 2_000_000;
const ABANDON_WAIT_NS = 10e9;

const READ = 0;
const WRITE = 1;
const FLUSH = 2;
const ZERO = 3;

const WORDS = {
  REQUEST_TAIL: 0,
  REQUEST_HEAD: 1,
  DONE_TAIL: 2,
  WORKER_SLEEPS: 3,
  MAIN_SLEEPS: 4,
  STOP: 5,
} as const;

const LAYOUT = {
  words: WORDS,
  SLOTS,
  REQUESTS_AT,
  REQUEST_WORDS,
  DONE_AT,
  DONE_WORDS,
  SPINS,
  EXTENT_BYTES,
  READ,
  FLUSH,
  ZERO,
};

export interface FileDiskOptions {
  readonly path: string;
  readonly access: 'read-write' | 'read-only';
  /** Byte in the file at which the disk begins, and how long it is. */
  readonly startBytes?: number;
  readonly sizeBytes: number;
  readonly ram: Ram;
  readonly turns: TurnQueue;
  /** The host has brought something: the board's loop may go on. */
  readonly wake: () => void;
  /** Told about I/O errors of the file, each text once. */
  readonly onNotice: (line: string) => void;
}

interface Overflowed {
  readonly operation: number;
  readonly tag: number;
  readonly at: number;
  readonly position: number;
  readonly length: number;
}

export class WorkerFileDisk implements BlockWire, Turn {
  readonly #options: FileDiskOptions;
  readonly #fd: number;
  readonly #words: Int32Array;
  readonly #positions: Float64Array;
  readonly #worker: Worker;
  readonly #notices = new Set<string>();
  /** What did not fit the ring. */
  readonly #overflow: Overflowed[] = [];
  /** One byte for each extent of the file: 1 when the page cache has it. */
  readonly #warm: Uint8Array;
  /**
   * What a read or write under way will make warm, by slot of the ring: first extent, and the one
   * after the last.
   */
  readonly #warming = new Float64Array(SLOTS * 2);
  /** Reads that took longer than the page cache does. */
  slowReads = 0;
  #end: BlockEnd | undefined;
  #tail = 0;
  #published = 0;
  #doneHead = 0;
  #outstanding = 0;
  #idleTurns = 0;
  #alive = true;

  constructor(options: FileDiskOptions) {
    this.#options = options;
    this.#fd = openImage(options);
    const control = new SharedArrayBuffer((DONE_AT + SLOTS * DONE_WORDS) * 4);
    this.#words = new Int32Array(control);
    this.#positions = new Float64Array(control);
    const fileBytesMax = (options.startBytes ?? 0) + options.sizeBytes;
    this.#warm = new Uint8Array(Math.ceil(fileBytesMax / EXTENT_BYTES));
    this.#worker = new Worker(new URL('./file-worker.mjs', import.meta.url), {
      workerData: { fd: this.#fd, control, ram: options.ram.u8.buffer, layout: LAYOUT },
      execArgv: [],
    });
    this.#worker.unref();
    this.#worker.on('message', (message: { error?: string }) => this.#heard(message));
    this.#worker.on('error', (error: Error) => this.#workerDied(error));
  }

  /** Operations that are under way. */
  get outstanding(): number {
    return this.#outstanding + this.#overflow.length;
  }

  attach(end: BlockEnd): void {
    this.#end = end;
  }

  sectors(): number {
    return this.#options.sizeBytes / SECTOR_BYTES;
  }

  isReadOnly(): boolean {
    return this.#options.access === 'read-only';
  }

  canDiscard(): boolean {
    return false;
  }

  serialNumber(): string {
    return 'file';
  }

  read(tag: number, sector: number, at: number, lengthBytes: number): BlockStatus {
    const position = (this.#options.startBytes ?? 0) + sector * SECTOR_BYTES;
    if (this.#isWarm(position, lengthBytes) && this.#readNow(at, lengthBytes, position)) {
      return BLOCK_OK;
    }
    return this.#begin(READ, tag, sector, at, lengthBytes);
  }

  write(tag: number, sector: number, at: number, lengthBytes: number): BlockStatus {
    if (this.isReadOnly()) return BLOCK_IO_ERROR;
    return this.#begin(WRITE, tag, sector, at, lengthBytes);
  }

  flush(tag: number): BlockStatus {
    if (this.isReadOnly()) return BLOCK_OK;
    return this.#begin(FLUSH, tag, 0, 0, 0);
  }

  discard(): BlockStatus {
    return BLOCK_OK;
  }

  writeZeroes(tag: number, sector: number, sectors: number): BlockStatus {
    if (this.isReadOnly()) return BLOCK_IO_ERROR;
    return this.#begin(ZERO, tag, sector, 0, sectors * SECTOR_BYTES);
  }

  submit(): void {
    if (this.#published === this.#tail) return;
    this.#published = this.#tail;
    const words = this.#words;
    Atomics.store(words, WORDS.REQUEST_TAIL, this.#tail);
    if (Atomics.load(words, WORDS.WORKER_SLEEPS) === 1) Atomics.notify(words, WORDS.REQUEST_TAIL);
    this.#idleTurns = 0;
    this.#options.turns.markDue(this);
  }

  /** Waits until the thread has done what it was given, and forgets the outcome. */
  abandon(): void {
    this.#overflow.length = 0;
    this.submit();
    const words = this.#words;
    const deadline = hostNow() + ABANDON_WAIT_NS;
    while (this.#alive && this.#outstanding > 0 && hostNow() < deadline) {
      const done = Atomics.load(words, WORDS.DONE_TAIL);
      if (done === this.#doneHead) Atomics.wait(words, WORDS.DONE_TAIL, done, 10);
      else {
        this.#doneHead = (this.#doneHead + 1) | 0;
        this.#outstanding -= 1;
      }
    }
  }

  /** A turn: takes what the thread has finished. */
  work(): void {
    const words = this.#words;
    const tail = Atomics.load(words, WORDS.DONE_TAIL);
    if (tail === this.#doneHead) this.#idleTurns += 1;
    else this.#idleTurns = 0;
    while (this.#doneHead !== tail) {
      const slot = this.#doneHead & (SLOTS - 1);
      const at = DONE_AT + slot * DONE_WORDS;
      const tag = words[at] as number;
      const status = words[at + 1] === 0 ? BLOCK_OK : BLOCK_IO_ERROR;
      // The thread finishes in the order in which it was given: the slots of both rings go
      // together.
      if (status === BLOCK_OK) {
        this.#warm.fill(1, this.#warming[slot * 2], this.#warming[slot * 2 + 1]);
      }
      this.#doneHead = (this.#doneHead + 1) | 0;
      this.#outstanding -= 1;
      this.#end?.completed(tag, status);
    }
    this.#refill();
    if (this.#outstanding === 0) return;
    if (this.#idleTurns < IDLE_TURNS) return this.#options.turns.markDue(this);
    // Sleeps: says so, then looks once more, for what was finished in between sends no message.
    Atomics.store(words, WORDS.MAIN_SLEEPS, 1);
    if (Atomics.load(words, WORDS.DONE_TAIL) === this.#doneHead) return;
    Atomics.store(words, WORDS.MAIN_SLEEPS, 0);
    this.#options.turns.markDue(this);
  }

  /** Writes everything out and ends the thread. */
  async close(): Promise<void> {
    if (!this.#alive) return;
    this.abandon();
    this.#alive = false;
    Atomics.store(this.#words, WORDS.STOP, 1);
    Atomics.add(this.#words, WORDS.REQUEST_TAIL, 1);
    Atomics.notify(this.#words, WORDS.REQUEST_TAIL);
    await this.#worker.terminate();
    closeSync(this.#fd);
  }

  #isWarm(position: number, length: number): boolean {
    const last = Math.floor((position + length - 1) / EXTENT_BYTES);
    for (let extent = Math.floor(position / EXTENT_BYTES); extent <= last; extent += 1) {
      if (this.#warm[extent] !== 1) return false;
    }
    return true;
  }

  /**
   * Reads from the page cache.
   * @returns false when the file does not give all of it: the thread will say why
   */
  #readNow(at: number, length: number, position: number): boolean {
    const startedAt = hostNow();
    let got = 0;
    try {
      got = readSync(this.#fd, this.#options.ram.u8, at, length, position);
    } catch {
      got = -1; // an I/O error: the thread meets it again, and reports it
    }
    if (got !== length || hostNow() - startedAt > SLOW_READ_NS) {
      this.slowReads += 1;
      this.#warm.fill(0);
    }
    return got === length;
  }

  #begin(operation: number, tag: number, sector: number, at: number, length: number): BlockStatus {
    if (!this.#alive) return BLOCK_IO_ERROR;
    const position = (this.#options.startBytes ?? 0) + sector * SECTOR_BYTES;
    if (this.#outstanding >= SLOTS || this.#overflow.length > 0) {
      this.#overflow.push({ operation, tag, at, position, length });
    } else {
      this.#put(operation, tag, at, position, length);
    }
    return BLOCK_PENDING;
  }

  #put(operation: number, tag: number, at: number, position: number, length: number): void {
    const slot = this.#tail & (SLOTS - 1);
    const word = REQUESTS_AT + slot * REQUEST_WORDS;
    this.#words[word] = operation;
    this.#words[word + 1] = tag;
    this.#words[word + 2] = at;
    this.#positions[(word + 4) >> 1] = position;
    this.#positions[(word + 6) >> 1] = length;
    const first = Math.floor(position / EXTENT_BYTES);
    const warms = operation === READ;
    this.#warming[slot * 2] = first;
    this.#warming[slot * 2 + 1] = warms ? Math.ceil((position + length) / EXTENT_BYTES) : first;
    this.#tail = (this.#tail + 1) | 0;
    this.#outstanding += 1;
  }

  #refill(): void {
    while (this.#overflow.length > 0 && this.#outstanding < SLOTS) {
      const next = this.#overflow.shift() as Overflowed;
      this.#put(next.operation, next.tag, next.at, next.position, next.length);
    }
    this.submit();
  }

  #heard(message: { error?: string }): void {
    if (message.error !== undefined) this.#notice(`${this.#options.path}: ${message.error}`);
    this.#idleTurns = 0;
    this.#options.turns.markDue(this);
    this.#options.wake();
  }

  #workerDied(error: Error): void {
    this.#alive = false;
    this.#notice(`${this.#options.path}: the disk's thread has ended: ${error.message}`);
  }

  #notice(line: string): void {
    if (this.#notices.has(line)) return;
    this.#notices.add(line);
    this.#options.onNotice(line);
  }
}

/** Opens an image and locks it. @throws UserMistake when somebody else has it, or a system error */
export function openImage(options: Pick<FileDiskOptions, 'path' | 'access' | 'onNotice'>): number {
  const { path, access } = options;
  const fd = openRegular(path, access);
  try {
    const locked = lockImage(fd, path, access === 'read-only' ? 'read' : 'write');
    if (locked === 'unguarded' && access === 'read-write') {
      options.onNotice(
        `${path}: is not locked, for want of the package koffi: start no second writer`,
      );
    }
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** @returns the size of a file in bytes */
export function fileBytes(path: string): number {
  const fd = openRegular(path, 'read-only');
  const { size } = fstatSync(fd);
  closeSync(fd);
  return size;
}
