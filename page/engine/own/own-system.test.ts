// Systems of one's own in the engine: they run as on the command line, each domain has an instance
// of its own, and what is wrong is said in one line with its place.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../../test/imports/source-imports.ts';
import { dataScripts } from '../../../test/support/data-scripts.ts';
import { tutorialFiles } from '../../guides/tutorial-files.ts';
import type { Answer, Request } from '../protocol.ts';
import { FIRST_SCENARIO, type Scenario } from '../scenario.ts';
import { Session } from '../session.ts';
import { ownOrReady } from './find-own.ts';

const FILES = tutorialFiles(readFileSync(join(ROOT, 'docs/writing-a-driver.md'), 'utf8'));
const WEATHER: Scenario = {
  ...FIRST_SCENARIO,
  system: 'weather',
  own: { main: 'my-system.ts', files: FILES },
};

class Page {
  readonly answers: Answer[] = [];
  readonly session = new Session(
    (answer) => this.answers.push(answer),
    ownOrReady({
      store: dataScripts(),
      begins: (what) => this.answers.push({ kind: 'begins', what }),
    }),
  );

  async ask(...requests: readonly Request[]): Promise<this> {
    for (const request of requests) await this.session.ask(request);
    return this;
  }

  get log(): readonly string[] {
    return this.answers.flatMap((each) =>
      each.kind === 'log' ? [`${each.pd}: ${each.line}`] : [],
    );
  }
}

function loaded(scenario: Scenario, ...requests: readonly Request[]): Promise<Page> {
  return new Page().ask({ kind: 'load', scenario }, ...requests);
}

/** The tutorial with a part of one of its files replaced. */
function changed(file: string, from: string, to: string): Scenario {
  const text = FILES[file] ?? '';
  if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
  const files = { ...FILES, [file]: text.replace(from, to) };
  return { ...WEATHER, own: { main: 'my-system.ts', files } };
}

const TO_5_MS: Request = { kind: 'seek', moment: { kind: 'time', timeNs: 5_000_000 } };

/** The runner's own stacks name a script by its address, and not by its name as engines do. */
const { prepareStackTrace } = Error;
beforeAll(() => Reflect.deleteProperty(Error, 'prepareStackTrace'));
afterAll(() => Object.assign(Error, { prepareStackTrace }));

describe("a system of one's own", () => {
  it('runs, and the same again when one goes back', async () => {
    const back: Request = { kind: 'seek', moment: { kind: 'time', timeNs: 0 } };
    const page = await loaded(WEATHER, TO_5_MS, back, TO_5_MS);
    const said = page.log.filter((line) => line.startsWith('reader'));

    expect(said.slice(0, 2)).toEqual([
      'reader: sample 1: 21.0 degrees',
      'reader: sample 2: 21.1 degrees',
    ]);
    expect(said.slice(said.length / 2)).toEqual(said.slice(0, said.length / 2));
  });

  it('shares nothing that modules keep between domains, and begins anew with each world', async () => {
    const program = (name: string): string =>
      [
        "import type { EntryPoints, ProtectionDomain } from 'sddf-testbed/microkit';",
        "import { count } from './counted.ts';",
        'export function main(pd: ProtectionDomain<never>): EntryPoints {',
        `  pd.log(\`${name} \${count()}\`);`,
        '  return { notified: () => undefined };',
        '}',
      ].join('\n');
    const system = [
      "import { system } from 'sddf-testbed/microkit';",
      "import { main as one } from './one.ts';",
      "import { main as two } from './two.ts';",
      'export function build() {',
      "  const sys = system({ name: 'counted' });",
      "  sys.pd('one', { program: one, priority: 2 });",
      "  sys.pd('two', { program: two, priority: 1 });",
      '  return sys.build();',
      '}',
    ].join('\n');
    const files = {
      'main.ts': system,
      'one.ts': program('one'),
      'two.ts': program('two'),
      'counted.ts': 'let calls = 0;\nexport const count = (): number => (calls += 1);\n',
    };
    const again: Request = {
      kind: 'load',
      scenario: { ...WEATHER, own: { main: 'main.ts', files } },
    };
    const page = await new Page().ask(again, again);

    expect(page.log).toEqual(['one: one 1', 'two: two 1', 'one: one 1', 'two: two 1']);
  });

  it('may import types in a circle: they are nothing that runs', async () => {
    const typed = changed(
      'driver.ts',
      'export function',
      "import { build } from './my-system.ts';\nexport type Built = ReturnType<typeof build>;\nexport function",
    );
    const page = await loaded(typed, TO_5_MS);

    expect(page.log).toContain('reader: sample 1: 21.0 degrees');
  });

  it('leaves no script behind when another system is loaded', async () => {
    const kept = new Set<string>();
    const scripts = dataScripts();
    const store = {
      add: (code: string): string => {
        const address = scripts.add(code);
        kept.add(address);
        return address;
      },
      remove: (address: string): void => void kept.delete(address),
    };
    const find = ownOrReady({ store, begins: () => undefined });
    const session = new Session(() => undefined, find);
    await session.ask({ kind: 'load', scenario: WEATHER });
    const whileLoaded = kept.size;
    await session.ask({ kind: 'load', scenario: FIRST_SCENARIO });
    const broken = changed('my-system.ts', 'return sys.build();', 'sys.build();');
    await expect(session.ask({ kind: 'load', scenario: broken })).rejects.toThrow('build()');
    await session.ask({ kind: 'probe', scenario: WEATHER, fromNs: 0, untilNs: 1 });

    expect(whileLoaded).toBeGreaterThan(0);
    expect([...kept]).toEqual([]);
  });

  it('tells where a program has failed', async () => {
    const broken = changed('reader.ts', "pd.readonlyRegion('samples')", "pd.region('samples')");
    const page = await loaded(broken, TO_5_MS);

    expect(page.log.join('\n')).toMatch(/reader: Error: .*samples.*\n[^]*reader\.ts:4/);
  });

  it.each<readonly [string, string, string, string]>([
    ['driver.ts', 'let count = 0;', 'let count = ;', 'driver.ts:18: Unexpected token'],
    [
      'my-system.ts',
      "import { main as driverMain } from './driver.ts';",
      "import { start as driverMain } from './driver.ts';",
      "my-system.ts:2: './driver.ts' has no export 'start'",
    ],
    [
      'my-system.ts',
      "import { system } from 'sddf-testbed/microkit';",
      "import { systems } from 'sddf-testbed/microkit'; systems();",
      "my-system.ts:1: 'sddf-testbed/microkit' has no export 'systems'",
    ],
    ['my-system.ts', "'./reader.ts'", "'node:fs'", "my-system.ts:3: 'node:fs' cannot be imported"],
    [
      'driver.ts',
      'export function',
      "\nexport const late = () => import('./reader.ts');\nexport function",
      'import(…) does not run in a page',
    ],
    ['my-system.ts', "'./reader.ts'", "'sddf-testbed/host'", 'is not there in a page'],
    [
      'driver.ts',
      'export function',
      "import './reader.ts';\nimport './my-system.ts';\nexport function",
      'driver.ts:16: imports that go in a circle do not run in a page: my-system.ts → driver.ts → ' +
        'my-system.ts; move what both need into a file of its own',
    ],
    ['my-system.ts', 'return sys.build();', 'sys.build();', 'build() returns nothing; end it with'],
    ['my-system.ts', 'return sys.build();', 'return sys;', 'build() returns the builder'],
    ['my-system.ts', 'export function build', 'function build', 'exports no system'],
    ['my-system.ts', 'return sys.build();', "throw new Error('no');", 'my-system.ts:23: no'],
    [
      'my-system.ts',
      'export function build',
      'export const oracles = 5;\nexport function build',
      'my-system.ts: oracles is a list of',
    ],
    ['my-system.ts', 'priority: 20', 'priority: 999', 'my-system.ts: '],
    ['driver.ts', 'const ID = 0x00;', "throw new Error('early');", 'driver.ts:3: early'],
  ])('cannot be loaded with %s changed: %s', async (file, from, to, words) => {
    await expect(loaded(changed(file, from, to))).rejects.toThrow(words);
    await expect(loaded(changed(file, from, to))).rejects.toThrow(/^[^\n]+$/);
  });

  it('says what it begins, so that who never returns is known', async () => {
    const page = await loaded(WEATHER);
    await page.ask({ kind: 'probe', scenario: WEATHER, fromNs: 0, untilNs: 2_500_000 });
    const begun = page.answers.flatMap((each) => (each.kind === 'begins' ? [each.what] : []));

    expect(begun).toContain('loading my-system.ts for driver');
    expect(begun).toContain('build() of my-system.ts');
    expect(begun).toContain('driver, in main()');
    expect(begun).toContain('driver, in notified(0)');
    expect(page.answers.at(-1)).toEqual({ kind: 'probed' });
  });
});

describe('a description and what it needs, as files', () => {
  const XML = `<?xml version="1.0" encoding="UTF-8"?>
<system>
    <protection_domain name="greeter" priority="5"><program_image path="greeter.elf" /></protection_domain>
</system>
`;
  const scenario = (xml: string): Scenario => ({
    ...WEATHER,
    own: { main: 'pair.system', files: { 'pair.system': xml } },
  });

  it('runs', async () => {
    const main = [
      "import type { EntryPoints, ProtectionDomain } from 'sddf-testbed/microkit';",
      'export function main(pd: ProtectionDomain<never>): EntryPoints {',
      "  pd.log('hello');",
      '  return { notified: () => undefined };',
      '}',
    ].join('\n');
    const files = { 'pair.system': XML.replace('.elf', '.ts'), 'greeter.ts': main };
    const page = await loaded({ ...WEATHER, own: { main: 'pair.system', files } });

    expect(page.log).toEqual(['greeter: hello']);
  });

  it('is judged by the oracles of its modules too', async () => {
    const main = [
      "import type { EntryPoints, ProtectionDomain } from 'sddf-testbed/microkit';",
      "const check = () => [{ where: 'greeter', what: 'hope is lost' }];",
      "export const oracles = [{ name: 'hope', holds: 'there is hope', check }];",
      'export function main(pd: ProtectionDomain<never>): EntryPoints {',
      '  return { notified: () => undefined };',
      '}',
    ].join('\n');
    const files = { 'pair.system': XML.replace('.elf', '.ts'), 'greeter.ts': main };
    const own = { main: 'pair.system', files };
    const page = await loaded({ ...WEATHER, own, net: 'test' });
    const judged = page.answers.find((each) => each.kind === 'judged');
    const hope = judged?.judgement.oracles.find(({ name }) => name === 'hope');

    expect(hope?.broken.map(({ text }) => text)).toEqual([expect.stringContaining('hope is lost')]);
    const wrong = { ...files, 'greeter.ts': main.replace("name: 'hope', ", '') };
    await expect(
      loaded({ ...WEATHER, own: { main: 'pair.system', files: wrong } }),
    ).rejects.toThrow(/^greeter\.ts: oracles is a list of/);
  });

  it.each([
    [XML, "protection domain 'greeter': no greeter.elf; drop it onto the page too"],
    [XML.replace('priority="5"', 'priority="999"'), 'pair.system:3:'],
    [XML.replace('</system>', ''), 'pair.system:'],
  ])('%# is refused in a line', async (xml, words) => {
    await expect(loaded(scenario(xml))).rejects.toThrow(words);
    await expect(loaded(scenario(xml))).rejects.toThrow(/^[^\n]+$/);
  });

  it('has images that are read as on the command line', async () => {
    const binaries = { 'greeter.elf': Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0) };
    const request: Request = { kind: 'load', scenario: scenario(XML), binaries };

    await expect(new Page().ask(request)).rejects.toThrow(/^greeter\.elf: /);
  });
});
