// Copies of the package's own programs and systems run as the originals do: the same bytes, in the
// page and on the command line.

import { describe, expect, it } from 'vitest';
import { systems } from '../../../systems/index.ts';
import { longTest } from '../../../test/support/long-test.ts';
import { dataScripts } from '../../../test/support/data-scripts.ts';
import type { Answer } from '../../engine/protocol.ts';
import { FIRST_SCENARIO, type OwnSystem, type Scenario } from '../../engine/scenario.ts';
import { ownOrReady } from '../../engine/own/find-own.ts';
import { Session } from '../../engine/session.ts';
import { filesOfSystem, ownCopy, systemFile, withCopy } from './package-sources.ts';

function copyOfAll(name: string): OwnSystem {
  const own = ownCopy(name);
  if (own === undefined) throw new Error(`no system ${name}`);
  return filesOfSystem(name).slice(1).reduce(withCopy, own);
}

async function report(scenario: Scenario): Promise<string> {
  let json = '';
  const tell = (answer: Answer): void => {
    if (answer.kind === 'report') ({ json } = answer);
  };
  const find = ownOrReady({ store: dataScripts(), begins: () => undefined });
  const session = new Session(tell, find);
  await session.ask({ kind: 'load', scenario });
  await session.ask({ kind: 'report', forNs: 3_000_000 });
  return json;
}

async function isSame(name: string): Promise<void> {
  const original = await report({ ...FIRST_SCENARIO, system: name });
  const copy = await report({ ...FIRST_SCENARIO, system: name, own: copyOfAll(name) });

  expect(original).not.toBe('');
  expect(copy, name).toBe(original);
}

describe('a copy of a ready-made system', () => {
  it('is known for each of them', () => {
    const files = systems.map(({ name }) => systemFile(name));

    expect(files).not.toContain(undefined);
    expect(filesOfSystem('echo')).toContain('clients/echo/responder.ts');
  });

  it('imports what the project has from there, and the rest from the package', () => {
    const own = ownCopy('echo');
    const files = own === undefined ? {} : withCopy(own, 'clients/echo/echo.ts').files;

    expect(files['echo.ts']).toContain("from './clients/echo/echo.ts'");
    expect(files['echo.ts']).toContain("from 'sddf-testbed/microkit'");
    expect(files['clients/echo/echo.ts']).toContain("from 'sddf-testbed/clients/echo/responder'");
    expect(Object.values(files).join('')).not.toMatch(/from '\.\.\/\.\.\/(?:memory|queues)/);
  });

  it('runs as the original, copied whole: cap_sharing', () => isSame('cap_sharing'));

  longTest('runs as the original, copied whole: every system', async () => {
    for (const { name } of systems) await isSame(name);
  });
});
