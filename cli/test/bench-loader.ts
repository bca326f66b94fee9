/** Finds the unit of a bench, an image or a module, and puts it between its peers. */

import { existsSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserMistake } from '../../host/problem.ts';
import { forImages } from '../../microkit/elf/for-images.ts';
import type { SystemDescription } from '../../microkit/model.ts';
import type { Program } from '../../microkit/pd.ts';
import type { CounterNames } from '../../queues/counters.ts';
import type { SceneRequest } from '../../testing/file/test-file.ts';
import { type Kept, makeScene, type Scene } from '../../testing/run/scene.ts';
import { makeBench, roleNamed } from '../../testing/unit/make-bench.ts';
import { deviceMemoryOf } from '../describe/sddf-images.ts';
import { machinePrograms } from '../run/machine-programs.ts';
import { loadUserModule } from '../run/user-modules.ts';
import { oursIn } from './suites.ts';

export interface BenchRequest extends SceneRequest {
  /** Of the file of tests. */
  readonly folder: string;
}

/** Programs of this package keep nothing outside `main`. */
const PACKAGE = fileURLToPath(new URL('../../', import.meta.url));
const MODULE = /\.[cm]?[jt]s$/;

/** @throws UserMistake */
export async function loadBench(request: BenchRequest, kept: Kept): Promise<Scene> {
  const { role = '', unit = '', bench: numbers } = request;
  roleNamed(role);
  const path = unitPath(request, unit);
  if (MODULE.test(path)) return loadModule(path, request, kept);
  const made = makeBench(role, { image: basename(path) }, numbers);
  const { bench } = made;
  const system = withDeviceMemory(made.system, role, bench.unit);
  const images = machinePrograms({ system, folders: [dirname(path)] });
  if (!images.has(bench.unit)) {
    throw new UserMistake(`${unit}: is neither an ELF image for RISC-V nor a .ts or .js module`);
  }
  return makeScene({ system, images }, kept, bench);
}

/** A driver of sDDF's may share more with its device than ours does. */
function withDeviceMemory(
  system: SystemDescription,
  role: string,
  unit: string,
): SystemDescription {
  const deviceMemory = deviceMemoryOf(oursIn(role));
  if (deviceMemory.length === 0) return system;
  return forImages(system, ({ name, image }) =>
    name === unit ? { path: image.path, deviceMemory } : undefined,
  );
}

async function loadModule(path: string, request: BenchRequest, kept: Kept): Promise<Scene> {
  const { role = '', unit = '', bench: numbers } = request;
  const isOurs = resolve(path).startsWith(PACKAGE);
  const { main, counters } = await loadUserModule(path, isOurs ? undefined : 'unit');
  if (typeof main !== 'function') {
    throw new UserMistake(`${unit}: exports no function main, which a program's module has to`);
  }
  const { system, bench } = makeBench(role, { image: unit, program: main as Program }, numbers);
  const names = counters === undefined ? {} : { [bench.unit]: counters as CounterNames<string> };
  const scene = makeScene({ system, counters: names }, kept, bench);
  if (isOurs) return scene;
  // What a program of the user's keeps outside `main` is not to leak from test to test.
  return { ...scene, renew: () => loadModule(path, request, kept) };
}

/** @throws UserMistake when there is none */
function unitPath({ folder, searchPath }: BenchRequest, unit: string): string {
  if (isAbsolute(unit)) return demandFile(unit, unit);
  const places = [folder, ...searchPath].map((each) => join(each, unit));
  return demandFile(places.find((place) => existsSync(place)) ?? unit, unit);
}

function demandFile(path: string, unit: string): string {
  if (existsSync(path)) return path;
  throw new UserMistake(
    `${unit}: no such file; it is looked for beside the tests, and in search-path`,
  );
}
