/**
 * Builds address spaces: page tables, then the image, the memory regions and the IPC buffer of a
 * protection domain.
 */

import { assert } from '../../memory/assert.ts';
import {
  ASID_POOL_ASSIGN,
  INIT_SLOT_ASID_POOL,
  PAGE_MAP,
  PAGE_TABLE_MAP,
  RIGHT_READ,
  RIGHT_WRITE,
} from '../../kernel/abi.ts';
import { exact, type MapDescription, type Permissions } from '../model.ts';
import { IPC_BUFFER_VADDR, PAGE_BYTES, STACK_TOP } from '../slots.ts';
import type { RootTask } from './root-task.ts';
import type { PdObjects, RegionObjects, SystemObjects } from './system-objects.ts';

/** Attribute of a mapping: instructions cannot be fetched from it. */
const EXECUTE_NEVER = 1;

/**
 * Regions of which the original frame capabilities are in use: one capability holds one mapping.
 */
export type MappedOriginals = Set<string>;

export function buildAddressSpace(
  root: RootTask,
  options: {
    readonly name: string;
    readonly pd: PdObjects;
    readonly maps: readonly MapDescription[];
    readonly system: SystemObjects;
    readonly originals: MappedOriginals;
  },
): void {
  const { name, pd } = options;
  root.calls.setCap(0, pd.vspace);
  root.invoke(`address space of '${name}'`, INIT_SLOT_ASID_POOL, ASID_POOL_ASSIGN, 1, 0);
  pd.tables.forEach(({ vaddr }, index) => {
    mapPageTable(root, `page table of '${name}'`, {
      table: pd.pageTables + index,
      vspace: pd.vspace,
      vaddr,
    });
  });
  pd.imagePages.forEach(({ vaddr, permissions }, page) => {
    const frame = pd.image + page;
    mapFrame(root, `image of '${name}'`, { frame, vspace: pd.vspace, vaddr, permissions });
  });
  mapFrames(root, `stack of '${name}'`, {
    frames: { first: pd.stack, count: pd.stackPages, bytes: PAGE_BYTES },
    vspace: pd.vspace,
    vaddr: STACK_TOP - pd.stackPages * PAGE_BYTES,
    permissions: 'rw',
  });
  mapFrame(root, `IPC buffer of '${name}'`, {
    frame: pd.ipcBuffer,
    vspace: pd.vspace,
    vaddr: IPC_BUFFER_VADDR,
    permissions: 'rw',
  });
  for (const map of options.maps) {
    const region = options.system.regions.get(map.region);
    assert(region !== undefined, 'a validated map names a region');
    mapRegion(root, { name, pd, map, region, originals: options.originals });
  }
}

function mapRegion(
  root: RootTask,
  options: {
    readonly name: string;
    readonly pd: PdObjects;
    readonly map: MapDescription;
    readonly region: RegionObjects;
    readonly originals: MappedOriginals;
  },
): void {
  const { map, region, originals } = options;
  // Neither readable nor writable: the range stays empty, and every access to it is a fault.
  if (!map.permissions.includes('r') && !map.permissions.includes('w')) return;
  const what = `memory region '${map.region}' of '${options.name}'`;
  const isFirst = !originals.has(map.region);
  originals.add(map.region);
  const { frames, pages: count, pageBytes: bytes } = region;
  const first = isFirst ? frames : root.copyRow(frames, count, what);
  mapFrames(root, what, {
    frames: { first, count, bytes },
    vspace: options.pd.vspace,
    vaddr: exact(map.vaddr),
    permissions: map.permissions,
  });
}

export function mapPageTable(
  root: RootTask,
  what: string,
  options: { readonly table: number; readonly vspace: number; readonly vaddr: number },
): void {
  root.calls.setWord(0, options.vaddr);
  root.calls.setWord(1, 0);
  root.calls.setCap(0, options.vspace);
  root.invoke(what, options.table, PAGE_TABLE_MAP, 1, 2);
}

/** Where frames are mapped, and what may be done there. */
interface Place {
  readonly vspace: number;
  readonly vaddr: number;
  readonly permissions: Permissions;
}

export function mapFrame(
  root: RootTask,
  what: string,
  options: Place & { readonly frame: number },
): void {
  loadMap(root, options);
  mapLoaded(root, what, options.frame, options.vaddr);
}

/** Maps frames whose capabilities lie in a row, one behind the other. */
function mapFrames(
  root: RootTask,
  what: string,
  options: Place & {
    readonly frames: { readonly first: number; readonly count: number; readonly bytes: number };
  },
): void {
  const { first, count, bytes } = options.frames;
  loadMap(root, options);
  for (let page = 0; page < count; page += 1) {
    mapLoaded(root, what, first + page, options.vaddr + page * bytes);
  }
}

/**
 * What all frames of a place have in common. The kernel leaves the words of a call as they were.
 */
function loadMap(root: RootTask, { vspace, permissions }: Place): void {
  const rights =
    (permissions.includes('r') ? RIGHT_READ : 0) | (permissions.includes('w') ? RIGHT_WRITE : 0);
  root.calls.setWord(1, rights);
  root.calls.setWord(2, permissions.includes('x') ? 0 : EXECUTE_NEVER);
  root.calls.setCap(0, vspace);
}

function mapLoaded(root: RootTask, what: string, frame: number, vaddr: number): void {
  root.calls.setWord(0, vaddr);
  root.invoke(what, frame, PAGE_MAP, 1, 3);
}
