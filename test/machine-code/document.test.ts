// Goal: docs/machine-code.md does what it says. Method: the files and commands of the page are
// taken from it and run, with our own runtime in place of the SDK's, laid out as the SDK is.

import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMPILER, hasCompiler, PROGRAMS_FOLDER } from '../support/c-programs.ts';
import { sddfInProcess } from '../support/sddf-in-process.ts';

const page = readFileSync(join(PROGRAMS_FOLDER, '../docs/machine-code.md'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'sddf-machine-code-'));
const sdk = join(folder, 'sdk');

function block(language: string): string {
  const text = new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, 'm').exec(page)?.[1];
  if (text === undefined) throw new Error(`the page has a block of ${language}`);
  return text;
}

function commands(): readonly string[][] {
  return Array.from(page.matchAll(/^ {4}npx sddf (.*)$/gm), ([, line = '']) => line.split(' '));
}

/** Our runtime as a library, a header and a linker script, where the SDK has them. */
function makeSdk(): void {
  const runtime = join(PROGRAMS_FOLDER, 'runtime');
  mkdirSync(join(sdk, 'lib'), { recursive: true });
  cpSync(join(runtime, 'include'), join(sdk, 'include'), { recursive: true });
  copyFileSync(join(runtime, 'microkit.ld'), join(sdk, 'lib/microkit.ld'));
  const flags = ['-march=rv64imafdc_zicsr_zifencei', '-mabi=lp64d', '-mcmodel=medany', '-O2'];
  const sources = ['start.S', 'main.c', 'debug.c'].map((name) => join(runtime, name));
  const options = { cwd: folder };
  execFileSync(
    COMPILER,
    [...flags, '-ffreestanding', `-I${sdk}/include`, '-c', ...sources],
    options,
  );
  execFileSync(
    'riscv64-unknown-elf-ar',
    ['rcs', `${sdk}/lib/libmicrokit.a`, 'start.o', 'main.o', 'debug.o'],
    options,
  );
}

describe.skipIf(!hasCompiler)(`docs/machine-code.md (needs ${COMPILER})`, () => {
  const before = process.cwd();
  beforeAll(() => {
    makeSdk();
    writeFileSync(join(folder, 'greeter.c'), block('c'));
    writeFileSync(join(folder, 'greeter.system'), block('xml'));
    process.chdir(folder);
  });
  afterAll(() => {
    process.chdir(before);
    rmSync(folder, { recursive: true, force: true });
  });

  it('builds the image', () => {
    const built = spawnSync('sh', ['-ec', block('sh')], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, SDK: sdk },
    });

    expect(built).toMatchObject({ status: 0, stderr: '' });
  });

  it('checks and runs it', async () => {
    const [check = [], run = []] = commands();

    expect(await sddfInProcess(...check)).toMatchObject({ status: 0 });
    const ended = await sddfInProcess(...run);
    expect(ended.status).toBe(0);
    expect(ended.stderr).toContain('greeter: hello from machine code\n');
    expect(ended.stdout).toMatch(/greeter +instructions \d/);
  });
});
