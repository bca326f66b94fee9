/**
 * `sddf run SYSTEM --dump-capabilities`: what the kernel holds once a system is built, as text,
 * JSON and a picture.
 */

import { UserMistake } from '../../host/problem.ts';
import { writeOutput } from '../../host/regular-file.ts';
import { Census } from '../../kernel/inspect/census.ts';
import type { RegionAt } from '../../microkit/capabilities-dump/address-spaces.ts';
import { dumpDot } from '../../microkit/capabilities-dump/dot.ts';
import { type CapabilityDump, dumpCapabilities } from '../../microkit/capabilities-dump/dump.ts';
import { dumpText } from '../../microkit/capabilities-dump/text.ts';
import { flatten, regionsByName, type SystemDescription } from '../../microkit/model.ts';
import type { Testbed } from '../../systems/testbed.ts';
import { asWritten, flag, readOptions, text } from '../option.ts';
import type { RunPart, RunWatch, WatchedRun } from './part.ts';
import { jsonText } from '../../systems/json-text.ts';

const OPTIONS = {
  dump: flag({
    flags: '--dump-capabilities',
    help: 'boots, prints every object and capability, and ends',
    words: ['no', 'yes'],
  }),
  svg: text({
    flags: '--svg <file>',
    help: 'with --dump-capabilities: draws them, too',
    parse: asWritten,
  }),
};

export const capabilitiesPart: RunPart = {
  options: OPTIONS,
  commands: 'run',
  parse: (raw) => {
    const { dump, svg } = readOptions(OPTIONS, raw);
    if (dump === 'yes') return (run) => watchCapabilities(run, svg);
    if (svg === undefined) return undefined;
    throw new UserMistake('--svg draws what --dump-capabilities prints: give both');
  },
};

function watchCapabilities({ options, terminal }: WatchedRun, svg: string | undefined): RunWatch {
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
