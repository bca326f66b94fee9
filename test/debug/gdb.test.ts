// Goal: Debian's GDB can do with a world what the documents promise: threads or inferiors, stops,
// steps, watchpoints, going back. Method: GDB in batch mode with the scripts beside this file, of a
// system of two C programs; what it prints is held against what is here, by the lines that matter.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  BUILD_FOLDER,
  buildPrograms,
  COMPILER,
  hasCompiler,
  imagePath,
  PROGRAMS_FOLDER,
  ROOT_FOLDER,
} from '../support/c-programs.ts';
import { type Ended, sddfInProcess } from '../support/sddf-in-process.ts';

const GDB = 'gdb-multiarch';
const hasGdb = spawnSync(GDB, ['--version']).status === 0;
const HERE = dirname(fileURLToPath(import.meta.url));
const RUN = [
  ...['run', join(PROGRAMS_FOLDER, 'pingpong.system'), '--search-path', BUILD_FOLDER],
  ...['--clock', 'virtual'],
];
const KILL = '$k#6b';

const folder = mkdtempSync(join(tmpdir(), 'sddf-gdb-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Session {
  /** What GDB has printed. */
  readonly lines: readonly string[];
  readonly run: Ended;
}

/** GDB waits for the socket; a run that it does not come to is ended by hand. */
async function debug(mode: 'threads' | 'inferiors', ...files: readonly string[]): Promise<Session> {
  const socket = join(folder, `${mode}.sock`);
  const out = join(folder, `${mode}.txt`);
  const target = mode === 'threads' ? 'remote' : 'extended-remote';
  const connect = join(folder, `${mode}.connect`);
  writeFileSync(connect, `target ${target} ${socket}\n`);
  const script = join(HERE, `${mode}.gdb`);
  const gdb = [GDB, '-nx', '-batch', '-x', connect, '-x', script, ...files].join(' ');
  const kill = `node -e 'require("net").connect("${socket}").end("${KILL}")'`;
  const wait = `while [ ! -S ${socket} ]; do sleep 0.05; done`;
  const client = spawn('sh', ['-c', `${wait}; timeout 90 ${gdb} > ${out} 2>&1; ${kill}`], {
    cwd: ROOT_FOLDER,
    stdio: 'ignore',
  });
  const ended = new Promise((resolve) => client.once('exit', resolve));
  const run = await sddfInProcess(...RUN, '--gdb', `unix:${socket},wait,mode=${mode}`);
  client.kill();
  await ended;
  return { lines: readFileSync(out, 'utf8').split('\n'), run };
}

/** Lines between a heading of the script and the next. */
function part({ lines }: Session, heading: string): readonly string[] {
  const from = lines.indexOf(`--- ${heading}`);
  const behind = lines.findIndex((line, index) => index > from && line.startsWith('--- '));
  return lines.slice(from + 1, behind < 0 ? undefined : behind).filter((line) => line !== '');
}

describe.skipIf(!hasGdb || !hasCompiler)(`GDB (needs ${GDB} and ${COMPILER})`, () => {
  let threads: Session;
  let inferiors: Session;
  let plain: Ended;
  beforeAll(async () => {
    buildPrograms();
    plain = await sddfInProcess(...RUN);
    threads = await debug('threads', imagePath('ping'));
    inferiors = await debug('inferiors');
  }, 300_000);

  it('shows domains as threads, and what each is doing', () => {
    expect(part(threads, 'threads').map((line) => line.replace(/\) .*/, ')'))).toEqual([
      expect.stringContaining('Target Id'),
      '* 1    Thread 1 "pong" (on the processor)',
      '  2    Thread 2 "ping" (ready to run at priority 100)',
    ]);
  });

  it('breaks in the program whose symbols it has, and not in the other', () => {
    expect(part(threads, 'break')).toContain(
      'Thread 2 "ping" hit Breakpoint 1, microkit_ppcall (ch=1, msginfo=...) at programs/runtime/include/microkit.h:117',
    );
    expect(part(threads, 'registers and memory')).toEqual(['$1 = 1', '$2 = 0x0', '$3 = 0']);
  });

  it('steps an instruction', () => {
    // With another one, GDB would step by breakpoints of its own, and nobody ever alone.
    expect(part(threads, 'step')[0]).toContain('(currently "none")');
    const addresses = part(threads, 'step').flatMap((line) => {
      const [, digits] = /^0x0*([0-9a-f]+)/.exec(line) ?? [];
      return digits === undefined ? [] : [parseInt(digits, 16)];
    });
    const [first = 0, second = 0] = addresses;
    expect([2, 4]).toContain(second - first);
  });

  it('stops behind a write to what is watched, and goes back before it', () => {
    const watch = part(threads, 'watch');
    expect(watch).toContain('Old value = 100');
    expect(watch).toContain('New value = 101');
    expect(part(threads, 'back')).toContain('No more reverse-execution history.');
  });

  it('goes back out of a function', () => {
    const again = part(threads, 'forward again');
    expect(again.filter((line) => line.startsWith('#')).map((line) => line.slice(0, 30))).toEqual([
      '#0  notified (ch=ch@entry=1) a',
      expect.stringMatching(/^#1 .* in hand/),
      '#2  handle_events () at progra',
      '#3  main () at programs/runtim',
    ]);
    expect(again.at(-1)).toMatch(/notified\(ch\);$/);
  });

  it('answers monitor commands, and stops by time and by signal, backwards too', () => {
    const monitor = part(threads, 'monitor');
    expect(monitor[0]).toMatch(/1 pong +waiting to be woken up; \d{4} instructions/);
    expect(monitor.filter((line) => /^it is 0\.0\d+ ms \[ping\]$/.test(line))).toHaveLength(1);
    expect(monitor).toContain('ping is woken up, badge 0x2 [ping]');
    const caught = part(threads, 'catch');
    expect(caught.filter((line) => /^pong: \w+.* \[pong\]$/.test(line))).toHaveLength(1);
    expect(caught.filter((line) => / ms {2}p[io]ng /.test(line))).toHaveLength(2);
    expect(caught).toContain("no domain 'nobody'; there are pong, ping");
    expect(caught.join('\n')).toContain("no interrupt '77'; there are ");
    expect(caught.slice(-3)).toEqual([
      'peek 0x10000000: pong has no device there',
      'read takes an address such as 0x20001070, and a width in bytes: 1, 2 or 4',
      expect.stringMatching(/^no command 'nonsense'; there are /),
    ]);
  });

  it('has something go wrong from where the world stands', () => {
    const injected = part(inferiors, 'inject');
    expect(injected).toContain(
      "inject: pd.ping has no fault 'nonsense'; there is kill, sleep, babble",
    );
    expect(injected).toContain('pd.ping: sleep from here on; the world runs to here again');
    const hits = injected.filter((line) => line.includes('hit Breakpoint'));
    // Back to the stop before; ping, which sleeps, does not come to the next one.
    expect(hits).toHaveLength(1);
    expect(injected.join()).toContain('the run is over');
  });

  it('comes to the end of the run, which is what it is without a debugger', () => {
    expect(part(threads, 'to the end').at(-1)).toBe('[Inferior 1 (Remote target) exited normally]');
    expect(threads.run).toMatchObject({ status: 0, stdout: plain.stdout });
  });

  it('shows each domain as an inferior with its own symbols', () => {
    const shown = part(inferiors, 'inferiors').slice(1);
    expect(shown.map((line) => line.replace(/.*\//, ''))).toEqual(['pong.elf ', 'ping.elf ']);
    const hits = part(inferiors, 'break in each').filter((line) => line.includes('hit Breakpoint'));
    expect(hits).toEqual([
      'Thread 1.1 "pong" hit Breakpoint 1.1, notified (ch=ch@entry=2) at programs/samples/pong.c:22',
      'Thread 2.1 "ping" hit Breakpoint 1.2, notified (ch=ch@entry=1) at programs/samples/ping.c:30',
    ]);
    expect(inferiors.run.stderr).toContain('sddf: the debugger ends the run');
  });
});
