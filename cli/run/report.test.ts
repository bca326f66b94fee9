/**
 * Goal: the end of a run says what devices have moved and how fast, and what every domain and its
 * program have counted, for systems of a user's own too; a flood of lines is cut, and counted; and
 * no text of a program's steers the terminal.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sddfInProcess } from '../../test/support/sddf-in-process.ts';
import { liveTraffic, trafficLines } from './counter-lines.ts';
import { LogLimit } from './log-limit.ts';

const folder = mkdtempSync(join(tmpdir(), 'sddf-report-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const ROOT = join(import.meta.dirname, '../..');
const VIRTUAL = ['--clock', 'virtual'] as const;

/** A system of one domain. @param body of its `main` */
function systemOf(name: string, body: string): string {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(
    file,
    `import { system } from '${ROOT}/microkit/builder.ts';
import { counterNames, Counters } from '${ROOT}/queues/counters.ts';
const sys = system({ name: '${name}' });
sys.pd('own', { program: (pd) => { ${body} }, priority: 2 });
export const build = () => sys.build();
`,
  );
  return file;
}

describe('counters of a system of one’s own', () => {
  const counting = `
    const names = counterNames('apples', 'pears', 'never');
    const counters = new Counters(names);
    counters.add(names.apples, 1234);
    counters.add(names.pears, 1);
    pd.log('hello');
    pd.notify(5);
    return { notified() {}, counters };`;

  it('are shown without a region and a declaration; zeros are left out', async () => {
    const { stdout } = await sddfInProcess('run', systemOf('counting', counting), ...VIRTUAL);

    expect(stdout).toContain(
      '  own          invalidChannels 1\n               apples 1,234 · pears 1\n',
    );
    expect(stdout).not.toContain('never');
  });

  it('stand in the JSON as well', async () => {
    const run = await sddfInProcess('run', systemOf('json', counting), ...VIRTUAL, '--json');

    expect(JSON.parse(run.stdout)).toMatchObject({
      programs: { own: { apples: 1234, pears: 1, never: 0 } },
      traffic: {},
    });
  });

  it.each([
    ['an object of another kind', '{ read: () => { throw new Error("mine"); } }'],
    ['a getter', 'Object.create(Counters.prototype)'],
    ['a derived class', 'new (class extends Counters { read() { throw 1; } })(counterNames("a"))'],
  ])('that are %s harm nobody', async (_, counters) => {
    const file = systemOf('odd', `return { notified() {}, counters: ${counters} };`);

    const run = await sddfInProcess('run', file, ...VIRTUAL);

    expect(run).toMatchObject({ status: 0, stderr: '' });
  });
});

describe('what devices have moved', () => {
  it.each([
    ['blk', [], 'blk          2 requests · 16,384 bytes · 200 requests/s · 1,638,400 bytes/s'],
    ['serial', ['--for', '20ms'], 'serial out   188 bytes · 9,400 bytes/s'],
    ['echo', ['--net', 'loop', '--for', '2ms'], /net out .* packets · .* packets\/s · .* bytes\/s/],
  ])('is said of %s with rates', async (name, options, line) => {
    const { stdout } = await sddfInProcess('run', name, ...VIRTUAL, ...options);

    expect(stdout).toMatch(line);
  });

  it('has no rate where no time has passed', () => {
    expect(trafficLines([{ name: 'blk', counts: { requests: 3, bytes: 0 } }], 0)).toEqual([
      'blk          3 requests',
    ]);
  });

  it('stands in the live line by its first unit, once there is any', () => {
    const before = [{ name: 'blk', counts: { requests: 1000, bytes: 9 } }];
    const now = [
      { name: 'blk', counts: { requests: 2500, bytes: 9 } },
      { name: 'serial in', counts: { bytes: 0 } },
    ];

    expect(liveTraffic(before, now, 0.5)).toEqual(['blk 2,500 requests, 3,000/s']);
  });
});

describe('a flood of lines', () => {
  const flood = 'for (let i = 0; i < 5000; i += 1) pd.log(`line ${i}`); return { notified() {} };';

  it.each([
    [['--log-limit', '3'], 3, 'own: 4,997 lines left out (--log-limit 3)'],
    [[], 1000, 'own: 4,000 lines left out (--log-limit 1000)'],
    [['--log-limit', 'none'], 5000, 'own: line 4999'],
  ])('with %j is cut', async (options, lines, last) => {
    const { stderr } = await sddfInProcess('run', systemOf('flood', flood), ...VIRTUAL, ...options);
    const shown = stderr.trimEnd().split('\n');

    expect(shown.filter((line) => line.startsWith('own: line'))).toHaveLength(lines);
    expect(shown.at(-1)).toBe(last);
  });

  it('is told of once a second, for each source by itself', () => {
    let nowNs = 0;
    const told: string[] = [];
    const limit = new LogLimit(
      2,
      () => nowNs,
      (line) => told.push(line),
    );
    const admitted = (source: string): boolean[] => [1, 2, 3].map(() => limit.admits(source));

    expect(admitted('a')).toEqual([true, true, false]);
    expect(admitted('b')).toEqual([true, true, false]);
    expect(told).toEqual([]);
    nowNs = 1e9;
    expect(admitted('a')).toEqual([true, true, false]);
    expect(told).toEqual(['a: 1 line left out (--log-limit 2)']);
    limit.end();
    limit.end();
    expect(told.slice(1)).toEqual([
      'a: 1 line left out (--log-limit 2)',
      'b: 1 line left out (--log-limit 2)',
    ]);
  });

  it.each(['0', '-1', '1.5', 'x', ''])('is not limited to %j', async (limit) => {
    const run = await sddfInProcess('run', 'blk', ...VIRTUAL, `--log-limit=${limit}`);

    expect(run.status).toBe(2);
    expect(run.stderr).toMatch(/^sddf: --log-limit: [^\n]*\n$/);
  });
});

describe('text that a terminal would obey', () => {
  it('is shown, wherever a program has put it', async () => {
    const body = `
      const names = counterNames('\\u001b[2J', '\\u009b31m');
      const counters = new Counters(names);
      counters.add(0, 1);
      counters.add(1, 1);
      pd.log('\\u001b]0;title\\u0007');
      return { notified() { }, counters };`;
    const file = systemOf('controls', body);

    const text = await sddfInProcess('run', file, ...VIRTUAL);
    const json = await sddfInProcess('run', file, ...VIRTUAL, '--json');

    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;
    for (const each of [text.stdout, text.stderr, json.stdout]) expect(each).not.toMatch(controls);
    expect(text.stderr).toContain('own: \\x1b]0;title\\x07');
    expect(text.stdout).toContain('\\x1b[2J 1 · \\x9b31m 1');
    expect(JSON.parse(json.stdout)).toMatchObject({ programs: { own: { '\u009b31m': 1 } } });
  });

  it('is shown, too, in the name of a file that is not there', async () => {
    const run = await sddfInProcess('run', './\u001b[31mred.ts');

    expect(run.stderr).toContain('sddf: ./\\x1b[31mred.ts: no such file');
  });
});
