/** What `--dump-capabilities` does: see `capabilities.ts`. It is loaded with the option alone. */

import { writeOutput } from '../../host/regular-file.ts';
import { Census } from '../../kernel/inspect/census.ts';
import type { RegionAt } from '../../microkit/capabilities-dump/address-spaces.ts';
import { dumpDot } from '../../microkit/capabilities-dump/dot.ts';
import { type CapabilityDump, dumpCapabilities } from '../../microkit/capabilities-dump/dump.ts';
import { dumpText } from '../../microkit/capabilities-dump/text.ts';
import { flatten, regionsByName, type SystemDescription } from '../../microkit/model.ts';
import { jsonText } from '../../systems/json-text.ts';
import type { Testbed } from '../../systems/testbed.ts';
import type { RunWatch, WatchedRun } from './part.ts';

/** @param svg a file that they are drawn in */
export function watchCapabilities(
  { options, terminal }: WatchedRun,
  svg: string | undefined,
): RunWatch {
  const census = new Census();
  return {
    files: svg === undefined ? [] : [{ path: svg, use: 'written', by: '--svg' }],
    testbed: { onCreate: census.onCreate },
    instead: async (testbed) => {
      const dump = capabilitiesOf(testbed, census);
      if (options.output === 'json') process.stdout.write(`${jsonText(dump)}\n`);
      else for (const line of dumpText(dump)) terminal.print(line);
      if (svg === undefined) return;
      await writePicture(dump, svg);
      terminal.note(`sddf: drawn in ${svg}`);
    },
  };
}

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

/**
 * Draws; the layout engine is loaded only when it is needed.
 * @throws UserMistake when the file cannot be written
 */
async function writePicture(dump: CapabilityDump, path: string): Promise<void> {
  const { Graphviz } = await import('@hpcc-js/wasm-graphviz');
  const graphviz = await Graphviz.load();
  const svg = graphviz.dot(dumpDot(dump), 'svg');
  writeOutput(path, svg);
}
