// The line that the page gives for one's own machine is one that works, and gives the same bytes.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sddfInProcess } from '../../test/support/sddf-in-process.ts';
import type { Answer } from '../engine/protocol.ts';
import { FIRST_SCENARIO, type Scenario } from '../engine/scenario.ts';
import { Session } from '../engine/session.ts';
import { commandLine } from './command-line.ts';

const FOR_NS = 2_345_678;

async function inPage(scenario: Scenario): Promise<string> {
  let json = '';
  const session = new Session((answer: Answer) => {
    if (answer.kind === 'report') ({ json } = answer);
  });
  await session.ask({ kind: 'load', scenario });
  await session.ask({ kind: 'report', forNs: FOR_NS });
  return json;
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
    const line = commandLine(scenario, FOR_NS) ?? '';
    const { stdout } = await sddfInProcess(...line.split(' ').slice(2));

    expect(line).toMatch(/^npx sddf run echo /);
    expect(stdout).toBe(`${await inPage(scenario)}\n`);
  });

  it('brings the plan of faults along, as a file that the shell writes', () => {
    const plan = '{"schema":1,"rules":[]}';

    expect(commandLine({ ...FIRST_SCENARIO, plan }, FOR_NS)).toBe(
      `printf '%s\\n' '${plan}' > plan.json && npx sddf run echo --clock virtual --json --seed 0 ` +
        '--net loop --rate 2000 --burst 1 --for 2345678ns --faults plan.json',
    );
  });

  it('runs nothing that a stranger has written into a plan', () => {
    const plan = `{"schema":1,"rules":[]} // '; touch stranger; echo ' $(touch stranger) \\n`;
    const folder = mkdtempSync(join(tmpdir(), 'sddf-command-line-'));
    const line = commandLine({ ...FIRST_SCENARIO, plan }, FOR_NS) ?? '';
    execFileSync('sh', ['-c', line.replace('npx', 'true')], { cwd: folder });
    const files = readdirSync(folder);
    const written = readFileSync(join(folder, 'plan.json'), 'utf8');
    rmSync(folder, { recursive: true });

    expect(files).toEqual(['plan.json']);
    expect(written).toBe(`${plan}\n`);
  });

  it('is none where a person has done something', () => {
    const inputs = [{ atNs: 1, kind: 'typed', uart: 0, bytes: [] }] as const;

    expect(commandLine({ ...FIRST_SCENARIO, inputs }, FOR_NS)).toBeUndefined();
  });
});
