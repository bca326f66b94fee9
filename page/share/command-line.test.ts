// The line that the page gives for one's own machine is one that works, and gives the same bytes.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systems } from '../../systems/index.ts';
import { ROOT } from '../../test/imports/source-imports.ts';
import { dataScripts } from '../../test/support/data-scripts.ts';
import { longTest } from '../../test/support/long-test.ts';
import { sddfCommand } from '../../test/support/sddf-command.ts';
import { sddfInProcess } from '../../test/support/sddf-in-process.ts';
import type { Answer } from '../engine/protocol.ts';
import { FIRST_SCENARIO, type Scenario } from '../engine/scenario.ts';
import { ownOrReady } from '../engine/own/find-own.ts';
import { Session } from '../engine/session.ts';
import { tutorialFiles } from '../guides/tutorial-files.ts';
import { ownCopy, withCopy } from '../view/write/package-sources.ts';
import { commandLine } from './command-line.ts';

const FOR_NS = 2_345_678;

const ECHO = { nics: 1, uarts: [], disks: 0, content: 'nothing', points: [] } as const;

/** @returns what the page says of a run, and its line for a shell */
async function inPage(scenario: Scenario): Promise<{ json: string; line: string | undefined }> {
  let json = '';
  let line: string | undefined;
  const session = new Session(
    (answer: Answer) => {
      if (answer.kind === 'report') ({ json } = answer);
      if (answer.kind === 'loaded') line = commandLine(scenario, FOR_NS, answer.info);
    },
    ownOrReady({ store: dataScripts(), begins: () => undefined }),
  );
  await session.ask({ kind: 'load', scenario });
  await session.ask({ kind: 'report', forNs: FOR_NS });
  return { json, line };
}

/** A project of a user's, in which the package is installed; removed by whoever asks for it. */
function project(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sddf-pasted-'));
  mkdirSync(join(folder, 'node_modules'));
  const installed = dirname(dirname(sddfCommand()));
  symlinkSync(installed, join(folder, 'node_modules', 'sddf-testbed'));
  return folder;
}

/** What a shell prints when the line is pasted there. */
function pasted(line: string, folder: string): string {
  const command = line.replace('npx sddf', `'${process.execPath}' '${sddfCommand()}'`);
  return execFileSync('sh', ['-c', command], { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
}

async function samePrinted(
  system: string,
  net: Scenario['net'] = 'loop',
): Promise<'same' | 'no line'> {
  const { json, line } = await inPage({ ...FIRST_SCENARIO, system, net });
  if (line === undefined) return 'no line';
  const { stdout, stderr } = await sddfInProcess(...line.split(' ').slice(2));
  expect(stdout, `${line}: ${stderr}`).toBe(`${json}\n`);
  return 'same';
}

describe('the same on your machine', () => {
  it('prints the same bytes', async () => {
    const scenario: Scenario = {
      ...FIRST_SCENARIO,
      choices: { path: '4pd', clients: '1' },
      seed: 3,
      rate: 5000,
      frame: 200,
      ramBytes: 64 * 1024 * 1024,
    };
    const { json, line = '' } = await inPage(scenario);
    const { stdout } = await sddfInProcess(...line.split(' ').slice(2));

    expect(line).toMatch(/^npx sddf run echo /);
    expect(stdout).toBe(`${json}\n`);
  });

  it.each(['fat', 'hello', 'router'])('prints the same bytes of %s', async (system) => {
    expect(await samePrinted(system)).toBe('same');
  });

  longTest('prints the same bytes of every system, with and without traffic', async () => {
    const without: string[] = [];
    for (const { name } of systems) {
      for (const net of ['loop', 'hand'] as const) {
        if ((await samePrinted(name, net)) === 'no line') without.push(name);
      }
    }

    // A cable that only a person is at.
    expect(without.toSorted()).toEqual(['echo', 'router', 'vswitch']);
  });

  longTest('prints the same bytes of a system of one’s own, when it is pasted', async () => {
    const tutorial = tutorialFiles(readFileSync(join(ROOT, 'docs/writing-a-driver.md'), 'utf8'));
    const echo = ownCopy('echo');
    if (echo === undefined) throw new Error('the echo system is there');
    const owns = [
      { main: 'my-system.ts', files: tutorial },
      withCopy(withCopy(echo, 'clients/echo/echo.ts'), 'virtualisers/network/rx/virt-rx.ts'),
    ];
    const folder = project();
    for (const own of owns) {
      const { json, line = '' } = await inPage({ ...FIRST_SCENARIO, own });
      expect(pasted(line, folder)).toBe(`${json}\n`);
    }
    rmSync(folder, { recursive: true });
  });

  it('brings the plan of faults along, as a file that the shell writes', () => {
    const plan = '{"schema":1,"rules":[]}';

    expect(commandLine({ ...FIRST_SCENARIO, plan }, FOR_NS, ECHO)).toBe(
      `printf '%s\\n' '${plan}' > plan.json && npx sddf run echo --clock virtual --json --seed 0 ` +
        '--net loop --rate 2000 --burst 1 --for 2345678ns --faults plan.json',
    );
  });

  it('is a campaign of one world for a tested one, with a plan also where nothing goes wrong', () => {
    const tested = { ...FIRST_SCENARIO, net: 'test', seed: 4, test: { amount: 60 } } as const;

    expect(commandLine(tested, FOR_NS, ECHO)).toBe(
      `printf '%s\\n' '{"schema":1,"rules":[]}' > plan.json && ` +
        'npx sddf sim echo --seeds 4 --plan plan.json --amount 60',
    );
    expect(commandLine({ ...tested, test: { decisions: '1:2' } }, FOR_NS, ECHO)).toBeUndefined();
  });

  it('runs nothing that a stranger has written into a plan', () => {
    const plan = `{"schema":1,"rules":[]} // '; touch stranger; echo ' $(touch stranger) \\n`;
    const folder = mkdtempSync(join(tmpdir(), 'sddf-command-line-'));
    const line = commandLine({ ...FIRST_SCENARIO, plan }, FOR_NS, ECHO) ?? '';
    execFileSync('sh', ['-c', line.replace('npx', 'true')], { cwd: folder });
    const files = readdirSync(folder);
    const written = readFileSync(join(folder, 'plan.json'), 'utf8');
    rmSync(folder, { recursive: true });

    expect(files).toEqual(['plan.json']);
    expect(written).toBe(`${plan}\n`);
  });

  it('writes files of a system of one’s own first, whatever a stranger has written into them', () => {
    const text = "export {}; // '; touch stranger; echo ' $(touch stranger) \\n\n";
    const own = { main: 'my.ts', files: { 'my.ts': text, 'clients/a.ts': '%s' } };
    const folder = mkdtempSync(join(tmpdir(), 'sddf-command-line-'));
    const scenario = {
      ...FIRST_SCENARIO,
      own,
      choices: { 'a;touch stranger': "';touch stranger" },
    };
    const line = commandLine(scenario, FOR_NS, ECHO) ?? '';
    execFileSync('sh', ['-c', line.replace('npx', 'true')], { cwd: folder });
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    const written = readFileSync(join(folder, 'my.ts'), 'utf8');
    rmSync(folder, { recursive: true });

    expect(files.toSorted()).toEqual(['clients', 'clients/a.ts', 'my.ts']);
    expect(written).toBe(text);
    expect(line).toContain('npx sddf run ./my.ts --clock virtual');
    expect(commandLine(scenario, FOR_NS, ECHO, 'there')).toMatch(/^npx sddf run \.\/my\.ts /);
  });

  it('has no letters that a terminal acts on, and writes the same bytes', () => {
    const text = "a \\\\n\u001b[201~'\r\n\ttouch stranger\n\u009b\u0003é";
    const scenario = { ...FIRST_SCENARIO, own: { main: 'my.ts', files: { 'my.ts': text } } };
    const line = commandLine({ ...scenario, plan: `{} // \r` }, FOR_NS, ECHO) ?? '';
    const folder = mkdtempSync(join(tmpdir(), 'sddf-command-line-'));
    execFileSync('sh', ['-c', line.replace('npx', 'true')], { cwd: folder });
    const written = readFileSync(join(folder, 'my.ts'), 'utf8');
    const plan = readFileSync(join(folder, 'plan.json'), 'utf8');
    rmSync(folder, { recursive: true });

    expect(line).not.toMatch(/[^\P{Cc}\n]/u);
    expect(written).toBe(text);
    expect(plan).toBe('{} // \r\n');
    const choices = { a: '\u001b[201~' };
    expect(commandLine({ ...scenario, choices }, FOR_NS, ECHO)).toBeUndefined();
  });

  it('is none where nobody but a person is at the cable', () => {
    const scenario = { ...FIRST_SCENARIO, net: 'hand' } as const;

    expect(commandLine(scenario, FOR_NS, ECHO)).toBeUndefined();
  });

  it.each([
    ['"fault" : "power-cut"', 'no line'],
    ['"fault": "read-only", "comment": "not \\"fault\\": \\"power-cut\\""', 'a line'],
  ])('knows by its plan whether a disk forgets: %s', async (fault, expected) => {
    const plan = `{"schema":1,"rules":[{"at":"blk0.medium", ${fault}, "when":{"time":"1ms"}}]} // a comment`;
    const { line } = await inPage({ ...FIRST_SCENARIO, system: 'blk', plan });

    expect(line === undefined ? 'no line' : 'a line').toBe(expected);
  });

  it('is none where a person has done something', () => {
    const inputs = [{ atNs: 1, kind: 'typed', uart: 0, bytes: [] }] as const;

    expect(commandLine({ ...FIRST_SCENARIO, inputs }, FOR_NS, ECHO)).toBeUndefined();
  });
});
