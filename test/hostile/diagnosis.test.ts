/**
 * Runs that come to rest, or do not, with something wrong: what it is, in text and as JSON, and
 * which exit status says so.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { stallLook } from '../../cli/run/stalls.ts';
import type { EchoConfig } from '../../clients/echo/echo.ts';
import type { Program } from '../../microkit/pd.ts';
import { NetProducer } from '../../queues/net/queue.ts';
import { diagnose, type Finding } from '../../systems/diagnosis.ts';
import type { Testbed } from '../../systems/testbed.ts';
import { echoTestbed } from '../support/echo-testbed.ts';
import { sddfInProcess } from '../support/sddf-in-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'sddf-diagnosis-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ROOT = join(import.meta.dirname, '../..');

/**
 * @param device what the device does with its line at power-on, and after a register has been
 * written
 */
function systemFile(name: string, bad: string, device: string): string {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(
    file,
    `import { system } from '${ROOT}/microkit/builder.ts';
const bad = ${bad};
const sys = system({ name: '${name}' });
const registers = sys.region('registers', { size: 0x1000, physAddr: 0x2000_0000 });
const victim = sys.pd('bad', { program: bad, priority: 2 });
victim.map(registers, { perms: 'rw', cached: false });
victim.irq(20, { id: 1 });
export const build = () => sys.build();
export const attachDevices = (board) => {
  const line = board.irqLine(20);
  board.attach('it', { base: 0x2000_0000, sizeBytes: 4096 }, { read: () => 0, write() { line.lower(); } });
  ${device}
};
`,
  );
  return file;
}

const RAISE = 'board.clock.schedule({ fire() { line.raise(); } }, 1_000_000);';
const PULSE = 'board.clock.schedule({ fire() { line.raise(); line.lower(); } }, 1_000_000);';
const IDLE = '() => ({ notified() {} })';
const GOOD =
  "(pd) => { const r = pd.deviceRegion('registers'); return { notified(ch) { r.write32(0, 1); pd.irqAck(ch); } }; }";

const WRONG: readonly (readonly [
  name: string,
  bad: string,
  device: string,
  what: string,
  text: string,
])[] = [
  [
    'forgotten',
    IDLE,
    PULSE,
    'interrupt-not-acknowledged',
    'interrupt 20 was delivered to bad, who has not acknowledged it',
  ],
  [
    'high',
    IDLE,
    RAISE,
    'interrupt-not-acknowledged',
    'interrupt 20 was delivered to bad, who has not acknowledged it, and its line is high',
  ],
  [
    'nobody',
    GOOD,
    'board.clock.schedule({ fire: () => board.irqLine(21).raise() }, 1_000);',
    'line-stuck-high',
    'the line of interrupt 21 stays high: no domain has it',
  ],
  [
    'channel',
    '(pd) => { pd.notify(7); return { notified() {} }; }',
    '',
    'no-such-channel',
    'bad has signalled once to a channel that it does not have',
  ],
  [
    'faulty',
    "() => { throw new Error('no'); }",
    '',
    'fault',
    'bad has faulted and does not run any more',
  ],
];

describe('a run that comes to rest with something wrong', () => {
  it.each(WRONG)('says so: %s', async (name, bad, device, what, text) => {
    const file = systemFile(name, bad, device);

    const run = await sddfInProcess('run', file, '--clock', 'virtual', '--json');
    const { diagnosis, ending } = JSON.parse(run.stdout) as { diagnosis: unknown; ending: string };

    expect(diagnosis).toEqual([{ what, about: expect.any(String) as string, text }]);
    expect(ending).toBe('quiet');
    expect(run.status).toBe(1);
  });

  it('in text, and with status 0 where it is expected', async () => {
    const file = systemFile('expected', IDLE, PULSE);

    const run = await sddfInProcess('run', file, '--clock', 'virtual', '--expect-quiet', 'no');

    expect(run.stdout).toContain('then nothing went on\n');
    expect(run.stdout).toContain('  wrong        interrupt 20 was delivered to bad');
    expect(run.status).toBe(0);
  });

  it('says nothing when all is well', async () => {
    const file = systemFile('well', GOOD, RAISE);

    const run = await sddfInProcess('run', file, '--clock', 'virtual');

    expect(run.stdout).toMatch(/then all was quiet\n/);
    expect(run.stdout).not.toContain('wrong');
    expect(run.status).toBe(0);
  });
});

describe('a storm', () => {
  it('is named, when the run is over', async () => {
    const file = systemFile('storm', '(pd) => ({ notified: (ch) => pd.irqAck(ch) })', RAISE);

    const run = await sddfInProcess('run', file, '--clock', 'virtual', '--for', '10ms');

    expect(run.stdout).toContain('interrupt 20: its line stays high, and bad acknowledges it');
  });

  it('is none, when the line was low in between, however often', async () => {
    const run = await sddfInProcess(
      'run',
      'echo',
      '--net',
      'loop',
      '--clock',
      'virtual',
      '--for',
      '20ms',
    );

    expect(run.stdout).toMatch(/irqAcks 2,\d\d\d/);
    expect(run.stdout).not.toContain('wrong');
  });
});

/** As in a live run: once, when it has not changed since the last look. */
function expectToldOnce(testbed: Testbed, found: readonly Finding[]): void {
  const told: string[] = [];
  const look = stallLook(testbed, (line) => told.push(line));
  look();
  expect(told).toEqual([]);
  for (let times = 0; times < 3; times += 1) look();
  expect(told).toEqual(found.map(({ text }) => `it stands still: ${text}`));
}

describe('a queue', () => {
  it.each([
    [3, 'work-waits', 'holds 3, and nobody'],
    [Infinity, 'queue-full', 'is full ('],
  ])('that holds %d frames nobody is told of is named', (frames, what, how) => {
    // It publishes and signals nobody, as a driver does that has forgotten to.
    const silent: Program<EchoConfig> = (pd) => {
      const { tx } = pd.config.net;
      const active = new NetProducer(pd.region(tx.activeQueue), tx.capacity);
      for (let i = 0; i < Math.min(frames, tx.capacity); i += 1) active.enqueue(0, 0, 64, 0);
      active.publish();
      return { notified: () => undefined };
    };
    const replace = { client0: silent as unknown as Program };
    const { testbed } = echoTestbed({ replace });
    testbed.runUntilQuiet();

    const found = diagnose(testbed, []);
    expectToldOnce(testbed, found);

    expect(found).toEqual([
      { what, about: expect.any(String) as string, text: expect.any(String) as string },
    ]);
    expect(found[0]?.text).toContain(how);
    expect(diagnose(testbed, ['client0', 'net_virt_tx']).map((each) => each.what)).toEqual([
      'fault',
      'fault',
    ]);
  });
});
