// `--serial stdio` in a terminal, which `script` makes: every key reaches the board, and the
// terminal's settings are the same before and after, whatever ends the run.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SddfProcess } from '../support/sddf-process.ts';
import { sddfCommand } from '../support/sddf-command.ts';

/** A run in a terminal of its own, between two looks at the terminal's settings. */
class TerminalRun {
  readonly process: SddfProcess;

  constructor(system: string, command = sddfCommand()) {
    const sddf = `exec ${process.execPath} ${command} run ${system} --serial stdio`;
    const line = `stty -g; sh -c 'echo pid=$$; ${sddf}'; echo status=$?; stty -g`;
    this.process = new SddfProcess(['-qfec', line, '/dev/null'], ['script']);
  }

  /** Sends a signal to the run alone, as `kill` would. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const [, pid] = await this.process.says(/pid=(\d+)/);
    process.kill(Number(pid), signal);
  }

  /** @returns the settings before and after, and the status that the run has ended with */
  async end(): Promise<{ before: string; after: string; status: number }> {
    await this.process.ended;
    const { text } = this.process;
    const [before = 'unseen', after = 'missing'] = text.match(/^[0-9a-f]+(?::[0-9a-f]+)+/gm) ?? [];
    return { before, after, status: Number(/status=(\d+)/.exec(text)?.[1]) };
  }
}

describe.runIf(process.platform === 'linux')('a run in a terminal', () => {
  it('gets every key but Ctrl-], which ends it; the terminal is as it was', async () => {
    const run = new TerminalRun('serial');
    await run.process.says(/Ctrl-\] quits/);
    // The terminal makes CR LF of the LF in the board's CR LF.
    await run.process.says(/client0\.\s+Please give me character!/);
    run.process.type('12\u0003');
    await run.process.says(/\[31m1.*\[31m2/s);
    run.process.type('\u001d');
    const { before, after, status } = await run.end();

    expect([after, status]).toEqual([before, 0]);
  });

  it.each([
    ['SIGINT', 0],
    ['SIGTERM', 0],
    ['SIGHUP', 0],
    ['SIGQUIT', 131],
  ] as const)('leaves the terminal as it was after %s', async (signal, expected) => {
    const run = new TerminalRun('serial');
    await run.process.says(/client1\.\s+Please give me character!/);
    await run.kill(signal);
    const { before, after, status } = await run.end();

    expect([after, status]).toEqual([before, expected]);
  });

  it('leaves the terminal as it was after a crash of the program itself', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'terminal-')), 'crashing.ts');
    const serial = resolve('systems/serial.ts');
    writeFileSync(
      file,
      `export { serialSystem as system } from ${JSON.stringify(serial)};
       process.stdin.on('data', () => { throw new Error('crash on purpose'); });`,
    );
    // The file imports the sources, so the command that runs it must be from source, too.
    const run = new TerminalRun(file, 'cli/sddf.mjs');
    await run.process.says(/client1\.\s+Please give me character!/);
    run.process.type('x');
    await run.process.says(/crash on purpose/);
    const { before, after, status } = await run.end();

    expect([after, status]).toEqual([before, 1]);
  });
});
