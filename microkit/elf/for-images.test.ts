// Goal: a system of images has the same domains, with device memory at fixed addresses that do not
// overlap, and without what only programs in TypeScript need. Method: a small disk from the
// builder, and its checks afterwards.

import { describe, expect, it } from 'vitest';
import { system as newSystem } from '../builder.ts';
import { flatten, regionNamed, type SystemDescription } from '../model.ts';
import { blk } from '../sddf/blk.ts';
import { checkRecords } from '../sddf/check-records.ts';
import { RISCV64 } from '../target.ts';
import { validate } from '../validate.ts';
import { configurationOf } from './config/table.ts';
import { forImages } from './for-images.ts';

const DEVICE = { name: 'virtio_blk', physAddr: 0x1000_2000, sizeBytes: 0x200, irq: 2 };

function disk(): SystemDescription {
  const sys = newSystem({ name: 'disk' });
  const pd = (name: string, priority: number) => sys.pd(name, { image: `${name}.ts`, priority });
  const made = blk(sys, { device: DEVICE, driver: pd('driver', 9), virt: pd('virt', 8) });
  made.addClient(pd('client', 1), { partition: 0 });
  const built = sys.build();
  if (!built.ok) throw new Error(built.errors.map(({ message }) => message).join('\n'));
  return built.system;
}

const converted = forImages(disk(), ({ name }) => ({
  path: `${name}.elf`,
  deviceMemory: name === 'driver' ? [{ name: 'metadata', sizeBytes: 0x20_0000 }] : [],
}));

describe('a system of images', () => {
  it('names images, and sets no symbols', () => {
    for (const { pd } of flatten(converted)) {
      expect(pd.image).toEqual({ path: `${pd.name}.elf` });
      expect(pd.setvars).toEqual([]);
      expect(JSON.stringify(pd.config)).not.toContain('addrSymbol');
    }
  });

  it('passes the checks of descriptions and records', () => {
    expect(validate(converted, RISCV64).filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(checkRecords(converted)).toEqual([]);
  });

  it('has the memory for devices below 0xa0000000, one after the other, aligned to its pages', () => {
    const fixed = converted.regions
      .filter(({ physAddr }) => physAddr !== undefined && physAddr >= 0x8000_0000n)
      .map(({ name, physAddr, size }) => ({ name, start: physAddr ?? 0n, size }))
      .sort((a, b) => Number(b.start - a.start));
    expect(fixed.map(({ name }) => name)).toEqual([
      'driver_rings',
      'virt_table',
      'client_virt_data',
      'driver_metadata',
    ]);
    let top = 0xa000_0000n;
    for (const { start, size } of fixed) {
      expect(start + size).toBeLessThanOrEqual(top);
      expect(start % (size % 0x20_0000n === 0n ? 0x20_0000n : 0x1000n)).toBe(0n);
      top = start;
    }
  });

  it('gives a driver what upstream shares with the device, behind its other maps', () => {
    const [driver] = converted.protectionDomains;
    if (driver === undefined) throw new Error('no driver');
    const map = driver.maps.find(({ region }) => region === 'driver_metadata');
    const before = driver.maps.filter(({ region }) => region !== 'driver_metadata');
    const end = before.reduce((highest, { vaddr, region }) => {
      const last = vaddr + (regionNamed(converted, region)?.size ?? 0n);
      return last > highest ? last : highest;
    }, 0n);
    expect(map?.vaddr).toBeGreaterThanOrEqual(end);

    const [resources] = configurationOf(converted, driver);
    const view = new DataView(resources?.bytes.buffer as ArrayBuffer);
    expect(resources?.addresses).toEqual([]);
    expect(resources?.bytes[5]).toBe(3);
    expect(view.getBigUint64(8 + 2 * 24, true)).toBe(map?.vaddr);
    expect(view.getBigUint64(8 + 2 * 24 + 16, true)).toBe(
      regionNamed(converted, 'driver_metadata')?.physAddr,
    );
  });
});
