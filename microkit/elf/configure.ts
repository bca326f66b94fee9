/**
 * Writes a domain's configuration into its image while the image is loaded; sDDF's build does it
 * beforehand, by `objcopy --update-section`. An image that its own build has configured has no
 * record in the description, and is left alone.
 */

import type { PdDescription, SystemDescription } from '../model.ts';
import type { AddressSlot } from '../../memory/c-layout.ts';
import type { EncodedSection } from './config/section.ts';
import { configSectionsNamed, configurationOf } from './config/table.ts';
import { type ElfImage, type Section, sectionNamed } from './image.ts';
import type { Patch } from './patches.ts';

const WORD_BYTES = 8;

/** What is to be written into an image, or why it cannot be. */
export interface Configured {
  readonly patches: readonly Patch[];
  readonly problems: readonly string[];
  /** Sections that nobody has configured, or for another version of sDDF. */
  readonly notes: readonly string[];
}

export function configure(
  system: SystemDescription,
  pd: PdDescription,
  image: ElfImage,
): Configured {
  const patches: Patch[] = [];
  const problems: string[] = [];
  const written = new Set<string>();
  for (const encoded of configurationOf(system, pd)) {
    const section = sectionNamed(image, encoded.name);
    if (section === undefined) continue;
    written.add(encoded.name);
    const wrong = [...encoded.problems, ...checkFit(image, section, encoded)];
    problems.push(...wrong.map((problem) => `section '${encoded.name}': ${problem}`));
    if (wrong.length === 0) patches.push(...patchesOf(section, encoded));
  }
  const rest = image.sections.filter(({ name }) => !written.has(name));
  return { patches, problems, notes: rest.flatMap(noteOn) };
}

function checkFit(
  image: ElfImage,
  { sizeBytes, vaddr }: Section,
  { bytes, addresses }: EncodedSection,
): readonly string[] {
  if (sizeBytes !== bytes.length) {
    return [`has ${sizeBytes} bytes instead of ${bytes.length}; build the image with sDDF 0.7`];
  }
  const isLoaded = image.segments.some(
    (segment) => vaddr >= segment.vaddr && vaddr + sizeBytes <= segment.vaddr + segment.memoryBytes,
  );
  if (!isLoaded) return ['lies in no segment; link with -T microkit.ld'];
  if (addresses.length > 0 && vaddr % WORD_BYTES !== 0) {
    return ['is not aligned to 8 bytes; link with -T microkit.ld'];
  }
  return [];
}

function patchesOf({ vaddr, name }: Section, { bytes, addresses }: EncodedSection): Patch[] {
  const word = ({ offset, region }: AddressSlot): Patch => ({
    kind: 'physAddr',
    what: `section '${name}'`,
    vaddr: vaddr + offset,
    region,
  });
  return [{ kind: 'bytes', vaddr, bytes }, ...addresses.map(word)];
}

/** What to say of a section that keeps what the file has in it. */
function noteOn(section: Section): readonly string[] {
  const { name, sizeBytes, contents } = section;
  const known = configSectionsNamed(name);
  if (known.length === 0) return [];
  const layout = known.find((each) => each.sizeBytes === sizeBytes);
  if (layout === undefined) {
    const sizes = known.map((each) => each.sizeBytes).join(' or ');
    return [`section '${name}' has ${sizeBytes} bytes, with sDDF 0.7 it has ${sizes}`];
  }
  const decoded = contents.length === 0 ? undefined : layout.decode(contents);
  switch (decoded?.kind) {
    case 'configured':
      return [];
    case 'foreign':
      return [`section '${name}' ${decoded.problem}, as another version of sDDF has it`];
    case 'empty':
    case undefined:
      if (layout.isOptional) return [];
      return [
        `section '${name}' is all zeros, so nobody has configured it; objcopy --update-section, or a NAME.config.json`,
      ];
  }
}
