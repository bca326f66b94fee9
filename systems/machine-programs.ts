/**
 * The domains of a system whose program image is machine code, each image planned for its domain.
 * Where image files come from is the caller's: a disk, or what was dropped onto the page.
 */

import type { ElfImage } from '../microkit/elf/image.ts';
import { planImage } from '../microkit/elf/plan.ts';
import { flatten, type PdDescription, type SystemDescription } from '../microkit/model.ts';
import { machineRuntime } from '../microkit/runtime/machine-image.ts';
import type { MachineProgram, MachinePrograms } from '../microkit/runtime/machine-program.ts';

export interface ImageFiles {
  /**
   * @param path as the description has it
   * @returns the image, and where it was found; undefined when there is none, or it is no ELF file
   */
  program(path: string): { readonly path: string; readonly image: ElfImage } | undefined;
  /** The file that `path_for_symbols` names. */
  symbols(path: string): ElfImage | undefined;
  /** What to do about symbols that are not there; ends a message. */
  readonly advice: string;
}

export type MachineResult =
  | { readonly ok: true; readonly programs: MachinePrograms }
  /** A line each. */
  | { readonly ok: false; readonly problems: readonly string[] };

/** @returns by domain; a domain whose image is a module, or not there, is none of them */
export function planMachinePrograms(system: SystemDescription, files: ImageFiles): MachineResult {
  const programs = new Map<string, MachineProgram>();
  const problems: string[] = [];
  for (const { pd } of flatten(system)) {
    if (pd.image.program !== undefined) continue;
    const planned = planProgram(system, files, pd);
    if (planned === undefined) continue;
    if (planned.ok) programs.set(pd.name, planned.program);
    else
      problems.push(...planned.problems.map((text) => `protection domain '${pd.name}': ${text}`));
  }
  return problems.length === 0 ? { ok: true, programs } : { ok: false, problems };
}

type Planned =
  | { readonly ok: true; readonly program: MachineProgram }
  | { readonly ok: false; readonly problems: readonly string[] };

function planProgram(
  system: SystemDescription,
  files: ImageFiles,
  pd: PdDescription,
): Planned | undefined {
  const found = files.program(pd.image.path);
  if (found === undefined) return undefined;
  const { path, image } = found;
  const { pathForSymbols } = pd.image;
  const symbols = pathForSymbols === undefined ? undefined : files.symbols(pathForSymbols)?.symbols;
  if (pathForSymbols !== undefined && symbols === undefined) {
    const problem = `path_for_symbols: no ELF file ${pathForSymbols}; ${files.advice}`;
    return { ok: false, problems: [problem] };
  }
  const planned = planImage({ system, pd, image, ...(symbols === undefined ? {} : { symbols }) });
  if (planned.ok)
    return { ok: true, program: { path, image, plan: planned.plan, runtime: machineRuntime } };
  return { ok: false, problems: planned.problems.map((problem) => `${path}: ${problem}`) };
}
