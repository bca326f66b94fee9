/**
 * RAM: one shared WebAssembly memory with typed views over it, and a fast copy.
 *
 * A wasm function around `memory.copy` moved 1500 bytes several times faster than `copyWithin` does on shared memory
 * when this was written, so all bulk copies inside RAM go through {@link Ram.copy}.
 *
 * Behind the RAM that the kernel hands out lies the *staging area*: memory of the outside world (frames on a wire,
 * sectors in a host buffer) that devices copy from and to at the same speed. No physical address reaches it.
 */

import { assert } from './assert.ts';
import { Configured } from './configured.ts';

/** Physical address at which RAM begins on QEMU's RISC-V `virt` board. */
export const RAM_BASE = 0x8000_0000;

const WASM_PAGE_BYTES = 65_536;
/** Every wasm module begins with "\0asm" and version 1. */
const MAGIC_AND_VERSION = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

/**
 * A module written by hand: it imports the memory and exports
 * `c(to: i32, from: i32, length: i32)`, which is one `memory.copy`,
 * `f(to: i32, value: i32, length: i32)`, which is one `memory.fill`,
 * `h(at: i32, value: i32)` and `w(at: i32, value: i32)`, which are `i32.atomic.store16` and `i32.atomic.store`.
 */
function bulkModule(pages: number): Uint8Array {
  const local = (index: number): number[] => [0x20, index];
  const types = [2, 0x60, 3, I32, I32, I32, 0, 0x60, 2, I32, I32, 0];
  const limit = leb128(pages);
  // One import "e" "m": a shared memory with a maximum.
  const imports = [1, 1, 0x65, 1, 0x6d, 2, 3, ...limit, ...limit];
  const functions = [4, 0, 0, 1, 1];
  const exports = [
    4,
    ...exported('c', 0),
    ...exported('f', 1),
    ...exported('h', 2),
    ...exported('w', 3),
  ];
  const code = [
    4,
    ...body([...local(0), ...local(1), ...local(2), 0xfc, 0x0a, 0, 0]),
    ...body([...local(0), ...local(1), ...local(2), 0xfc, 0x0b, 0]),
    ...body([...local(0), ...local(1), 0xfe, 0x1a, 1, 0]),
    ...body([...local(0), ...local(1), 0xfe, 0x17, 2, 0]),
  ];
  return new Uint8Array([
    ...MAGIC_AND_VERSION,
    ...section(1, types),
    ...section(2, imports),
    ...section(3, functions),
    ...section(7, exports),
    ...section(10, code),
  ]);
}

const I32 = 0x7f;

function section(id: number, content: readonly number[]): number[] {
  return [id, ...leb128(content.length), ...content];
}

/** An exported function with a name of one letter. */
function exported(name: string, index: number): number[] {
  return [1, name.charCodeAt(0), 0, index];
}

/** A function body without locals of its own. */
function body(instructions: readonly number[]): number[] {
  return [instructions.length + 2, 0, ...instructions, 0x0b];
}

function leb128(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return bytes;
}

export interface RamOptions {
  /** Bytes of RAM; a multiple of 64 KiB. */
  readonly sizeBytes: number;
  /** Bytes of the staging area behind it; a multiple of 64 KiB. */
  readonly stagingBytes?: number;
  /** Physical address of the first byte; {@link RAM_BASE} unless told. */
  readonly base?: number;
}

/** What a RAM is made of. */
interface RamParts {
  readonly base: number;
  readonly sizeBytes: number;
  readonly buffer: SharedArrayBuffer;
  readonly bulk: Readonly<Record<string, unknown>>;
}

function makeRam({ sizeBytes, stagingBytes = 0, base = RAM_BASE }: RamOptions): RamParts {
  const totalBytes = sizeBytes + stagingBytes;
  assert(sizeBytes > 0, 'RAM has a size');
  assert(sizeBytes % WASM_PAGE_BYTES === 0, 'RAM is a multiple of 64 KiB');
  assert(stagingBytes % WASM_PAGE_BYTES === 0, 'staging is a multiple of 64 KiB');
  assert(totalBytes <= 0x7fff_0000, 'RAM and staging stay below 2 GiB');
  const pages = totalBytes / WASM_PAGE_BYTES;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const module = new WebAssembly.Module(bulkModule(pages));
  const bulk = new WebAssembly.Instance(module, { e: { m: memory } });
  return { base, sizeBytes, buffer: memory.buffer, bulk: bulk.exports };
}

/** All positions are *offsets* in bytes from the start of RAM; {@link Ram.base} turns them into physical addresses. */
export class Ram extends Configured<RamParts> {
  readonly base: number = this.options.base;
  readonly sizeBytes: number = this.options.sizeBytes;
  readonly u8: Uint8Array<SharedArrayBuffer> = new Uint8Array(this.options.buffer);
  readonly u16: Uint16Array<SharedArrayBuffer> = new Uint16Array(this.options.buffer);
  readonly u32: Uint32Array<SharedArrayBuffer> = new Uint32Array(this.options.buffer);
  /** For words that are handed on: an `i32` needs no boxing where a `u32` above 2^31 does. */
  readonly i32: Int32Array<SharedArrayBuffer> = new Int32Array(this.options.buffer);
  readonly view: DataView<SharedArrayBuffer> = new DataView(this.options.buffer);
  /**
   * Copies inside RAM and staging; overlapping ranges are allowed.
   * Trusted callers only: the bounds that are checked are those of the whole memory.
   */
  readonly copy = this.options.bulk['c'] as (to: number, from: number, lengthBytes: number) => void;
  /** Fills a range with one byte. */
  readonly fill = this.options.bulk['f'] as (to: number, byte: number, lengthBytes: number) => void;
  /**
   * Stores a 16-bit word, ordered (sequentially consistent) against all loads and stores before and after it. A third
   * of the cost of `Atomics.store`. Trusted callers only; `at` is a multiple of 2.
   */
  readonly store16 = this.options.bulk['h'] as (at: number, value: number) => void;
  /** Stores a 32-bit word, ordered as {@link Ram.store16}; `at` is a multiple of 4. */
  readonly store32 = this.options.bulk['w'] as (at: number, value: number) => void;
  #stagingNext = this.options.sizeBytes;

  constructor(options: RamOptions) {
    super(makeRam(options));
  }

  /**
   * Takes memory from the staging area, for good.
   *
   * @returns the offset of the first byte, aligned to 64 bytes
   */
  takeStaging(lengthBytes: number): number {
    const at = (this.#stagingNext + 63) & ~63;
    assert(at + lengthBytes <= this.u8.length, 'the staging area is large enough');
    this.#stagingNext = at + lengthBytes;
    return at;
  }

  /** @returns whether `[paddr, paddr + lengthBytes)` lies in RAM; no sum can overflow. */
  holds(paddr: number, lengthBytes: number): boolean {
    const offset = paddr - this.base;
    return offset >= 0 && offset <= this.sizeBytes && lengthBytes <= this.sizeBytes - offset;
  }
}
