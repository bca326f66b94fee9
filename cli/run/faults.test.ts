/**
 * Goal: `sddf run --faults` breaks an ordinary run as the plan says, and says what struck. Method:
 * the command, in this process.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sddfInProcess } from '../../test/support/sddf-in-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'sddf-run-faults-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function plan(...rules: readonly object[]): string {
  files += 1;
  const path = join(folder, `plan-${files}.json`);
  writeFileSync(path, JSON.stringify({ schema: 1, rules }));
  return path;
}

const VIRTUAL = ['run', 'echo', '--net', 'loop', '--clock', 'virtual', '--for', '3ms'];
const LOSE = { at: 'net.wire.in', fault: 'lose', when: { every: 5 } };
const SOMETIMES = { ...LOSE, when: { probability: 0.1 } };
const NEVER = { at: 'net.irq', fault: 'lose', when: { nth: 1_000_000 } };

interface Report {
  readonly packets: number;
  readonly faults: {
    readonly seed: number;
    readonly strikes: Readonly<Record<string, number>>;
    readonly neverStruck: readonly string[];
  };
}

async function report(...args: readonly string[]): Promise<Report & { readonly status: number }> {
  const { stdout, status } = await sddfInProcess(...VIRTUAL, '--json', ...args);
  return { ...(JSON.parse(stdout) as Report), status };
}

describe('sddf run --faults', () => {
  it('counts what has struck, in JSON and in text', async () => {
    const path = plan(LOSE, { ...NEVER, optional: true });
    const { packets, faults, status } = await report('--faults', path);
    const lost = faults.strikes['net.wire.in lose'] ?? 0;
    expect(faults).toMatchObject({ strikes: { 'net.irq lose': 0 }, neverStruck: [] });
    // Every fifth frame is lost, and the others come out of the board; some are still in it.
    expect(lost / (lost + packets)).toBeCloseTo(0.2, 1);
    expect(status).toBe(0);

    const { stdout } = await sddfInProcess(...VIRTUAL, '--faults', path);
    expect(stdout.replaceAll(',', '')).toContain(`strikes      net.wire.in lose ${lost}\n`);
  });

  it('kills a domain when told to, and says what its restart has cost', async () => {
    const args = ['--set', 'supervised=on', '--kill', 'client0@1ms', '--kill', 'net_virt_rx@2ms'];
    const { stdout, status } = await sddfInProcess(...VIRTUAL, ...args, '--json');
    const { restarted } = JSON.parse(stdout) as {
      readonly restarted: {
        readonly restarts: readonly {
          domain: string;
          times: number;
          state: string;
          downNs: number;
        }[];
        readonly takenBack: Readonly<Record<string, number>>;
      };
    };
    expect(status).toBe(0);
    const who = restarted.restarts.map(({ domain, times, state }) => `${domain} ${times} ${state}`);
    expect(who).toEqual(['net_virt_rx 1 runs', 'client0 1 runs']);
    for (const { downNs } of restarted.restarts) expect(downNs).toBeGreaterThan(0);
    // The device had receive buffers, and its driver has let go of them.
    expect(restarted.takenBack['ethernet_driver']).toBeGreaterThan(100);
  });

  it('refuses a domain that is not there, and a time that is none', async () => {
    for (const [given, message] of [
      ['clint0@1ms', "there is no domain 'clint0' (did you mean client0?)"],
      ['client0@soon', "'soon' is not a time such as 5ms or 1.5s"],
      ['client0', "'client0' is not DOMAIN@TIME, such as client0@5ms"],
    ] as const) {
      const { stderr, status } = await sddfInProcess(...VIRTUAL, '--kill', given);
      expect([given, status, stderr]).toEqual([given, 2, `sddf: --kill: ${message}\n`]);
    }
  });

  it('is void when a planned fault never struck', async () => {
    const { status, stderr, stdout } = await sddfInProcess(
      ...[...VIRTUAL, '--faults', plan(LOSE, NEVER)],
    );
    expect(stderr).toContain('this run is void: planned and never struck: net.irq lose;');
    expect(stdout).toContain('net.wire.in lose');
    expect(status).toBe(3);
  });

  it('draws its chances from the seed of the run, or one of its own', async () => {
    const path = plan(SOMETIMES);
    const [first, again, other] = [
      await report('--faults', path, '--fault-seed', '7'),
      await report('--faults', path, '--seed', '7'),
      await report('--faults', path, '--seed', '7', '--fault-seed', '1'),
    ].map(({ faults }) => faults);
    expect(first).toEqual(again);
    expect(first?.seed).toBe(7);
    expect(other?.strikes).not.toEqual(first?.strikes);
  });

  it('strikes in a live run too', async () => {
    const live = ['run', 'echo', '--net', 'loop', '--for', '200ms', '--json'];
    const { stdout, status } = await sddfInProcess(...live, '--faults', plan(LOSE));
    const { faults } = JSON.parse(stdout) as Report;
    expect(faults.strikes['net.wire.in lose']).toBeGreaterThan(0);
    expect(status).toBe(0);
  });

  it('breaks a system of files, too, and its disk', async () => {
    await sddfInProcess('render', 'blk', '-o', folder);
    const path = plan({ at: 'blk0.read', fault: 'error', when: { nth: [1, 2] } });
    const { stdout, status } = await sddfInProcess(
      ...['run', join(folder, 'blk.system'), '--clock', 'virtual', '--for', '20ms'],
      ...['--faults', path, '--json'],
    );
    const { faults } = JSON.parse(stdout) as Report;
    expect(faults.strikes).toEqual({ 'blk0.read error': 2 });
    expect(status).toBe(0);
  });

  it('is recorded as any other run', async () => {
    const args = ['trace', ...VIRTUAL.slice(1), '-o', join(folder, 'trace.json')];
    const { stdout, stderr, status } = await sddfInProcess(...args, '--faults', plan(LOSE));
    expect({ stderr, stdout }).toMatchObject({
      stdout: expect.stringContaining('events of echo') as string,
    });
    expect(status).toBe(0);
  });

  it.each([
    [
      [plan({ at: 'net.wire.ni', fault: 'lose' })],
      /:1:\d+: no point 'net.wire.ni' in this system; did you mean 'net.wire.in'\?$/,
    ],
    [
      [plan({ at: 'net.wire.in', fault: 'loose' })],
      /net.wire.in has no fault 'loose'; did you mean 'lose'\?$/,
    ],
    [[join(folder, 'none.json')], /none.json: no such file/],
    [[plan(LOSE), '--fault-seed', '-1'], /--fault-seed/],
    [
      [plan({ at: 'pd.client0.entry', fault: 'late' })],
      /pd.client0.entry late: is for the virtual clock; give --clock virtual too$/,
    ],
  ])('refuses %j in one line', async (args, line) => {
    const { stderr, status } = await sddfInProcess(
      'run',
      'echo',
      '--net',
      'loop',
      '--faults',
      ...args,
    );
    expect(stderr.trim()).toMatch(line);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(status).toBe(2);
  });
});
