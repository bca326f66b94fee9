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
/** Frames that `--demo` sends together. */
const DEMO_BATCH = 64;

interface GeneratorCounters {
  readonly sent: number;
  readonly answered: number;
}

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

  it.each([
    ['checker', [1, 2]],
    ['blk_virt', [1, 2, 3, 4]],
    ['blk_driver', [1, 2]],
    ['greeter', [1]],
    ['serial_virt_rx', [1]],
    ['serial_virt_tx', [1]],
  ] as const)('go on when they or their servers die: %s', async (domain, wakeUps) => {
    const input = join(folder, 'supervised.txt');
    const output = join(folder, 'out.txt');
    const faults = join(folder, 'kill.json');
    writeFileSync(input, 'good morning\n');
    const devices = ['--serial', `file,in=${input},out=${output}`, '--disk', 'mem=1M'];
    const how = [...devices, '--set', 'supervised=on', '--clock', 'virtual', '--for', '100ms'];
    for (const nth of wakeUps) {
      const rule = { at: `pd.${domain}`, fault: 'kill', when: { nth: [nth] } };
      writeFileSync(faults, JSON.stringify({ schema: 1, rules: [rule] }));
      const system = 'test/programs/clients-system.ts';
      const { status, stderr, stdout } = await sddfInProcess(
        'run',
        system,
        ...how,
        ...['--faults', faults, '--json'],
      );

      expect(status, stderr).toBe(0);
      expect(stderr).toContain('checker: blk: read back, 0 words are different');
      expect(readFileSync(output, 'latin1')).toMatch(
        /^Begin input\r\n(hello from greeter\n)+GOOD MORNING\n$/,
      );
      expect((JSON.parse(stdout) as { readonly programs: object }).programs).toMatchObject({
        supervisor: { deaths: 1, restarts: 1, unanswered: 0, pretended: 0 },
      });
    }
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
      readonly net: { readonly generators: readonly GeneratorCounters[] };
    };
    expect(Object.keys(report.harts)).toHaveLength(7);
    const [generator] = report.net.generators;
    if (generator === undefined) throw new Error('the demo has a generator');
    expect(generator.sent).toBeGreaterThan(1000);
    // The run ends at some moment of a batch: that is on its way, and nothing else.
    expect(generator.sent - generator.answered).toBeLessThanOrEqual(DEMO_BATCH);
    expect(generator).toMatchObject({ lost: 0, corrupt: 0, unexpected: 0 });
  });
});
