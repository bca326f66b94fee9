/**
 * Microkit's "memory region prefill": a region that is filled from a file before the domain starts.
 */

import type { EntryPoints, ProtectionDomain } from '../../microkit/pd.ts';

/** The file: a word at each end and two between, the rest is zero. Offsets in bytes. */
const WORDS = [
  { name: 'begin magic', at: 0, value: 0x5314_5314 },
  { name: 'value A', at: 4, value: 0x0123_4567 },
  { name: 'value B', at: 0x408, value: 0x89ab_cdef },
  { name: 'end magic', at: 0x100c, value: 0x7575_7575 },
] as const;
const FILE_BYTES = 0x1010;

/** @returns the file's contents */
export function fillFile(): Uint8Array {
  const bytes = new Uint8Array(FILE_BYTES);
  const view = new DataView(bytes.buffer);
  for (const { at, value } of WORDS) view.setUint32(at, value, true);
  return bytes;
}

export function main(pd: ProtectionDomain): EntryPoints {
  const entryPoints: EntryPoints = { notified: () => undefined };
  pd.log(`hello, world. my name is ${pd.name}`);
  pd.log('checking prefilled memory region data length');
  const size = pd.vars['filled_mr_data_size'];
  if (size !== FILE_BYTES) {
    pd.log(`oh no prefilled data length doesn't match: ${size} != ${FILE_BYTES}`);
    return entryPoints;
  }
  pd.log('checking prefilled memory region data');
  const region = pd.readonlyRegion('fill');
  for (const { name, at, value } of WORDS) {
    const found = region.read32(at);
    if (found === value) continue;
    pd.log(`oh no ${name} doesn't match: ${found} != ${value}`);
    return entryPoints;
  }
  pd.log('prefilled data OK!');
  return entryPoints;
}
