/**
 * Regions of which a domain also learns the physical address: those that it translates offsets of.
 */

import type { NetData } from '../../queues/net/config.ts';
import type { PdBuilder, RegionBuilder } from '../builder.ts';

/** Maps such a region. @returns the symbol that receives its address */
export function mapTranslated(pd: PdBuilder, region: RegionBuilder, perms: 'r' | 'rw'): string {
  const symbol = `${region.name}_paddr`;
  pd.map(region, { perms });
  pd.setvar(symbol, region);
  return symbol;
}

export function translatedData(
  pd: PdBuilder,
  region: RegionBuilder,
  perms: 'r' | 'rw',
  buffers: number,
): NetData {
  return { region: region.name, paddrSymbol: mapTranslated(pd, region, perms), buffers };
}
