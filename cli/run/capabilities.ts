/** `sddf run SYSTEM --dump-capabilities`: what the kernel holds once a system is built, as text, JSON and a picture. */

import { writeFileSync } from 'node:fs';
import { explainSystemError } from '../../host/problem.ts';
import type { Census } from '../../kernel/inspect/census.ts';
import type { RegionAt } from '../../microkit/capabilities-dump/address-spaces.ts';
import { dumpDot } from '../../microkit/capabilities-dump/dot.ts';
import { type CapabilityDump, dumpCapabilities } from '../../microkit/capabilities-dump/dump.ts';
import { flatten, regionsByName, type SystemDescription } from '../../microkit/model.ts';
import type { Testbed } from '../../systems/testbed.ts';

/** @param census has been told of every object since boot */
export function capabilitiesOf(testbed: Testbed, census: Census): CapabilityDump {
  const { system, kernel } = testbed;
  const regionAt = regionsOf(system);
  return dumpCapabilities({ system: system.name, state: kernel.state, census, regionAt });
}

function regionsOf(system: SystemDescription): RegionAt {
  const regions = regionsByName(system);
  const maps = new Map(flatten(system).map(({ pd }) => [pd.name, pd.maps]));
  return (domain, vaddr) =>
    maps.get(domain)?.find((map) => {
      const size = regions.get(map.region)?.size ?? 0n;
      return BigInt(vaddr) >= map.vaddr && BigInt(vaddr) < map.vaddr + size;
    })?.region;
}

/** Draws; the layout engine is loaded only when it is needed. @throws UserMistake when the file cannot be written */
export async function writePicture(dump: CapabilityDump, path: string): Promise<void> {
  const { Graphviz } = await import('@hpcc-js/wasm-graphviz');
  const graphviz = await Graphviz.load();
  const svg = graphviz.dot(dumpDot(dump), 'svg');
  try {
    writeFileSync(path, svg);
  } catch (error) {
    throw explainSystemError(error, path);
  }
}
