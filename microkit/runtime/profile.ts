/**
 * What Microkit's tool patches into a program image: the domain's name, which of its identifiers
 * are valid for what, and which symbols lie where. Derived from the description; holds no
 * authority.
 */

import { assert } from '../../memory/assert.ts';
import type { ImagePlans } from '../elf/plan.ts';
import {
  channelsOf,
  exact,
  type RegionsByName,
  symbolsOf,
  type FlatPd,
  flatten,
  type MapDescription,
  type PdDescription,
  type SystemDescription,
} from '../model.ts';
import {
  entryAddress,
  freshEntryAddress,
  SLOT_IRQ_HANDLER,
  SLOT_OUTPUT_ENDPOINT,
  SLOT_OUTPUT_NOTIFICATION,
} from '../slots.ts';

const IDENTIFIERS = 64;

export interface PdProfile {
  readonly name: string;
  readonly passive: boolean;
  /**
   * By channel: the address of the capability to signal the peer with, 0 for a channel that may
   * not.
   */
  readonly notifyCptr: Uint16Array;
  /** By channel: the address of the capability to call the peer with, or 0. */
  readonly callCptr: Uint16Array;
  /** By identifier: the address of the interrupt handler's capability, or 0. */
  readonly irqCptr: Uint16Array;
  readonly irqs: readonly number[];
  /** Entry addresses of the children, by identifier. */
  readonly children: ReadonlyMap<number, number>;
  /** The same for a start with memory as at boot; machine code has no such start. */
  readonly freshChildren: ReadonlyMap<number, number>;
  readonly maps: readonly MapDescription[];
  /** Sizes of the regions in {@link maps}, by name. */
  readonly regionBytes: ReadonlyMap<string, number>;
  /** Names of the words in the image's first page, in order. */
  readonly symbols: readonly string[];
}

export function pdProfile(
  system: SystemDescription,
  flat: FlatPd,
  regions: RegionsByName,
  plans: ImagePlans = new Map(),
): PdProfile {
  const { pd } = flat;
  const notifyCptr = new Uint16Array(IDENTIFIERS);
  const callCptr = new Uint16Array(IDENTIFIERS);
  const irqCptr = new Uint16Array(IDENTIFIERS);
  for (const { own } of channelsOf(system, pd.name)) {
    if (own.notify) notifyCptr[own.id] = SLOT_OUTPUT_NOTIFICATION + own.id;
    if (own.pp) callCptr[own.id] = SLOT_OUTPUT_ENDPOINT + own.id;
  }
  for (const { id } of pd.irqs) irqCptr[id] = SLOT_IRQ_HANDLER + id;
  return {
    name: pd.name,
    passive: pd.passive,
    notifyCptr,
    callCptr,
    irqCptr,
    irqs: pd.irqs.map((irq) => irq.id),
    children: childEntries(
      system,
      flat,
      ({ pd: child, index }) => plans.get(child.name)?.entry ?? entryAddress(index),
    ),
    freshChildren: childEntries(system, flat, ({ pd: child, index }) =>
      plans.has(child.name) ? undefined : freshEntryAddress(index),
    ),
    maps: pd.maps,
    regionBytes: regionBytes(regions, pd),
    symbols: symbolsOf(system, pd, regions).map((patched) => patched.symbol),
  };
}

function childEntries(
  system: SystemDescription,
  parent: FlatPd,
  entryOf: (child: FlatPd) => number | undefined,
): ReadonlyMap<number, number> {
  const entries = new Map<number, number>();
  for (const each of flatten(system)) {
    if (each.parent !== parent.index) continue;
    assert(each.pd.id !== undefined, 'a validated child has an identifier');
    const entry = entryOf(each);
    if (entry !== undefined) entries.set(each.pd.id, entry);
  }
  return entries;
}

function regionBytes(regions: RegionsByName, pd: PdDescription): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  for (const map of pd.maps) {
    const region = regions.get(map.region);
    assert(region !== undefined, 'a validated map names a region');
    sizes.set(region.name, exact(region.size));
  }
  return sizes;
}
