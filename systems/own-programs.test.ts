/**
 * Goal: every domain of a program that a few share has a module instance of its own, and runs as
 * with a shared one. Method: the programs of the echo system, and a run under the virtual clock
 * with and without them.
 */

import { describe, expect, it } from 'vitest';
import { TrafficGenerator } from '../board/links/generator.ts';
import { flatten, type SystemDescription } from '../microkit/model.ts';
import { SOURCE, clientStation } from '../bench/net-rig.ts';
import { system } from '../microkit/builder.ts';
import { echo } from './echo.ts';
import { domainsToHaveOwn, ownPrograms } from './own-programs.ts';
import { createTestbed, type RunCounters, type TestbedOptions } from './testbed.ts';

function echoWith(clients: string): SystemDescription {
  const built = echo.build({ path: '5pd', clients });
  if (!built.ok) throw new Error('the echo system is right');
  return built.system;
}

/** The counters after a hundred frames to each of two clients. */
function run(description: SystemDescription, programs: TestbedOptions['programs']): RunCounters {
  const testbed = createTestbed({
    system: description,
    clock: 'virtual',
    ...(programs === undefined ? {} : { programs }),
    ...(echo.counters === undefined ? {} : { counters: echo.counters }),
    wires: ({ ram, board, random }) => {
      const generator = new TrafficGenerator({
        ram,
        clock: board.clock,
        random,
        source: SOURCE,
        targets: [clientStation(0), clientStation(1)],
        frameBytes: 100,
        window: 8,
        burst: 4,
        frames: 200,
      });
      generator.start();
      return { net: generator };
    },
  });
  testbed.runUntilQuiet();
  return testbed.counters();
}

describe('programs of their own', () => {
  it('are for all domains of a program but the first', async () => {
    const description = echoWith('2');
    const own = await ownPrograms(description);
    expect([...own.keys()].sort()).toEqual(['client1', 'client1_net_copier']);
    const described = new Map(
      flatten(description).map(({ pd }) => [pd.name, pd.image.program] as const),
    );
    for (const [name, program] of own) {
      expect(program).toBeTypeOf('function');
      expect(program).not.toBe(described.get(name));
    }
  });

  it('do what the shared ones do', async () => {
    const description = echoWith('2');
    const shared = run(description, undefined);
    expect(shared.programs['client1']?.['udpEchoed']).toBe(100);
    expect(run(description, await ownPrograms(description))).toEqual(shared);
  });

  it('are for few domains: the code of many would fill the caches', async () => {
    expect((await ownPrograms(echoWith('8'))).size).toBe(14);
    const many = echo.build({ path: '4pd', clients: '32' });
    if (!many.ok) throw new Error('the echo system is right');
    expect((await ownPrograms(many.system)).size).toBe(0);
  });

  it('go by what programs are known by, such as a path', () => {
    const toHave = domainsToHaveOwn([
      ['a', 'x.ts'],
      ['b', 'y.ts'],
      ['c', 'x.ts'],
      ['d', 'x.ts'],
    ]);
    expect([...toHave]).toEqual(['c', 'd']);
  });

  it('are none where the module is not known, or is another one', async () => {
    const sys = system({ name: 'users' });
    const program = (): { notified(): void } => ({ notified: () => undefined });
    for (const [name, image] of [
      ['a', 'mine.ts'],
      ['b', '../../../etc/passwd'],
      ['c', 'clients/echo/echo.ts'],
      ['d', 'clients/echo/nothing.ts'],
    ] as const) {
      sys.pd(name, { program, image, priority: 10 });
    }
    const built = sys.build();
    if (!built.ok) throw new Error('the system is right');
    const own = await ownPrograms(built.system);
    expect(own.size).toBe(0);
  });
});
