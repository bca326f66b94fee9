/**
 * Plants a bug: a copy of our programs with one module changed, in a folder of its own; one in C is
 * built there. The tree is not touched. What the copies import from other rooms is the tree's, so
 * that regions and assertions are the same classes.
 */

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { machinePrograms } from '../../cli/run/machine-programs.ts';
import { flatten } from '../../microkit/model.ts';
import type { Program } from '../../microkit/pd.ts';
import { applyEdits, type Mutant } from '../../sim/mutants/mutant.ts';
import { withSmallQueues } from '../../sim/mutants/small-queues.ts';
import { WorldMemory } from '../../sim/world-memory.ts';
import type { WorldSystem } from '../../sim/world.ts';
import { systems } from '../../systems/index.ts';
import { completeChoices } from '../../systems/system.ts';
import { buildPrograms } from '../support/c-programs.ts';

/** Whether a mutant is machine code, and so needs a compiler. */
export function isMachineCode({ file }: Pick<Mutant, 'file'>): boolean {
  return file.startsWith('programs/');
}

const TREE = fileURLToPath(new URL('../../', import.meta.url));
const BUILD_SCRIPT = 'scripts/build-programs.mjs';
const NETWORK_IMAGES = ['eth_driver', 'network_virt_rx', 'network_virt_tx', 'network_copy'];
/** The rooms of programs, and of the queues that they are built on. */
const COPIED = ['drivers', 'virtualisers', 'clients', 'queues'];
const IMPORT = /(from\s+')(\.[^']*)(')/g;

/** @returns the system of a mutant with its bug in it; without one when `mutant` changes nothing */
export async function plantedSystem(
  mutant: Pick<Mutant, 'file' | 'edits' | 'system' | 'name'>,
  folder: string,
): Promise<WorldSystem> {
  const described = await describe(mutant.system);
  const system = withSmallQueues(described.system, mutant.system.shrunkBy);
  const { counters } = described;
  const memory = new WorldMemory();
  if (isMachineCode(mutant)) {
    const root =
      mutant.edits.length === 0 ? builtTree() : buildChanged(join(folder, mutant.name), mutant);
    return { system, counters, memory, images: machinePrograms({ system, folders: [root] }) };
  }
  if (mutant.edits.length === 0) return { system, counters, memory };
  const root = join(folder, mutant.name);
  copyPrograms(root, mutant);
  const programs = new Map<string, Program>();
  for (const { pd } of flatten(system)) {
    const path = pd.image.path;
    if (!COPIED.some((room) => path.startsWith(`${room}/`))) continue;
    const module = (await import(pathToFileURL(join(root, path)).href)) as { main?: Program };
    if (module.main !== undefined) programs.set(pd.name, module.main);
  }
  return { system, counters, memory, programs };
}

/** @returns where the copy of a program of ours is, in the tree with the bug in it */
export function plantedFile(
  mutant: Pick<Mutant, 'file' | 'edits' | 'name'>,
  folder: string,
  path: string,
): string {
  const root = join(folder, mutant.name);
  if (!existsSync(root)) copyPrograms(root, mutant);
  return join(root, path);
}

/** @returns where the images of a mutant in C are, built with the bug in it */
export function plantedImages(
  mutant: Pick<Mutant, 'file' | 'edits' | 'name'>,
  folder: string,
): string {
  const root = join(folder, mutant.name);
  if (!existsSync(root)) buildChanged(root, mutant);
  return join(root, 'programs/build');
}

async function describe({ name, choices }: Mutant['system']) {
  const ready = systems.find((each) => each.name === name);
  if (ready === undefined) throw new Error(`no system '${name}'`);
  const module = await ready.load();
  const built = module.build(completeChoices(module, choices));
  if (!built.ok) throw new Error(`${name} cannot be built`);
  return { system: built.system, counters: module.counters ?? {} };
}

/** The tree, with its images built. */
function builtTree(): string {
  buildPrograms();
  return TREE;
}

/** A copy of programs/ with one file changed, and its images. @returns where it lies */
function buildChanged(root: string, { file, edits }: Pick<Mutant, 'file' | 'edits'>): string {
  const isSource = (path: string): boolean => !path.startsWith(join(TREE, 'programs/build'));
  cpSync(join(TREE, 'programs'), join(root, 'programs'), { recursive: true, filter: isSource });
  mkdirSync(join(root, 'scripts'));
  const script = join(root, BUILD_SCRIPT);
  cpSync(join(TREE, BUILD_SCRIPT), script);
  const changed = applyEdits(readFileSync(join(TREE, file), 'utf8'), edits);
  if (changed === undefined) throw new Error(`${file}: an edit does not fit exactly once`);
  writeFileSync(join(root, file), changed);
  const built = spawnSync(process.execPath, [script, ...NETWORK_IMAGES], { encoding: 'utf8' });
  if (built.status !== 0) throw new Error(built.stderr);
  return root;
}

function copyPrograms(root: string, { file, edits }: Pick<Mutant, 'file' | 'edits'>): void {
  mkdirSync(root, { recursive: true });
  // Without it the loader would take the copies for CommonJS.
  writeFileSync(join(root, 'package.json'), '{ "type": "module" }\n');
  for (const path of COPIED.flatMap(sourcesIn)) {
    const text = readFileSync(join(TREE, path), 'utf8');
    const changed = path === file ? applyEdits(text, edits) : text;
    if (changed === undefined) throw new Error(`${file}: an edit does not fit exactly once`);
    const to = join(root, path);
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, withImportsOfTree(changed, path, to));
  }
}

function sourcesIn(room: string): readonly string[] {
  return readdirSync(join(TREE, room), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => `${room}/${name}`);
}

/** Imports of rooms that are not copied lead back into the tree. */
function withImportsOfTree(text: string, path: string, to: string): string {
  return text.replaceAll(IMPORT, (whole, before: string, specifier: string, after: string) => {
    const target = resolve(TREE, dirname(path), specifier);
    const inTree = relative(TREE, target);
    if (COPIED.some((room) => inTree.startsWith(`${room}/`))) return whole;
    return `${before}${relative(dirname(to), target)}${after}`;
  });
}
