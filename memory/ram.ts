/**
 * RAM: one shared WebAssembly memory with typed views over it, and a fast copy.
 *
 * A wasm function around `memory.copy` moves 1500 bytes several times faster than `copyWithin` does on shared memory,
 * so all bulk copies inside RAM go through {@link Ram.copy}. `bench/copy.ts` measures it.
 *
 * Behind the RAM that the kernel hands out lies the *staging area*: memory of the outside world (frames on a wire,
 * sectors in a host buffer) that devices copy from and to at the same speed. No physical address reaches it.
 */

import { assert } from './assert.ts';

/** Physical address at which RAM begins on QEMU's RISC-V `virt` board. */
export const RAM_BASE = 0x8000_0000;

const WASM_PAGE_BYTES = 65_536;

/**
 * A module written by hand: it imports the memory and exports
 * `c(to: i32, from: i32, length: i32)`, which is one `memory.copy`, and
 * `f(to: i32, value: i32, length: i32)`, which is one `memory.fill`.
 */
function bulkModule(pages: number): Uint8Array {
  const limit = leb128(pages);
  const importMemory = [
    ...bytes('01 01 65 01 6d 02 03'), // one import: module "e", name "m", a memory, shared with a maximum
    ...limit,
    ...limit,
  ];
  return new Uint8Array([
    ...bytes('00 61 73 6d 01 00 00 00'), // "\0asm", version 1
    ...bytes('01 07 01 60 03 7f 7f 7f 00'), // type 0: (i32, i32, i32) -> ()
    0x02,
    importMemory.length,
    ...importMemory,
    ...bytes('03 03 02 00 00'), // two functions of type 0
    ...bytes('07 09 02 01 63 00 00 01 66 00 01'), // export "c" = 0, "f" = 1
    ...bytes('0a 1a 02'), // code: two bodies, each loads its three parameters
    ...bytes('0c 00 20 00 20 01 20 02 fc 0a 00 00 0b'), // memory.copy
    ...bytes('0b 00 20 00 20 01 20 02 fc 0b 00 0b'), // memory.fill
  ]);
}

function bytes(hex: string): number[] {
  return hex.split(' ').map((digits) => Number.parseInt(digits, 16));
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

/** All positions are *offsets* in bytes from the start of RAM; {@link Ram.base} turns them into physical addresses. */
export class Ram {
  readonly base: number;
  readonly sizeBytes: number;
  readonly u8: Uint8Array<SharedArrayBuffer>;
  readonly u16: Uint16Array<SharedArrayBuffer>;
  readonly u32: Uint32Array<SharedArrayBuffer>;
  readonly view: DataView<SharedArrayBuffer>;
  /**
   * Copies inside RAM and staging; overlapping ranges are allowed.
   * Trusted callers only: the bounds that are checked are those of the whole memory.
   */
  readonly copy: (to: number, from: number, lengthBytes: number) => void;
  /** Fills a range with one byte. */
  readonly fill: (to: number, byte: number, lengthBytes: number) => void;
  #stagingNext: number;

  constructor(options: RamOptions) {
    const stagingBytes = options.stagingBytes ?? 0;
    const totalBytes = options.sizeBytes + stagingBytes;
    assert(options.sizeBytes > 0, 'RAM has a size');
    assert(options.sizeBytes % WASM_PAGE_BYTES === 0, 'RAM is a multiple of 64 KiB');
    assert(stagingBytes % WASM_PAGE_BYTES === 0, 'staging is a multiple of 64 KiB');
    assert(totalBytes <= 0x7fff_0000, 'RAM and staging stay below 2 GiB');
    const pages = totalBytes / WASM_PAGE_BYTES;
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    const bulk = new WebAssembly.Instance(new WebAssembly.Module(bulkModule(pages)), {
      e: { m: memory },
    });
    this.base = options.base ?? RAM_BASE;
    this.sizeBytes = options.sizeBytes;
    this.u8 = new Uint8Array(memory.buffer);
    this.u16 = new Uint16Array(memory.buffer);
    this.u32 = new Uint32Array(memory.buffer);
    this.view = new DataView(memory.buffer);
    this.copy = bulk.exports['c'] as Ram['copy'];
    this.fill = bulk.exports['f'] as Ram['fill'];
    this.#stagingNext = options.sizeBytes;
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
