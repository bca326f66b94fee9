// Goal: what GDB's `monitor` commands print is what `sddf` and the page print of the same run.
// Method: the echo system in TypeScript, held at its end by a client that asks; the same run
// without one, by its JSON and its dump of capabilities. Queues: beside the page's probes.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { describeQueues } from '../../debug/monitor/queues.ts';
import { flatten } from '../../microkit/model.ts';
import { instrument } from '../../systems/trace/observed-parts.ts';
import { QueueProbes } from '../../systems/trace/queue-probes.ts';
import { EventBook } from '../../systems/trace/event-book.ts';
import { echoTestbed, described } from '../support/echo-testbed.ts';
import { sddfInProcess } from '../support/sddf-in-process.ts';
import { CLIENT0, payload, udpFrame } from '../support/udp-frames.ts';
import { echo } from '../../systems/echo.ts';
import { completeChoices } from '../../systems/system.ts';

const RUN = ['run', 'echo', '--net', 'loop', '--clock', 'virtual', '--for', '2ms'];
const COMMANDS = ['caps client0', 'devices virtio_net', 'time', 'irq', 'faults', 'pds'];

const folder = mkdtempSync(join(tmpdir(), 'sddf-monitor-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Lets the run go on to its end, asks, writes down the answers as JSON, and ends it. */
const CLIENT = `
  const [path, out, ...commands] = process.argv.slice(1);
  const packet = (data) => '$' + data + '#' +
    (Array.from(data).reduce((sum, each) => sum + each.charCodeAt(0), 0) & 255).toString(16).padStart(2, '0');
  const hex = (text) => Buffer.from(text).toString('hex');
  const answers = [];
  const socket = require('node:net').connect(path, () => socket.write(packet('vCont;c')));
  let heard = '';
  socket.on('data', (bytes) => {
    heard += bytes.toString('latin1');
    for (let match; (match = /\\$([^#]*)#../.exec(heard)); heard = heard.slice(match.index + match[0].length)) {
      const data = match[1];
      if (data.startsWith('O') && data !== 'OK') answers.push(Buffer.from(data.slice(1), 'hex').toString());
      else if (commands.length > 0) socket.write(packet('qRcmd,' + hex(commands.shift())));
      else {
        require('node:fs').writeFileSync(out, JSON.stringify(answers));
        socket.end(packet('k'));
      }
    }
  });
`;

/** @returns the lines of each answer, behind those of the end of the run */
async function ask(): Promise<readonly (readonly string[])[]> {
  const socket = join(folder, 'monitor.sock');
  const out = join(folder, 'answers.json');
  const script = `const { existsSync } = require('node:fs');
    const wait = setInterval(() => {
      if (!existsSync(process.argv[1])) return;
      clearInterval(wait);
      ${CLIENT}
    }, 20);`;
  const client = spawn(process.execPath, ['-e', script, socket, out, ...COMMANDS]);
  const ended = new Promise((resolve) => client.once('exit', resolve));
  await sddfInProcess(...RUN, '--gdb', `unix:${socket},wait`);
  await ended;
  expect(existsSync(out)).toBe(true);
  const [end, ...answers] = JSON.parse(readFileSync(out, 'utf8')) as string[];
  expect(end).toContain('the run is over');
  return answers.map((text) => text.trimEnd().split('\n'));
}

describe('monitor', () => {
  it('prints what the run itself prints', async () => {
    const [caps = [], devices, time = [], irq, faults, pds] = await ask();
    const run = JSON.parse((await sddfInProcess(...RUN, '--json')).stdout) as {
      readonly timeNs: number;
      readonly board: { readonly devices: Readonly<Record<string, unknown>> };
    };
    const { plic, virtio_net: net } = run.board.devices;
    const { sources } = plic as { readonly sources: Record<string, { readonly claims: number }> };
    const dump = (await sddfInProcess('run', 'echo', '--dump-capabilities')).stdout.split('\n');

    expect(caps.length).toBeGreaterThan(5);
    // There, in the part of what is held.
    expect(caps.filter((line) => !dump.includes(`  ${line}`))).toEqual([]);
    expect(devices).toEqual([`virtio_net: ${JSON.stringify(net)}`]);
    expect(time[0]).toBe(`${(run.timeNs / 1e6).toFixed(6)} ms`);
    expect(irq).toHaveLength(1);
    expect(irq?.[0]).toContain(`delivered ${sources['1']?.claims} times`);
    expect(faults).toEqual(['no domain has faulted']);
    expect(pds).toHaveLength(8);
  });

  it('prints depths of queues as the page has them', () => {
    const system = described(echo.build(completeChoices(echo, {})));
    const probes = new QueueProbes(system);
    const pds = flatten(system);
    const observer = new EventBook(system, () => 0, 1);
    observer.started = (pd, thread) => {
      const { pd: domain } = pds[pd] ?? {};
      if (domain !== undefined) probes.watch(pd, domain, thread);
    };
    const { testbed, link } = echoTestbed({ more: { instrument: instrument(observer) } });
    testbed.runUntilQuiet();
    const frame = udpFrame({ ...CLIENT0, targetPort: 7, payload: payload(100, 3) });
    for (let n = 0; n < 3; n += 1) link.send(frame, 0, frame.length);
    testbed.runUntil(testbed.now() + 3_000);

    const depths = probes.depths(testbed.board.ram);
    const page = probes.all.map(
      ({ name, capacity }, index) => `${name} ${depths[index]} of ${capacity}`,
    );
    const shown = describeQueues(testbed).map((line) =>
      line.replace(/ \(.*/, '').replace(/ +/, ' '),
    );
    expect(page.filter((line) => !shown.includes(line))).toEqual([]);
    expect(page.length).toBeGreaterThan(10);
  });
});
