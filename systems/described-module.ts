/**
 * A module of a user's that describes a system: found in what was loaded, and its programs, for
 * each domain from the module's instance for that domain. How modules are loaded is the host's, or
 * the page's.
 */

import type { BuildResult } from '../microkit/builder.ts';
import { flatten, type PdDescription, type SystemDescription } from '../microkit/model.ts';
import type { Program } from '../microkit/pd.ts';
import { asSystemModule, type SystemModule } from './system.ts';

/** @returns the first system that a loaded module is, or exports; undefined when it has none */
export function systemIn(loaded: Readonly<Record<string, unknown>>): SystemModule | undefined {
  const candidates = [loaded, ...Object.values(loaded)].map(asSystemModule);
  return candidates.find((found) => found !== undefined);
}

/** Whether `build` has returned what it has to. */
export function isBuildResult(built: unknown): built is BuildResult {
  if (typeof built !== 'object' || built === null || !('ok' in built)) return false;
  if (built.ok === false) return 'errors' in built && Array.isArray(built.errors);
  return built.ok === true && 'system' in built && 'warnings' in built;
}

/** What `build` has returned instead; goes behind "build()". */
export function wrongBuildResult(built: unknown): string {
  if (built === undefined) return 'returns nothing; end it with return sys.build()';
  if (isPromise(built)) return 'is async; it has to return sys.build() itself';
  if (typeof built === 'object' && built !== null && 'build' in built) {
    return 'returns the builder; end it with return sys.build()';
  }
  return 'returns no system; end it with return sys.build()';
}

export function isPromise(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value;
}

export interface OwnInstances {
  /** What the instance for a domain describes, made with the same choices. */
  describe(domain: string): Promise<SystemDescription>;
  /** Whether a program is the package's own, which domains share. */
  isShared(program: Program, pd: PdDescription): Promise<boolean>;
  /** What is thrown when an instance has no program for its domain. @param what in one line */
  lacks(what: string): Error;
}

/**
 * The programs of a system that a module describes: for each domain, the module's instance for that
 * domain describes the system once more, and the domain's program is taken from there.
 *
 * @param system the description, from the instance that belongs to no domain
 * @returns by domain; left out are those with a shared program, or without a function
 */
export async function programsOfModule(
  system: SystemDescription,
  instances: OwnInstances,
): Promise<ReadonlyMap<string, Program>> {
  const programs = new Map<string, Program>();
  for (const { pd } of flatten(system)) {
    const { program } = pd.image;
    if (program === undefined || (await instances.isShared(program, pd))) continue;
    const described = flatten(await instances.describe(pd.name)).find(
      (each) => each.pd.name === pd.name,
    );
    const own = described?.pd.image.program;
    if (own === undefined) {
      const what = `has no program for '${pd.name}' when it is called again`;
      throw instances.lacks(`build() ${what}; it has to describe the same system each time`);
    }
    programs.set(pd.name, own);
  }
  return programs;
}
