/** The programs of a testbed: an image for each domain, of TypeScript or of machine code. */

import type { Board } from '../board/board.ts';
import { flatten, regionsByName } from '../microkit/model.ts';
import { PdImage } from '../microkit/runtime/image.ts';
import { DEFAULT_MACHINE_COSTS } from '../microkit/runtime/machine-code.ts';
import {
  type HartMachine,
  MachineImage,
  type MachinePrograms,
  plansOf,
} from '../microkit/runtime/machine-image.ts';
import { Translations } from '../riscv/translator/translations.ts';
import { exceptionText } from './exception-text.ts';
import type { TestbedObserver } from './observer.ts';
import { TestbedError } from './testbed-error.ts';
import type { TestbedOptions } from './testbed-options.ts';

export const NO_IMAGES: MachinePrograms = new Map();

/** @throws TestbedError for a domain that has no program */
export function makeImages(
  options: TestbedOptions,
  { ram, clock: boardClock }: Board,
  observer: TestbedObserver,
): readonly (PdImage | MachineImage)[] {
  const regions = regionsByName(options.system);
  const { system, images = NO_IMAGES } = options;
  const plans = plansOf(images);
  const costs = options.costs?.machineCode ?? DEFAULT_MACHINE_COSTS;
  const { engine = 'auto', bulk = 'at once', sampling, debugger: debug, coverage } = options;
  const { translations = new Translations() } = options;
  const clock = boardClock.kind === 'virtual' ? 'virtual' : () => boardClock.refresh();
  const machine: HartMachine = {
    ram,
    clock,
    costs,
    engine,
    bulk,
    translations,
    sampling,
    debugger: debug,
    coverage,
  };
  const log = (name: string, text: string): void => observer.log(name, text);
  return flatten(system).map((pd) => {
    const machineCode = images.get(pd.pd.name);
    if (machineCode !== undefined) {
      return new MachineImage({ system, pd, regions, plans, program: machineCode, machine, log });
    }
    const program = options.programs?.get(pd.pd.name) ?? pd.pd.image.program;
    if (program === undefined) {
      throw new TestbedError(
        `protection domain '${pd.pd.name}': no program for image '${pd.pd.image.path}'${advice(pd.pd.image.path)}`,
      );
    }
    return new PdImage({
      system,
      pd,
      regions,
      plans,
      program,
      observer: {
        log,
        exception: (name, error) => observer.log(name, exceptionText(error)),
      },
    });
  });
}

/** Images of this package are not committed. */
function advice(image: string): string {
  return image.startsWith('programs/build/') ? '; npm run programs builds it' : '';
}
