/**
 * Goal: what `docs/breaking.md` shows does what it says. Method: its files are taken out of the
 * page and run.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { loadPlan } from '../cli/sim/plan-file.ts';
import { loadTarget } from '../cli/sim/target.ts';
import { sddfInProcess } from './support/sddf-in-process.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sddf-breaking-'));
afterAll(() => rmSync(folder, { recursive: true }));

/**
 * @returns where a file of the page was written to; what it imports from the package is this tree
 */
function fileOfPage(name: string): string {
  const page = readFileSync(join(ROOT, 'docs/breaking.md'), 'utf8');
  const found = new RegExp(`\`\`\`[a-z]+ ${name}\\n([^]*?)\`\`\``).exec(page)?.[1];
  if (found === undefined) throw new Error(`docs/breaking.md has no ${name}`);
  const path = join(folder, name);
  const inTree = (room: string): string => new URL(`../${room}/public.ts`, import.meta.url).href;
  writeFileSync(
    path,
    found.replaceAll(/sddf-testbed\/([a-z]+)/g, (_, room: string) => inTree(room)),
  );
  return path;
}

it.each([
  ['broken-line.ts', ['5 of 10 interrupts came, 5 were lost']],
  [
    'own-device.ts',
    [
      'sample 1: good',
      'sample 2: no interrupt',
      'sample 3: good',
      'sample 4: it is not all there',
      'sample 5: good',
      'sample 6: it is not all there',
      'sample 7: good',
      'sample 8: there is no device, no interrupt',
      'sample 9: good',
      'sensor.irq lose, sensor.dma late, sensor.dma partial, sensor.plug unplug',
    ],
  ],
])('%s breaks what it says', (name, lines) => {
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const args = ['--import', import.meta.resolve('tsx/esm'), fileOfPage(name)];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(stdout.trim().split('\n')).toEqual(lines);
});

it('the plan fits the system that it is for', async () => {
  const { target } = await loadTarget({ reference: 'echo', choices: {}, searchPath: [] });
  expect(loadPlan(fileOfPage('faults.json'), target.system).rules).toHaveLength(2);
});

it('an ordinary run with the plan', async () => {
  const page = readFileSync(join(ROOT, 'docs/breaking.md'), 'utf8');
  const [, line = ''] = /^ {4}sddf (run .* --faults) faults\.json$/m.exec(page) ?? [];
  const { stdout, status } = await sddfInProcess(...line.split(' '), fileOfPage('faults.json'));
  expect(stdout).toMatch(/strikes +net\.wire\.in lose [\d,]+ · net\.irq delay/);
  expect(status).toBe(0);
});

it("a system's own oracles come with it", async () => {
  const path = join(folder, 'own-system.ts');
  const echo = new URL('../systems/echo.ts', import.meta.url).href;
  writeFileSync(
    path,
    `import { echo } from '${echo}';\nexport const { options, build } = echo;\n` +
      `export const oracles = [{ name: 'own', holds: 'nothing', check: () => [{ where: 'here', what: 'so' }] }];\n`,
  );
  const { target } = await loadTarget({ reference: path, choices: {}, searchPath: [] });
  expect(target.oracles?.map(({ name }) => name)).toEqual(['own']);
});

it('programs of a .system file bring oracles, too', async () => {
  const program = `export const main = () => ({ notified() {} });\n`;
  const oracles = `export const oracles = [{ name: 'own', holds: 'x', check: () => [] }];\n`;
  writeFileSync(join(folder, 'judged.ts'), program + oracles);
  const pd = (name: string): string =>
    `<protection_domain name="${name}"><program_image path="judged.ts" /></protection_domain>`;
  const path = join(folder, 'judged.system');
  writeFileSync(path, `<system>${pd('one')}${pd('two')}</system>`);
  const { target } = await loadTarget({ reference: path, choices: {}, searchPath: [] });
  expect(target.oracles?.map(({ name }) => name)).toEqual(['own']);

  writeFileSync(join(folder, 'wrong.ts'), `${program}export const oracles = 3;\n`);
  writeFileSync(path, `<system>${pd('one').replace('judged', 'wrong')}</system>`);
  const { stderr, status } = await sddfInProcess('sim', path, '--list-faults');
  expect(stderr).toContain('wrong.ts: oracles is a list of { name, holds, check(testbed) }');
  expect(status).toBe(2);
});
