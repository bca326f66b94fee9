/**
 * `sddf render --elf`: a system of images. A file for each configuration section, and the lines
 * that put them into the images; with `--write`, the images themselves.
 */

import { join } from 'node:path';
import { UserMistake } from '../../host/problem.ts';
import type { EncodedSection } from '../../microkit/elf/config/section.ts';
import { configurationOf, isOwnSection } from '../../microkit/elf/config/table.ts';
import { forImages } from '../../microkit/elf/for-images.ts';
import { rewriteSections } from '../../microkit/elf/rewrite.ts';
import { flatten, type PdDescription, type SystemDescription } from '../../microkit/model.ts';
import { findAlong } from './description-file.ts';
import { readImageFile } from './program-image.ts';
import { configuredImageOf, imageChoiceOf, sourceImageOf } from './sddf-images.ts';

const OBJCOPY = 'riscv64-unknown-elf-objcopy';

export interface ImageFiles {
  /** The system as the images need it. */
  readonly system: SystemDescription;
  /** By their names in the output folder. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** To be run where sDDF's images are; empty when the images are among the files. */
  readonly commands: readonly string[];
  /** Sections that an image does not have. */
  readonly warnings: readonly string[];
}

export interface ImageRequest {
  readonly output: string;
  /** Where images are looked for; undefined: only sections are written. */
  readonly folders?: readonly string[];
}

/**
 * @throws UserMistake for a configuration that sDDF's structures cannot hold, and for images that
 * do not fit
 */
export function renderImages(described: SystemDescription, request: ImageRequest): ImageFiles {
  const sources = sourcesOf(described, request.folders);
  const system = forImages(described, (pd) =>
    sources.has(pd.name) ? imageChoiceOf(pd) : undefined,
  );
  const files = new Map<string, Uint8Array>();
  const commands: string[] = [];
  const warnings = [...keptPrograms(described, sources)];
  for (const { pd } of flatten(system)) {
    const source = sources.get(pd.name);
    if (source === undefined) continue;
    const sections = sectionsOf(system, pd);
    for (const section of sections) files.set(fileOf(pd, section), section.bytes);
    if (request.folders === undefined) {
      commands.push(command(request.output, { pd, source, sections }));
    } else {
      const written = writeImage({ pd, source, sections });
      files.set(configuredImageOf(pd), written.file);
      warnings.push(...written.warnings);
    }
  }
  return { system, files, commands, warnings };
}

/**
 * @param folders where the images are; undefined: as sDDF's build names them
 * @returns by domain, the image that its own is made from
 * @throws UserMistake when there is none for any domain
 */
function sourcesOf(
  system: SystemDescription,
  folders: readonly string[] | undefined,
): ReadonlyMap<string, string> {
  const sources = new Map<string, string>();
  for (const { pd } of flatten(system)) {
    const names = [configuredImageOf(pd), sourceImageOf(pd)];
    const found =
      folders === undefined
        ? sourceImageOf(pd)
        : names.map((name) => findAlong(folders, name)).find((path) => path !== undefined);
    if (found !== undefined) sources.set(pd.name, found);
  }
  if (sources.size > 0 || folders === undefined) return sources;
  const names = [...new Set(flatten(system).map(({ pd }) => sourceImageOf(pd)))].join(', ');
  throw new UserMistake(`none of ${names} in ${folders.join(', ')}; see --search-path`);
}

/** A domain without an image keeps its program: both kinds run in one system. */
function keptPrograms(
  system: SystemDescription,
  sources: ReadonlyMap<string, string>,
): readonly string[] {
  return flatten(system)
    .filter(({ pd }) => !sources.has(pd.name))
    .map(({ pd }) => {
      const kept = `'${pd.name}' keeps its program ${pd.image.path}`;
      return `warning: no image ${sourceImageOf(pd)}: ${kept}`;
    });
}

function sectionsOf(system: SystemDescription, pd: PdDescription): readonly EncodedSection[] {
  const sections = configurationOf(system, pd);
  for (const { name, problems, addresses } of sections) {
    const [problem] = problems;
    const where = `protection domain '${pd.name}': section ${name}`;
    if (problem !== undefined) throw new UserMistake(`${where}: ${problem}`);
    const [open] = addresses;
    if (open === undefined) continue;
    throw new UserMistake(
      `${where} needs the address of region '${open.region}', which is not fixed; give it a phys_addr`,
    );
  }
  return sections;
}

function fileOf(pd: PdDescription, { name }: EncodedSection): string {
  return `${pd.name}${name}.data`;
}

/** A domain with what goes into its image. */
interface Configuration {
  readonly pd: PdDescription;
  readonly source: string;
  readonly sections: readonly EncodedSection[];
}

function command(output: string, { pd, source, sections }: Configuration): string {
  // objcopy refuses to update a section that is not there, and the lines are for sDDF's images.
  const upstream = sections.filter(({ name }) => !isOwnSection(name));
  const updates = upstream.map((section) => {
    return `--update-section ${section.name}=${join(output, fileOf(pd, section))}`;
  });
  return [OBJCOPY, ...updates, source, join(output, configuredImageOf(pd))].join(' ');
}

function writeImage({ pd, source, sections }: Configuration): {
  readonly file: Uint8Array;
  readonly warnings: readonly string[];
} {
  const rewritten = rewriteSections(readImageFile(source), sections);
  if (!rewritten.ok) throw new UserMistake(`${source}: ${rewritten.problem}`);
  const missing = rewritten.missing.filter((name) => !isOwnSection(name));
  const warnings = missing.map(
    (name) => `warning: ${source} has no section ${name}, which '${pd.name}' would have`,
  );
  return { file: rewritten.file, warnings };
}
