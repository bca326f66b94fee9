/**
 * Programs that go on behind their entry points: `async` ones, timers, promises. A call that comes
 * late, or an error that nobody catches, is that domain's fault, under both clocks; nothing ends in
 * an "internal failure" or in a stack as Node prints it.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sddfCommand } from '../support/sddf-command.ts';
import { sddfInProcess } from '../support/sddf-in-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'sddf-left-behind-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const BUILDER = join(import.meta.dirname, '../../microkit/builder.ts');

/** `bad` is notified once by `good`, which is notified back by a third. */
function module(bad: string): string {
  return `import { system } from '${BUILDER}';
const quiet = { notified() {} };
const bad = ${bad};
const good = (pd) => { pd.notify(0); pd.notify(1); return { notified() { pd.log('alive'); } }; };
const echo = (pd) => ({ notified: (channel) => pd.notify(channel) });
const sys = system({ name: 'left-behind' });
const victim = sys.pd('bad', { program: bad, priority: 2 });
const driver = sys.pd('good', { program: good, priority: 1 });
const peer = sys.pd('peer', { program: echo, priority: 3 });
sys.channel(driver, victim, { a: { id: 0 }, b: { id: 5 } });
sys.channel(driver, peer, { a: { id: 1 }, b: { id: 0 } });
export const build = () => sys.build();
// The board has something to do for as long as the run lasts.
export const attachDevices = (board) => {
  const tick = { fire: () => board.clock.schedule(tick, board.clock.now() + 1_000_000) };
  tick.fire();
};
`;
}

async function run(what: string, bad: string, clock: 'host' | 'virtual') {
  const file = join(folder, `${what.replaceAll(/\W+/g, '-')}.mjs`);
  writeFileSync(file, module(bad));
  return sddfInProcess('run', file, '--clock', clock, '--for', clock === 'host' ? '40ms' : '5ms');
}

const AT_ONCE: readonly (readonly [what: string, bad: string, message: string])[] = [
  ['async main', 'async () => quiet', 'Misuse: main is async'],
  ['async main, rejected', "async () => { throw new Error('late'); }", 'Misuse: main is async'],
  ['no entry points', '() => undefined', 'Misuse: main returns no entry points'],
  ['async notified', '() => ({ notified: async () => {} })', 'Misuse: notified is async'],
  ['a generator', '() => ({ *notified() {} })', 'Misuse: notified is a generator'],
  ['an async generator', '() => ({ async *notified() {} })', 'Misuse: notified is a generator'],
  ['a thenable', '() => ({ notified: () => ({ then() {} }) })', 'Misuse: notified is async'],
  ['exit', '() => ({ notified: () => process.exit(0) })', 'Misuse: calls process.exit'],
  ['exit in init', '() => process.exit(0)', 'Misuse: calls process.exit'],
];

describe('under the virtual clock, at once', () => {
  it.each(AT_ONCE)('%s is a fault of the domain', async (what, bad, message) => {
    const { status, stdout, stderr } = await run(what, bad, 'virtual');

    expect(stderr).toContain(`bad: ${message}`);
    expect(stderr).toContain('good: alive');
    expect(stderr).not.toContain('internal failure');
    expect(stdout).toContain('bad: 1 fault');
    expect(status).toBe(1);
  });
});

const TOLD_INSIDE: readonly (readonly [what: string, bad: string])[] = [
  [
    'rejections told by Node, in an entry point',
    `() => ({ notified: () => { void Promise.reject(new Error('own')); process._tickCallback(); } })`,
  ],
  [
    'rejections told by itself, in an entry point',
    `() => ({ notified: () => {
      const own = Promise.reject(new Error('own'));
      process.emit('unhandledRejection', new Error('own'), own);
    } })`,
  ],
];

describe('a program that has left-overs told of while it runs', () => {
  it.each(TOLD_INSIDE)('%s: is at fault itself', async (what, bad) => {
    const { status, stdout, stderr } = await run(what, bad, 'host');

    expect(stderr).not.toContain('internal failure');
    expect(stderr).toContain('good: alive');
    expect(stdout).toContain('bad: 1 fault');
    expect(status).toBe(1);
  });
});

const LATER: readonly (readonly [what: string, bad: string, message: string])[] = [
  [
    'a call in a promise',
    '(pd) => ({ notified: () => void Promise.resolve().then(() => pd.notify(5)) })',
    'CalledOutside: bad makes a call outside of its entry points',
  ],
  [
    'a call in a promise, caught',
    '(pd) => ({ notified: () => void Promise.resolve().then(() => pd.log("x")).catch(() => {}) })',
    'CalledOutside: bad makes a call outside of its entry points',
  ],
  [
    'a rejected promise',
    "() => ({ notified: () => void (async () => { await 0; throw new Error('forgotten'); })() })",
    'Error: forgotten',
  ],
  [
    'a rejected promise of init',
    "() => { Promise.reject(new Error('init')); return quiet; }",
    'Error: init',
  ],
  [
    'a timer that throws',
    "() => ({ notified: () => void setImmediate(() => { throw new Error('tick'); }) })",
    'Error: tick',
  ],
  [
    'a call in a timer',
    '(pd) => ({ notified: () => void setTimeout(() => pd.setMr(0, 1), 1) })',
    'CalledOutside: bad makes a call outside of its entry points',
  ],
  [
    'an end in a timer',
    '() => ({ notified: () => void setImmediate(() => process.exit(0)) })',
    'Misuse: calls process.exit',
  ],
];

describe('in a live run, later', () => {
  it.each(LATER)('%s is a fault of the domain', async (what, bad, message) => {
    const { status, stdout, stderr } = await run(what, bad, 'host');

    expect(stderr).toContain(`bad: ${message}`);
    expect(stderr).toContain('MON|ERROR');
    expect(stderr).not.toContain('internal failure');
    expect(stdout).toContain('bad: 1 fault');
    expect(status).toBe(1);
  });
});

describe('a promise under the virtual clock', () => {
  it('that calls late is a fault of the domain, although the run is over by then', async () => {
    const [, bad, message] = LATER[0] ?? ['', '', ''];
    const { status, stderr } = await run('virtual', bad, 'virtual');

    expect(stderr).toContain(`bad: ${message}`);
    expect(status).toBe(1);
  });
});

describe('what was given to one domain', () => {
  it('is of no use to another, whose fault it is', async () => {
    const bad = `(pd) => ({ notified: () => { globalThis.leaked = pd; pd.notify(5); } })`;
    const taken = module(bad).replace("{ pd.log('alive'); }", '{ globalThis.leaked?.notify(5); }');
    const file = join(folder, 'leaked.mjs');
    writeFileSync(file, taken);

    const { status, stderr } = await sddfInProcess(
      'run',
      file,
      '--clock',
      'virtual',
      '--for',
      '5ms',
    );

    expect(stderr).toContain("good: CalledOutside: good makes a call that is bad's");
    expect(status).toBe(1);
  });
});

describe('while its module is loaded, with nobody to listen', () => {
  it.each(['run', 'sim'])('waiting for ever ends %s in a line', (command) => {
    const file = join(folder, 'waiting.mjs');
    writeFileSync(file, 'await new Promise(() => undefined);\n');
    const { stderr, status } = spawnSync(process.execPath, [sddfCommand(), command, file], {
      encoding: 'utf8',
    });

    expect(stderr).toBe(`sddf: ${file} waits, while it is loaded, for what never comes\n`);
    expect(status).toBe(2);
  });

  it.each([
    ['an error', "Promise.reject(new Error('unheard'))", (file: string) => `${file}:1: unheard`],
    ['anything else', "setTimeout(() => { throw 'unheard'; })", () => 'unheard'],
  ])('%s ends the command, in a line that says what it was', (what, act, words) => {
    const file = join(folder, `load-${what.replaceAll(' ', '-')}.mjs`);
    writeFileSync(file, `${act}; await new Promise((resolve) => setTimeout(resolve, 100));\n`);
    const args = [sddfCommand(), 'run', file, '--clock', 'virtual', '--for', '1ms'];
    const { stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });

    expect(stderr).toBe(`sddf: a program has thrown what nobody catches: ${words(file)}\n`);
    expect(status).toBe(1);
  });
});
