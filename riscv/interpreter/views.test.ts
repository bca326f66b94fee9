/**
 * Goal: what a program uses all the time is in the TLB at the same time. Method: the pages of a
 * usual image, by their entries.
 */

import { expect, test } from 'vitest';
import { tlbEntryOf } from './views.ts';

test('text, data, stack and regions at round addresses have entries of their own', () => {
  const addresses = [0x20_0000, 0x40_0000, 0x200_0000, 0x400_0000, 0x1000_0000, 0x3f_ffff_c000];
  const entries = addresses.map((vaddr) => tlbEntryOf(vaddr / 4096));

  expect(new Set(entries).size).toBe(addresses.length);
});

test('so have 256 pages one after the other', () => {
  const entries = Array.from({ length: 256 }, (_, index) => tlbEntryOf(0x400 + index));

  expect(new Set(entries).size).toBe(256);
});
