/**
 * Finds the system that a command is about: a ready-made one by name, a module, or an XML
 * description.
 */

import { dirname } from 'node:path';
import type { FileUse } from '../../host/file-use.ts';
import { UserMistake } from '../../host/problem.ts';
import type { BuildResult } from '../../microkit/builder.ts';
import { formatDiagnostic } from '../../microkit/diagnostic.ts';
import { flatten, type SystemDescription } from '../../microkit/model.ts';
import type { MachinePrograms } from '../../microkit/runtime/machine-program.ts';
import { systems } from '../../systems/index.ts';
import { ChoiceError, type SystemModule, completeChoices } from '../../systems/system.ts';
import { programsOfModule, systemIn } from '../../systems/described-module.ts';
import { isOfPackage } from '../../systems/own-programs.ts';
import { didYouMean } from '../closest.ts';
import { explainChoice, type SystemOptions } from './choices.ts';
import { refuseSdkOutput } from '../describe/sdk-output.ts';
import { describedBadly } from './description-problems.ts';
import type { FileSearch, LoadedSystem } from './loaded-system.ts';
import type { MachineSearch } from './machine-programs.ts';
import { loadUserModule, MODULE } from './user-modules.ts';
import {
  attachUserDevices,
  buildUserSystem,
  checkUserOptions,
  readUserOracles,
} from './user-system.ts';

/**
 * @param reference a name of `sddf list`, `./file.ts`, or `FILE.system`
 * @param choices made by name: the system has to offer them
 * @param implied what other options come to, as far as the system offers it; `choices` come first
 * @throws UserMistake
 */
export async function loadSystem(
  reference: string,
  choices: Readonly<Record<string, string>>,
  search: FileSearch,
  implied: Readonly<Record<string, string>> = {},
): Promise<LoadedSystem> {
  if (reference.endsWith('.system')) {
    const { loadDescription } = await import('./description-source.ts');
    return loadDescription(reference, search);
  }
  const module = await systemModule(reference);
  const request = { ...search, choices, implied };
  const loaded = await buildSystem(reference, module, request);
  if (!loaded.hasUserPrograms) return loaded;
  return { ...loaded, programs: await ownInstances(reference, loaded.system, request) };
}

/** @throws UserMistake when the module describes another system for a domain */
function ownInstances(
  path: string,
  system: SystemDescription,
  request: BuildRequest,
): Promise<LoadedSystem['programs']> {
  const describe = async (domain: string): Promise<SystemDescription> =>
    describeSystem(path, await loadModule(path, domain), request).system;
  return programsOfModule(system, {
    describe,
    isShared: (program, pd) => isOfPackage(program, pd.image.path),
    lacks: (problem) => new UserMistake(`${path}: ${problem}`),
  });
}

/**
 * What a system lets be chosen; nothing for a `.system` file.
 *
 * @throws UserMistake when there is no such system
 */
export async function optionsOf(reference: string): Promise<SystemOptions> {
  if (reference.endsWith('.system')) return {};
  return (await systemModule(reference)).options ?? {};
}

async function systemModule(reference: string): Promise<SystemModule> {
  if (MODULE.test(reference)) return loadModule(reference);
  refuseSdkOutput(reference);
  if (BUILT.test(reference)) {
    throw new UserMistake(
      `${reference}: is what a system is built into; give its .system file, and --search-path with the folder of its images`,
    );
  }
  const ready = systems.find((system) => system.name === reference);
  if (ready !== undefined) return ready.load();
  const names = systems.map((system) => system.name);
  throw new UserMistake(
    `no system '${reference}'${didYouMean(reference, names)}; sddf list shows them, ./file.ts and FILE.system run too`,
  );
}

/** The file that a system is read from, if it is not a ready-made one. */
export function systemFile(reference: string): readonly FileUse[] {
  const isFile = /\.[a-z]+$/.test(reference);
  return isFile ? [{ path: reference, use: 'read', by: 'the system' }] : [];
}

interface BuildRequest extends Pick<FileSearch, 'imageLimitBytes'> {
  readonly choices: Readonly<Record<string, string>>;
  readonly implied: Readonly<Record<string, string>>;
}

async function buildSystem(
  name: string,
  module: SystemModule,
  request: BuildRequest,
): Promise<LoadedSystem> {
  const { system, warnings } = describeSystem(name, module, request);
  const { attachDevices } = module;
  const oracles = readUserOracles(name, module.oracles);
  const folders = [dirname(name), '.'];
  const { imageLimitBytes } = request;
  return {
    name: system.name,
    system,
    counters: module.counters ?? {},
    programs: new Map(),
    images: await imagesOf({ system, folders, imageLimitBytes }),
    warnings: warnings.map((warning) => formatDiagnostic(warning, name, [])),
    notOffered: Object.keys(request.implied).filter((option) => !isOffered(module, option)),
    from: 'module',
    hasUserPrograms: MODULE.test(name),
    ...(oracles === undefined ? {} : { oracles }),
    ...(attachDevices === undefined
      ? {}
      : { attachDevices: attachUserDevices(name, attachDevices) }),
  };
}

/** What reads images is loaded where a domain may have one. */
async function imagesOf(search: MachineSearch): Promise<MachinePrograms> {
  const isImage = flatten(search.system).some(({ pd }) => pd.image.program === undefined);
  if (!isImage) return new Map();
  return (await import('./machine-programs.ts')).machinePrograms(search);
}

function describeSystem(
  name: string,
  module: SystemModule,
  { choices, implied }: BuildRequest,
): Extract<BuildResult, { ok: true }> {
  const wanted = Object.entries(implied).filter(([option]) => isOffered(module, option));
  let complete: Readonly<Record<string, string>>;
  try {
    complete = completeChoices(module, { ...Object.fromEntries(wanted), ...choices });
  } catch (error) {
    if (error instanceof ChoiceError) throw explainChoice(name, error);
    throw error;
  }
  const built = buildUserSystem(name, module, complete);
  if (!built.ok) throw describedBadly(name, built.errors, []);
  return built;
}

function isOffered(module: SystemModule, option: string): boolean {
  return Object.hasOwn(module.options ?? {}, option);
}

async function loadModule(path: string, domain?: string): Promise<SystemModule> {
  const loaded = await loadUserModule(path, domain);
  const module = systemIn(loaded);
  if (module === undefined) {
    throw new UserMistake(
      `${path}: exports no system; export function build(), see docs/writing-a-driver.md`,
    );
  }
  checkUserOptions(path, module);
  return module;
}

/** What the SDK makes of a system: its image for the loader, images of domains, its report. */
const BUILT = /(?:^|[/])report\.txt$|\.(?:img|elf)$/;
