/**
 * Goal: clients in C and drivers and virtualisers in TypeScript understand each other, class by
 * class; and a system of images that `render --elf --write` has configured runs as it stands.
 * Method: by the command line, under the virtual clock.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUILD_FOLDER, buildPrograms, COMPILER, hasCompiler } from '../support/c-programs.ts';
import { sddfInProcess } from '../support/sddf-in-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'c-clients-'));
const VIRTUAL = ['--clock', 'virtual', '--for', '1s'];

describe.skipIf(!hasCompiler)(`clients in C (${COMPILER})`, () => {
  beforeAll(buildPrograms);
  afterAll(() => rmSync(folder, { recursive: true }));

  it('keep time, talk on a serial line, and use a disk', async () => {
    const input = join(folder, 'in.txt');
    const output = join(folder, 'out.txt');
    writeFileSync(input, 'good morning\n');
    const devices = ['--serial', `file,in=${input},out=${output}`, '--disk', 'mem=1M'];
    const system = 'test/programs/clients-system.ts';
    const { status, stderr } = await sddfInProcess('run', system, ...devices, ...VIRTUAL);

    expect(status).toBe(0);
    const lines = stderr.split('\n');
    expect(lines.filter((line) => line.startsWith('ticks: '))).toEqual(
      [1, 2, 3, 4, 5].map((tick) => `ticks: ticks: ${tick} after ${tick}00 ms`),
    );
    expect(lines.filter((line) => line.startsWith('checker: '))).toEqual([
      'checker: blk: 256 blocks, sectors of 512 bytes',
      'checker: blk: read back, 0 words are different',
    ]);
    expect(readFileSync(output, 'latin1')).toBe(
      'Begin input\r\nhello from greeter\nGOOD MORNING\n',
    );
  });

  it('answer over the network from images that were configured beforehand', async () => {
    const made = join(folder, 'echo');
    const images = ['--elf', '--write', '--search-path', BUILD_FOLDER];
    const rendered = await sddfInProcess('render', 'echo', ...images, '-o', made);
    expect(rendered.status).toBe(0);

    const system = join(made, 'echo.system');
    const demo = ['--demo', '--net', 'loop', '--json'];
    const { stdout } = await sddfInProcess(
      'run',
      system,
      '--search-path',
      made,
      ...demo,
      ...VIRTUAL,
    );

    const report = JSON.parse(stdout) as {
      readonly harts: object;
      readonly net: { readonly generators: readonly { readonly sent: number }[] };
    };
    expect(Object.keys(report.harts)).toHaveLength(7);
    const [generator] = report.net.generators;
    expect(generator?.sent).toBeGreaterThan(1000);
    expect(generator).toMatchObject({ answered: generator?.sent, lost: 0 });
  });
});
