/**
 * Goal: docs/adding-a-class.md says what adding a class takes. Method: every source file that names
 * the i2c class stands in the page's table, or in its list; and everything there names it.
 */

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const PAGE = readFileSync(join(ROOT, 'docs/adding-a-class.md'), 'utf8');
const ROOMS = [
  'queues',
  'board',
  'drivers',
  'virtualisers',
  'clients',
  'microkit',
  'sim',
  'systems',
  'testing',
];
const FURTHER_ROOMS = ['kernel', 'memory', 'riscv', 'host', 'bench', 'debug'];

function filesOf(folder: string): readonly string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name}`)
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'));
}

const naming = [...ROOMS, ...FURTHER_ROOMS]
  .flatMap(filesOf)
  .filter((path) => /i2c/i.test(path + readFileSync(join(ROOT, path), 'utf8')));

/** Paths in backquotes: files, and folders with a slash at their end. */
const named = [...PAGE.matchAll(/`((?:[\w-]+\/)+[\w.-]*)`/g)]
  .map(([, path]) => path as string)
  .filter((path) => ROOMS.some((room) => path.startsWith(`${room}/`)));

describe('the class that was added', () => {
  it('is in no file that the page does not name', () => {
    const places = [...named, 'clients/shell/'];
    const unnamed = naming.filter(
      (path) =>
        !places.some((place) => path === place || (place.endsWith('/') && path.startsWith(place))),
    );
    expect(unnamed).toEqual([]);
  });

  it('is in everything that the page names', () => {
    const about = named.filter((path) => path !== 'queues/README.md' && path !== 'queues/generic/');
    const missing = about.filter((place) => !naming.some((path) => path.startsWith(place)));
    expect(missing).toEqual([]);
    expect(about.length).toBeGreaterThan(20);
  });

  it('is one folder in each room of programs', () => {
    for (const room of ['queues', 'board', 'drivers', 'virtualisers', 'clients']) {
      expect(statSync(join(ROOT, room, 'i2c')).isDirectory()).toBe(true);
    }
  });
});
