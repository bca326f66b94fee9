/**
 * Goal: a program that replaces or adds to what all JavaScript of a process shares harms itself at
 * most, or ends the run, by name. With `--harden`, to replace something is an error of the program
 * that tries; without, it is found.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Intrinsics } from '../../host/intrinsics/intrinsics.ts';
import { exportsOfRooms, holdExports } from '../../cli/run/own-exports.ts';
import { compiledModule, sddfCommand } from '../support/sddf-command.ts';
import { sddfInProcess } from '../support/sddf-in-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'sddf-pollution-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const ROOT = join(import.meta.dirname, '../..');
const VIRTUAL = ['--clock', 'virtual'] as const;

/**
 * A domain that does this in its `init`, and one beside it that says that it lives.
 *
 * @param builder of the sources for a run in this process, compiled for a process of its own
 */
function systemOf(
  name: string,
  attack: string,
  { imports = '', builder = `${ROOT}/microkit/builder.ts` } = {},
): string {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(
    file,
    `import { system } from '${builder}'; ${imports}
const sys = system({ name: '${name}' });
sys.pd('attacker', { program: (pd) => { ${attack}; return { notified() {} }; }, priority: 9 });
sys.pd('other', {
  program: (pd) => { pd.log(JSON.stringify([...new Map([['alive', 1]]).keys()])); return { notified() {} }; },
  priority: 2,
});
export const build = () => sys.build();
`,
  );
  return file;
}

/** A run in a process of its own, whose domain does this. */
function runOf(name: string, attack: string, ...options: readonly string[]) {
  const file = systemOf(name, attack, { builder: compiledModule('microkit/builder.ts') });
  const command = [sddfCommand(), 'run', file, ...options];
  return spawnSync(process.execPath, command, { encoding: 'utf8' });
}

const REPLACED = [
  ["Array.prototype[Symbol.iterator] = () => { throw new Error('mine') }", 'Array.prototype'],
  ["Map.prototype.get = () => { throw new Error('mine') }", 'Map.prototype'],
  ["JSON.stringify = () => 'mine'", 'JSON'],
  ["Object.prototype.hasOwnProperty = () => 'mine'", 'Object.prototype'],
  ["Object.getPrototypeOf(Int8Array.prototype).set = () => { throw 'mine' }", 'TypedArray'],
  ['globalThis.Map = class {}', 'Map'],
  ["Object.getPrototypeOf(pd).notify = () => { throw 'mine' }", 'pd'],
  ["pd.log = () => { throw 'mine' }", 'pd'],
  ["Object.defineProperty(Promise.prototype, 'then', { get() { throw 'mine' } })", 'Promise'],
] as const;

describe('a program that replaces something that all share, with --harden', () => {
  it('has a fault of its own at each, and nobody else notices', { timeout: 120_000 }, () => {
    const attempts = REPLACED.map(
      ([attack, name]) =>
        `try { ${attack}; pd.log('replaced ${name}'); } catch (error) { pd.log('refused ' + error.name); }`,
    );
    const attack = `'use strict'; ${attempts.join('\n')}; ${REPLACED[1][0]}`;

    const run = runOf('replaces', attack, ...VIRTUAL, '--harden');

    expect(run.stderr).not.toContain('replaced');
    expect(run.stderr.match(/attacker: refused TypeError/g)).toHaveLength(REPLACED.length);
    expect(run.stderr).toContain('attacker: TypeError');
    expect(run.stderr).toContain('other: ["alive"]');
    expect(run.stderr).not.toContain('internal failure');
    expect(run.status).toBe(1);
  });

  it.each([
    [
      'added',
      'Object.prototype.polluted = 1',
      'delete Object.prototype.polluted',
      'Object.prototype.polluted',
    ],
    [
      'replaced',
      'globalThis.kept = Map.prototype.get; Map.prototype.get = function (k) { return kept.call(this, k) }',
      'Map.prototype.get = globalThis.kept',
      'Map.prototype.get',
    ],
  ])('ends the run where it could be %s', async (how, attack, undo, what) => {
    try {
      const run = await sddfInProcess('run', systemOf(how, attack), ...VIRTUAL);

      expect(run.stderr).toContain(
        `sddf: a program has ${how} ${what}, which all programs share; the run is ended`,
      );
      expect(run.status).toBe(1);
    } finally {
      // oxlint-disable-next-line no-implied-eval -- what the attack has done is undone in its words
      new Function(undo)();
    }
  });
});

const REPLACES_GET =
  'const kept = Map.prototype.get; Map.prototype.get = function (key) { return kept.call(this, key) };';
const GET = 'Map.prototype.get';
const SHARED = 'which all programs share';

describe('a program that breaks what Node itself needs', () => {
  it.each(['virtual', 'host'])('is named, under the %s clock', (clock) => {
    const what = 'Array.prototype[Symbol.iterator]';
    const attack = `${what} = () => { throw new Error('mine') }`;

    const { stderr, status } = runOf(`breaks-${clock}`, attack, '--clock', clock, '--for', '5ms');

    expect(stderr).toContain(`sddf: a program has replaced ${what}, ${SHARED}`);
    expect(stderr).not.toMatch(/^ +at |internal failure/m);
    expect(status).toBe(1);
  });
});

describe('a program that breaks what the command writes with', () => {
  it('ends the run with one line', async () => {
    const throwing = "() => { throw 'mine' }";
    const file = systemOf('mutes', `console.error = process.stderr.write = ${throwing}`);

    const { stderr, status } = await sddfInProcess('run', file, ...VIRTUAL);

    expect(stderr).toBe(
      `sddf: a program has replaced process.stderr.write, ${SHARED}; the run is ended\n`,
    );
    expect(status).toBe(1);
  });
});

describe('a module that does it before the run', () => {
  it('is named, with the domain whose program it is, and what it did is undone', async () => {
    const get = Map.prototype.get;
    const program = 'export const main = () => ({ notified() {} });';
    writeFileSync(join(folder, 'good.mjs'), program);
    writeFileSync(join(folder, 'evil.mjs'), `${REPLACES_GET} ${program}`);
    const domain = (name: string, image: string): string =>
      `<protection_domain name="${name}"><program_image path="${image}"/></protection_domain>`;
    const file = join(folder, 'two.system');
    writeFileSync(file, `<system>${domain('a', 'good.mjs')}${domain('b', 'evil.mjs')}</system>`);

    const run = await sddfInProcess('run', file, ...VIRTUAL);

    expect(run.stderr).toBe(
      `sddf: ${folder}/evil.mjs, program of 'b', has replaced ${GET} while it was loaded, ${SHARED}\n`,
    );
    expect(run.status).toBe(2);
    expect(Map.prototype.get).toBe(get);
  });

  it.each([
    ['top', REPLACES_GET, '', 'while it was loaded'],
    ['built', '', REPLACES_GET, 'in build()'],
  ])('is named where it describes the system: %s', async (name, top, inBuild, when) => {
    const file = join(folder, `${name}.mjs`);
    writeFileSync(
      file,
      `import { system } from '${ROOT}/microkit/builder.ts'; ${top}
export function build() { ${inBuild}
  const sys = system({ name: '${name}' });
  sys.pd('a', { program: () => ({ notified() {} }) });
  return sys.build();
}`,
    );

    const run = await sddfInProcess('run', file, ...VIRTUAL);

    expect(run.stderr).toBe(`sddf: ${file} has replaced ${GET} ${when}, ${SHARED}\n`);
    expect(run.status).toBe(2);
  });
});

describe('a program that replaces what the package exports', () => {
  it.each([
    ['Kernel.prototype.next = () => 1', 'kernel/boot.ts'],
    ['DeviceRegion.prototype.read32 = () => 1', 'memory/region.ts'],
    ['SerialProducer.prototype.publish = () => 1', 'queues/serial/queue.ts'],
    ['DEFAULT_COSTS.kernelEntry = 0', 'kernel/cost.ts'],
  ])('has a fault of its own: %s', async (attack, file) => {
    const name = /^\w+/.exec(attack)?.[0] as string;
    const imports = `import { ${name} } from '${ROOT}/${file}';`;

    const run = await sddfInProcess('run', systemOf(name, attack, { imports }), ...VIRTUAL);

    expect(run.stderr).toMatch(/attacker: TypeError: Cannot (assign to|add)/);
    expect(run.stderr).toContain('other: ["alive"]');
    expect(run.status).toBe(1);
  });

  it('finds each of them constant', async () => {
    await holdExports();
    for (const room of await exportsOfRooms()) {
      for (const [name, value] of Object.entries(room)) {
        expect(Object.isFrozen(value), name).toBe(true);
        if (typeof value === 'function') expect(Object.isFrozen(value.prototype), name).toBe(true);
      }
    }
  });
});

describe('what has been changed', () => {
  it.each([
    ['a method that looks for it', () => Object.assign(Reflect, { ownKeys: () => [] })],
    ['the iterator', () => Object.assign(Array.prototype, { [Symbol.iterator]: () => [].keys() })],
    ['a constructor', () => Object.assign(globalThis, { WeakRef: class {} })],
    ['what is gone', () => Reflect.deleteProperty(Map.prototype, 'has')],
  ])('is found, and can be undone: %s', (_what, attack) => {
    const intrinsics = new Intrinsics();
    attack();
    const change = intrinsics.change();
    intrinsics.restore();

    expect(change).toBeDefined();
    expect(intrinsics.change()).toBeUndefined();
  });
});

it('nothing that is left alone is taken for changed', () => {
  expect(new Intrinsics().change()).toBeUndefined();
});
