/**
 * `sddf render --elf`: a system of images. A file for each configuration section, and the lines that put them into the
 * images; with `--write`, the images themselves.
 */

import { join } from 'node:path';
import { UserMistake } from '../../host/problem.ts';
import type { EncodedSection } from '../../microkit/elf/config/section.ts';
import { configurationOf } from '../../microkit/elf/config/table.ts';
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

/** @throws UserMistake for a configuration that sDDF's structures cannot hold, and for images that do not fit */
export function renderImages(described: SystemDescription, request: ImageRequest): ImageFiles {
  const system = forImages(described, imageChoiceOf);
  const sources = new Map(flatten(described).map(({ pd }) => [pd.name, sourceImageOf(pd)]));
  const files = new Map<string, Uint8Array>();
  const commands: string[] = [];
  const warnings: string[] = [];
  for (const { pd } of flatten(system)) {
    const sections = sectionsOf(system, pd);
    const source = sources.get(pd.name) ?? pd.image.path;
    for (const section of sections) files.set(fileOf(pd, section), section.bytes);
    if (request.folders === undefined) {
      commands.push(command(request.output, { pd, source, sections }));
    } else {
      const written = writeImage(request.folders, { pd, source, sections });
      files.set(configuredImageOf(pd), written.file);
      warnings.push(...written.warnings);
    }
  }
  return { system, files, commands, warnings };
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
  const updates = sections.map((section) => {
    return `--update-section ${section.name}=${join(output, fileOf(pd, section))}`;
  });
  return [OBJCOPY, ...updates, source, join(output, configuredImageOf(pd))].join(' ');
}

function writeImage(
  folders: readonly string[],
  { pd, source, sections }: Configuration,
): { readonly file: Uint8Array; readonly warnings: readonly string[] } {
  const path = findAlong(folders, configuredImageOf(pd)) ?? findAlong(folders, source);
  if (path === undefined) {
    const names = [...new Set([configuredImageOf(pd), source])].join(' nor ');
    throw new UserMistake(
      `protection domain '${pd.name}': no image ${names} in ${folders.join(', ')}; see --search-path`,
    );
  }
  const rewritten = rewriteSections(readImageFile(path), sections);
  if (!rewritten.ok) throw new UserMistake(`${path}: ${rewritten.problem}`);
  const warnings = rewritten.missing.map(
    (name) => `warning: ${path} has no section ${name}, which '${pd.name}' would have`,
  );
  return { file: rewritten.file, warnings };
}
