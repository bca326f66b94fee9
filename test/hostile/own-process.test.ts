/**
 * Programs that end, move or take over the process that they run in, or replace what Node calls in
 * it. What can be refused is a fault of the domain that tries; what cannot is found, named, and
 * ends the run. Neither a stack of Node's nor an "internal failure" reaches the terminal.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { longTest } from '../support/long-test.ts';
import { sddfCommand } from '../support/sddf-command.ts';
import { sddfInProcess } from '../support/sddf-in-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'sddf-own-process-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const BUILDER = join(import.meta.dirname, '../../microkit/builder.ts');

/** `bad` does this in its `init`; `other` says afterwards that it lives. */
function systemOf(name: string, act: string, top = ''): string {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(
    file,
    `import { system } from '${BUILDER}'; ${top}
const sys = system({ name: '${name}' });
sys.pd('bad', { program: (pd) => { ${act}; return { notified() {} }; }, priority: 9 });
sys.pd('other', { program: (pd) => { pd.log('alive'); return { notified() {} }; }, priority: 2 });
export const build = () => sys.build();
// The board has something to do for as long as the run lasts.
export const attachDevices = (board) => {
  const tick = { fire: () => board.clock.schedule(tick, board.clock.now() + 1_000_000) };
  tick.fire();
};
`,
  );
  return file;
}

const virtual = (file: string) =>
  sddfInProcess('run', file, '--clock', 'virtual', '--for', '5ms') as ReturnType<
    typeof sddfInProcess
  >;

const REFUSED = [
  ...[
    'exit(0)',
    'reallyExit(0)',
    "kill(process.pid, 'SIGKILL')",
    'kill(process.ppid, 9)',
    'abort()',
  ],
  ...["chdir('/')", 'umask(0)', "on('exit', () => {})", 'removeAllListeners()', "emit('SIGINT')"],
  ...['setUncaughtExceptionCaptureCallback(() => {})', 'stdout.end()', 'stderr.destroy()'],
];

describe('a program that calls', () => {
  it.each(REFUSED)('process.%s has a fault of its own, and the run goes on', async (call) => {
    const name = `refused${REFUSED.indexOf(call)}`;
    const { status, stdout, stderr } = await virtual(systemOf(name, `process.${call}`));

    const method = /^[\w.]+/.exec(call)?.[0] ?? '';
    expect(stderr).toContain(
      `bad: Misuse: calls process.${method}; a program may not end or change the command`,
    );
    expect(stderr).toContain('other: alive');
    expect(stdout).toContain('bad: 1 fault');
    expect(status).toBe(1);
  });

  it('is free to write to the terminal', async () => {
    const { status, stdout } = await virtual(systemOf('writes', "process.stdout.write('mine\\n')"));

    expect(stdout).toContain('mine\n');
    expect(status).toBe(0);
  });
});

const THROWS = "() => { throw new Error('mine') }";
const REPLACED = [
  ['process.exitCode', 'process.exitCode = 0'],
  ['process.exitCode', 'process.exitCode = 5'],
  ['process.emit', `process.emit = ${THROWS}`],
  ['process.nextTick', `process.nextTick = ${THROWS}`],
  ['process.stdout', "Object.defineProperty(process, 'stdout', { value: {}, configurable: true })"],
  ['process.stdout.write', 'process.stdout.write = () => true'],
  ['console.error', `console.error = ${THROWS}`],
  ['globalThis.setImmediate', 'globalThis.setImmediate = () => {}'],
  ['globalThis.setInterval', 'globalThis.setInterval = () => {}'],
  ['Buffer.prototype.toString', `Buffer.prototype.toString = ${THROWS}`],
  ['EventEmitter.prototype.emit', `EventEmitter.prototype.emit = ${THROWS}`],
] as const;

describe('a program that replaces', () => {
  it.each(REPLACED)('%s ends the run, by name: %s', async (what, attack) => {
    const name = `replaced${REPLACED.findIndex((each) => each[1] === attack)}`;
    const top = "import { EventEmitter } from 'node:events';";
    const { status, stdout, stderr } = await virtual(systemOf(name, attack, top));

    expect(stderr).toContain(`sddf: a program has replaced ${what}, which all programs share`);
    expect(stderr).not.toMatch(/^ +at |internal failure/m);
    expect(stdout).toContain(`${name}: `);
    expect(status).toBe(1);
  });
});

describe('a module that ends the command while it is loaded', () => {
  it.each(['exit(0)', 'abort()', "chdir('/')"])('is refused: process.%s', async (call) => {
    const file = systemOf(`loading-${call.replaceAll(/\W/g, '')}`, '', `process.${call};`);

    expect(await virtual(file)).toEqual({
      status: 2,
      stdout: '',
      stderr: `sddf: ${file}: calls process.${call.replace(/\(.*/, '')}; a module may not end or move the command\n`,
    });
  });
});

describe('a process of its own', () => {
  const ended = (file: string, ...more: readonly string[]) =>
    spawnSync(process.execPath, [sddfCommand(), 'run', file, '--for', '50ms', ...more], {
      encoding: 'utf8',
    });

  it('shows no stack of Node’s, whatever of `process` has been replaced', () => {
    const attack = `Object.defineProperty(process, 'emit', { value: ${THROWS} })`;
    const { status, stderr } = ended(systemOf('emits', attack));

    expect(stderr).toContain('bad: TypeError: Cannot redefine property: emit');
    expect(stderr).not.toContain('Node.js v');
    expect(status).toBe(1);
  });

  longTest('says that it was ended, when it was killed', () => {
    const top = "import { execSync } from 'node:child_process';";
    const { status, stderr } = ended(systemOf('killed', 'execSync(`kill -9 ${process.pid}`)', top));

    expect(stderr).toMatch(/^sddf: the run's process was ended from outside \(SIGKILL, /m);
    expect(status).toBe(137);
  });

  longTest('blames nobody else for promises without end', () => {
    const attack = 'const f = () => Promise.resolve().then(f); f()';
    const { status, stderr } = ended(systemOf('promises', attack));

    // On a busy machine there may be no answer in time, and then there is no name.
    expect(stderr).toMatch(/sddf: the run is ended, while (?:bad|a program) has not returned/);
    expect(stderr).not.toMatch(/Node\.js v|internal failure/);
    expect(status).toBe(1);
  });

  longTest('bears 20 million promises', () => {
    const attack = 'for (let i = 0; i < 2e7; i += 1) Promise.resolve()';
    const { status, stderr } = ended(systemOf('many', attack));

    expect(stderr).not.toMatch(/RangeError|Node\.js v/);
    expect(status).toBe(0);
  });

  longTest('ends an `init` without end when the time is up', () => {
    const { status, stdout, stderr } = ended(systemOf('endless', 'for (let x = 0; ; ) x ^= 1'));

    expect(stderr).toContain('sddf: the run is ended, while bad has not returned');
    expect(stdout).toContain('endless: not every program has come out of its init');
    expect(status).toBe(1);
  });
});
