/**
 * The kernel objects of a described system, and their creation: first what has a fixed physical
 * address, in the order of addresses; then by size, largest first, so that nothing is lost to
 * alignment; then by name. The same description on the same board always gives the same objects in
 * the same places.
 */

import { assert } from '../../memory/assert.ts';
import {
  OBJECT_4K_PAGE,
  OBJECT_CNODE,
  OBJECT_ENDPOINT,
  OBJECT_MEGA_PAGE,
  OBJECT_NOTIFICATION,
  OBJECT_PAGE_TABLE,
  OBJECT_REPLY,
  OBJECT_SCHED_CONTEXT,
  OBJECT_TCB,
} from '../../kernel/abi.ts';
import {
  ENDPOINT_BITS,
  MEGA_PAGE_BITS,
  NOTIFICATION_BITS,
  PAGE_BITS,
  PAGE_TABLE_BITS,
  REPLY_BITS,
  SLOT_BITS,
  TCB_BITS,
} from '../../kernel/objects/object-sizes.ts';
import { hex } from '../../memory/hex.ts';
import {
  channelsOf,
  exact,
  flatten,
  LARGE_PAGE_BYTES,
  type FlatPd,
  type Permissions,
  type RegionDescription,
  type RegionsByName,
  regionsByName,
  type SystemDescription,
  symbolsOf,
} from '../model.ts';
import {
  IMAGE_BASE,
  IMAGE_DATA,
  PAGE_BYTES,
  PD_CNODE_RADIX,
  PD_ROOT_CNODE_RADIX,
  STACK_TOP,
} from '../slots.ts';
import type { ImagePlan, ImagePlans } from '../elf/plan.ts';
import { pageTablesOf, type PageTableNeed, type PlannedMap } from './address-space-plan.ts';
import { BootFailure } from './root-task.ts';
import type { ObjectRequest, UntypedMemory } from './untyped-memory.ts';

/** 256 bytes: room for ten refills, so that a budget spent in pieces comes back in pieces. */
const SCHED_CONTEXT_BITS = 8;

/** Slots, in the initial thread's CSpace, of everything that one protection domain consists of. */
export interface PdObjects {
  readonly tcb: number;
  readonly schedContext: number;
  readonly notification: number;
  readonly reply: number;
  /** 0 when nobody calls the domain and it has no children. */
  readonly endpoint: number;
  readonly cnode: number;
  readonly rootCnode: number;
  readonly vspace: number;
  readonly ipcBuffer: number;
  /** First of the image's frames. */
  readonly image: number;
  readonly imagePages: readonly ImagePagePlace[];
  /** First of the stack's frames, from the lowest address on; machine code alone has a stack. */
  readonly stack: number;
  readonly stackPages: number;
  /** First page table below the root; they are used in the order of `tables`. */
  readonly pageTables: number;
  readonly tables: readonly PageTableNeed[];
}

export interface ImagePagePlace {
  readonly vaddr: number;
  readonly permissions: Permissions;
}

export interface RegionObjects {
  readonly description: RegionDescription;
  /** First of the frames, which are physically contiguous. */
  readonly frames: number;
  readonly pageBytes: number;
  readonly pages: number;
}

export interface SystemObjects {
  readonly pds: readonly PdObjects[];
  readonly monitor: PdObjects;
  readonly regions: ReadonlyMap<string, RegionObjects>;
}

/** A request, and where its answer goes. */
interface Wanted extends ObjectRequest {
  readonly name: string;
  assign(slot: number): void;
}

/** @param plans of the domains whose programs are machine code */
export function createObjects(
  system: SystemDescription,
  plans: ImagePlans,
  memory: UntypedMemory,
): SystemObjects {
  const regions = new Map<string, RegionObjects>();
  const wanted: Wanted[] = [];
  createFixedRegions(system, memory, regions);
  for (const description of system.regions) {
    if (description.physAddr !== undefined) continue;
    const request = framesOf(description);
    wanted.push({
      ...request,
      name: description.name,
      assign: (frames) => regions.set(description.name, regionObjects(description, frames)),
    });
  }
  const byName = regionsByName(system);
  const domains = flatten(system).map((each) =>
    wantPd(each.pd.name, needsOf(system, each, byName, plans.get(each.pd.name)), wanted),
  );
  const monitor = wantPd('monitor', needsOfProgram('yes', [], 0), wanted);
  wanted.sort(
    (a, b) => b.objectBits - a.objectBits || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
  for (const request of wanted) request.assign(memory.make(request));
  return { pds: domains.map(finished), monitor: finished(monitor), regions };
}

function createFixedRegions(
  system: SystemDescription,
  memory: UntypedMemory,
  regions: Map<string, RegionObjects>,
): void {
  const fixed = system.regions
    .flatMap((description) =>
      description.physAddr === undefined
        ? []
        : [{ description, paddr: exact(description.physAddr) }],
    )
    .sort((a, b) => a.paddr - b.paddr);
  for (const { description, paddr } of fixed) {
    const frames = memory.makeAt(framesOf(description), paddr);
    regions.set(description.name, regionObjects(description, frames));
  }
}

function framesOf(region: RegionDescription): ObjectRequest {
  const large = region.pageBytes === LARGE_PAGE_BYTES;
  return {
    what: `memory region '${region.name}'`,
    type: large ? OBJECT_MEGA_PAGE : OBJECT_4K_PAGE,
    userSizeBits: 0,
    objectBits: large ? MEGA_PAGE_BITS : PAGE_BITS,
    count: exact(region.size) / region.pageBytes,
  };
}

function regionObjects(description: RegionDescription, frames: number): RegionObjects {
  const { pageBytes } = description;
  return { description, frames, pageBytes, pages: exact(description.size) / pageBytes };
}

type PdNeeds = Pick<PdObjects, 'imagePages' | 'stackPages' | 'tables'> & {
  readonly endpoint: 'yes' | 'no';
};

function needsOf(
  system: SystemDescription,
  flat: FlatPd,
  regions: RegionsByName,
  plan: ImagePlan | undefined,
): PdNeeds {
  const called = channelsOf(system, flat.pd.name).some(({ peer }) => peer.pp);
  const endpoint = called || flat.pd.children.length > 0 ? 'yes' : 'no';
  const maps = flat.pd.maps.map((map) => {
    const region = regions.get(map.region);
    assert(region !== undefined, 'a validated map names a region');
    return {
      what: `memory region '${map.region}' of '${flat.pd.name}'`,
      vaddr: exact(map.vaddr),
      sizeBytes: exact(region.size),
      pageBytes: region.pageBytes,
    };
  });
  if (plan !== undefined) return needsOfImage(endpoint, maps, plan, flat.pd.stackBytes);
  const needs = needsOfProgram(endpoint, maps, symbolsOf(system, flat.pd, regions).length);
  for (const map of maps) refuseOverImage(map, needs.imagePages.length);
  return needs;
}

/** Of machine code this has been checked before: `microkit/elf/plan.ts`. */
function refuseOverImage(map: PlannedMap & { readonly what: string }, imagePages: number): void {
  const start = map.vaddr;
  const end = start + map.sizeBytes;
  const imageEnd = IMAGE_DATA + imagePages * PAGE_BYTES;
  if (start >= imageEnd || end <= IMAGE_BASE) return;
  const pages = `${hex(IMAGE_BASE)}..${hex(imageEnd)}`;
  throw new BootFailure(
    `${map.what}: its map at ${hex(start)}..${hex(end)} lies over the program image's pages ${pages}; give it another vaddr`,
  );
}

/** A TypeScript program's image is the words that the description sets, and one page at least. */
function needsOfProgram(
  endpoint: 'yes' | 'no',
  maps: readonly PlannedMap[],
  words: number,
): PdNeeds {
  const count = Math.max(1, Math.ceil((8 * words) / PAGE_BYTES));
  const imagePages = Array.from({ length: count }, (_, page): ImagePagePlace => ({
    vaddr: IMAGE_DATA + page * PAGE_BYTES,
    permissions: 'r',
  }));
  const image = { vaddr: IMAGE_DATA, sizeBytes: count * PAGE_BYTES, pageBytes: PAGE_BYTES };
  return { endpoint, imagePages, stackPages: 0, tables: pageTablesOf([image, ...maps]) };
}

function needsOfImage(
  endpoint: 'yes' | 'no',
  maps: readonly PlannedMap[],
  { pages, runs }: ImagePlan,
  stackBytes: number,
): PdNeeds {
  const stack = { vaddr: STACK_TOP - stackBytes, sizeBytes: stackBytes, pageBytes: PAGE_BYTES };
  return {
    endpoint,
    imagePages: pages,
    stackPages: stackBytes / PAGE_BYTES,
    tables: pageTablesOf([...runs, stack, ...maps]),
  };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Adds the requests for one domain's objects; their slots are filled in when they are made. */
function wantPd(name: string, needs: PdNeeds, wanted: Wanted[]): Mutable<PdObjects> {
  const objects: Mutable<PdObjects> = {
    tcb: 0,
    schedContext: 0,
    notification: 0,
    reply: 0,
    endpoint: 0,
    cnode: 0,
    rootCnode: 0,
    vspace: 0,
    ipcBuffer: 0,
    image: 0,
    imagePages: needs.imagePages,
    stack: 0,
    stackPages: needs.stackPages,
    pageTables: 0,
    tables: needs.tables,
  };
  const want = (
    field: Exclude<keyof PdObjects, 'tables' | 'imagePages' | 'stackPages'>,
    size: { readonly type: number; readonly objectBits: number; readonly userSizeBits?: number },
    count: number,
  ): void => {
    if (count === 0) return;
    wanted.push({
      what: `${field} of '${name}'`,
      name,
      type: size.type,
      userSizeBits: size.userSizeBits ?? 0,
      objectBits: size.objectBits,
      count,
      assign: (slot) => {
        objects[field] = slot;
      },
    });
  };
  const cnode = (radix: number): Parameters<typeof want>[1] => ({
    type: OBJECT_CNODE,
    objectBits: radix + SLOT_BITS,
    userSizeBits: radix,
  });
  want('vspace', { type: OBJECT_PAGE_TABLE, objectBits: PAGE_TABLE_BITS }, 1);
  want('pageTables', { type: OBJECT_PAGE_TABLE, objectBits: PAGE_TABLE_BITS }, needs.tables.length);
  want('image', { type: OBJECT_4K_PAGE, objectBits: PAGE_BITS }, needs.imagePages.length);
  want('stack', { type: OBJECT_4K_PAGE, objectBits: PAGE_BITS }, needs.stackPages);
  want('ipcBuffer', { type: OBJECT_4K_PAGE, objectBits: PAGE_BITS }, 1);
  want('cnode', cnode(PD_CNODE_RADIX), 1);
  want('rootCnode', cnode(PD_ROOT_CNODE_RADIX), 1);
  want('tcb', { type: OBJECT_TCB, objectBits: TCB_BITS }, 1);
  const contextBits = { objectBits: SCHED_CONTEXT_BITS, userSizeBits: SCHED_CONTEXT_BITS };
  want('schedContext', { type: OBJECT_SCHED_CONTEXT, ...contextBits }, 1);
  want('notification', { type: OBJECT_NOTIFICATION, objectBits: NOTIFICATION_BITS }, 1);
  want('reply', { type: OBJECT_REPLY, objectBits: REPLY_BITS }, 1);
  const endpoints = needs.endpoint === 'yes' ? 1 : 0;
  want('endpoint', { type: OBJECT_ENDPOINT, objectBits: ENDPOINT_BITS }, endpoints);
  return objects;
}

function finished(objects: Mutable<PdObjects>): PdObjects {
  assert(objects.tcb !== 0 && objects.vspace !== 0, 'every object has been made');
  return Object.freeze(objects);
}
