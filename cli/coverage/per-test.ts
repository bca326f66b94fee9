/**
 * A folder with a tracefile for each test or world, and an index that says which is whose and how
 * it is run again: what `sddf coverage why` reads.
 */

import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lcovText } from '../../debug/coverage/lcov.ts';
import type { Sources } from '../../debug/coverage/source-coverage.ts';
import { explainSystemError, UserMistake } from '../../host/problem.ts';
import { makeFolder } from '../../host/make-folder.ts';

export const INDEX = 'index.json';
const SCHEMA = 1;
const OURS = /^\d{4,}-.*\.info$/;
const SLUG_MAX = 60;

/** One test or world. */
export interface CoveredRun {
  readonly name: string;
  /** In the folder. */
  readonly file: string;
  /** Runs it again; undefined for what no single one of them does. */
  readonly command?: string | undefined;
}

export interface RunToAdd {
  readonly number: number;
  readonly name: string;
  readonly command: string | undefined;
}

export class PerTestFolder {
  readonly #folder: string;
  readonly #runs: (CoveredRun & { readonly number: number })[] = [];

  /** Takes the place of what another run has written there. @throws UserMistake */
  constructor(folder: string) {
    this.#folder = folder;
    this.#explained(() => {
      makeFolder(folder);
      const old = readdirSync(folder).filter((name) => OURS.test(name) || name === INDEX);
      for (const name of old) rmSync(join(folder, name));
    });
  }

  /** @param number of the test, or the world's seed: in any order */
  add({ number, name, command }: RunToAdd, sources: Sources): void {
    const slug = name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .slice(0, SLUG_MAX);
    const file = `${String(number).padStart(4, '0')}-${slug}.info`;
    this.#explained(() => writeFileSync(join(this.#folder, file), lcovText(sources, name)));
    this.#runs.push({ number, name, file, command });
  }

  close(): void {
    const runs = this.#runs
      .toSorted((a, b) => a.number - b.number)
      .map(({ name, file, command }) => ({ name, file, command }));
    const text = `${JSON.stringify({ schema: SCHEMA, runs }, null, 1)}\n`;
    this.#explained(() => writeFileSync(join(this.#folder, INDEX), text));
  }

  #explained(work: () => void): void {
    try {
      work();
    } catch (error) {
      throw explainSystemError(error, this.#folder);
    }
  }
}

/** @throws UserMistake when there is none */
export function readIndex(folder: string): readonly CoveredRun[] {
  const path = join(folder, INDEX);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw notOurs(path);
    throw new UserMistake(
      `${folder}: has no ${INDEX}; sddf test --coverage-per-test ${folder} writes one`,
    );
  }
  const { schema, runs } = (value ?? {}) as { schema?: unknown; runs?: unknown };
  if (schema !== SCHEMA || !Array.isArray(runs) || !runs.every(isRun)) throw notOurs(path);
  return runs;
}

function isRun(value: unknown): value is CoveredRun {
  const { name, file, command } = (value ?? {}) as Partial<Record<keyof CoveredRun, unknown>>;
  const isText = typeof name === 'string' && typeof file === 'string' && OURS.test(file);
  return isText && (command === undefined || typeof command === 'string');
}

function notOurs(path: string): UserMistake {
  return new UserMistake(`${path}: is no index of coverage per test of this version`);
}
