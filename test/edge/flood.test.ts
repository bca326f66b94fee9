/**
 * Goal: whoever sends as fast as the host can costs a run neither its memory nor its console.
 * Method: a program in C floods an echo client with a million small datagrams a second, by TAP, a
 * forward and a stream, in a network of the test's own, while somebody types to a shell of the same
 * run. How long its answers take is printed, and not judged: the machine may be busy.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileNative } from '../../bench/native-program.ts';
import { isLong } from '../support/long-test.ts';
import { missingForNamespaces, NetworkNamespace } from '../support/network-namespace.ts';
import { sddfCommand } from '../support/sddf-command.ts';
import { SddfProcess } from '../support/sddf-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'flood-'));
const socket = join(folder, 'net.sock');

const [datagrams, frames] = [compileNative('udp-flood'), compileNative('frame-flood')];
const uncompiled = [datagrams, frames].find((each) => 'reason' in each);
const missing = missingForNamespaces([]) ?? (uncompiled as { reason: string } | undefined)?.reason;

const FLOOD_MS = isLong ? 10_000 : 300;
const PER_SECOND = '1000000';
const GROWTH_MIB_MAX = 96;
/** So that the host need not ask for it again while the answer would be one frame of a million. */
const NEIGHBOUR = 'ip neigh replace 10.0.2.15 lladdr 52:54:01:00:00:0a dev tap0 nud permanent';

/** By name: what the run is given, and the flood's program with its arguments. */
const WAYS = [
  ['a TAP device', 'tap,name=tap0,host=10.0.2.2/24', datagrams, ['10.0.2.15', '1235', '18']],
  ['a stream', `stream,server=unix:${socket}`, frames, [socket]],
  [
    'a forward',
    'user,hostfwd=udp:127.0.0.1:5001-10.0.2.15:1235',
    datagrams,
    ['127.0.0.1', '5001', '18'],
  ],
] as const;

function residentMib(pid: number): number {
  const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1]) / 1024;
}

/**
 * Types a character, waits until the shell has echoed it, and takes it back, for a line has an end.
 * @returns milliseconds
 */
async function keystroke(run: SddfProcess): Promise<number> {
  const before = run.text.length;
  const typedAt = performance.now();
  run.type('q');
  await run.says(new RegExp(`^[^]{${before}}[^]*q`));
  const milliseconds = performance.now() - typedAt;
  run.type('\u007f');
  return milliseconds;
}

describe.skipIf(missing !== undefined)(`a flood (lacking: ${missing ?? 'nothing'})`, () => {
  let network: NetworkNamespace;

  beforeAll(async () => {
    network = await NetworkNamespace.make();
  });
  afterAll(() => {
    network.end();
    rmSync(folder, { recursive: true, force: true });
  });

  const ways = isLong ? WAYS : WAYS.slice(0, 1);
  it.each(ways)(`by %s for ${FLOOD_MS} ms`, async (_, net, flood, args) => {
    const program = 'path' in flood ? flood.path : '';
    const run = new SddfProcess(
      ['run', 'serial', '--set', 'beside=net', '--serial', 'stdio', '--net', net],
      [...network.inside, process.execPath, sddfCommand()],
    );
    try {
      await run.says(/network device .*link up/);
      run.type('\u001c2\r');
      run.type('help\r');
      // All of it, which takes the line a while: else the first key waits behind it.
      await run.says(/the screen[^]*sddf> /);
      await keystroke(run);
      if (net.startsWith('tap')) await network.sh(NEIGHBOUR);
      const before = residentMib(run.child.pid ?? 0);
      let isOver = false;
      const sending = network
        .run([program, ...args, PER_SECOND, String(FLOOD_MS)])
        .finally(() => (isOver = true));
      const times: number[] = [];
      while (!isOver) times.push(await keystroke(run));
      const { status, text } = await sending;
      const growth = residentMib(run.child.pid ?? 0) - before;
      times.sort((one, other) => one - other);
      const [median, worst] = [times[times.length >> 1] ?? 0, times.at(-1) ?? 0];
      console.log(
        `flood: ${text.trim()} frames sent in ${FLOOD_MS} ms, ${growth.toFixed(1)} MiB more, ` +
          `${times.length} keystrokes: median ${median.toFixed(1)} ms, worst ${worst.toFixed(1)} ms`,
      );

      expect(status).toBe(0);
      expect(Number(text)).toBeGreaterThan(FLOOD_MS);
      expect(growth).toBeLessThan(GROWTH_MIB_MAX);
      expect(await run.interrupt()).toBe(0);
      // Of a stream nothing is lost: it is not read meanwhile.
      if (flood === datagrams) expect(run.text).toMatch(/hostDropped \d/);
    } finally {
      run.child.kill('SIGKILL');
    }
  });
});
