/**
 * The kernel's fast path makes no difference but in speed: the echo system behaves the same with it
 * and without it, down to the last counter and to the virtual time of every frame.
 */

import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { echoTestbed } from '../support/echo-testbed.ts';
import { hostileClient } from '../support/hostile-client.ts';
import { traced } from '../support/traced-program.ts';
import { CLIENT0, CLIENT1, payload, udpFrame } from '../support/udp-frames.ts';
import type { Program } from '../../microkit/pd.ts';

/**
 * Everything that a run shows: each step of each domain with its time, the frames, the counters.
 */
function run(path: string, fastPath: 'on' | 'off', replace: Record<string, Program> = {}): string {
  const steps: string[] = [];
  let now = (): number => 0;
  const { testbed, link, received, faults } = echoTestbed({
    path,
    replace,
    change: (system) => traced(system, (line) => steps.push(`${now()} ${line}`)),
    more: { fastPath },
  });
  now = () => testbed.now();
  for (let i = 0; i < 300; i++) {
    const client = i % 3 === 0 ? CLIENT1 : CLIENT0;
    const frame = udpFrame({ ...client, targetPort: 1235, payload: payload((i * 17) % 1400, i) });
    link.send(frame, 0, frame.length);
    testbed.runUntil(testbed.now() + 700 * (i % 9));
  }
  testbed.runUntilQuiet();
  const frames = received().map((frame) => createHash('sha1').update(frame).digest('hex'));
  expect(steps.length).toBeGreaterThan(100);
  return JSON.stringify({ counters: testbed.counters(), frames, faults, steps }, undefined, 1);
}

describe('the fast path', () => {
  it.each(['5pd', '4pd', '2pd', 'dummy'])('changes nothing on path %s', (path) => {
    expect(run(path, 'on')).toBe(run(path, 'off'));
  });

  it('changes nothing with a hostile client', () => {
    const hostile = (): Record<string, Program> => ({
      client0: hostileClient(5, { count: 0 }) as unknown as Program,
    });

    expect(run('5pd', 'on', hostile())).toBe(run('5pd', 'off', hostile()));
  });
});
