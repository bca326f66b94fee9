/**
 * Goal: what a plan does to a domain of machine code is what it does to one in TypeScript: the
 * domain dies, sleeps over a notification, babbles, or is late, and the image is not touched.
 * Method: the pingpong sample; ping calls pong ten times and signals it once, and pong signals
 * back.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  BUILD_FOLDER,
  buildPrograms,
  COMPILER,
  hasCompiler,
  PROGRAMS_FOLDER,
} from '../support/c-programs.ts';
import { sddfInProcess } from '../support/sddf-in-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'sddf-faults-'));
afterAll(() => rmSync(folder, { recursive: true }));

const PING = 'ping: signal on channel 1';
const PONG = 'pong: signal on channel 2';

async function pingpong(rule: object) {
  const plan = join(folder, 'plan.json');
  writeFileSync(plan, JSON.stringify({ schema: 1, rules: [rule] }));
  const system = join(PROGRAMS_FOLDER, 'pingpong.system');
  const { stdout, stderr, status } = await sddfInProcess(
    ...['run', system, '--search-path', BUILD_FOLDER, '--clock', 'virtual', '--for', '50ms'],
    ...['--faults', plan, '--json'],
  );
  const { faults, bootNs } = JSON.parse(stdout) as {
    faults: { strikes: Record<string, number> };
    bootNs: number;
  };
  const count = (line: string): number => stderr.split(line).length - 1;
  return { stderr, status, strikes: faults.strikes, bootNs, count };
}

describe.runIf(hasCompiler)(`faults of machine-code domains (needs ${COMPILER})`, () => {
  beforeAll(buildPrograms, 120_000);

  it('sleeps over its first notification, and not over the calls before it', async () => {
    const { count, strikes, status } = await pingpong({
      ...{ at: 'pd.pong', fault: 'sleep', when: { nth: 1 } },
    });
    expect([count('ping: 10 calls, sum'), count(PONG), count(PING)]).toEqual([1, 0, 0]);
    expect(strikes).toEqual({ 'pd.pong sleep': 1 });
    expect(status).toBe(0);
  });

  it('babbles: each signal wakes its neighbour, and then it does its own work', async () => {
    const { count } = await pingpong({
      ...{ at: 'pd.ping', fault: 'babble', when: { nth: 1 }, parameters: { times: 3 } },
    });
    expect(count(PONG)).toBe(4);
    expect(count(PING)).toBeGreaterThan(1);
  });

  it('dies where it is woken up, and its parent is told', async () => {
    const { stderr, count, status } = await pingpong({
      ...{ at: 'pd.pong', fault: 'kill', when: { nth: 1 } },
    });
    expect(stderr).toMatch(/faulting PD: pong\n.*UserException: ip=0x[0-9a-f]+ {2}number=0x2/);
    expect([count(PONG), count(PING), status]).toEqual([0, 0, 1]);
  });

  it('is late with a system call, which is made all the same', async () => {
    const { count, strikes, bootNs } = await pingpong({
      ...{ at: 'pd.ping.entry', fault: 'late', when: { nth: 1 }, parameters: { by: '70ms' } },
    });
    expect([count('ping: 10 calls, sum'), count(PONG), count(PING)]).toEqual([1, 1, 1]);
    expect(strikes).toEqual({ 'pd.ping.entry late': 1 });
    // It signals at the end of its `init`, which boot waits for.
    expect(bootNs).toBeGreaterThan(70e6);
  });

  it('waits with the call that is late: nobody is called before, and what comes first is on time', async () => {
    const late = await callsOfPing({
      ...{ at: 'pd.ping.entry', fault: 'late', when: { nth: 2 }, parameters: { by: '70ms' } },
    });
    const usual = await callsOfPing();
    expect(late.length).toBe(usual.length);
    expect(late[0]).toEqual(usual[0]);
    // Microseconds. All that follows the call is later by as much, pong's turns among it.
    for (const index of [1, 2, 9]) {
      const delay = (of: 'made' | 'received'): number =>
        (late[index]?.[of] ?? 0) - (usual[index]?.[of] ?? 0);
      expect([delay('made'), delay('received')]).toEqual([
        expect.closeTo(70_000, 0),
        expect.closeTo(70_000, 0),
      ]);
    }
  });
});

interface TraceEvent {
  readonly ph: string;
  readonly name: string;
  readonly ts: number;
}

/** @returns when each of ping's calls was made, and when pong was called for it */
async function callsOfPing(rule?: object) {
  const plan = join(folder, 'plan.json');
  const out = join(folder, 'trace.json');
  writeFileSync(plan, JSON.stringify({ schema: 1, rules: rule === undefined ? [] : [rule] }));
  const system = join(PROGRAMS_FOLDER, 'pingpong.system');
  const { stderr } = await sddfInProcess(
    ...['trace', system, '--search-path', BUILD_FOLDER, '--clock', 'virtual', '--for', '150ms'],
    ...(rule === undefined ? [] : ['--faults', plan]),
    ...['-o', out, '--force'],
  );
  expect(stderr).toContain('ping: 10 calls');
  const { traceEvents } = JSON.parse(readFileSync(out, 'utf8')) as { traceEvents: TraceEvent[] };
  const times = (wanted: (event: TraceEvent) => boolean): number[] =>
    traceEvents.filter(wanted).map(({ ts }) => ts);
  const made = times(({ ph, name }) => ph === 'X' && name === 'Call: call pong');
  const received = times(({ ph, name }) => ph === 'f' && name === 'call');
  return made.map((at, index) => ({ made: at, received: received[index] }));
}
