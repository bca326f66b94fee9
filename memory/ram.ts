/**
 * RAM: one shared WebAssembly memory with typed views over it, and a fast copy.
 *
 * A wasm function around `memory.copy` moved 1500 bytes several times faster than `copyWithin` does
 * on shared memory when this was written, so all bulk copies inside RAM go through
 * {@link Ram.copy}.
 *
 * Behind the RAM that the kernel hands out lies the *staging area*: memory of the outside world
 * (frames on a wire, sectors in a host buffer) that devices copy from and to at the same speed. No
 * physical address reaches it.
 */

import { assert } from './assert.ts';
import { Configured } from './configured.ts';
import { Code } from './wasm/code.ts';
import { ModuleWriter } from './wasm/module.ts';
import { ACCESS, ATOMIC, OP, TYPE } from './wasm/opcodes.ts';

/** Physical address at which RAM begins on QEMU's RISC-V `virt` board. */
export const RAM_BASE = 0x8000_0000;

const WASM_PAGE_BYTES = 65_536;

/** What is looked at in one step when memory is searched for what is not zero: a cache line. */
const LINE_BYTES = 64;
/** What is cleared at once. */
const CLEARED_BYTES = 4096;

/**
 * Five functions over the memory: `copy(to, from, length)` and `fill(to, byte, length)`, which are
 * one instruction each, the ordered stores `store16(at, value)` and `store32(at, value)`, and
 * `firstUsedLine(from, end)`.
 */
function bulkModule(pages: number): Uint8Array<ArrayBuffer> {
  const module = new ModuleWriter();
  module.importMemory('host', 'memory', pages);
  exportOver(module, 'copy', 3, (code) => code.memoryCopy());
  exportOver(module, 'fill', 3, (code) => code.memoryFill());
  exportOver(module, 'store16', 2, (code) => code.atomic(ATOMIC.i32Store16));
  exportOver(module, 'store32', 2, (code) => code.atomic(ATOMIC.i32Store));
  exportFirstUsedLine(module);
  return module.finish();
}

/** A loop over lines, which reads a memory of 16 MiB in two milliseconds. */
function exportFirstUsedLine(module: ModuleWriter): void {
  const [at, end] = [0, 1];
  const code = new Code(2);
  const over = code.block();
  const lines = code.loop();
  code.get(at);
  code.get(end);
  code.op(OP.i32GeU);
  code.brIf(over);
  for (let offset = 0; offset < LINE_BYTES; offset += 8) {
    code.get(at);
    code.access(ACCESS.i64Load, offset);
    if (offset > 0) code.op(OP.i64Or);
  }
  code.op(OP.i64Eqz);
  code.op(OP.i32Eqz);
  code.brIf(over);
  code.get(at);
  code.i32(LINE_BYTES);
  code.op(OP.i32Add);
  code.set(at);
  code.br(lines);
  code.end();
  code.end();
  code.get(at);
  const signature = { parameters: [TYPE.i32, TYPE.i32], results: [TYPE.i32] };
  module.exportFunction('firstUsedLine', module.function(module.type(signature), code.finish()));
}

/** A function that puts its arguments on the stack for one instruction. */
function exportOver(
  module: ModuleWriter,
  name: string,
  parameters: number,
  instruction: (code: Code) => void,
): void {
  const code = new Code(parameters);
  for (let index = 0; index < parameters; index += 1) {
    code.get(index);
  }
  instruction(code);
  const signature = { parameters: new Array<number>(parameters).fill(TYPE.i32), results: [] };
  module.exportFunction(name, module.function(module.type(signature), code.finish()));
}

export interface RamOptions {
  /** Bytes of RAM; a multiple of 64 KiB. */
  readonly sizeBytes: number;
  /** Bytes of the staging area behind it; a multiple of 64 KiB. */
  readonly stagingBytes?: number;
  /** Physical address of the first byte; {@link RAM_BASE} unless told. */
  readonly base?: number;
  /** 'wasm' unless told. */
  readonly batches?: Batches;
}

/**
 * How whoever works on this memory moves batches: by loops in WebAssembly where there are any, or
 * step by step, which is what they are compared with, and what can be watched, changed and counted.
 */
export type Batches = 'wasm' | 'steps';

/** For fewer entries the call of a loop in WebAssembly takes longer than their steps do. */
export const BATCH_LEAST = 3;

/** What a RAM is made of. */
interface RamParts {
  readonly base: number;
  readonly sizeBytes: number;
  readonly memory: WebAssembly.Memory;
  readonly buffer: SharedArrayBuffer;
  readonly bulk: Readonly<Record<string, unknown>>;
  readonly batches: Batches;
}

function makeRam(options: RamOptions): RamParts {
  const { sizeBytes, stagingBytes = 0, base = RAM_BASE, batches = 'wasm' } = options;
  const totalBytes = sizeBytes + stagingBytes;
  assert(sizeBytes > 0, 'RAM has a size');
  assert(sizeBytes % WASM_PAGE_BYTES === 0, 'RAM is a multiple of 64 KiB');
  assert(stagingBytes % WASM_PAGE_BYTES === 0, 'staging is a multiple of 64 KiB');
  assert(totalBytes <= 0x7fff_0000, 'RAM and staging stay below 2 GiB');
  const pages = totalBytes / WASM_PAGE_BYTES;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const module = new WebAssembly.Module(bulkModule(pages));
  const bulk = new WebAssembly.Instance(module, { host: { memory } });
  // A browser's types know only memory of one thread.
  const buffer = memory.buffer as ArrayBufferLike as SharedArrayBuffer;
  return { base, sizeBytes, memory, buffer, bulk: bulk.exports, batches };
}

/**
 * All positions are *offsets* in bytes from the start of RAM; {@link Ram.base} turns them into
 * physical addresses.
 */
export class Ram extends Configured<RamParts> {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  readonly base: number = this.options.base;
  readonly sizeBytes: number = this.options.sizeBytes;
  /** Who is made for this memory chooses by it, once. */
  readonly batches: Batches = this.options.batches;
  /** For modules that work on the same memory. */
  readonly memory: WebAssembly.Memory = this.options.memory;
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
  readonly copy = this.options.bulk['copy'] as (
    to: number,
    from: number,
    lengthBytes: number,
  ) => void;
  /** Fills a range with one byte. */
  readonly fill = this.options.bulk['fill'] as (
    to: number,
    byte: number,
    lengthBytes: number,
  ) => void;
  /**
   * Stores a 16-bit word, ordered (sequentially consistent) against all loads and stores before and
   * after it. A third of the cost of `Atomics.store`. Trusted callers only; `at` is a multiple of
   * 2.
   */
  readonly store16 = this.options.bulk['store16'] as (at: number, value: number) => void;
  /** Stores a 32-bit word, ordered as {@link Ram.store16}; `at` is a multiple of 4. */
  readonly store32 = this.options.bulk['store32'] as (at: number, value: number) => void;
  readonly #firstUsedLine = this.options.bulk['firstUsedLine'] as (
    from: number,
    end: number,
  ) => number;
  readonly #functions = new Map<(pages: number) => Uint8Array, Readonly<Record<string, unknown>>>();
  #stagingNext = this.options.sizeBytes;
  #timesCleared = 0;

  constructor(options: RamOptions) {
    super(makeRam(options));
  }

  /**
   * Functions in WebAssembly over this memory: the module is instantiated at the first call.
   *
   * @param write the module's bytes, for a memory of so many pages that is imported as
   * `host.memory`
   */
  functions(write: (pages: number) => Uint8Array): Readonly<Record<string, unknown>> {
    const known = this.#functions.get(write);
    if (known !== undefined) return known;
    // Never in shared memory: a writer's own bytes.
    const bytes = write(this.u8.length / WASM_PAGE_BYTES) as Uint8Array<ArrayBuffer>;
    const module = new WebAssembly.Module(bytes);
    const made = new WebAssembly.Instance(module, { host: { memory: this.memory } }).exports;
    this.#functions.set(write, made);
    return made;
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

  /**
   * Looks for memory that is not zero, fast.
   *
   * @param from multiples of 4, both
   * @returns the offset of the first word between `from` and `end` that is not zero; `end` when all
   * are
   */
  firstUsed(from: number, end: number): number {
    const firstLine = Math.min((from + LINE_BYTES - 1) & -LINE_BYTES, end);
    const inFront = this.#firstUsedWord(from, firstLine);
    if (inFront < firstLine) return inFront;
    return this.#firstUsedWord(this.#firstUsedLine(firstLine, end & -LINE_BYTES), end);
  }

  #firstUsedWord(from: number, end: number): number {
    const { i32 } = this;
    let at = from;
    while (at < end && i32[at >>> 2] === 0) at += 4;
    return at;
  }

  /**
   * As after power-on: all memory is zero, and nothing of the staging area is taken. For one run
   * after another in the same memory, whose pages the system then need not make again; whoever ran
   * before must be gone.
   */
  clear(): void {
    const end = this.u8.length;
    let at = this.#firstUsedLine(0, end);
    while (at < end) {
      const piece = at & -CLEARED_BYTES;
      this.fill(piece, 0, CLEARED_BYTES);
      at = this.#firstUsedLine(piece + CLEARED_BYTES, end);
    }
    this.#stagingNext = this.sizeBytes;
    this.#timesCleared += 1;
  }

  /** Who keeps what it has taken of the staging area asks whether it still has it. */
  get timesCleared(): number {
    return this.#timesCleared;
  }

  /** Bytes that can still be taken from the staging area. */
  get stagingLeft(): number {
    return this.u8.length - ((this.#stagingNext + 63) & ~63);
  }

  /** @returns whether `[paddr, paddr + lengthBytes)` lies in RAM; no sum can overflow. */
  holds(paddr: number, lengthBytes: number): boolean {
    const offset = paddr - this.base;
    return offset >= 0 && offset <= this.sizeBytes && lengthBytes <= this.sizeBytes - offset;
  }
}
