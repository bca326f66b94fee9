/**
 * Goal: a layout is checked when it is declared, and its fields touch their own bytes only, in the
 * right order.
 */

import { describe, expect, it } from 'vitest';
import { netStruct, struct } from './struct.ts';
import { demandCapacity, distance16, distance32 } from './wrapping.ts';

describe('struct', () => {
  it('lays fields out one after the other, little-endian', () => {
    const Descriptor = struct(8, { id: 'u32', flags: 'u16', kind: 'u8', pad: 'u8' });
    const bytes = new Uint8Array(16).fill(0xa5);
    const view = new DataView(bytes.buffer);

    Descriptor.id.set(view, 4, 0x0102_0304);
    Descriptor.kind.set(view, 4, 9);

    expect([...bytes.subarray(3, 13)]).toEqual([0xa5, 4, 3, 2, 1, 0xa5, 0xa5, 9, 0xa5, 0xa5]);
    expect(Descriptor.flags.offset).toBe(4);
    expect(Descriptor.SIZE).toBe(8);
  });

  it('refuses a misaligned field and a wrong total', () => {
    expect(() => struct(6, { kind: 'u8', id: 'u32' })).toThrow('id at 1 is misaligned');
    expect(() => struct(8, { id: 'u32' })).toThrow('laid out 4 bytes, the specification says 8');
  });

  it('is big-endian and packed for the network', () => {
    const Header = netStruct(7, { kind: 'u8', length: 'u16', id: 'u32' });
    const view = new DataView(new ArrayBuffer(7));

    Header.length.set(view, 0, 0x0102);
    Header.id.set(view, 0, 0x0304_0506);

    expect([...new Uint8Array(view.buffer)]).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(Header.id.get(view, 0)).toBe(0x0304_0506);
  });
});

describe('wrapping counters', () => {
  it('measure distance across the wrap', () => {
    expect(distance16(506, 65_530)).toBe(512);
    expect(distance16(3, 3)).toBe(0);
    expect(distance32(1, 0xffff_ffff)).toBe(2);
  });

  it('need a power of two of at most half the counter', () => {
    demandCapacity(32_768, 16);
    expect(() => demandCapacity(65_536, 16)).toThrow('half');
    expect(() => demandCapacity(384, 32)).toThrow('power of two');
    expect(() => demandCapacity(0, 32)).toThrow('power of two');
  });
});
