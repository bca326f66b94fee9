/**
 * Page tables of an address space: one for each 1 GiB that is used, and one for each 2 MiB that has
 * small pages.
 */

import { describe, expect, it } from 'vitest';
import { IMAGE_DATA } from '../slots.ts';
import { pageTablesOf } from './address-space-plan.ts';

const GIB = 0x4000_0000;
const MIB2 = 0x20_0000;
const IMAGE_TABLE = 0x20_0000;
const IPC_BUFFER_GIB = 0x3f_c000_0000;
const IPC_BUFFER_TABLE = 0x3f_ffe0_0000;

function tables(...maps: [number, number, number][]): number[] {
  const planned = maps.map(([vaddr, sizeBytes, pageBytes]) => ({ vaddr, sizeBytes, pageBytes }));
  const image = { vaddr: IMAGE_DATA, sizeBytes: 0x1000, pageBytes: 0x1000 };
  return pageTablesOf([image, ...planned]).map((table) => table.vaddr);
}

describe('page tables', () => {
  it('cover the image and the IPC buffer of an empty domain, upper level first', () => {
    expect(tables()).toEqual([0, IPC_BUFFER_GIB, IMAGE_TABLE, IPC_BUFFER_TABLE]);
  });

  it('cover each 2 MiB that a region of small pages touches', () => {
    expect(tables([0x2000_0000 + MIB2 - 0x1000, 0x2000, 0x1000])).toEqual([
      0,
      IPC_BUFFER_GIB,
      IMAGE_TABLE,
      0x2000_0000,
      0x2000_0000 + MIB2,
      IPC_BUFFER_TABLE,
    ]);
  });

  it('of the lower level are not needed for large pages', () => {
    expect(tables([GIB - MIB2, 2 * MIB2, MIB2])).toEqual([
      0,
      GIB,
      IPC_BUFFER_GIB,
      IMAGE_TABLE,
      IPC_BUFFER_TABLE,
    ]);
  });

  it('are shared by regions that lie close together', () => {
    const close: [number, number, number][] = [
      [0x2000_0000, 0x1000, 0x1000],
      [0x2000_1000, 0x1000, 0x1000],
    ];

    expect(tables(...close)).toEqual(tables([0x2000_0000, 0x2000, 0x1000]));
  });
});
