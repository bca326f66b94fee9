/**
 * Goal: the files of docs/library.md do what the page says. Method: they are taken out of it; what
 * they import from the package is this tree.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { sddfInProcess } from './support/sddf-in-process.ts';

const PAGE = readFileSync(new URL('../docs/library.md', import.meta.url), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'sddf-library-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** @returns where a file of the page was written to */
function fileOfPage(name: string): string {
  const found = new RegExp(`\`\`\`ts ${name}\\n([^]*?)\`\`\``).exec(PAGE)?.[1];
  if (found === undefined) throw new Error(`docs/library.md has no ${name}`);
  const inTree = (room: string): string => new URL(`../${room}/public.ts`, import.meta.url).href;
  const path = join(folder, name);
  writeFileSync(
    path,
    found.replaceAll(/sddf-testbed\/([a-z]+)/g, (_, room: string) => inTree(room)),
  );
  return path;
}

writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
const system = fileOfPage('orders.ts');

it('loadTestbed runs the system, and its counters are there', () => {
  const args = ['--import', import.meta.resolve('tsx/esm'), fileOfPage('measure.ts')];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });

  const promised = / prints\n\n```text\n([^]*?)```/.exec(PAGE)?.[1];
  expect({ stderr, stdout }).toEqual({ stderr: '', stdout: promised });
});

it('sddf run takes its options, its device and its counters', async () => {
  const [, line = ''] = /^ {4}npx sddf (run \.\/orders\.ts .*)$/m.exec(PAGE) ?? [];
  const args = line.replace('./orders.ts', system).split(' ');
  const { stdout, stderr, status } = await sddfInProcess(...args);

  expect({ status, stderr }).toMatchObject({ status: 0 });
  expect(stderr).toContain('kitchen: 16 orders, the last of 16');
  expect(stdout).toMatch(/ordered 32 · droppedFull 8/);
});

it('a choice that the system does not offer is one line', async () => {
  const { stderr, status } = await sddfInProcess('run', system, '--set', 'burst=3');

  expect(status).toBe(2);
  expect(stderr.trim().split('\n')).toEqual([expect.stringContaining('burst')]);
});
