/**
 * Modules of a user's own, and an instance of them for each domain: two domains of one program
 * share nothing that the program keeps outside `main`, nor do programs that import the same file.
 */

import { randomUUID } from 'node:crypto';
import { flatten, type SystemDescription } from '../microkit/model.ts';
import type { Program } from '../microkit/pd.ts';
import { isOfPackage } from './own-programs.ts';

/**
 * @param instance of the module: one that another call has been given is that one again; the usual
 * one unless told
 */
export async function importUserModule(
  file: URL,
  instance?: string,
): Promise<Record<string, unknown>> {
  await import('./user-module-hooks.ts');
  const url = new URL(file);
  if (instance !== undefined) url.searchParams.set('domain', instance);
  return (await import(url.href)) as Record<string, unknown>;
}

/** The name of a new instance for a domain: a second testbed in one process begins anew. */
export function newInstance(domain: string): string {
  return `${domain}.${randomUUID()}`;
}

/**
 * The programs of a system that a module describes: for each domain, the module's instance for that
 * domain describes the system once more, and the domain's program is taken from there.
 *
 * @param system the description, from the instance that belongs to no domain
 * @param describe what the instance for a domain describes, made with the same choices
 * @param lacks what is thrown when that has no program for the domain; `problem` goes behind the
 * module's name
 * @returns by domain; left out are those with a program of this package, or without a function
 */
export async function programsOfModule(
  system: SystemDescription,
  describe: (domain: string) => Promise<SystemDescription>,
  lacks: (problem: string) => Error,
): Promise<ReadonlyMap<string, Program>> {
  const programs = new Map<string, Program>();
  for (const { pd } of flatten(system)) {
    const { program } = pd.image;
    if (program === undefined || (await isOfPackage(program, pd.image.path))) continue;
    const described = flatten(await describe(pd.name)).find((each) => each.pd.name === pd.name);
    const own = described?.pd.image.program;
    if (own === undefined) {
      const what = `has no program for '${pd.name}' when it is called again`;
      throw lacks(`build() ${what}; it has to describe the same system each time`);
    }
    programs.set(pd.name, own);
  }
  return programs;
}
