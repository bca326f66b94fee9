/**
 * Layouts of C structures as data: each field once, with the offset that a header gives it. A
 * layout writes a value to bytes and reads it back; offsets, alignment and overlaps are checked
 * when the module is loaded.
 *
 *     const connection = record(40, { freeQueue: field(0, region), …, id: field(34, u8) });
 *
 * Everything is little-endian, as LP64 has it. Words of 64 bits are bigints, because a file may
 * hold anything in them.
 */

import { assert } from './assert.ts';

/** Bytes in the making, and the words in them that wait for physical addresses. */
export interface Target {
  readonly view: DataView;
  readonly addresses: AddressSlot[];
}

/** 8 bytes that receive the physical address of a region, once it has memory. */
export interface AddressSlot {
  readonly offset: number;
  readonly region: string;
}

export interface Layout<T> {
  readonly sizeBytes: number;
  readonly alignBytes: number;
  write(target: Target, at: number, value: T): void;
  read(view: DataView, at: number): T;
}

export const u8: Layout<number> = unsigned(1);
export const u16: Layout<number> = unsigned(2);
export const u32: Layout<number> = unsigned(4);

export const u64: Layout<bigint> = {
  sizeBytes: 8,
  alignBytes: 8,
  write: ({ view }, at, value) => {
    assert(value >= 0n && value < 1n << 64n, 'a word has 64 bits');
    view.setBigUint64(at, value, true);
  },
  read: (view, at) => view.getBigUint64(at, true),
};

function unsigned(sizeBytes: 1 | 2 | 4): Layout<number> {
  return {
    sizeBytes,
    alignBytes: sizeBytes,
    write: ({ view }, at, value) => {
      assert(Number.isInteger(value) && value >= 0, 'a field is a whole number');
      assert(value < 2 ** (8 * sizeBytes), 'a field fits its bytes');
      if (sizeBytes === 1) view.setUint8(at, value);
      else if (sizeBytes === 2) view.setUint16(at, value, true);
      else view.setUint32(at, value, true);
    },
    read: (view, at) => {
      if (sizeBytes === 1) return view.getUint8(at);
      return sizeBytes === 2 ? view.getUint16(at, true) : view.getUint32(at, true);
    },
  };
}

/** A byte read as a word, for counts of either width. */
const u8AsWord: Layout<bigint> = {
  sizeBytes: 1,
  alignBytes: 1,
  write: (target, at, value) => u8.write(target, at, Number(value)),
  read: (view, at) => BigInt(u8.read(view, at)),
};

/** A physical address: known, or that of a region which has no memory yet. */
export type PhysicalAddress = bigint | { readonly addressOf: string };

export const physicalAddress: Layout<PhysicalAddress> = {
  ...u64,
  write: (target, at, value) => {
    if (typeof value === 'bigint') u64.write(target, at, value);
    else target.addresses.push({ offset: at, region: value.addressOf });
  },
};

/** Bytes, such as the six of an Ethernet address. */
export function bytes(sizeBytes: number): Layout<Uint8Array> {
  return {
    sizeBytes,
    alignBytes: 1,
    write: ({ view }, at, value) => {
      assert(value.length <= sizeBytes, 'bytes fit their field');
      value.forEach((byte, index) => view.setUint8(at + index, byte));
    },
    read: (view, at) => new Uint8Array(view.buffer, view.byteOffset + at, sizeBytes).slice(),
  };
}

/**
 * One after the other. A shorter list is zero behind its end; what is read ends where only zeros
 * follow.
 */
export function list<T>(slots: number, layout: Layout<T>): Layout<readonly T[]> {
  const stride = layout.sizeBytes;
  return {
    sizeBytes: slots * stride,
    alignBytes: layout.alignBytes,
    write: (target, at, values) => {
      assert(values.length <= slots, 'a list fits its slots');
      values.forEach((value, index) => layout.write(target, at + index * stride, value));
    },
    read: (view, at) => {
      let used = slots;
      while (used > 0 && isZero(view, at + (used - 1) * stride, stride)) used -= 1;
      return readSlots(layout, { view, at, count: used });
    },
  };
}

function readSlots<T>(
  layout: Layout<T>,
  { view, at, count }: { readonly view: DataView; readonly at: number; readonly count: number },
): readonly T[] {
  return Array.from({ length: count }, (_, index) =>
    layout.read(view, at + index * layout.sizeBytes),
  );
}

function isZero(view: DataView, at: number, length: number): boolean {
  for (let index = 0; index < length; index += 1) {
    if (view.getUint8(at + index) !== 0) return false;
  }
  return true;
}

/** Bytes that a field takes. Offsets are from the structure's beginning. */
interface Part {
  readonly offset: number;
  readonly sizeBytes: number;
  readonly alignBytes: number;
}

/** A field at its place in a structure. */
export interface Field<T> {
  /** Where it lies, for the checks. */
  readonly parts: readonly Part[];
  write(target: Target, base: number, value: T): void;
  read(view: DataView, base: number): T;
}

export function field<T>(offset: number, layout: Layout<T>): Field<T> {
  return {
    parts: [part(offset, layout)],
    write: (target, base, value) => layout.write(target, base + offset, value),
    read: (view, base) => layout.read(view, base + offset),
  };
}

function part(offset: number, layout: Omit<Part, 'offset'>): Part {
  return { offset, sizeBytes: layout.sizeBytes, alignBytes: layout.alignBytes };
}

export interface CountedOptions<T> {
  readonly slots: number;
  readonly of: Layout<T>;
  /** Where the number of used slots lies, and how wide it is. */
  readonly countAt: number;
  readonly count: 'u8' | 'u64';
}

/** An array with the number of its used slots beside it, as `clients[64]` and `num_clients`. */
export function counted<T>(offset: number, options: CountedOptions<T>): Field<readonly T[]> {
  const { slots, of, countAt } = options;
  const array = list(slots, of);
  const count: Field<bigint> =
    options.count === 'u8' ? field(countAt, u8AsWord) : field(countAt, u64);
  return {
    parts: [part(offset, array), ...count.parts],
    write: (target, base, values) => {
      array.write(target, base + offset, values);
      count.write(target, base, BigInt(values.length));
    },
    // More than there are slots is nothing that a program could use: then all slots are shown.
    read: (view, base) => {
      const used = Math.min(Number(count.read(view, base)), slots);
      return readSlots(of, { view, at: base + offset, count: used });
    },
  };
}

/**
 * @param sizeBytes as `sizeof` says; between and behind the fields are zeros
 * @throws RangeError when a field is misaligned, two overlap, or one is outside
 */
export function record<V extends object>(
  sizeBytes: number,
  fields: { readonly [K in keyof V]: Field<V[K]> },
): Layout<Readonly<V>> {
  const names = Object.keys(fields) as (keyof V & string)[];
  const parts = names.flatMap((name) => fields[name].parts);
  checkParts(sizeBytes, parts);
  return {
    sizeBytes,
    alignBytes: Math.max(...parts.map(({ alignBytes }) => alignBytes)),
    write: (target, at, value) => {
      for (const name of names) fields[name].write(target, at, value[name]);
    },
    read: (view, at) =>
      Object.fromEntries(names.map((name) => [name, fields[name].read(view, at)])) as V,
  };
}

function checkParts(sizeBytes: number, parts: readonly Part[]): void {
  let end = 0;
  for (const part of [...parts].sort((a, b) => a.offset - b.offset)) {
    const { offset } = part;
    if (offset % part.alignBytes !== 0) throw new RangeError(`a field at ${offset} is misaligned`);
    if (offset < end) throw new RangeError(`the field at ${offset} overlaps the one before`);
    end = offset + part.sizeBytes;
  }
  if (end > sizeBytes) throw new RangeError(`fields end at ${end}, the structure at ${sizeBytes}`);
}
