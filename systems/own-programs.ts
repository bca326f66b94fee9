/**
 * Gives each protection domain its program's main module as an instance of its own, somewhat as on
 * Microkit each has its own copy of its program's image; what that module imports is shared. V8
 * then compiles the program for one domain alone, with its queues and its memory as constants
 * (`docs/hot-code.md`): with two clients, a fifth of a packet's time.
 *
 * A domain without one runs as well, and shares its code with others of the same program.
 */

import { existsSync } from 'node:fs';
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
 * Programs of this package only: where the module of another lies is not known here.
 *
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
    const instance = await instantiate(program, path, name);
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

/** @returns undefined when the module at this path is not the one that the program is from */
async function instantiate(
  program: Program,
  path: string,
  domain: string,
): Promise<Program | undefined> {
  if (!IN_PACKAGE.test(path)) return undefined;
  const module = new URL(path.replace(/\.ts$/, ENDING), PACKAGE);
  if (!existsSync(module)) return undefined;
  if ((await mainOf(module)) !== program) return undefined;
  module.searchParams.set('domain', domain);
  return mainOf(module);
}

async function mainOf(module: URL): Promise<Program | undefined> {
  return ((await import(module.href)) as { readonly main?: Program }).main;
}
