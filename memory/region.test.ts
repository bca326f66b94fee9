/**
 * Goal: a region shows exactly its own bytes, refuses everything else as a fault, and RAM's bulk
 * operations move bytes.
 */

import { describe, expect, it } from 'vitest';
import { Ram } from './ram.ts';
import { DeviceRegion, MemoryFault, open, ReadonlyRegion, Region } from './region.ts';

const VADDR = 0x2000_0000;

function poisonedRam(): Ram {
  const ram = new Ram({ sizeBytes: 65_536, stagingBytes: 65_536 });
  ram.fill(0, 0xa5, 131_072);
  return ram;
}

function regionAt(at: number, sizeBytes = 64): { ram: Ram; region: Region } {
  const ram = poisonedRam();
  return { ram, region: new Region({ ram, at, sizeBytes, vaddr: VADDR }) };
}

describe('Ram', () => {
  it('copies between RAM and staging, overlapping ranges too', () => {
    const ram = poisonedRam();
    const staging = ram.takeStaging(16);
    ram.u8.set([1, 2, 3, 4], staging);

    ram.copy(8, staging, 4);
    ram.copy(9, 8, 4);

    expect([...ram.u8.subarray(7, 14)]).toEqual([0xa5, 1, 1, 2, 3, 4, 0xa5]);
  });

  it('finds the first word that is not zero, wherever it lies', () => {
    const ram = new Ram({ sizeBytes: 65_536 });
    // Around lines of 64 bytes: in front of the first whole one, in one, behind the last.
    for (const used of [4, 60, 64, 124, 128, 640, 1020, 1024, 1028]) {
      ram.u8[used + 3] = 1;
      for (const [from, end] of [
        [4, 1032],
        [used, used + 4],
        [used & -64, used + 4],
      ] as const) {
        expect(ram.firstUsed(from, end), `${used} from ${from} to ${end}`).toBe(used);
      }
      expect(ram.firstUsed(used + 4, 65_536)).toBe(65_536);
      expect(ram.firstUsed(0, used)).toBe(used);
      ram.u8[used + 3] = 0;
    }
    expect(ram.firstUsed(4, 1032)).toBe(1032);
  });

  it('is as after power-on when it is cleared', () => {
    const ram = poisonedRam();
    const first = ram.takeStaging(16);
    ram.clear();
    expect(ram.u8.every((byte) => byte === 0)).toBe(true);
    expect(ram.takeStaging(16)).toBe(first);

    for (const at of [0, 4095, 4096, 70_000, 131_071]) ram.u8[at] = 1;
    ram.clear();
    expect(ram.u8.every((byte) => byte === 0)).toBe(true);
  });

  it('stores words at any byte position of their width', () => {
    const ram = poisonedRam();

    ram.store16(6, 0x1_1234);
    ram.store32(8, 0x8765_4321);

    expect([...ram.u8.subarray(4, 14)]).toEqual([
      0xa5, 0xa5, 0x34, 0x12, 0x21, 0x43, 0x65, 0x87, 0xa5, 0xa5,
    ]);
    expect(ram.i32[2]).toBe(0x8765_4321 | 0);
  });

  it('holds exactly the physical addresses of RAM, not staging', () => {
    const ram = poisonedRam();

    expect(ram.holds(0x8000_0000, 65_536)).toBe(true);
    expect(ram.holds(0x8000_0000, 65_537)).toBe(false);
    expect(ram.holds(0x7fff_ffff, 1)).toBe(false);
    expect(ram.holds(2 ** 53, 2 ** 53)).toBe(false);
  });

  it('aligns staging memory to 64 bytes and refuses more than there is', () => {
    const ram = poisonedRam();
    ram.takeStaging(1);

    expect(ram.takeStaging(1) % 64).toBe(0);
    expect(() => ram.takeStaging(65_536)).toThrow('staging area');
  });

  it('works for sizes whose page count needs two LEB128 bytes', () => {
    const ram = new Ram({ sizeBytes: 200 * 65_536 });
    ram.u8[5] = 7;

    ram.copy(200 * 65_536 - 1, 5, 1);

    expect(ram.u8[200 * 65_536 - 1]).toBe(7);
  });
});

describe('Region', () => {
  it('reads and writes little-endian at its own place', () => {
    const { ram, region } = regionAt(128);

    region.write32(4, 0x8765_4321);
    region.write16(8, 0xbeef);
    region.write8(10, 0x7f);

    expect([...ram.u8.subarray(131, 140)]).toEqual([
      0xa5, 0x21, 0x43, 0x65, 0x87, 0xef, 0xbe, 0x7f, 0xa5,
    ]);
    expect(region.read32(4)).toBe(0x8765_4321);
    expect(region.read16(8)).toBe(0xbeef);
  });

  it.each([
    ['read8', -1],
    ['read8', 64],
    ['read16', 63],
    ['read16', 1],
    ['read32', 61],
    ['read32', 2],
    ['read8', Number.NaN],
    ['read8', 2 ** 32],
  ] as const)('faults on %s at %d', (method, offset) => {
    const { region } = regionAt(128);

    expect(() => region[method](offset)).toThrow(MemoryFault);
  });

  it('faults on a write outside with the virtual address and the access', () => {
    const { ram, region } = regionAt(128);

    let fault: unknown;
    try {
      region.write32(64, 1);
    } catch (caught) {
      fault = caught;
    }

    expect(fault).toMatchObject({ address: VADDR + 64, access: 'write' });
    expect(ram.u8[192]).toBe(0xa5);
  });

  it('copies from another region and checks both ranges first', () => {
    const { ram, region } = regionAt(128);
    const source = new ReadonlyRegion({ ram, at: 1024, sizeBytes: 16, vaddr: 0 });
    ram.u8.set([1, 2, 3, 4], 1024);

    region.copyFrom(source, 1, 60, 3);

    expect([...ram.u8.subarray(187, 192)]).toEqual([0xa5, 2, 3, 4, 0xa5]);
    expect(() => region.copyFrom(source, 14, 0, 3)).toThrow(MemoryFault);
    expect(() => region.copyFrom(source, 0, 62, 3)).toThrow(MemoryFault);
    expect(() => region.copyFrom(source, 0, 0, -1)).toThrow(MemoryFault);
  });

  it('gives away nothing that leads to the rest of RAM', () => {
    const { region } = regionAt(128);

    const reachable = Object.values(region as unknown as Record<string, unknown>);

    expect(reachable.every((value) => typeof value === 'number')).toBe(true);
    expect(open(region).at).toBe(128);
  });
});

describe('DeviceRegion', () => {
  it('forwards width and offset, and faults outside', () => {
    const seen: string[] = [];
    const device = {
      read: (offset: number, width: number) => (seen.push(`r${width}@${offset}`), 42),
      write: (offset: number, value: number, width: number) =>
        void seen.push(`w${width}@${offset}=${value}`),
    };
    const region = new DeviceRegion({ device, sizeBytes: 0x100, vaddr: VADDR });

    expect(region.read8(3)).toBe(42);
    region.write32(8, 7);

    expect(seen).toEqual(['r1@3', 'w4@8=7']);
    expect(() => region.read32(0xfe)).toThrow(MemoryFault);
    expect(() => region.write16(0x100, 0)).toThrow(MemoryFault);
  });
});
