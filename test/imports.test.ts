/**
 * The import table (`test/imports/rooms.ts`), held against the sources, and what is made of it
 * against it.
 *
 * The linter has the same table as rules. This test walks the imports itself, so that it cannot
 * pass because a tool stopped reading files: it asserts how much it has read, and tries its own
 * rules on a planted violation.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withImportTable } from './imports/docs-table.ts';
import { cycles, fans, graphOf, wayToNode } from './imports/graph.ts';
import { lintRules } from './imports/lint-rules.ts';
import { outerRoom, type Room, ROOMS } from './imports/rooms.ts';
import { allImports, importsOf, isTest, ROOT, sourceFiles } from './imports/source-imports.ts';
import { violation } from './imports/violation.ts';

/** Imports, the files they stand in, and who refuses them: the linter too, or this test alone. */
const PLANTED: readonly (readonly [string, string, 'allowed' | 'refused' | 'refused here'])[] = [
  ["import { x } from '../../../board/bus.ts';", 'drivers/network/virtio/driver.ts', 'refused'],
  ["import { x } from '../../microkit/model.ts';", 'clients/echo/main.ts', 'refused'],
  ["import { x } from '../../microkit/pd.ts';", 'clients/echo/main.ts', 'allowed'],
  ["import { open } from '../../memory/region.ts';", 'clients/echo/main.ts', 'refused here'],
  ["import { partsOf } from '../../../memory/sealed.ts';", 'drivers/a/b/main.ts', 'refused here'],
  ["import * as sealed from '../../memory/sealed.ts';", 'clients/echo/main.ts', 'refused here'],
  ["import * as region from '../../memory/region.ts';", 'clients/echo/main.ts', 'refused here'],
  ["import { assert } from '../../memory/assert.ts';", 'queues/net/queue.ts', 'refused here'],
  ["import { demand } from '../../memory/misuse.ts';", 'clients/echo/main.ts', 'allowed'],
  ["import { y } from '../shell/main.ts';", 'clients/echo/main.ts', 'refused here'],
  ["import { Queue } from '../queues/net/queue.ts';", 'microkit/builder.ts', 'refused'],
  ["import type { Queue } from '../queues/net/queue.ts';", 'microkit/builder.ts', 'allowed'],
  ["import { y } from '../ram.ts';", 'memory/wasm/module.ts', 'refused'],
  ["import { y } from '../assert.ts';", 'memory/wasm/module.ts', 'allowed'],
  ["import { y } from '../memory/wasm/module.ts';", 'page/view.ts', 'allowed'],
  ["import { y } from './wasm/module.ts';", 'memory/ram.ts', 'allowed'],
  ["import { y } from '../kernel/kernel.ts';", 'riscv/hart.ts', 'refused'],
  ["import { y } from '../kernel/sched/sporadic.ts';", 'ipc-models/kernel.ts', 'refused'],
  ["import { y } from '../kernel/public.ts';", 'ipc-models/kernel.ts', 'allowed'],
  ["import { y } from '../cli/main.ts';", 'sim/campaign.ts', 'refused'],
  ["import { y } from '../sim/oracles/kernel/shadow.ts';", 'kernel/kernel.ts', 'refused'],
  ["import { y } from '../page/view.ts';", 'debug/gdb.ts', 'refused'],
  ["const { y } = await import('../cli/main.ts');", 'sim/campaign.ts', 'refused'],
];

const files = sourceFiles();
const production = allImports(files).filter((one) => !isTest(one.from));
const graph = graphOf(files, production);

describe('the import table', () => {
  it('has read the sources', () => {
    expect(files.length).toBeGreaterThan(15);
    expect(production.length).toBeGreaterThan(10);
  });

  it('is kept by every source file', () => {
    expect(production.map(violation).filter((found) => found !== undefined)).toEqual([]);
  });

  it('names rooms that it has', () => {
    const named = Object.values(ROOMS).flatMap((room) => Object.keys(room.imports));

    expect(named.filter((room) => ROOMS[room] === undefined)).toEqual([]);
  });

  it('names existing files', () => {
    const known = new Set(files);
    const missing = production.filter(
      (one) => /^[^.].*\/.*\.ts$/.test(one.to) && !known.has(one.to),
    );
    expect(missing.filter((one) => !one.to.endsWith('.d.ts'))).toEqual([]);
  });

  it('has no import cycle', () => {
    expect(cycles(graph)).toEqual([]);
  });

  it('reaches no module of Node from what runs in a browser', () => {
    const values = graphOf(
      files,
      production.filter((one) => one.kind === 'value'),
    );
    const starts = files.filter((file) => ROOMS[outerRoom(file)]?.runsInBrowser === true);

    expect(
      wayToNode(
        values,
        starts.filter((file) => !isTest(file)),
      ),
    ).toBeUndefined();
  });

  it.each(PLANTED)('judges %s in %s', (statement, file, verdict) => {
    const expected = verdict === 'allowed' ? undefined : expect.any(String);

    expect(importsOf(file, statement).map(violation)).toEqual([expected]);
  });
});

describe('the graph of imports', () => {
  it('finds a planted cycle', () => {
    const planted = new Map([
      ['a', ['b']],
      ['b', ['a']],
    ]);

    expect(cycles(planted)).toEqual([['a', 'b', 'a']]);
  });

  it('finds the shortest way to a planted module of Node', () => {
    const planted = new Map([
      ['page/view.ts', ['systems/a.ts', 'systems/b.ts']],
      ['systems/a.ts', ['systems/b.ts', 'systems/c.ts']],
      ['systems/b.ts', ['page/view.ts']],
      ['systems/c.ts', ['node:fs']],
    ]);

    expect(wayToNode(planted, ['systems/b.ts'])).toHaveLength(5);
    expect(wayToNode(new Map([['page/view.ts', ['systems/b.ts']]]), ['page/view.ts'])).toBe(
      undefined,
    );
  });

  it('counts who imports and who is imported, each once', () => {
    const planted = new Map([
      ['a', ['b', 'b', 'node:fs']],
      ['b', []],
    ]);

    expect(fans(planted)).toEqual([
      { file: 'a', in: 0, out: 1 },
      { file: 'b', in: 1, out: 0 },
    ]);
  });
});

describe('what is made of the import table', () => {
  it('is in .oxlintrc.imports.json: run `npm run imports`', () => {
    expect(readFileSync(join(ROOT, '.oxlintrc.imports.json'), 'utf8')).toBe(lintRules());
  });

  it('is in docs/architecture.md: run `npm run imports`', () => {
    const document = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');

    expect(document).toBe(withImportTable(document));
  });

  it('has no rule that the linter does not understand, for it says nothing of these', () => {
    const folder = mkdtempSync(join(tmpdir(), 'imports-'));
    try {
      writeFileSync(join(folder, '.oxlintrc.json'), lintRules());
      PLANTED.forEach(([statement, file], index) => {
        const path = join(folder, file.replace(/\.ts$/, `-${index}.ts`));
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, `${statement}\n`);
      });
      const oxlint = join(ROOT, 'node_modules/.bin/oxlint');
      const { stdout } = spawnSync(process.execPath, [oxlint, '-f', 'unix', '.'], {
        cwd: folder,
        encoding: 'utf8',
      });
      const complaints = stdout.split('\n').filter((line) => line.includes('restricted-imports'));
      const refused = PLANTED.map((_, index) => index).filter((index) =>
        complaints.some((line) => line.includes(`-${index}.ts:`)),
      );

      expect(refused).toEqual(
        PLANTED.flatMap(([, , verdict], index) => (verdict === 'refused' ? [index] : [])),
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('is what the linter reads', () => {
    expect(readJson('.oxlintrc.json')).toMatchObject({ extends: ['./.oxlintrc.imports.json'] });
  });

  const rooms = Object.entries(ROOMS).filter(([name]) => name === outerRoom(name));
  const isSeenByNode = ([, room]: [string, Room]) => room.runsInBrowser !== true;
  const isHostless = ([, room]: [string, Room]) =>
    room.knowsHost !== true && room.imports['host'] === undefined;

  it.each([
    ['tsconfig.json', rooms.filter(isSeenByNode), ['*.ts']],
    ['tsconfig.core.json', rooms.filter(isHostless), []],
    ['tsconfig.package.json', rooms.filter((room) => isSeenByNode(room) && room[0] !== 'test'), []],
  ])('is the list of rooms in %s', (file, expected, besides) => {
    const { include } = readJson(file) as { include: string[] };

    expect(include.toSorted()).toEqual([...expected.map(([name]) => name), ...besides].toSorted());
  });
});

/** Reads JSON that has comments on lines of their own. */
function readJson(file: string): unknown {
  return JSON.parse(readFileSync(join(ROOT, file), 'utf8').replaceAll(/^\s*\/\/.*$/gm, ''));
}
