/**
 * Gives each domain with a program of this package the program's main module as an instance of its
 * own. V8 then compiles the program for one domain alone, with its queues and its memory as
 * constants (`docs/hot-code.md`): with two clients, a fifth of a packet's time.
 *
 * This is for speed alone. Modules of this package keep nothing outside `main`
 * (`test/style.test.ts`), so that domains may as well share them. What a user's own modules may
 * keep there is why `user-modules.ts` gives every domain its own.
 */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { flatten, type SystemDescription } from '../microkit/model.ts';
import type { Program } from '../microkit/pd.ts';

const PACKAGE = new URL('../', import.meta.url);
/** Compiled, the package's modules end like this one. */
const ENDING = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

/**
 * So many domains of one program have one each. More share it: their code would displace each
 * other's from the caches.
 */
const OWN_MAX = 8;
const IN_PACKAGE = /^(?:drivers|virtualisers|clients)\/[a-z0-9/-]+\.ts$/;

/**
 * @returns by domain, programs for `TestbedOptions.programs`; all others have what the description
 * says, and so has the first domain of each program
 */
export async function ownPrograms(
  system: SystemDescription,
): Promise<ReadonlyMap<string, Program>> {
  const domains = flatten(system).map(({ pd }) => pd);
  const toHave = domainsToHaveOwn(domains.map(({ name, image }) => [name, image.program]));
  const own = new Map<string, Program>();
  for (const { name, image } of domains) {
    const { program, path } = image;
    if (program === undefined || !toHave.has(name)) continue;
    if (!(await isOfPackage(program, path))) continue;
    const instance = await mainOf(path, name);
    if (instance !== undefined) own.set(name, instance);
  }
  return own;
}

/**
 * @param programs each domain and what its program is known by
 * @returns the domains for which another instance is to be made; the first of each program has the
 * module itself
 */
export function domainsToHaveOwn(
  programs: readonly (readonly [domain: string, program: unknown])[],
): ReadonlySet<string> {
  const toHave = new Set<string>();
  for (const [domain, program] of programs) {
    const sharers = programs.filter(([, other]) => other === program);
    const isFirst = sharers[0]?.[0] === domain;
    if (!isFirst && sharers.length <= OWN_MAX) toHave.add(domain);
  }
  return toHave;
}

/**
 * Whether a program is this package's own: what its image's path names, and not another one's of
 * the same path.
 */
export async function isOfPackage(program: Program, path: string): Promise<boolean> {
  return (await mainOf(path)) === program;
}

/** @param path of a file, absolute */
export function isPackageProgram(path: string): boolean {
  const root = fileURLToPath(PACKAGE);
  return path.startsWith(root) && IN_PACKAGE.test(path.slice(root.length).replace(/\.js$/, '.ts'));
}

/** @returns undefined when this package has no such program */
async function mainOf(path: string, domain?: string): Promise<Program | undefined> {
  if (!IN_PACKAGE.test(path)) return undefined;
  const module = new URL(path.replace(/\.ts$/, ENDING), PACKAGE);
  if (!existsSync(module)) return undefined;
  if (domain !== undefined) module.searchParams.set('domain', domain);
  return ((await import(module.href)) as { readonly main?: Program }).main;
}
