/**
 * Binary layouts, each declared once.
 *
 *     export const VirtqDesc = struct(16, { addrLow: 'u32', addrHigh: 'u32', len: 'u32', flags: 'u16', next: 'u16' });
 *     const len = VirtqDesc.len.get(view, at);
 *
 * Fields follow each other without holes (a hole is a named field); alignment and total size are
 * checked when the module is loaded. Little-endian; {@link netStruct} is big-endian and unaligned,
 * for what travels on a network.
 */

export type Scalar = 'u8' | 'u16' | 'u32';

export interface Field {
  /** Bytes from the start of the record. */
  readonly offset: number;
  get(view: DataView, at: number): number;
  set(view: DataView, at: number, value: number): void;
}

export type Struct<F extends Record<string, Scalar>> = { readonly [K in keyof F]: Field } & {
  readonly SIZE: number;
};

const SIZE_BYTES = { u8: 1, u16: 2, u32: 4 } as const;

/**
 * Declares a little-endian layout.
 *
 * @param specSize size in bytes that the specification gives; checked
 * @throws RangeError when a field is misaligned or the sizes differ
 */
export function struct<const F extends Record<string, Scalar>>(
  specSize: number,
  fields: F,
): Struct<F> {
  return layOut(specSize, fields, 'aligned', littleEndianField);
}

/** Declares a big-endian layout without alignment. */
export function netStruct<const F extends Record<string, Scalar>>(
  specSize: number,
  fields: F,
): Struct<F> {
  return layOut(specSize, fields, 'packed', bigEndianField);
}

function layOut<const F extends Record<string, Scalar>>(
  specSize: number,
  fields: F,
  alignment: 'aligned' | 'packed',
  makeField: (kind: Scalar, offset: number) => Field,
): Struct<F> {
  let offset = 0;
  const out: Record<string, Field> = {};
  for (const [name, kind] of Object.entries(fields)) {
    if (alignment === 'aligned' && offset % SIZE_BYTES[kind] !== 0) {
      throw new RangeError(`${name} at ${offset} is misaligned`);
    }
    out[name] = makeField(kind, offset);
    offset += SIZE_BYTES[kind];
  }
  if (offset !== specSize) {
    throw new RangeError(`laid out ${offset} bytes, the specification says ${specSize}`);
  }
  return Object.freeze({ ...out, SIZE: offset }) as Struct<F>;
}

// One source function per width and order: that keeps each call site monomorphic.

function littleEndianField(kind: Scalar, offset: number): Field {
  switch (kind) {
    case 'u8':
      return byteField(offset);
    case 'u16':
      return {
        offset,
        get: (view, at) => view.getUint16(at + offset, true),
        set: (view, at, value) => view.setUint16(at + offset, value, true),
      };
    case 'u32':
      return {
        offset,
        get: (view, at) => view.getUint32(at + offset, true),
        set: (view, at, value) => view.setUint32(at + offset, value, true),
      };
  }
}

function bigEndianField(kind: Scalar, offset: number): Field {
  switch (kind) {
    case 'u8':
      return byteField(offset);
    case 'u16':
      return {
        offset,
        get: (view, at) => view.getUint16(at + offset, false),
        set: (view, at, value) => view.setUint16(at + offset, value, false),
      };
    case 'u32':
      return {
        offset,
        get: (view, at) => view.getUint32(at + offset, false),
        set: (view, at, value) => view.setUint32(at + offset, value, false),
      };
  }
}

function byteField(offset: number): Field {
  return {
    offset,
    get: (view, at) => view.getUint8(at + offset),
    set: (view, at, value) => view.setUint8(at + offset, value),
  };
}
