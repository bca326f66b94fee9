/** Regions come from the page table: what the description says about permissions is not asked. */

import { describe, expect, it } from 'vitest';
import { MemoryFault, type MmioDevice } from '../../memory/region.ts';
import type { MapDescription } from '../model.ts';
import { type FakeMapping, FakeThread } from '../../test/support/fake-thread.ts';
import type { PdProfile } from './profile.ts';
import { mapDevice, mapReadonly, mapWritable, REGISTER_ACCESSES_MAX } from './regions.ts';

const NONE = new Uint16Array(64);
const VADDR = 0x2000_0000;

function profile(regions: readonly [string, number][]): PdProfile {
  const maps: MapDescription[] = regions.map(([region, vaddr]) => ({
    region,
    vaddr: BigInt(vaddr),
    permissions: 'rw', // a lie, where the page table says otherwise
    cached: true,
  }));
  return {
    name: 'subject',
    passive: false,
    notifyCptr: NONE,
    callCptr: NONE,
    irqCptr: NONE,
    irqs: [],
    children: new Map(),
    freshChildren: new Map(),
    maps,
    regionBytes: new Map(regions.map(([region]) => [region, 0x1000])),
    symbols: [],
  };
}

function page(vaddr: number, permissions: 'r' | 'rw', target: FakeMapping['target']): FakeMapping {
  return { vaddr, sizeBytes: 0x1000, permissions, target };
}

describe('a region', () => {
  it('is as long as its mapping, and faults at its virtual address beyond it', () => {
    const thread = new FakeThread([page(VADDR, 'rw', 0x4000)]);
    const region = mapWritable(thread, profile([['data', VADDR]]), 'data');

    region.write32(0xffc, 7);

    expect(thread.ram.u32[0x4ffc / 4]).toBe(7);
    expect(() => region.write8(0x1000, 1)).toThrow(new MemoryFault(VADDR + 0x1000, 'write'));
  });

  it('is not given writable when the page table says read-only', () => {
    const thread = new FakeThread([page(VADDR, 'r', 0x4000)]);
    const data = profile([['data', VADDR]]);

    expect(() => mapWritable(thread, data, 'data')).toThrow(
      "subject: it may not write region 'data'",
    );
    expect(mapReadonly(thread, data, 'data').sizeBytes).toBe(0x1000);
  });

  it('is not given when the page table has nothing there, whatever the description says', () => {
    expect(() => mapReadonly(new FakeThread(), profile([['data', VADDR]]), 'data')).toThrow(
      "it may not read region 'data'",
    );
  });

  it('is not given by a name that the description does not map', () => {
    const thread = new FakeThread([page(VADDR, 'rw', 0x4000)]);

    expect(() => mapReadonly(thread, profile([]), 'data')).toThrow(
      "subject: no region 'data' is mapped (its description has no map)",
    );
  });

  it('mapped twice is taken where it may be written', () => {
    const thread = new FakeThread([page(VADDR, 'r', 0x4000), page(VADDR + 0x1000, 'rw', 0x4000)]);
    const twice = profile([
      ['data', VADDR],
      ['data', VADDR + 0x1000],
    ]);

    expect(mapWritable(thread, twice, 'data').vaddr).toBe(VADDR + 0x1000);
    expect(mapReadonly(thread, twice, 'data').vaddr).toBe(VADDR);
  });
});

describe('device registers', () => {
  const accesses: string[] = [];
  const device: MmioDevice = {
    read: (offset, width) => {
      accesses.push(`read ${offset} ${width}`);
      return 5;
    },
    write: (offset, value, width) => accesses.push(`write ${offset} ${value} ${width}`),
  };

  it('reach the device at the offset of the access', () => {
    const thread = new FakeThread([page(VADDR, 'rw', device)]);
    const registers = mapDevice(thread, profile([['uart', VADDR]]), 'uart', { count: 0 });

    registers.write8(3, 9);

    expect(registers.read32(0x10)).toBe(5);
    expect(accesses).toEqual(['write 3 9 1', 'read 16 4']);
    expect(() => registers.read32(0x1000)).toThrow(MemoryFault);
  });

  it('may not be polled without an end: no time passes meanwhile', () => {
    const thread = new FakeThread([page(VADDR, 'rw', device)]);
    const polled = { count: REGISTER_ACCESSES_MAX - 1 };
    const registers = mapDevice(thread, profile([['uart', VADDR]]), 'uart', polled);

    expect(registers.read32(0x14)).toBe(5);
    expect(() => registers.read32(0x14)).toThrow(
      "'uart'+0x14: 4,000,000 register accesses in one event; no time passes while a register is polled",
    );
    polled.count = 0;
    expect(registers.read32(0x14)).toBe(5);
  });

  it('are not memory, and memory is not a device', () => {
    const thread = new FakeThread([page(VADDR, 'rw', device), page(VADDR + 0x1000, 'rw', 0x4000)]);
    const both = profile([
      ['uart', VADDR],
      ['data', VADDR + 0x1000],
    ]);

    expect(() => mapWritable(thread, both, 'uart')).toThrow('is device registers, not memory');
    expect(() => mapDevice(thread, both, 'data', { count: 0 })).toThrow('is memory, not a device');
  });
});
