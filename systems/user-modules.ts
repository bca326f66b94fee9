/**
 * Modules of a user's own, and an instance of them for each domain: two domains of one program
 * share nothing that the program keeps outside `main`, nor do programs that import the same file.
 */

import { randomUUID } from 'node:crypto';

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
