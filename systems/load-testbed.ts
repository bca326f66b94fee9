/**
 * A testbed as `sddf run` makes it, with an instance of its program for each domain: what one
 * domain keeps in its modules no other one sees.
 *
 *     const system = new URL('./my-system.ts', import.meta.url);
 *     const testbed = await loadTestbed({ system, clock: 'virtual' });
 *
 * A description's functions are taken as they are. So two domains of a description may not have the
 * same function, unless it is a program of this package, of which each gets an instance.
 */

import { flatten, type SystemDescription } from '../microkit/model.ts';
import type { Program } from '../microkit/pd.ts';
import { programsOfModule, systemIn } from './described-module.ts';
import { isOfPackage, ownPrograms } from './own-programs.ts';
import { completeChoices } from './system.ts';
import { createTestbed, type Testbed, TestbedError, type TestbedOptions } from './testbed.ts';
import { importUserModule, newInstance } from './user-modules.ts';

export interface LoadOptions extends Omit<TestbedOptions, 'system'> {
  /** A description, or the module that describes the system. */
  readonly system: SystemDescription | URL;
  /** Of a module: choices for its options; standard ones for those left out. */
  readonly choices?: Readonly<Record<string, string>>;
  /** Puts something around programs, once each domain has its own. */
  readonly around?: (programs: ReadonlyMap<string, Program>) => ReadonlyMap<string, Program>;
}

/** What a module says of a system, for a testbed or a world. */
export type LoadedModule = Pick<
  TestbedOptions,
  'system' | 'counters' | 'attachDevices' | 'programs'
>;

/**
 * @throws TestbedError when the system cannot be built on this board, its module describes none, or
 * two domains have one function; ChoiceError for choices that the module does not offer
 */
export async function loadTestbed(options: LoadOptions): Promise<Testbed> {
  const { system: source, choices = {}, around, ...rest } = options;
  const loaded = source instanceof URL ? await loadModule(source, choices) : { system: source };
  const { system } = loaded;
  const own = await ownPrograms(system);
  const programs = new Map([...own, ...(loaded.programs ?? []), ...(rest.programs ?? [])]);
  await refuseShared(system, programs, (pd) => rest.images?.has(pd) === true);
  return createTestbed({ ...loaded, ...rest, programs: around?.(programs) ?? programs });
}

/**
 * @param file of a module as `systems/system.ts` describes it
 * @throws TestbedError when it describes no system; ChoiceError for choices that it does not offer
 */
export async function loadModule(
  file: URL,
  choices: Readonly<Record<string, string>> = {},
): Promise<LoadedModule> {
  const describe = async (domain: string) => {
    const loaded = await importUserModule(file, newInstance(domain));
    const module = systemIn(loaded);
    if (module === undefined) throw problem(file, 'exports no system, or function build()');
    const built = module.build(completeChoices(module, choices));
    if (!built.ok) throw problem(file, built.errors.map(({ message }) => message).join('; '));
    return { module, system: built.system };
  };
  const { module, system } = await describe('board');
  const { counters, attachDevices } = module;
  const programs = await programsOfModule(system, {
    describe: async (domain) => (await describe(domain)).system,
    isShared: (program, pd) => isOfPackage(program, pd.image.path),
    lacks: (what) => problem(file, what),
  });
  return {
    system,
    programs,
    ...(counters === undefined ? {} : { counters }),
    ...(attachDevices === undefined ? {} : { attachDevices }),
  };
}

function problem(file: URL, what: string): TestbedError {
  return new TestbedError(`${file.pathname}: ${what}`);
}

async function refuseShared(
  system: SystemDescription,
  programs: ReadonlyMap<string, Program>,
  isImage: (pd: string) => boolean,
): Promise<void> {
  const first = new Map<Program, string>();
  for (const { pd } of flatten(system)) {
    const program = programs.get(pd.name) ?? pd.image.program;
    if (program === undefined || isImage(pd.name)) continue;
    const other = first.get(program);
    first.set(program, other ?? pd.name);
    if (other === undefined || (await isOfPackage(program, pd.image.path))) continue;
    throw new TestbedError(
      `'${other}' and '${pd.name}' have one function as their program, '${program.name}' of ${pd.image.path}, and would share ` +
        `what it keeps outside itself; give loadTestbed the URL of the module that describes the system`,
    );
  }
}
