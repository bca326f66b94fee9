/**
 * Programs that do not come back. Somebody outside names them, with file and line, and ends the run
 * when it is asked to: with the summary, as it stands. No time is measured: what does not end
 * hangs, and runs into the limit.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { wantsSupervisor } from '../../cli/supervisor.mjs';
import { compiledModule } from '../support/sddf-command.ts';
import { sddfInProcess } from '../support/sddf-in-process.ts';
import { SddfProcess } from '../support/sddf-process.ts';

const LIMIT_MS = 180_000;
const folder = mkdtempSync(join(tmpdir(), 'sddf-stop-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const BUILDER = compiledModule('microkit/builder.ts');

/**
 * A domain is interrupted each millisecond, and does something the second time. Line 6 is what it
 * does.
 */
function systemFile(name: string, act: string): string {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(
    file,
    `import { system } from '${BUILDER}'; import { execSync } from 'node:child_process';
let count = 0;
const bad = (pd) => ({ notified(channel) { pd.irqAck(channel); count += 1; if (count === 2) act(pd); } });
const idle = () => ({ notified() {} });
function act(pd) {
  ${act}
}
const sys = system({ name: '${name}' });
const victim = sys.pd('bad', { program: bad, priority: 2 });
victim.irq(20, { id: 1 });
sys.channel(victim, sys.pd('peer', { program: idle, priority: 3 }), { a: { id: 5 }, b: { id: 0 } });
export const build = () => sys.build();
export const attachDevices = (board) => {
  const line = board.irqLine(20);
  board.attach('ticker', { base: 0x2000_0000, sizeBytes: 4096 }, { read: () => 0, write() {} });
  const again = () => board.clock.schedule(tick, board.clock.now() + 1_000_000);
  const tick = { fire: () => { line.raise(); line.lower(); again(); } };
  tick.fire();
};
`,
  );
  return file;
}

/** A file that says that the program that waits has been named. */
const NAMED = join(folder, 'named');

const LOOPS: readonly (readonly [what: string, act: string, where: RegExp])[] = [
  ['computes', 'for (let x = 0; ; ) x = (x + 1) | 0;', /\(act, \S*computes\.mjs:6\)/],
  ['catches', 'for (;;) { try { pd.notify(5); } catch {} }', /\(\w+, \S*catches\.mjs:\d\)/],
  // The first call ends when it has been named, and nobody waits any more for the engine to stop:
  // it must go on.
  [
    'waits',
    `execSync('for i in $(seq 600); do [ -e ${NAMED} ] && break; sleep 0.1; done'); execSync('echo again >&2; sleep 4', { stdio: 'inherit' });`,
    /, in execSync \(\S*waits\.mjs:6\);/,
  ],
];

describe('a program in a live run', () => {
  it.concurrent.each(LOOPS)(
    'that %s for ever is named, and ended with the summary',
    async (name, act, where) => {
      const run = new SddfProcess(['run', systemFile(name, act)]);

      const [said] = await run.says(/bad has not returned from its entry point for 1 s.*/);
      if (name === 'waits') {
        writeFileSync(NAMED, '');
        await run.says(/^again$/m);
      }
      run.child.kill('SIGTERM');

      expect(await run.ended).toBe(1);
      expect(said).toMatch(where);
      expect(run.text).toContain('sddf: the run is ended, while bad has not returned');
      // The summary as JSON or text begins with the name; a thread that waits has told it before,
      // if a second has passed.
      if (name !== 'waits') expect(run.text).toMatch(new RegExp(`^${name}: [0-9.]+ m?s`, 'm'));
    },
    LIMIT_MS,
  );

  it.concurrent(
    'that makes system calls for ever is cut off at the next one, when the run is over',
    async () => {
      const run = new SddfProcess([
        ...['run', systemFile('calls', 'for (;;) pd.notify(5);')],
        ...['--for', '500ms', '--json'],
      ]);

      const status = await run.ended;

      expect(run.text).toContain('sddf: bad has not returned from its entry point; it is cut off');
      expect(status).toBe(1);
      expect(run.text).toMatch(/^\{"schema":1,"system":"calls".*"ending":"time"/m);
    },
    LIMIT_MS,
  );
});

/** What its `init` takes is longer than any run of 1 ms may be late. */
const SLOW_INIT = `import { system } from '${BUILDER}';
const slow = (pd) => {
  const until = Date.now() + 1500;
  while (Date.now() < until) pd.notify(0);
  return { notified() {} };
};
const sys = system({ name: 'slow' });
const peer = sys.pd('peer', { program: () => ({ notified() {} }), priority: 1 });
sys.channel(sys.pd('slow', { program: slow, priority: 2 }), peer, { a: { id: 0 }, b: { id: 0 } });
export const build = () => sys.build();
`;

describe('a start that takes longer than the run is to last, as on a slow machine,', () => {
  it('is not cut off', { timeout: LIMIT_MS }, async () => {
    const file = join(folder, 'slow.mjs');
    writeFileSync(file, SLOW_INIT);
    const run = new SddfProcess(['run', file, '--for', '1ms']);

    expect(await run.ended).toBe(0);
    expect(run.text).not.toContain('cut off');
    expect(run.text).toMatch(/^slow: [0-9.]+ s/m);
  });
});

describe('under the virtual clock', () => {
  it.concurrent(
    'a program that computes for ever is named, and ended with the summary',
    async () => {
      const file = systemFile('timeless', 'for (let x = 0; ; ) x = (x + 1) | 0;');
      const run = new SddfProcess(['run', file, '--clock', 'virtual', '--for', '20ms']);

      const [said] = await run.says(/bad has not returned from its entry point for 1 s.*/);
      run.child.kill('SIGTERM');

      expect(await run.ended).toBe(1);
      expect(said).toMatch(/\(act, \S*timeless\.mjs:6\)/);
      expect(run.text).toMatch(/^timeless: [0-9.]+ m?s/m);
    },
    LIMIT_MS,
  );

  it('a program that makes system calls for ever is cut off a second after the run', async () => {
    const file = systemFile('virtual', 'for (;;) pd.notify(5);');

    const ended = await sddfInProcess('run', file, '--clock', 'virtual', '--for', '20ms', '--json');

    expect(ended.stderr).toContain('bad has not returned from its entry point; it is cut off');
    expect(JSON.parse(ended.stdout)).toMatchObject({ ending: 'time' });
    expect(ended.status).toBe(1);
  });
});

describe('a supervisor is there', () => {
  const plain = { env: {}, execArgv: [] };

  it.each([
    [['run', 'mine.ts'], true],
    [['run', '--json', 'a.system'], true],
    [['trace', './x.mjs', '-o', 'x.json'], true],
    [['run', 'echo'], false],
    [['check', 'a.system'], false],
    [['run', 'mine.ts', '--help'], false],
  ])('for %j: %s', (args, expected) => {
    expect(wantsSupervisor(args, plain)).toBe(expected);
  });

  it('for nobody who debugs, or is watched already', () => {
    expect(wantsSupervisor(['run', 'a.ts'], { env: {}, execArgv: ['--inspect-brk'] })).toBe(false);
    expect(wantsSupervisor(['run', 'a.ts'], { ...plain, env: { SDDF_WATCHED: '3' } })).toBe(false);
  });
});
