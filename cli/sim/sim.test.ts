/** Goal: `sddf sim` as a person types them, with wrong input too. Method: the real program. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sddfInProcess } from '../../test/support/sddf-in-process.ts';
import { sddfCommand } from '../../test/support/sddf-command.ts';
import { longTest } from '../../test/support/long-test.ts';

const folder = mkdtempSync(join(tmpdir(), 'sddf-sim-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** They include each other. */
const INCLUDING = (other: string): string => `{ "schema": 1, "include": ["${other}"] }`;
const RULE = (fault: string): string =>
  `{ "schema": 1, "rules": [{ "at": "net.wire.in", "fault": ${fault} }] }`;
file('b.json', INCLUDING('a.json'));

/** Worlds are run by child processes, which a test's own process cannot have. */
function sddf(...args: readonly string[]) {
  return spawnSync(process.execPath, [sddfCommand(), ...args], { encoding: 'utf8' });
}

function losing(frame: number): string {
  const rule = `{ "at": "net.wire.in", "fault": "lose", "when": { "nth": [${frame}] } }`;
  return file(`lose-${frame}.json`, `{ "schema": 1, "rules": [${rule}] }`);
}

describe('sddf sim', () => {
  it('runs worlds in several processes, and says that nothing broke', () => {
    const args = [
      'sim',
      'echo',
      '--seeds',
      '1..6',
      '--plan',
      losing(3),
      '--amount',
      '20',
      '--json',
    ];
    const { stdout, status } = sddf(...args, '--jobs', '2', '--twice', '2');
    expect(JSON.parse(stdout)).toMatchObject({
      worlds: 6,
      failed: 0,
      void: 0,
      strikes: { 'net.wire.in lose': 6 },
    });
    expect(status).toBe(0);
  });

  longTest('that is guided runs the same worlds in one process and in two', () => {
    const strikes = (jobs: string): object => {
      const args = ['--seeds', '1..40', '--amount', '20', '--guided', '--json'];
      const { stdout } = sddf('sim', 'echo', ...args, '--jobs', jobs);
      return (JSON.parse(stdout) as { readonly strikes: object }).strikes;
    };

    expect(strikes('2')).toEqual(strikes('1'));
  });

  it('ends with 3 when a planned fault never struck', () => {
    const args = ['--seeds', '1..2', '--plan', losing(30_000), '--amount', '20', '--jobs', '1'];
    const { stdout, status } = sddf('sim', 'echo', ...args);
    expect(stdout).toContain('2 worlds are void: a planned fault never struck');
    expect(status).toBe(3);
  });

  longTest('tries every order with one preemption of a domain, and says how many there are', () => {
    const args = ['--explore', 'bounded:1', '--points', 'client1', '--amount', '1', '--json'];
    const { stdout, stderr } = sddf('sim', 'echo', ...args, '--jobs', '1');
    const [, orders, points] = /sddf: (\d+) orders of (\d+) points/.exec(stderr) ?? [];
    expect(Number(points)).toBeGreaterThan(5);
    expect(Number(orders)).toBe(Number(points) + 1);
    expect(JSON.parse(stdout)).toMatchObject({ worlds: Number(orders), failed: 0 });
  });

  it('ends with 3 when there is nothing to ask a system for', () => {
    const { stdout, status } = sddf('sim', 'hello', '--seeds', '1..2', '--jobs', '1');
    expect(stdout).toContain('2 worlds are void: there is no traffic for this system');
    expect(stdout).not.toContain('nothing broke');
    expect(status).toBe(3);
  });

  it('lists what can go wrong', async () => {
    const { stdout } = await sddfInProcess('sim', 'echo', '--list-faults', '--json');
    const points = JSON.parse(stdout) as { name: string; faults: { what: string }[] }[];
    expect(points.map(({ name }) => name)).toContain('net.wire.in');
    for (const { faults } of points) for (const { what } of faults) expect(what).not.toBe('');
  });

  it.each([
    [['--seeds', '9..1'], "--seeds: '9..1' is no range such as 1..2000"],
    [['--seeds', 'all'], "--seeds: 'all' is no range"],
    [['--guided', '--coverage', 'c.info'], '--guided: chooses plans by what worlds come to; leave'],
    [['--guided', '--explore', 'bounded:1'], 'leave --explore bounded out'],
    [['--shard', '3/2'], "--shard: '3/2' is not one part of several"],
    [['--seeds', '1..2', '--shard', '3/16'], 'has fewer seeds than there are parts'],
    [['--plan', join(tmpdir(), 'no-such-plan.json')], 'no such file'],
    [
      ['--plan', file('bad.json', '{ "schema": 1, "rules": [{ "at": "net.wir" }] }')],
      "bad.json:1:34: no point 'net.wir'",
    ],
    [['--plan', file('a.json', INCLUDING('b.json'))], 'b.json:1:28: includes itself: '],
    [['--plan', folder], 'is a directory; name a file'],
    [['--plan', '/dev/zero'], '/dev/zero: is no regular file'],
    [['--plan', file('large.json', ' '.repeat(10_000_000))], 'is larger than 1 MiB'],
    [['--plan', file('open.json', '[1')], 'open.json:1:3: no JSON: close bracket expected'],
    [
      ['--plan', file('much.json', RULE('"truncate", "parameters": { "to": -1 }'))],
      '"to" is a whole number from 1 to 2047',
    ],
    [['--out', '/proc/failures'], '/proc/failures: no such file or directory'],
    [['--out', file('taken', '')], 'taken: something else is there already; name another'],
    [['--limit', '-1'], '--limit'],
    [['--jobs', '0'], '--jobs'],
    [['--points', 'client0'], '--points: is for --explore bounded'],
    [['--explore', 'all'], "--explore: 'all' is not random, pct:3, bounded:2 or none"],
    [['--explore', 'bounded:1', '--points', 'nobody'], "--points: no domain 'nobody', of "],
    [
      ['--explore', 'bounded:3', '--amount', '5', '--limit', '100'],
      '--limit is 100; a smaller --amount or',
    ],
    [['--set', 'path'], '--set'],
  ])('%j is one line and status 2', async (args, line) => {
    const { stderr, status } = await sddfInProcess('sim', 'echo', ...args);
    expect(stderr).toContain(line);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(status).toBe(2);
  });
});
