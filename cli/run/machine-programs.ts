/**
 * The domains of a system whose program image is machine code: read along the search path, and
 * planned for each of them.
 */

import { UserMistake } from '../../host/problem.ts';
import type { ElfImage } from '../../microkit/elf/image.ts';
import { planImage } from '../../microkit/elf/plan.ts';
import { flatten, type PdDescription, type SystemDescription } from '../../microkit/model.ts';
import { machineRuntime } from '../../microkit/runtime/machine-image.ts';
import type { MachineProgram, MachinePrograms } from '../../microkit/runtime/machine-program.ts';
import { findAlong, findProgram } from '../describe/description-file.ts';
import { ImageCache } from '../describe/program-image.ts';

export interface MachineSearch {
  readonly system: SystemDescription;
  /** Where images are looked for, in order. */
  readonly folders: readonly string[];
  /** Memory that one image may need; see `microkit/elf/reader.ts`. */
  readonly imageLimitBytes?: number | undefined;
}

/**
 * @returns by domain; a domain whose image is a module, or not there, is none of them
 * @throws UserMistake when an image cannot be run in its domain
 */
export function machinePrograms(search: MachineSearch): MachinePrograms {
  const { imageLimitBytes } = search;
  const images = new ImageCache(imageLimitBytes === undefined ? {} : { imageLimitBytes });
  const programs = new Map<string, MachineProgram>();
  for (const { pd } of flatten(search.system)) {
    const program = pd.image.program === undefined ? programOf(search, images, pd) : undefined;
    if (program !== undefined) programs.set(pd.name, program);
  }
  return programs;
}

function programOf(
  { system, folders }: MachineSearch,
  images: ImageCache,
  pd: PdDescription,
): MachineProgram | undefined {
  const path = findProgram(folders, pd.image.path);
  const image = path === undefined ? undefined : images.read(path);
  if (path === undefined || image === undefined) return undefined;
  const symbols = symbolsOf(folders, images, pd);
  const planned = planImage({ system, pd, image, ...(symbols === undefined ? {} : { symbols }) });
  if (planned.ok) return { path, image, plan: planned.plan, runtime: machineRuntime };
  const lines = planned.problems.map(
    (problem) => `protection domain '${pd.name}': ${path}: ${problem}`,
  );
  throw new UserMistake(lines.join('\n'));
}

/** Those of the file that `path_for_symbols` names. */
function symbolsOf(
  folders: readonly string[],
  images: ImageCache,
  { name, image: { pathForSymbols } }: PdDescription,
): ElfImage['symbols'] | undefined {
  if (pathForSymbols === undefined) return undefined;
  const path = findAlong(folders, pathForSymbols);
  const image = path === undefined ? undefined : images.read(path);
  if (image !== undefined) return image.symbols;
  throw new UserMistake(
    `protection domain '${name}': path_for_symbols: no ELF file ${pathForSymbols}; see --search-path`,
  );
}
