/**
 * Goal: planted bugs are found, by the oracle that is there for them, and every one of them still
 * fits the sources. Method: six are hunted here, all in CI (`npm run mutants`).
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { hunt } from '../../sim/mutants/hunt.ts';
import { applyEdits } from '../../sim/mutants/mutant.ts';
import { MUTANTS } from '../../sim/mutants/mutants.ts';
import { COMPILER, hasCompiler } from '../support/c-programs.ts';
import { plantedSystem } from './plant.ts';

const folder = mkdtempSync(join(tmpdir(), 'sddf-mutants-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function oracleThatFinds(name: string): Promise<string | undefined> {
  const mutant = MUTANTS.find((each) => each.name === name);
  if (mutant === undefined) throw new Error(`no mutant '${name}'`);
  const target = await plantedSystem(mutant, folder);
  const sound = await plantedSystem({ ...mutant, edits: [] }, folder);
  const { explore, plan } = mutant;
  return hunt({ target, sound, explore, plan, seeds: 60, amount: 60, shrinkWorlds: 0 })?.oracle;
}

describe('a planted bug', () => {
  it.each(MUTANTS)('$name changes its module', ({ file, edits }) => {
    const text = readFileSync(file, 'utf8');
    const changed = applyEdits(text, edits);
    expect(changed).toBeDefined();
    expect(changed).not.toBe(text);
  });

  it('that docs/mutants.md names is there, and is what it says', () => {
    const page = readFileSync(new URL('../../docs/mutants.md', import.meta.url), 'utf8');
    const rows = [...page.matchAll(/^\| `(.*?)` +\| (.*?) +\|/gm)].map(([, ...row]) => row);
    const known = new Map(MUTANTS.map(({ name, what }) => [name, what]));
    expect(rows.length).toBeGreaterThan(50);
    expect(rows.filter(([name = '', what]) => known.get(name) !== what)).toEqual([]);
  });

  it.each([
    ['net-ack-after-drain', 'progress'],
    ['net-unknown-mac-keeps-buffer', 'buffer-ledger'],
    ['vswitch-dropped-keeps-buffer', 'buffer-ledger'],
    ['blk-flush-ends-nowhere', 'durability'],
    ['serial-spurious-not-acked', 'progress'],
    ['restart-before-answers', 'buffer-ledger'],
  ])('%s is found by %s', { timeout: 1_200_000 }, async (name, oracle) => {
    expect(await oracleThatFinds(name)).toBe(oracle);
  });

  it.runIf(hasCompiler)(
    `in machine code is found as well (needs ${COMPILER})`,
    { timeout: 1_200_000 },
    async () => {
      expect(await oracleThatFinds('c-net-unknown-mac-keeps-buffer')).toBe('buffer-ledger');
    },
  );

  it('that is none is not found', async () => {
    const [mutant] = MUTANTS;
    if (mutant === undefined) throw new Error('there are mutants');
    const sound = await plantedSystem({ ...mutant, edits: [] }, folder);
    const options = { target: sound, sound, explore: 'random', seeds: 3, amount: 60 } as const;
    expect(hunt({ ...options, shrinkWorlds: 0 })).toBeUndefined();
  });
});
