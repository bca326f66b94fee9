/**
 * The package, as a user gets it, runs the tutorial of docs/writing-a-driver.md in an empty
 * project. `npm test` links what the tests' own command is compiled to into the project, which
 * takes no time; `.ci/run` packs and installs (SDDF_LONG). There it is skipped by name where npm
 * cannot install the package's dependencies.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tutorialFiles } from '../page/guides/tutorial-files.ts';
import { isLong, longTest } from './support/long-test.ts';
import { sddfCommand } from './support/sddf-command.ts';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const TUTORIAL = readFileSync(join(ROOT, 'docs/writing-a-driver.md'), 'utf8');
const BREAKING = readFileSync(join(ROOT, 'docs/breaking.md'), 'utf8');

const FILES = tutorialFiles(TUTORIAL);

function promisedOutput(): string {
  return /^```text\n(.*?)^```$/ms.exec(TUTORIAL)?.[1] ?? '';
}

function promisedCommand(): string[] {
  const command = /^ {4}npx sddf (run .*)$/m.exec(TUTORIAL)?.[1] ?? '';
  return command.split(' ');
}

const folder = mkdtempSync(join(tmpdir(), 'sddf-package-'));
const project = join(folder, 'project');
const INSTALLED = join(project, 'node_modules', 'sddf-testbed');
let installed: 'yes' | 'no' = 'no';

function sddf(args: readonly string[]) {
  const bin = join(project, 'node_modules', '.bin', 'sddf');
  return spawnSync(bin, args, { cwd: project, encoding: 'utf8', timeout: 600_000 });
}

/** Compiled, declarations and all, packed, and installed with its dependencies. */
function install(): void {
  execFileSync('npm', ['pack', '--pack-destination', folder], { cwd: ROOT, stdio: 'pipe' });
  rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz')) as string;
  execFileSync('npm', ['init', '-y'], { cwd: project, stdio: 'pipe' });
  const command = ['install', '--prefer-offline', '--no-audit', '--no-fund', join(folder, tarball)];
  const result = spawnSync('npm', command, { cwd: project, encoding: 'utf8' });
  if (result.status === 0) installed = 'yes';
}

/** The same modules, which find their dependencies here. */
function link(): void {
  const bin = join(project, 'node_modules', '.bin');
  mkdirSync(bin, { recursive: true });
  symlinkSync(sddfCommand(), join(bin, 'sddf'));
  symlinkSync(dirname(dirname(sddfCommand())), INSTALLED);
  writeFileSync(join(project, 'package.json'), '{ "name": "project" }\n');
  installed = 'yes';
}

beforeAll(() => {
  mkdirSync(project);
  if (isLong) install();
  else link();
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(project, name), text);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Pages, and all else that the package has besides what is compiled. */
function packedFiles(): readonly string[] {
  if (isLong) return readdirSync(INSTALLED, { recursive: true, encoding: 'utf8' });
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const [packed] = JSON.parse(execFileSync('npm', args, { cwd: ROOT, encoding: 'utf8' })) as [
    { readonly files: readonly { readonly path: string }[] },
  ];
  return packed.files.map(({ path }) => path);
}

describe('the package, installed in an empty project', () => {
  it('has the tutorial to run', () => {
    expect(Object.keys(FILES)).toEqual([
      'thermometer.ts',
      'driver.ts',
      'reader.ts',
      'my-system.ts',
    ]);
    expect(promisedOutput().split('\n')).toHaveLength(4);
  });

  it('brings what benchmarks compile where they are run', ({ skip }) => {
    skip(installed === 'no', 'npm cannot install the dependencies here');

    const folder = join(INSTALLED, 'dist/bench');
    const missing = ['native/pipeline.c', 'code/image.c', 'code/image.ld', 'code/kernel.h'].filter(
      (name) => !existsSync(join(folder, name)),
    );
    expect(missing).toEqual([]);
  });

  it('lists the ready-made systems', ({ skip }) => {
    skip(installed === 'no', 'npm cannot install the dependencies here');

    expect(sddf(['list']).stdout).toContain('echo');
  });

  it("runs the tutorial's driver and prints what the page promises", ({ skip }) => {
    skip(installed === 'no', 'npm cannot install the dependencies here');

    const result = sddf(promisedCommand());

    const lines = `${result.stdout}${result.stderr}`.split('\n');
    const samples = lines.filter((line) => line.startsWith('reader: '));
    expect(`${samples.join('\n')}\n`).toBe(promisedOutput());
    expect(result.status).toBe(0);
  });

  it('runs a ready-made system from compiled JavaScript', ({ skip }) => {
    skip(installed === 'no', 'npm cannot install the dependencies here');

    const args = ['run', 'echo', '--net', 'loop', '--clock', 'virtual', '--for', '1ms', '--json'];
    const result = sddf(args);

    expect(JSON.parse(result.stdout)).toMatchObject({ system: 'echo', clock: 'virtual' });
    expect(result.status).toBe(0);
  });

  it('reads and writes a disk in a file, whose thread is not TypeScript', ({ skip }) => {
    skip(installed === 'no', 'npm cannot install the dependencies here');

    const created = sddf(['disk', 'create', 'disk.img', '--size', '16M', '--gpt', 'raw:8M']);
    const checked = sddf(['run', 'blk', '--disk', 'file=disk.img']);

    expect(created.status).toBe(0);
    expect(`${checked.stdout}${checked.stderr}`).toContain('basic: successfully finished!');
    expect(checked.status).toBe(0);
  });

  longTest(
    'breaks a device model of its user, and runs worlds from compiled JavaScript',
    ({ skip }) => {
      skip(installed === 'no', 'npm cannot install the dependencies here');

      const [, device = ''] = /^```ts own-device\.ts\n(.*?)^```$/ms.exec(BREAKING) ?? [];
      writeFileSync(join(project, 'own-device.mts'), device);
      const node = ['--import', 'tsx/esm', 'own-device.mts'];
      const own = spawnSync(process.execPath, node, { cwd: project, encoding: 'utf8' });
      expect(own.stderr).toBe('');
      expect(own.stdout).toContain('sample 8: there is no device, no interrupt\nsample 9: good\n');
      expect(own.stdout).toContain('sensor.irq lose, sensor.dma late, sensor.dma partial');

      const worlds = sddf('sim echo --seeds 1..2 --amount 20 --jobs 1 --json'.split(' '));
      expect(JSON.parse(worlds.stdout)).toMatchObject({ worlds: 2, failed: 0 });
    },
  );

  it('has its manual: every link in it leads to what is installed', ({ skip }) => {
    skip(installed === 'no', 'npm cannot install the dependencies here');

    const files = packedFiles();
    const folders = files.flatMap((file) => [dirname(file), dirname(dirname(file))]);
    const has = new Set([...files, ...folders]);
    const pages = files.filter((path) => path.endsWith('.md'));
    const home = isLong ? INSTALLED : ROOT;
    const textOf = (page: string): string => readFileSync(join(home, page), 'utf8');
    const links = pages.flatMap((page) =>
      [...textOf(page).matchAll(/\]\((?!https?:|#)([^)\s#]+)/g)].map(([, to = '']) => ({
        page,
        target: join(dirname(page), to).replace(/\/$/, ''),
      })),
    );

    expect(links.filter(({ target }) => !has.has(target))).toEqual([]);
    expect(links.length).toBeGreaterThan(50);
    // Sources that pages name in backquotes, of the rooms that the package has.
    const named = pages.flatMap((page) => [
      ...textOf(page).matchAll(/`((?:queues|systems|drivers)\/[\w./-]+\.ts)`/g),
    ]);
    const missing = named.map(([, path = '']) => path).filter((path) => !has.has(path));
    expect(missing.filter((path) => !path.endsWith('.test.ts'))).toEqual([]);
    expect(named.length).toBeGreaterThan(20);
  });

  longTest('has the page that sddf ui serves', ({ skip }) => {
    skip(installed === 'no', 'npm cannot install the dependencies here');

    const page = join(project, 'node_modules/sddf-testbed/dist/page/dist/index.html');
    expect(readFileSync(page, 'utf8')).toContain('Content-Security-Policy');
    const { status, stderr } = sddf('ui echo --ui-port 0 --net loop --for 100ms'.split(' '));
    expect(stderr).toContain('the run is shown at http://127.0.0.1:');
    expect(status).toBe(0);
  });

  it('says what is wrong with a system that does not exist in one line', ({ skip }) => {
    skip(installed === 'no', 'npm cannot install the dependencies here');

    const result = sddf(['run', './nothing.ts']);

    expect(result.status).toBe(2);
    expect(result.stderr.trim().split('\n')).toEqual([
      expect.stringContaining('./nothing.ts: no such file'),
    ]);
  });
});
