// Goal: whoever goes back in a run finds again what came from outside, byte for byte, while the
// outside hears nothing twice; files are what they were; and what is new comes again once the
// newest moment is reached. Method: GDB in batch mode, a run in a process of its own, and this
// process at the other end of its bridges.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  buildPrograms,
  COMPILER,
  hasCompiler,
  imagePath,
  ROOT_FOLDER,
} from '../support/c-programs.ts';
import { longTest } from '../support/long-test.ts';
import { CLIENT0, readUdp, udpFrame } from '../support/udp-frames.ts';

const GDB = 'gdb-multiarch';
const hasGdb = spawnSync(GDB, ['--version']).status === 0;
const PREAMBLE = ['set pagination off', 'set confirm off', 'set width 0'];
const LENGTH_BYTES = 4;
const BLOCK_BYTES = 4096;

const folder = mkdtempSync(join(tmpdir(), 'sddf-bridged-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Debugged {
  readonly process: ChildProcess;
  /** What the run has written. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Until GDB's script has come to its end, and the run too. @returns what GDB has printed */
  readonly over: Promise<readonly string[]>;
}

/** @param script what GDB does, in a run that waits for it */
function debug(
  name: string,
  args: readonly string[],
  image: string,
  script: readonly string[],
): Debugged {
  const socket = join(folder, `${name}.sock`);
  const commands = join(folder, `${name}.gdb`);
  writeFileSync(commands, [...PREAMBLE, `target remote ${socket}`, ...script, ''].join('\n'));
  const run = spawn(
    process.execPath,
    // From source, as the systems are whose modules it loads.
    [
      ...['--import', 'tsx', 'cli/main.ts', 'run', ...args],
      ...['--clock', 'virtual', '--gdb', `unix:${socket},wait`],
    ],
    { cwd: ROOT_FOLDER, stdio: ['pipe', 'pipe', 'pipe'] },
  );
  const ended = new Promise((resolve) => run.once('exit', resolve));
  return {
    process: run,
    stdout: heard(run.stdout),
    stderr: heard(run.stderr),
    over: over(socket, commands, imagePath(image), ended),
  };
}

/** @returns all that a stream has brought so far */
function heard(stream: NodeJS.ReadableStream): () => string {
  let text = '';
  stream.on('data', (bytes) => (text += String(bytes)));
  return () => text;
}

async function over(
  socket: string,
  commands: string,
  image: string,
  runEnded: Promise<unknown>,
): Promise<readonly string[]> {
  while (!existsSync(socket)) await new Promise((resolve) => setTimeout(resolve, 20));
  const gdb = spawn(GDB, ['-nx', '-batch', '-x', commands, image], { cwd: ROOT_FOLDER });
  const said = [heard(gdb.stdout), heard(gdb.stderr)];
  await new Promise((resolve) => gdb.once('exit', resolve));
  await runEnded;
  return said.flatMap((text) => text().split('\n'));
}

/** @returns the lines that a script has echoed */
function told(lines: readonly string[]): readonly string[] {
  return lines.filter((line) => line.startsWith('= ')).map((line) => line.slice(2));
}

/** Sends a datagram, and the next one when the answer has come. @returns all that was answered */
function talk(peer: Socket, words: readonly string[]): Promise<readonly string[]> {
  const answers: string[] = [];
  const rest = [...words];
  const say = (): void => {
    const word = rest.shift();
    if (word === undefined) return;
    const frame = udpFrame({ ...CLIENT0, targetPort: 7, payload: new TextEncoder().encode(word) });
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32BE(frame.length);
    peer.write(Buffer.concat([length, frame]));
  };
  let left = Buffer.alloc(0);
  peer.on('data', (bytes) => {
    left = Buffer.concat([left, bytes]);
    while (left.length >= LENGTH_BYTES && left.length >= LENGTH_BYTES + left.readUInt32BE(0)) {
      const end = LENGTH_BYTES + left.readUInt32BE(0);
      const answer = readUdp(left.subarray(LENGTH_BYTES, end));
      left = left.subarray(end);
      if (answer !== undefined) answers.push(new TextDecoder().decode(answer.payload));
      say();
    }
  });
  say();
  return new Promise((resolve) => peer.once('close', () => resolve(answers)));
}

describe.skipIf(!hasGdb || !hasCompiler)(`going back (needs ${GDB} and ${COMPILER})`, () => {
  beforeAll(buildPrograms);

  it('finds frames of a peer again, which hears each answer once', async () => {
    const path = join(folder, 'wire.sock');
    // Of the oldest frame in the client's queue, behind the headers of Ethernet, IP and UDP.
    const queue = '((struct net_queue *) config.rx.active_queue.vaddr)';
    const buffer = `*(long *) &${queue}->slots[${queue}->head & (config.rx.num_buffers - 1)]`;
    const show = `printf "= %.6s\\n", (char *) config.rx_data.vaddr + ${buffer} + 42`;
    const run = debug(
      'net',
      ['echo', '--set', 'code=c', '--net', `stream,server=unix:${path}`, '--for', '1s'],
      'echo',
      [
        ...[
          'break notified if ch == config.rx.id',
          'continue',
          show,
          'continue',
          show,
          'continue',
          show,
        ],
        ...['reverse-continue', show, 'reverse-continue', show, 'reverse-stepi', 'continue', show],
        ...['delete', 'continue', 'continue'],
      ],
    );
    while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 20));
    const answered = talk(connect(path), ['first ', 'second', 'third ', 'fourth']);
    const lines = await run.over;

    expect(told(lines), lines.join('\n')).toEqual([
      ...['first ', 'second', 'third ', 'second', 'first ', 'first '],
    ]);
    expect(lines.join('\n')).not.toContain('not the same world');
    expect(run.stderr().match(/is running/g)).toHaveLength(1);
    expect(await answered, run.stderr()).toEqual(['first ', 'second', 'third ', 'fourth']);
  }, 120_000);

  longTest('finds what was typed again, and what is printed comes out once', async () => {
    const show = 'printf "= %.3s\\n", (char *) config.rx.data.vaddr';
    const run = debug(
      'typed',
      [
        ...['test/programs/clients-system.ts', '--disk', 'mem=64K'],
        ...['--serial', 'stdio', '--line-rate', 'fast', '--for', '300ms'],
      ],
      'serial_hello',
      [
        // Channel 1 is that of what is typed.
        ...['break notified if ch == 1', 'continue', show, 'reverse-stepi', 'reverse-stepi'],
        ...['reverse-continue', 'continue', show, 'delete', 'continue', 'continue'],
      ],
    );
    run.process.stdin?.end('abc\n');
    const lines = await run.over;

    expect(lines.join('\n')).not.toContain('not the same world');
    expect(lines).toContain('No more reverse-execution history.');
    expect(told(lines), lines.join('\n')).toEqual(['abc', 'abc']);
    expect(run.stdout(), run.stderr()).toBe('Begin input\r\nhello from greeter\nABC\n');
  });

  longTest('has files as they were, and writes them again on the way forward', async () => {
    const disk = join(folder, 'disk.img');
    writeFileSync(disk, new Uint8Array(16 * BLOCK_BYTES));
    const first = `shell od -An -v -tx8 -j${3 * BLOCK_BYTES} -N8 ${disk} | sed 's/^ */= /'`;
    const run = debug(
      'disk',
      [
        ...['test/programs/clients-system.ts', '--disk', `file=${disk},overlay=none`],
        ...['--serial', 'none', '--for', '50ms'],
      ],
      'blk_check',
      [
        // Before it is written, behind that, before it again, and behind it again.
        ...['watch state', 'continue', 'continue', first, 'continue', first],
        ...['reverse-continue', 'reverse-continue', 'print state', first],
        ...['continue', 'continue', 'print state', first, 'delete', 'continue', 'continue'],
      ],
    );
    const lines = await run.over;

    expect(lines.join('\n')).not.toContain('not the same world');
    expect(told(lines), lines.join('\n')).toEqual([
      ...['0000000000000000', '9e3779b97f4a7c15', '0000000000000000', '9e3779b97f4a7c15'],
    ]);
    const written = readFileSync(disk).subarray(3 * BLOCK_BYTES, 3 * BLOCK_BYTES + 8);
    expect(written.readBigUInt64LE()).toBe(0x9e37_79b9_7f4a_7c15n);
  });
});
