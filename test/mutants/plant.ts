/**
 * Plants a bug: a copy of our programs with one module changed, in a folder of its own. The tree is not touched. What the
 * copies import from other rooms is the tree's, so that regions and assertions are the same classes.
 */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { flatten } from '../../microkit/model.ts';
import type { Program } from '../../microkit/pd.ts';
import { applyEdits, type Mutant } from '../../sim/mutants/mutant.ts';
import { withSmallQueues } from '../../sim/mutants/small-queues.ts';
import type { WorldSystem } from '../../sim/world.ts';
import { systems } from '../../systems/index.ts';
import { completeChoices } from '../../systems/system.ts';

const TREE = fileURLToPath(new URL('../../', import.meta.url));
/** The rooms of programs, and of the queues that they are built on. */
const COPIED = ['drivers', 'virtualisers', 'clients', 'queues'];
const IMPORT = /(from\s+')(\.[^']*)(')/g;

/** @returns the system of a mutant with its bug in it; without one when `mutant` changes nothing */
export async function plantedSystem(
  mutant: Pick<Mutant, 'file' | 'edits' | 'system' | 'name'>,
  folder: string,
): Promise<WorldSystem> {
  const system = withSmallQueues(await describe(mutant.system), mutant.system.shrunkBy);
  if (mutant.edits.length === 0) return { system };
  const root = join(folder, mutant.name);
  copyPrograms(root, mutant);
  const programs = new Map<string, Program>();
  for (const { pd } of flatten(system)) {
    const path = pd.image.path;
    if (!COPIED.some((room) => path.startsWith(`${room}/`))) continue;
    const module = (await import(pathToFileURL(join(root, path)).href)) as { main?: Program };
    if (module.main !== undefined) programs.set(pd.name, module.main);
  }
  return { system, programs };
}

async function describe({ name, choices }: Mutant['system']) {
  const ready = systems.find((each) => each.name === name);
  if (ready === undefined) throw new Error(`no system '${name}'`);
  const module = await ready.load();
  const built = module.build(completeChoices(module, choices));
  if (!built.ok) throw new Error(`${name} cannot be built`);
  return built.system;
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
