/**
 * Goal: what a program keeps outside `main` is its domain's alone, wherever its file lies, whoever
 * starts the system, however many domains run it, however often. Method: domains that count in
 * their own module and in one that they share, started by `loadTestbed` and by `sddf run` of the
 * same program's `.system` file, in one process without the test runner's loader.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { system } from '../microkit/builder.ts';
import { loadTestbed } from './load-testbed.ts';

const ROOT = new URL('../', import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'sddf-instances-'));
/** More than a program of the package has instances. */
const DOMAINS = Array.from({ length: 10 }, (_, index) => `d${index}`);

const FILES: Readonly<Record<string, string>> = {
  'shared.ts': 'let calls = 0;\nexport const count = (): number => (calls += 1);\n',
  'counter.ts': `
    import { count } from './shared.ts';
    let calls = 0;
    export function main(pd) {
      pd.log(\`\${(calls += 1)} \${count()}\`);
      return { notified: () => undefined };
    }`,
  'all.ts': `
    import { system } from '${new URL('microkit/builder.ts', ROOT).href}';
    import { main } from './counter.ts';
    let closures = 0;
    export function build() {
      const sys = system({ name: 'all' });
      for (const name of ${JSON.stringify(DOMAINS)}) {
        const inside = (pd) => (pd.log(\`closure \${(closures += 1)}\`), main(pd));
        sys.pd(name, { program: name === 'd9' ? inside : main, priority: 10 });
      }
      return sys.build();
    }`,
  'all.system': `<?xml version="1.0"?>\n<system>${DOMAINS.map(
    (name) =>
      `<protection_domain name="${name}" priority="10"><program_image path="counter.ts" /></protection_domain>`,
  ).join('')}</system>`,
  'changing.ts': `
    import { system } from '${new URL('microkit/builder.ts', ROOT).href}';
    export function build() {
      const sys = system({ name: 'changing' });
      sys.pd(\`d\${Math.random()}\`, { program: () => ({ notified: () => undefined }) });
      return sys.build();
    }`,
  'probe.mts': `
    import { loadTestbed } from '${new URL('systems/load-testbed.ts', ROOT).href}';
    import { runProgram } from '${new URL('cli/program.ts', ROOT).href}';
    const log = (pd, line) => pd.startsWith('d') && console.error(\`\${pd}: \${line}\`);
    const all = new URL('./all.ts', import.meta.url);
    for (const run of ['first', 'second']) {
      (await loadTestbed({ system: all, clock: 'virtual', observer: { log } })).runUntilQuiet();
    }
    await runProgram(['run', 'all.system', '--clock', 'virtual']);`,
};

beforeAll(() => {
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(folder, name), text);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('what a program keeps outside main', () => {
  it('is the domain’s alone, and so is what the files below it keep', () => {
    const tsx = fileURLToPath(new URL('node_modules/tsx/dist/esm/index.mjs', ROOT));
    const command = `node --import ${tsx} ${join(folder, 'probe.mts')} 2>&1`;
    const said = execFileSync('sh', ['-c', command], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 60_000,
    });
    const lines = said.split('\n').filter((line) => /^d\d: /.test(line));
    const counted = DOMAINS.map((name) => `${name}: 1 1`);
    const closure = 'd9: closure 1';
    expect(lines.toSorted()).toEqual(
      [...counted, ...counted, ...counted, closure, closure].toSorted(),
    );
  });

  it('is not shared by two domains with one function, which are named', async () => {
    const sys = system({ name: 'users' });
    const client = (): { notified(): void } => ({ notified: () => undefined });
    for (const name of ['a', 'b'])
      sys.pd(name, { program: client, image: 'mine.ts', priority: 10 });
    const built = sys.build();
    if (!built.ok) throw new Error('the system is right');
    await expect(loadTestbed({ system: built.system, clock: 'virtual' })).rejects.toThrow(
      /^'a' and 'b' have one function as their program, 'client' of mine.ts/,
    );
    const alone = new Map([['b', () => client()]]);
    await loadTestbed({ system: built.system, clock: 'virtual', programs: alone });
  });

  it('needs a module that describes the same system each time', async () => {
    const changing = pathToFileURL(join(folder, 'changing.ts'));
    await expect(loadTestbed({ system: changing, clock: 'virtual' })).rejects.toThrow(
      /changing.ts: build\(\) has no program for 'd0\.\d+' when it is called again/,
    );
    const none = pathToFileURL(join(folder, 'shared.ts'));
    await expect(loadTestbed({ system: none, clock: 'virtual' })).rejects.toThrow(
      /shared.ts: exports no system/,
    );
  });
});
