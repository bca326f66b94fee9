/** The domains of a system whose program image is machine code: read along the search path. */

import { UserMistake } from '../../host/problem.ts';
import type { SystemDescription } from '../../microkit/model.ts';
import type { MachinePrograms } from '../../microkit/runtime/machine-program.ts';
import { planMachinePrograms } from '../../systems/machine-programs.ts';
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
  const { system, folders, imageLimitBytes } = search;
  const images = new ImageCache(imageLimitBytes === undefined ? {} : { imageLimitBytes });
  const planned = planMachinePrograms(system, {
    program: (name) => {
      const path = findProgram(folders, name);
      const image = path === undefined ? undefined : images.read(path);
      return path === undefined || image === undefined ? undefined : { path, image };
    },
    symbols: (name) => {
      const path = findAlong(folders, name);
      return path === undefined ? undefined : images.read(path);
    },
    advice: 'see --search-path',
  });
  if (planned.ok) return planned.programs;
  throw new UserMistake(planned.problems.join('\n'));
}
