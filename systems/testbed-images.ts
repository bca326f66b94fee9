/** The programs of a testbed: an image for each domain, of TypeScript or of machine code. */

import type { Board } from '../board/board.ts';
import { flatten, regionsByName } from '../microkit/model.ts';
import { PdImage } from '../microkit/runtime/image.ts';
import type { HartMachine, MachineDomain } from '../microkit/runtime/machine-program.ts';
import { type MachinePrograms, plansOf } from '../microkit/runtime/machine-program.ts';
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
): readonly (PdImage | MachineDomain)[] {
  const regions = regionsByName(options.system);
  const { system, images = NO_IMAGES } = options;
  const plans = plansOf(images);
  const clock = boardClock.kind === 'virtual' ? 'virtual' : () => boardClock.refresh();
  const machine = machineOf(options, { ram, clock });
  const log = (name: string, text: string): void => observer.log(name, text);
  return flatten(system).map((pd) => {
    const machineCode = images.get(pd.pd.name);
    if (machineCode !== undefined && machine !== undefined) {
      const made = { system, pd, regions, plans, program: machineCode, machine, log };
      return machineCode.runtime.makeImage(made);
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

/** What all harts have in common; nothing where no domain is machine code. */
function machineOf(
  options: TestbedOptions,
  board: Pick<HartMachine, 'ram' | 'clock'>,
): HartMachine | undefined {
  const [first] = options.images?.values() ?? [];
  if (first === undefined) return undefined;
  const { engine = 'auto', bulk = 'at once', sampling, debugger: debug, coverage } = options;
  const { translations = first.runtime.makeTranslations() } = options;
  const costs = options.costs?.machineCode;
  return { ...board, costs, engine, bulk, translations, sampling, debugger: debug, coverage };
}

/** Images of this package are not committed. */
function advice(image: string): string {
  return image.startsWith('programs/build/') ? '; npm run programs builds it' : '';
}
