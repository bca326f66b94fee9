// Goal: `sddf run` of images tells people what they need: a fault's place, each domain's use of the
// processor, a file of output for each domain. Method: the command itself, on the sample programs.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
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

const logs = mkdtempSync(join(tmpdir(), 'sddf-logs-'));

function run(name: string, ...options: string[]): ReturnType<typeof sddfInProcess> {
  const system = join(PROGRAMS_FOLDER, `${name}.system`);
  const always = ['--search-path', BUILD_FOLDER, '--clock', 'virtual', '--for', '20ms'];
  return sddfInProcess('run', system, ...always, ...options);
}

describe.skipIf(!hasCompiler)(`sddf run of images (needs ${COMPILER})`, () => {
  beforeAll(buildPrograms, 600_000);
  afterAll(() => rmSync(logs, { recursive: true, force: true }));

  it('says where a domain has faulted, how it came there and what it had in its registers', async () => {
    const { status, stderr } = await run('fault', '--log-dir', logs);

    expect(status).toBe(1);
    expect(stderr).toMatch(/MON\|ERROR: faulting PD: overflow\n/);
    expect(stderr).toMatch(/description of fault: store page fault\n/);
    expect(stderr).toMatch(
      /at 0x[0-9a-f]+ descend\+0x[0-9a-f]+.*, return address 0x[0-9a-f]+ descend/,
    );
    expect(stderr).toMatch(/last jumps to 0x[0-9a-f]+ descend.* 16 times\n/);
    expect(stderr).toMatch(/pc [0-9a-f]{16} {3}ra [0-9a-f]{16} {3}sp 0000003f/);
    expect(readFileSync(join(logs, 'overflow.log'), 'utf8')).toBe('overflow: going down\n');
    expect(readFileSync(join(logs, 'monitor.log'), 'utf8')).toContain('faulting PD: overflow\n');
  });

  it('says which jumps of translated code it does not know', async () => {
    const { stderr } = await run('fault', '--engine', 'translator');

    expect(stderr).toMatch(/last jumps to .*call of 0x[0-9a-f]+ descend.* 1\d times\n/);
    expect(stderr).toMatch(/of jumps in translated code, only calls of functions that call others/);
  });

  it('says how much of the time a domain has had, what its init took included', async () => {
    const { stdout } = await run('float');
    const share =
      /^ {2}fp_context_a +instructions 8,\d{3},\d{3} · (\S+) % of the time since power-on$/m;

    // Each of two domains spins for 8 ms in its init, and then nothing happens.
    expect(Number(share.exec(stdout)?.[1])).toBeGreaterThan(20);
    expect(Number(share.exec(stdout)?.[1])).toBeLessThan(50);
  });

  it('counts the same with either engine', async () => {
    const counted: unknown[] = [];
    for (const engine of ['interpreter', 'translator']) {
      const { stdout } = await run('pingpong', '--json', '--engine', engine);
      const { harts, pds, timeNs } = JSON.parse(stdout) as Record<string, Record<string, object>>;
      expect(pds?.['ping']).toMatchObject({ ppcalls: 10 });
      expect(pds?.['pong']).toMatchObject({ protectedCalls: 10 });
      counted.push({ harts, pds, timeNs });
    }

    expect(counted[1]).toEqual(counted[0]);
  });

  it('does memcpy and its like at once, or executes them: alike with either engine', async () => {
    const counts = [];
    for (const options of [
      ['--engine', 'interpreter'],
      ['--engine', 'translator'],
      ['--strict-code'],
    ]) {
      const { stdout } = await run('memory', '--json', ...options);
      const { harts } = JSON.parse(stdout) as { harts: Record<string, { instructions: number }> };
      counts.push(harts['tls']?.instructions ?? 0);
    }

    expect(counts[1]).toBe(counts[0]);
    expect(counts[2]).toBeGreaterThan(0);
    expect(counts[2]).not.toBe(counts[0]);
  });
});
