/**
 * Memory regions as a protection domain sees them.
 *
 * A region is a run of frames mapped into the domain. It gives checked accessors only: a typed
 * array over RAM would give away all of RAM through its `buffer`. An access outside, a misaligned
 * one, or a write through a read-only mapping throws {@link MemoryFault}, which the domain's
 * runtime turns into a VM fault like any other.
 *
 * `open()` below is the one door to the raw memory. Only `queues/`, `board/` and `microkit/` may
 * import it (`test/imports.test.ts`), because those are trusted code that checks once and then runs
 * without wrappers.
 */

import { demand } from './misuse.ts';
import type { Ram } from './ram.ts';
import { partsOf, Sealed } from './sealed.ts';
import { smallInteger } from './small-integer.ts';

export type Access = 'read' | 'write' | 'execute';

/**
 * A load or store that the mapping does not allow. Becomes a VM fault of the thread that did it.
 */
export class MemoryFault extends Error {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  override readonly name = 'MemoryFault';
  /** Virtual address that was accessed. */
  readonly address: number = 0;
  readonly access: Access;

  constructor(address: number, access: Access) {
    super(`${access} at 0x${address.toString(16)} is outside the mapping`);
    this.address = address;
    this.access = access;
  }
}

/** Where a region lies: for the trusted code that gets it from {@link open}. */
export interface OpenRegion {
  readonly ram: Ram;
  /** Offset of the region's first byte in RAM. */
  readonly at: number;
  readonly sizeBytes: number;
}

export interface RegionOptions {
  readonly ram: Ram;
  /** Offset in RAM of the first byte; a multiple of 8. */
  readonly at: number;
  readonly sizeBytes: number;
  /** Virtual address of the mapping, reported in faults. */
  readonly vaddr: number;
}

let openRegion: (region: ReadonlyRegion) => OpenRegion;
let openWritableRegion: (region: Region) => OpenRegion;
/** Offset in RAM of a checked range of a region; throws {@link MemoryFault}. */
let locateRange: (
  region: ReadonlyRegion,
  offset: number,
  lengthBytes: number,
  access: Access,
) => number;

/**
 * A region mapped for reading. All offsets are in bytes from its start; integers are little-endian.
 */
export class ReadonlyRegion extends Sealed<RegionOptions> {
  readonly vaddr: number = partsOf(this).vaddr;
  readonly #ram: Ram = partsOf(this).ram;
  readonly #at: number = smallInteger(partsOf(this).at);
  /** The bound that accesses are held to; a program can write to its objects' public fields. */
  readonly #sizeBytes: number = smallInteger(partsOf(this).sizeBytes);

  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
    openRegion = (region) => ({ ram: region.#ram, at: region.#at, sizeBytes: region.#sizeBytes });
    locateRange = (region, offset, lengthBytes, access) => {
      const at = offset | 0;
      const length = lengthBytes | 0;
      const isWhole = at === offset && length === lengthBytes;
      if (!isWhole || at < 0 || length < 0 || length > region.#sizeBytes - at) {
        throw new MemoryFault(region.vaddr + Number(offset), access);
      }
      return region.#at + at;
    };
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  constructor(options: RegionOptions) {
    demand(options.at % 8 === 0, 'a region is not aligned to 8 bytes');
    demand(options.at + options.sizeBytes <= options.ram.u8.length, 'a region ends behind RAM');
    super(options);
  }

  read8(offset: number): number {
    return this.#ram.u8[this.#locate(offset, 1, 'read')] as number;
  }

  /** @param offset a multiple of 2 */
  read16(offset: number): number {
    return this.#ram.u16[this.#locate(offset, 2, 'read') >>> 1] as number;
  }

  /** @param offset a multiple of 4 */
  read32(offset: number): number {
    return this.#ram.u32[this.#locate(offset, 4, 'read') >>> 2] as number;
  }

  /** Copies `into.length` bytes out of the region. */
  read(offset: number, into: Uint8Array): void {
    const length = byteLength(into);
    const at = locateRange(this, offset, length, 'read');
    setBytes(into, new Bytes(this.#ram.u8.buffer, at, length), 0);
  }

  /** What is no integer is refused: added to a position, the string '4' would be another place. */
  #locate(offset: number, width: number, access: Access): number {
    const at = offset | 0;
    const isInside = at >= 0 && at <= this.#sizeBytes - width;
    if (at !== offset || !isInside || (at & (width - 1)) !== 0) {
      throw new MemoryFault(this.vaddr + Number(offset), access);
    }
    return this.#at + at;
  }
}

/** A region mapped for reading and writing. */
export class Region extends ReadonlyRegion {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
    openWritableRegion = (region) => ({
      ram: region.#ram,
      at: region.#at,
      sizeBytes: region.#sizeBytes,
    });
  }

  readonly #ram: Ram = partsOf(this).ram;
  readonly #at: number = smallInteger(partsOf(this).at);
  readonly #sizeBytes: number = smallInteger(partsOf(this).sizeBytes);

  write8(offset: number, value: number): void {
    this.#ram.u8[this.#locateWrite(offset, 1)] = value;
  }

  /** @param offset a multiple of 2 */
  write16(offset: number, value: number): void {
    this.#ram.u16[this.#locateWrite(offset, 2) >>> 1] = value;
  }

  /** @param offset a multiple of 4 */
  write32(offset: number, value: number): void {
    this.#ram.u32[this.#locateWrite(offset, 4) >>> 2] = value;
  }

  write(offset: number, bytes: Uint8Array): void {
    setBytes(this.#ram.u8, bytes, locateRange(this, offset, byteLength(bytes), 'write'));
  }

  fill(offset: number, byte: number, lengthBytes: number): void {
    this.#ram.fill(locateRange(this, offset, lengthBytes, 'write'), byte, lengthBytes);
  }

  /** Copies from another region of the same protection domain, or within this one. */
  copyFrom(source: ReadonlyRegion, from: number, to: number, lengthBytes: number): void {
    const sourceAt = locateRange(source, from, lengthBytes, 'read');
    const targetAt = locateRange(this, to, lengthBytes, 'write');
    this.#ram.copy(targetAt, sourceAt, lengthBytes);
  }

  #locateWrite(offset: number, width: number): number {
    const at = offset | 0;
    const isInside = at >= 0 && at <= this.#sizeBytes - width;
    if (at !== offset || !isInside || (at & (width - 1)) !== 0) {
      throw new MemoryFault(this.vaddr + Number(offset), 'write');
    }
    return this.#at + at;
  }
}

// The language's own functions, taken before any program has run: one that overrides `set` or
// `length` on its array must not be handed a view of RAM, nor have a length believed that its array
// does not have.
const Bytes = Uint8Array;
const { apply } = Reflect;
const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;
const intrinsicSet = intrinsic('set', 'value') as (from: Uint8Array, at: number) => void;
const intrinsicLength = intrinsic('length', 'get') as () => number;

function intrinsic(name: string, part: 'value' | 'get'): unknown {
  return Object.getOwnPropertyDescriptor(typedArray, name)?.[part];
}

function setBytes(into: Uint8Array, from: Uint8Array, at: number): void {
  apply(intrinsicSet, into, [from, at]);
}

/** @throws TypeError when it is no typed array */
function byteLength(bytes: Uint8Array): number {
  return apply(intrinsicLength, bytes, []);
}

/**
 * What a device's registers look like from the bus. `width` is 1, 2 or 4 bytes; `offset` a multiple
 * of it.
 */
export interface MmioDevice {
  read(offset: number, width: number): number;
  write(offset: number, value: number, width: number): void;
  /**
   * What a read gives, without anything that a read does besides: for who looks from outside.
   *
   * @returns undefined where no register is read, and where that cannot be known without reading
   */
  peek?(offset: number, width: number): number | undefined;
}

/** A device's registers, mapped for one protection domain: memory-mapped I/O. */
export class DeviceRegion {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  readonly vaddr: number = 0;
  readonly #sizeBytes: number = 0;
  readonly #device: MmioDevice;

  constructor(options: { device: MmioDevice; sizeBytes: number; vaddr: number }) {
    this.#sizeBytes = smallInteger(options.sizeBytes);
    this.vaddr = options.vaddr;
    this.#device = options.device;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  read8(offset: number): number {
    return this.#device.read(this.#check(offset, 1, 'read'), 1);
  }

  read16(offset: number): number {
    return this.#device.read(this.#check(offset, 2, 'read'), 2);
  }

  read32(offset: number): number {
    return this.#device.read(this.#check(offset, 4, 'read'), 4);
  }

  write8(offset: number, value: number): void {
    this.#device.write(this.#check(offset, 1, 'write'), value, 1);
  }

  write16(offset: number, value: number): void {
    this.#device.write(this.#check(offset, 2, 'write'), value, 2);
  }

  write32(offset: number, value: number): void {
    this.#device.write(this.#check(offset, 4, 'write'), value, 4);
  }

  #check(offset: number, width: number, access: Access): number {
    const at = offset | 0;
    const isInside = at >= 0 && at <= this.#sizeBytes - width;
    if (at !== offset || !isInside || (at & (width - 1)) !== 0) {
      throw new MemoryFault(this.vaddr + Number(offset), access);
    }
    return at;
  }
}

/** The door to raw memory, for trusted code: see the head of this file. */
export function open(region: ReadonlyRegion): OpenRegion {
  return openRegion(region);
}

/**
 * As {@link open}, for writing.
 * @throws TypeError for a region that is mapped for reading alone, whatever it is said to be
 */
export function openWritable(region: Region): OpenRegion {
  return openWritableRegion(region);
}

/**
 * Holds a program to a region that is large enough.
 * @param what it is to hold, as a message names it
 */
export function demandRoom(region: ReadonlyRegion, lengthBytes: number, what: string): void {
  const { sizeBytes } = openRegion(region);
  const isHeld = lengthBytes <= sizeBytes;
  demand(
    isHeld,
    `a region of ${sizeBytes} bytes does not hold ${what}, which takes ${lengthBytes}`,
  );
}
