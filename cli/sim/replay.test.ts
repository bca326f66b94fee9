/**
 * Goal: `sddf replay` shows a failure again, with wrong input too. Method: the command, in this
 * process.
 */

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../sim/failure/digest.ts';
import { type Failure, failureText } from '../../sim/failure/failure-file.ts';
import { countStrikes } from '../../sim/points/point.ts';
import { worldOptions } from '../../sim/failure/replay.ts';
import { runWorld } from '../../sim/world.ts';
import { walkByGdb, WALKED } from '../../test/support/gdb-walk.ts';
import { sddfInProcess } from '../../test/support/sddf-in-process.ts';
import { loadPlan } from './plan-file.ts';
import { loadTarget } from './target.ts';
import { testbedDigests } from './testbed-digests.ts';

const folder = mkdtempSync(join(tmpdir(), 'sddf-replay-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('sddf replay', () => {
  it.each([
    ['nothing', '', 'no JSON, and so no failure file'],
    ['a plan', '{ "schema": 1 }', 'no failure file of this version'],
    [
      'another version',
      '{ "schema": 99, "world": {}, "system": {} }',
      'no failure file of this version',
    ],
  ])('refuses %s in one line', async (name, text, line) => {
    const { stderr, status } = await sddfInProcess('replay', file(`${name}.txt`, text));
    expect(stderr).toContain(line);
    expect(status).toBe(2);
  });

  it.each([
    ['/dev/zero', 'is no regular file'],
    [folder, 'is a directory; name a file'],
  ])('refuses %s unread', async (path, line) => {
    const { stderr, status } = await sddfInProcess('replay', path);
    expect(stderr).toContain(line);
    expect(status).toBe(2);
  });

  it('sees the same again, and that another system is another', async () => {
    const { failure, plan } = await failureOf();
    const text = failureText(failure);
    const same = await sddfInProcess('replay', file('same.json', text));
    expect(same.stdout).toContain('net.wire.in: lose');
    expect(same.stdout).toContain('the same as then, byte for byte');
    expect(same.status).toBe(0);

    const digests = { ...failure.digests, description: '0' };
    const other = file('other.json', failureText({ ...failure, digests, outcome: '0' }));
    const another = await sddfInProcess('replay', other);
    expect(another.stderr).toContain('was made with another version: the description differs');
    expect(another.stdout).toContain('it does not fail any more');
    expect(plan.rules).toHaveLength(1);
    const moved = { ...failure.digests, "testbed's drivers/": '0' };
    const testbed = file('testbed.json', failureText({ ...failure, digests: moved }));
    const elsewhere = await sddfInProcess('replay', testbed);
    expect(elsewhere.stderr).toContain("another version: the testbed's drivers/ differs");
  });

  it('knows the testbed room by room, and tests are no part of it', () => {
    const root = join(folder, 'rooms');
    cpSync('sim', join(root, 'sim'), { recursive: true });
    for (const room of ['memory', 'queues', 'kernel', 'riscv', 'board', 'microkit', 'systems']) {
      mkdirSync(join(root, room));
    }
    for (const room of ['drivers', 'virtualisers', 'clients']) mkdirSync(join(root, room));
    const before = testbedDigests(root);
    expect(before["testbed's sim/"]).toBe(testbedDigests()["testbed's sim/"]);
    writeFileSync(join(root, 'kernel/kernel.test.ts'), 'a test');
    expect(testbedDigests(root)).toEqual(before);
    writeFileSync(join(root, 'kernel/kernel.ts'), 'a kernel');
    const after = testbedDigests(root);
    expect(Object.keys(after).filter((part) => after[part] !== before[part])).toEqual([
      "testbed's kernel/",
    ]);
  });

  it('is the same when it is looked at, and the trace is as well', async () => {
    const { failure } = await failureOf();
    const path = file('watched.json', failureText(failure));
    const [trace, capture] = [join(folder, 't.json'), join(folder, 'c.pcapng')];
    const args = ['--trace', trace, '--capture', capture];
    const first = await sddfInProcess('replay', path, ...args);
    expect(first.stdout).toContain('the same as then, byte for byte');
    const written = [trace, capture].map((each) => readFileSync(each));
    expect(JSON.parse(String(written[0]))).toHaveProperty('traceEvents');
    expect(written[1]?.length).toBeGreaterThan(2_000);

    await sddfInProcess('replay', path, ...args);
    expect([trace, capture].map((each) => readFileSync(each))).toEqual(written);
  });

  it('is held for a debugger, goes back, and is the same all the time', async () => {
    const { failure } = await failureOf();
    const path = file('held.json', failureText(failure));
    const socket = join(folder, 'gdb.sock');
    const walk = walkByGdb(socket);
    const { stdout } = await sddfInProcess('replay', path, '--gdb', `unix:${socket}`);

    expect(stdout).toContain('the same as then, byte for byte');
    expect(await walk).toEqual(WALKED);
    const { stderr } = await sddfInProcess('replay', path, '--gdb', 'unix:a', '--trace', 't.json');
    expect(stderr).toContain('--gdb: a world that is held is run alone; leave --trace out');
  });

  it('stops where a fault strikes, and tells what is going on', async () => {
    const { failure } = await failureOf();
    const path = file('until.json', failureText(failure));
    const whole = join(folder, 'whole.pcapng');
    const part = join(folder, 'part.pcapng');
    await sddfInProcess('replay', path, '--capture', whole);
    const args = ['--capture', part, '--until', 'net.wire.in lose'];
    const { stdout, status } = await sddfInProcess('replay', path, ...args);
    const [strike, then, ...state] = stdout.trimEnd().split('\n');
    expect(strike).toMatch(/^ +[\d.]+ ms {2}net\.wire\.in: lose$/);
    expect(then).toBe('stopped there; at this moment:');
    expect(state.join('\n')).toMatch(/^ {2}waiting to be woken up: .*client0/m);
    expect(status).toBe(0);
    // What the NIC saw up to there is the beginning of what it saw in all.
    const bytes = readFileSync(part);
    expect(bytes.length).toBeLessThan(readFileSync(whole).length);
    expect(readFileSync(whole).subarray(0, bytes.length)).toEqual(bytes);
  });

  it.each([
    [
      'loose',
      "--until: no strike 'loose' in this world (did you mean lose?); there is net.wire.in lose (1)",
    ],
    ['lose#2', "--until: no strike 'lose#2' in this world"],
  ])('--until %s is one line and status 2', async (until, line) => {
    const { failure } = await failureOf();
    const path = file('until.json', failureText(failure));
    const { stderr, status } = await sddfInProcess('replay', path, '--until', until);
    expect(stderr).toContain(line);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(status).toBe(2);
  });

  it.each([
    ['replay', '--trace'],
    ['shrink', '--out'],
  ])('%s does not write over what it reads', async (command, option) => {
    const { failure } = await failureOf();
    const path = file('clash.json', failureText(failure));
    const { stderr, status } = await sddfInProcess(command, path, option, path);
    expect(stderr).toContain('is read already, by the failure file; name another file');
    expect(status).toBe(2);
  });

  it.each([
    ['shrink', 'endless', 'this world does not end'],
    ['when', 'died', 'the process of this world dies'],
  ] as const)('%s runs no world that was %s', async (command, stopped, words) => {
    const { failure } = await failureOf();
    const path = file(`${stopped}.json`, failureText({ ...failure, stopped }));
    const { stderr, status } = await sddfInProcess(command, path);
    const why = `${words}, so nobody can say what else it does; sddf replay runs it`;
    expect(stderr).toBe(`sddf: ${path}: ${why}\n`);
    expect(status).toBe(2);
  });

  it('says where in the file its plan is wrong', async () => {
    const { failure } = await failureOf();
    const text = failureText(failure).replace('net.wire.in', 'net.wire.on');
    const path = file('wrong.json', text);
    const { stderr, status } = await sddfInProcess('replay', path);
    const line = 1 + text.split('\n').findIndex((each) => each.includes('net.wire.on'));
    expect(stderr).toContain(`wrong.json:${line}:12: no point 'net.wire.on'`);
    expect(status).toBe(2);
  });
});

/** A plan that loses one frame. */
function losing(frame: number): string {
  const rule = `{ "at": "net.wire.in", "fault": "lose", "when": { "nth": [${frame}] } }`;
  return file(`lose-${frame}.json`, `{ "schema": 1, "rules": [${rule}] }`);
}

/** A file as a campaign writes it, of a world that did not fail. */
async function failureOf() {
  const loaded = await loadTarget({ reference: 'echo', choices: {}, searchPath: [] });
  const plan = loadPlan(losing(3), loaded.target.system);
  const world = { seed: 5, plan, amount: 20, forNs: undefined, decisions: undefined };
  const outcome = runWorld(worldOptions(world, loaded.target));
  const failure: Failure = {
    system: loaded.reference,
    digests: loaded.digests,
    world,
    violations: outcome.violations,
    strikes: countStrikes(outcome.strikes),
    outcome: digestOf(JSON.stringify(outcome)),
  };
  return { failure, plan };
}
