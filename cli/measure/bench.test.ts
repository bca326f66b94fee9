// `sddf bench` as a user runs it: what goes wrong is one line each, and what can be measured is
// printed nevertheless.

import { spawn, spawnSync } from 'node:child_process';
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
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { runProgram } from '../program.ts';
import { longTest } from '../../test/support/long-test.ts';
import { sddfCommand } from '../../test/support/sddf-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'sddf-bench-'));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

const ROW = { name: 'net/echo', path: '5pd', frame: 64, batch: 64, unit: 'packets/s' };

function resultsFile(name: string, median: number, parts: object = {}): string {
  const path = join(folder, name);
  const row = { ...ROW, median, min: median, max: median, ratioToNative: null };
  const results = { schema: 1, node: process.version, cpu: 'x', results: [row], ...parts };
  writeFileSync(path, JSON.stringify(results));
  return path;
}

const old = resultsFile('old.json', 1000);
const recent = resultsFile('new.json', 1500);
const other = resultsFile('schema.json', 1000, { schema: 2 });
const quick = resultsFile('quick.json', 1000, { length: 'quick' });
const THIS_CPU = cpus()[0]?.model.trim() ?? 'unknown';
const partless = resultsFile('partless.json', 1000, { cpu: THIS_CPU });
const cut = join(folder, 'cut.json');
writeFileSync(cut, readFileSync(old, 'utf8').slice(0, 60));
const script = join(folder, 'script.txt');
writeFileSync(script, 'help\n');

interface Run {
  readonly status: number | null;
  readonly out: string;
  /** Lines on standard error. */
  readonly said: readonly string[];
}

/** In this process: nothing is measured. */
async function bench(...args: string[]): Promise<Run> {
  let [out, errors] = ['', ''];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((out += String(text)), true));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((errors += String(text)), true));
  vi.spyOn(console, 'error').mockImplementation((text: string) => void (errors += `${text}\n`));
  const status = await runProgram(['bench', ...args]);
  return { status, out, said: errors.split('\n').filter((line) => line !== '') };
}

/** In a process of its own. */
function benchProcess(args: readonly string[], env: NodeJS.ProcessEnv = {}): Run {
  const result = spawnSync(process.execPath, [sddfCommand(), 'bench', ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  const said = result.stderr.split('\n').filter((line) => line !== '');
  return { status: result.status, out: result.stdout, said };
}

describe('results of an earlier run', () => {
  it('are compared, and make a report', async () => {
    const html = join(folder, 'report.html');
    const { status, out, said } = await bench('--from', recent, '--compare', old, '--html', html);

    expect(said).toEqual([]);
    expect(status).toBe(0);
    expect(out).toContain('1000 → 1500 (x 1.5)  net/echo path=5pd frame=64 batch=64, packets/s');
    expect(readFileSync(html, 'utf8')).toContain('1000 → 1500 (x 1.5)');
    expect(readFileSync(html, 'utf8')).toMatch(/^<!doctype html>/);
  });

  it('are printed as JSON, and the comparison then goes elsewhere', async () => {
    const { status, out, said } = await bench('--from', recent, '--compare', old, '--json');

    expect(status).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ schema: 1, results: [{ median: 1500 }] });
    expect(said[0]).toBe(`compared with ${old}:`);
  });
});

describe('results of an earlier run, without a word of what to do with them', () => {
  it('are printed as tables', async () => {
    const { out } = await bench('--from', recent);

    expect(out).toContain('net/echo');
    expect(out).toMatch(/path +frame +batch +figure/);
    expect(out).toContain('1500');
  });

  it('stand beside figures from elsewhere, on the terminal and on the page', async () => {
    const html = join(folder, 'beside.html');
    const own = join(folder, 'own.json');
    const row = { ...ROW, path: '5pd', median: 3000 };
    writeFileSync(own, JSON.stringify({ figures: 1, series: 'my <board>', rows: [row] }));
    const { out, said } = await bench('--from', recent, '--beside', own, '--html', html);

    expect(said).toEqual([]);
    expect(out).toContain('beside my <board>:');
    expect(out).toMatch(/net\/echo path=5pd frame=64 batch=64 +packets\/s +3000 +1500 +0\.5/);
    expect(readFileSync(html, 'utf8')).toContain('Beside my &lt;board&gt;');
  });

  it('are printed for a spreadsheet', async () => {
    const { out, said } = await bench('--from', recent, '--csv');

    expect(out.split('\r\n')).toEqual([
      'name,path,frame,batch,unit,median,min,max,ratioToNative',
      'net/echo,5pd,64,64,packets/s,1500,1500,1500,',
      '',
    ]);
    expect(said).toEqual([]);
  });
});

describe('a run that is interrupted', () => {
  longTest('keeps its finished parts, and can be gone on with', async () => {
    const child = spawn(process.execPath, [sddfCommand(), 'bench', 'serial', '--quick', '--json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [out, said] = ['', ''];
    let isAsked = false;
    child.stdout.on('data', (text) => (out += String(text)));
    child.stderr.on('data', (text) => {
      said += String(text);
      if (isAsked || !said.includes('(2 of ')) return;
      isAsked = true;
      child.kill('SIGINT');
    });
    const status = await new Promise((resolve) => child.on('close', resolve));

    expect([status, said.split('\n').at(-2)]).toEqual([
      130,
      'sddf: interrupted: 1 part is measured; go on with sddf bench serial --quick --json --resume FILE, which has this JSON',
    ]);
    const results = JSON.parse(out) as { parts: string[]; loads: object; results: unknown[] };
    expect(results.parts).toEqual(['serial/bytes']);
    expect(Object.keys(results.loads)).toEqual(['serial/bytes']);
    expect(results.results.length).toBeGreaterThan(0);
  });

  it('before anything is measured leaves no file, and no report', async () => {
    const html = join(folder, 'nothing.html');
    const args = [sddfCommand(), 'bench', 'serial', '--quick', '--html', html];
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      cwd: folder,
    });
    let said = '';
    child.stderr.on('data', (text) => {
      said += String(text);
      if (String(text).includes('(1 of ')) child.kill('SIGINT');
    });
    const status = await new Promise((resolve) => child.on('close', resolve));

    expect([status, said.split('\n').at(-2)]).toEqual([
      130,
      'sddf: interrupted: nothing has been measured yet',
    ]);
    expect(readdirSync(folder).filter((name) => /nothing|sddf-bench/.test(name))).toEqual([]);
  });

  it('that has them all measures nothing more', async () => {
    const known = await import('../../bench/suite/table.ts');
    const own = known.BENCHMARKS.find(({ name }) => name === 'description');
    const all = own?.parts.map(({ name }) => `description/${name}`);
    const file = resultsFile('whole.json', 7, { parts: all, cpu: THIS_CPU });
    const { out } = await bench('description', '--resume', file, '--json');

    expect(JSON.parse(out)).toMatchObject({ parts: all, results: [{ median: 7 }, {}] });
  });
});

describe('results of an earlier run, of one benchmark', () => {
  it('leave the others out', async () => {
    const net = await bench('net', '--from', recent, '--compare', old);
    const both = await bench('net', 'blk', '--from', recent, '--compare', old);

    expect(net.out).toContain('1000 → 1500');
    expect(both.out).toContain('1000 → 1500');
    expect(both.said).toEqual([`sddf: ${recent}: nothing of blk is in it`]);
    expect(both.status).toBe(2);
  });
});

describe('a mistake', () => {
  it.each([
    [['nothing'], "sddf: no benchmark 'nothing'; known are net, blk, serial, kernel"],
    [['--from', cut], `sddf: ${cut}: has been cut short (60 characters); measure again`],
    [['--from', other], `sddf: ${other}: schema 2, but this program reads schema 1; measure again`],
    [['--from', `${folder}/none.json`], `sddf: ${folder}/none.json: no such file or directory`],
    [['net', '--repeat', '0'], "sddf: --repeat: '0' is not a whole number from 1 to 101"],
    [['net', '--path', '3pd'], "sddf: --path: '3pd' is none of 5pd, 4pd, 2pd, dummy"],
    [['kernel', '--frame', '64'], 'sddf: --frame: is for net; name it too'],
    [['--from', recent, '--repeat', '3'], 'sddf: --repeat: --from measures nothing'],
    [['--from', recent, '--resume', old], 'sddf: --resume: --from measures nothing'],
    [
      ['serial', '--resume', quick],
      `sddf: ${quick}: is of a quick run; add --quick, or measure anew`,
    ],
    [['serial', '--resume', partless], `sddf: ${partless}: does not say which parts it has`],
    [['serial', '--resume', old], `sddf: ${old}: was measured on x, and this is `],
    [['--from', recent, '--beside', 'nobody'], 'sddf: nobody: no such file or directory'],
    [['--from', recent, '--targets'], 'sddf: --targets: is for the report; add --html FILE'],
    [['--from', recent, '--json', '--csv'], 'sddf: --csv: --json is printed there'],
    [['--from', recent, '--beside', script], `sddf: ${script}:1:1: is no JSON`],
    [['blk', '--from', recent], `sddf: ${recent}: nothing of blk is in it`],
    [['nothing', '--from', recent], "sddf: no benchmark 'nothing'; known are net, blk, serial"],
    [['--from', script], `sddf: ${script}: is not JSON of \`sddf bench --json\``],
  ])('%s is one line, and status 2', async (args, message) => {
    const { status, out, said } = await bench(...args);

    expect(status).toBe(2);
    expect(out).toBe('');
    expect(said).toHaveLength(1);
    expect(said[0]?.startsWith(message), said[0]).toBe(true);
  });

  it.each([
    [['--compare', `${folder}/none.json`], `${folder}/none.json: no such file or directory`],
    [['--compare', cut], `${cut}: has been cut short`],
    [['--compare', other], `${other}: schema 2`],
    [['--html', `${old}/report.html`], `${old}/report.html: part of the path is not a directory`],
    [['--html', folder], `${folder}: is a directory`],
    [['--html', `${folder}/none/report.html`], 'no such file or directory'],
  ])('in %s is found before anything is measured', (args, message) => {
    const { status, out, said } = benchProcess(['description', '--quick', ...args]);

    expect(status).toBe(2);
    expect(said).toHaveLength(1);
    expect(said[0]).toContain(message);
    expect(out).toBe('');
  });

  it.skipIf(!existsSync('/dev/full'))('that shows at the end leaves the results', async () => {
    const { status, out, said } = await bench('--from', recent, '--json', '--html', '/dev/full');

    expect(status).toBe(2);
    expect(said).toHaveLength(1);
    expect(said[0]).toContain('/dev/full');
    expect(JSON.parse(out)).toMatchObject({ results: [{ median: 1500 }] });
  });
});

describe('measuring', () => {
  const echo = ['--quick', '--repeat', '1', '--frame', '64', '--batch', '8', '--json'];

  it('goes on beside a benchmark that does not exist', () => {
    const { status, out, said } = benchProcess(['net', 'nothing', ...echo]);

    expect(status).toBe(2);
    expect(said[0]).toContain("no benchmark 'nothing'");
    expect(JSON.parse(out)).toMatchObject({
      schema: 1,
      node: process.version,
      results: [{ ...ROW, batch: 8 }, { name: 'suite/time' }],
    });
  });

  it('goes on without a compiler, says so, and has no ratio', () => {
    const bare = join(folder, 'bin');
    const temporary = join(folder, 'tmp');
    for (const each of [bare, temporary]) mkdirSync(each);
    symlinkSync(process.execPath, join(bare, 'node'));
    const { status, out, said } = benchProcess(['net', ...echo], { PATH: bare, TMPDIR: temporary });

    expect(status).toBe(0);
    expect(said).toContain('sddf: no comparison with C: no C compiler (cc) is installed');
    expect(JSON.parse(out)).toMatchObject({ results: [{ ratioToNative: null }, {}] });
  });
});
