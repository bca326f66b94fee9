// Goal: --profile tells where instructions go, by stacks of functions, and changes nothing of the
// run. Method: sample programs whose calls are known, with either engine; the numbers of a run with
// and without a profile.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  BUILD_FOLDER,
  buildPrograms,
  COMPILER,
  hasCompiler,
  PROGRAMS_FOLDER,
} from '../support/c-programs.ts';
import { sddfInProcess } from '../support/sddf-in-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'sddf-profile-'));
const out = join(folder, 'out.folded');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(name: string, ...options: string[]): ReturnType<typeof sddfInProcess> {
  const system = join(PROGRAMS_FOLDER, `${name}.system`);
  const always = ['--search-path', BUILD_FOLDER, '--clock', 'virtual', '--for', '20ms', '--json'];
  return sddfInProcess('run', system, ...always, ...options);
}

/** Instructions by stack. */
function stacks(): ReadonlyMap<string, number> {
  const lines = readFileSync(out, 'utf8').trimEnd().split('\n');
  return new Map(
    lines.map((line) => {
      const [stack = '', count] = line.split(' ');
      return [stack, Number(count)];
    }),
  );
}

describe.skipIf(!hasCompiler)(`sddf run --profile (needs ${COMPILER})`, () => {
  beforeAll(buildPrograms, 120_000);

  it('counts the instructions of each stack, all in all as many as there were', async () => {
    const { stdout } = await run('float', '--profile', out);
    const { harts } = JSON.parse(stdout) as { harts: Record<string, { instructions: number }> };
    const counted = [...stacks()].filter(([stack]) => stack.startsWith('fp_context_a;'));
    const total = counted.reduce((sum, [, count]) => sum + count, 0);
    const executed = harts['fp_context_a']?.instructions ?? 0;

    expect(executed - total).toBeGreaterThanOrEqual(0);
    expect(executed - total).toBeLessThan(997);
    // It spins in init, which the compiler has taken its helper into.
    expect(stacks().get('fp_context_a;main;init')).toBeGreaterThan(0.99 * total);
    expect([...stacks().keys()]).toContain('float;main;init;print');
  });

  it('writes the same with either engine, and the run is as it is without', async () => {
    const plain = await run('float');
    const profiles: string[] = [];
    for (const engine of ['interpreter', 'translator']) {
      const { stdout } = await run('float', '--profile', out, '--engine', engine);
      expect(stdout).toBe(plain.stdout);
      profiles.push(readFileSync(out, 'utf8'));
    }

    expect(profiles[1]).toBe(profiles[0]);
    expect(profiles[0]).toMatch(/^float;main/);
  });

  it('is refused where there is no machine code', async () => {
    const { status, stderr } = await sddfInProcess('run', 'serial', '--profile', out);

    expect(status).toBe(2);
    expect(stderr).toBe(
      'sddf: --profile: counts instructions of machine code, and serial has none\n',
    );
  });

  it('is refused before the run where it cannot be written, and so is a folder that is a file', async () => {
    const nowhere = join(folder, 'nowhere', 'out.folded');
    const image = ['run', join(PROGRAMS_FOLDER, 'float.system'), '--search-path', BUILD_FOLDER];
    const profile = await sddfInProcess(...image, '--clock', 'virtual', '--profile', nowhere);
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const logs = await sddfInProcess(...image, '--clock', 'virtual', '--log-dir', file);

    expect([profile.status, logs.status]).toEqual([2, 2]);
    expect(profile.stderr).toBe(`sddf: ${nowhere}: no such file or directory; check the path\n`);
    expect(logs.stderr).toBe(`sddf: ${file}: something else is there already; name another\n`);
  });
});
