/**
 * The system of a campaign or a replay: loaded as `sddf run` loads it, with a digest of each of its
 * parts.
 */

import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { flatten, type SystemDescription } from '../../microkit/model.ts';
import type { CampaignSystem } from '../../sim/campaign/campaign.ts';
import { Translations } from '../../riscv/translator/translations.ts';
import { digestOf } from '../../sim/failure/digest.ts';
import type { SystemDigests, SystemReference } from '../../sim/failure/failure-file.ts';
import { WorldMemory } from '../../sim/world-memory.ts';
import { textOfAny } from '../../systems/json-text.ts';
import { findProgram } from '../describe/description-file.ts';
import { loadSystem } from '../run/system-source.ts';
import { testbedDigests } from './testbed-digests.ts';

/** @throws UserMistake */
export async function loadTarget(reference: SystemReference): Promise<CampaignSystem> {
  const loaded = await loadSystem(reference.reference, reference.choices, reference);
  const { system, counters, programs, images, attachDevices, oracles } = loaded;
  return {
    reference,
    digests: { ...digestsOf(system, reference), ...testbedDigests() },
    target: {
      system,
      counters,
      programs,
      images,
      translations: new Translations(),
      memory: new WorldMemory(),
      ...(oracles === undefined ? {} : { oracles }),
      ...(attachDevices === undefined ? {} : { attachDevices }),
    },
  };
}

/** Of the description, and of each program's file: what a program imports is not looked at. */
function digestsOf(
  system: SystemDescription,
  { reference, searchPath }: SystemReference,
): SystemDigests {
  const folders = [dirname(reference), ...searchPath];
  const digests: Record<string, string> = { description: digestOf(textOfAny(system)) };
  for (const { pd } of flatten(system)) {
    const file = findProgram(folders, pd.image.path);
    digests[`program of ${pd.name}`] = file === undefined ? '' : digestOf(readFileSync(file));
  }
  return digests;
}
