// Goal: where GDB may come is written as the help says, and a mistake is one line that says what to
// do; a run is stopped by a debugger that comes in the middle, by Ctrl-C in the debugger, and ended
// by Ctrl-C in the terminal while it is held; GDB hears the exit status. Method: the parser; a
// process, a socket and signals.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sddfCommand } from '../../test/support/sddf-command.ts';
import { parseGdb } from './gdb.ts';

const folder = mkdtempSync(join(tmpdir(), 'sddf-gdb-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A client in the raw protocol; an answer is what comes with the next stop. */
async function clientOf(path: string, run: ChildProcess) {
  while (!existsSync(path)) {
    if (run.exitCode !== null) throw new Error('the run is over, and has never listened');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const line = connect(path);
  let said = '';
  let heard = (): void => undefined;
  line.on('data', (bytes) => {
    said += String(bytes);
    heard();
  });
  line.once('close', () => heard());
  return {
    closed: new Promise((resolve) => line.once('close', resolve)),
    send: (text: string) => void line.write(text),
    /** @returns all that was said since the last time, up to a packet that begins so */
    until: async (packet: string): Promise<string> => {
      while (!said.includes(`$${packet}`)) {
        if (line.closed) throw new Error(`it has hung up, and said: ${said}`);
        await new Promise<void>((resolve) => (heard = resolve));
      }
      const whole = said;
      said = '';
      return whole;
    },
  };
}

describe('--gdb', () => {
  it.each([
    ['at rest', ['serial']],
    ['busy', ['echo', '--net', 'loop', '--clock', 'virtual', '--for', '1000s']],
  ])(
    'holds a run that is %s for whoever comes, interrupts, and is interrupted',
    async (...given) => {
      const socket = join(folder, `${given[0].slice(-4)}.sock`);
      const run = spawn(process.execPath, [
        ...[sddfCommand(), 'run', ...given[1]],
        ...['--gdb', `unix:${socket}`],
      ]);
      let printed = '';
      run.stderr.on('data', (text) => (printed += String(text)));
      const ended = new Promise((resolve) => run.once('exit', resolve));
      await new Promise((resolve) => run.stderr.once('data', resolve));
      const client = await clientOf(socket, run);

      client.send('$?#3f');
      await client.until('T02');
      client.send('$vCont;c#a8');
      client.send('\u0003');
      await client.until('T02');
      // Ctrl-C in the terminal, while it is held.
      run.kill('SIGINT');
      expect(await ended, printed).not.toBeNull();
      await client.closed;
    },
  );

  it('tells GDB the exit status of a run that cannot be begun again', async () => {
    const [socket, disk] = [join(folder, 'back.sock'), join(folder, 'disk.img')];
    writeFileSync(disk, new Uint8Array(1 << 20));
    const run = spawn(process.execPath, [
      ...[sddfCommand(), 'run', 'blk', '--disk', `file=${disk}`, '--clock', 'virtual'],
      ...['--gdb', `unix:${socket},wait`],
    ]);
    let printed = '';
    run.stderr.on('data', (text) => (printed += String(text)));
    const ended = new Promise((resolve) => run.once('exit', resolve));
    const client = await clientOf(socket, run);

    client.send('$?#3f');
    await client.until('T');
    client.send('$vCont;c#a8');
    await client.until('T05replaylog:end');
    rmSync(disk);
    client.send('$bc#c5');
    await client.closed;
    expect(await client.until('W')).toContain('$W02#');
    expect(await ended).toBe(2);
    expect(printed).toContain(`${disk}: no such file or directory`);
  });

  it.each([
    ['tcp:127.0.0.1:3333', { kind: 'tcp', host: '127.0.0.1', port: 3333 }, 'threads', 'at once'],
    ['tcp::3333,wait', { kind: 'tcp', host: '127.0.0.1', port: 3333 }, 'threads', 'wait'],
    ['unix:a.sock,mode=inferiors', { kind: 'unix', path: 'a.sock' }, 'inferiors', 'at once'],
  ])('takes %s', (text, address, mode, begins) => {
    expect(parseGdb(text, '--gdb')).toEqual({ address, mode, begins });
  });

  it.each([
    [
      'tcp:0.0.0.0:3333',
      '--gdb tcp:0.0.0.0:3333: whoever reaches it may do anything; only 127.0.0.1 is listened on, or unix:PATH',
    ],
    ['3333', "--gdb 3333: '3333' is neither unix:PATH nor tcp:HOST:PORT"],
    ['unix:a,mode=thread', '--gdb unix:a,mode: '],
    ['unix:a,wiat', "--gdb unix:a: unknown key 'wiat' (did you mean wait?); known are mode, wait"],
  ])('refuses %s', (text, message) => {
    expect(() => parseGdb(text, '--gdb')).toThrow(message);
  });
});
