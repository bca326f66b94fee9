/**
 * The longest run of an address space that holds an address: what an engine keeps, so that it need
 * not walk page tables.
 */

import type { Machine } from '../machine.ts';
import { bytesOf, PAGE_BITS } from '../objects/object-sizes.ts';
import type { PageTable } from './page-table.ts';
import type { MappedRun } from '../user.ts';
import { allows, translate } from './vspace.ts';

/** Pages that are looked at in each direction: a run that is longer is found in parts. */
const PAGES_MAX = 4096;
const PAGE_BYTES = 2 ** PAGE_BITS;

type Found = NonNullable<ReturnType<typeof translate>>;

/** @returns undefined when nothing is mapped there, or a device that the machine does not have */
export function mappedRunAt(
  machine: Machine,
  root: PageTable,
  vaddr: number,
): MappedRun | undefined {
  const first = translate(root, vaddr);
  if (first === undefined) return undefined;
  const target = targetOf(machine, first);
  if (target === undefined) return undefined;
  const offset = first.entry.base - first.start;
  const fits = (found: Found | undefined): found is Found =>
    found !== undefined &&
    found.entry.base - found.start === offset &&
    found.entry.isDevice === first.entry.isDevice &&
    found.entry.vmRights === first.entry.vmRights &&
    found.entry.isExecutable === first.entry.isExecutable &&
    targetOf(machine, found)?.device === target.device;

  let { start } = first;
  let end = start + bytesOf(first.entry.sizeBits);
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const below = translate(root, start - PAGE_BYTES);
    if (!fits(below)) break;
    ({ start } = below);
  }
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const above = translate(root, end);
    if (!fits(above)) break;
    end += bytesOf(above.entry.sizeBits);
  }
  const { device } = target;
  return {
    vaddr: start,
    sizeBytes: end - start,
    isReadable: allows(first.entry, 'read'),
    isWritable: allows(first.entry, 'write'),
    isExecutable: allows(first.entry, 'execute'),
    at: device === undefined ? start + offset - machine.ram.base : -1,
    device,
    deviceOffset: device === undefined ? 0 : start + offset - target.base,
  };
}

/** What a page is made of: a device and where its registers begin, or memory. */
function targetOf(
  machine: Machine,
  { entry }: Found,
): { readonly device: MappedRun['device']; readonly base: number } | undefined {
  return entry.isDevice ? machine.deviceAt(entry.base) : { device: undefined, base: 0 };
}
