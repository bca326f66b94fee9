/**
 * What a test is about: a system, and what its devices are plugged into. The same scene serves any
 * number of tests; what it keeps from one to the next (memory, translated code) makes no difference
 * but in speed.
 */

import { flatten } from '../../microkit/model.ts';
import { queueRecords } from '../../queues/classes.ts';
import { Translations } from '../../riscv/translator/translations.ts';
import { devicesOf } from '../../sim/points/system-points.ts';
import { WorldMemory } from '../../sim/world-memory.ts';
import { guestsOf } from '../../systems/guests.ts';
import { uartOf } from '../../systems/serial-devices.ts';
import type { TestbedOptions } from '../../systems/testbed.ts';
import type { Bench } from '../unit/bench.ts';
import type { Neighbours } from '../frames/encode.ts';

export type SceneSystem = Pick<TestbedOptions, 'system' | 'counters' | 'programs' | 'images'> & {
  readonly attachDevices?: TestbedOptions['attachDevices'] | undefined;
};

export interface Scene extends SceneSystem {
  /** What is plugged into nothing is not on the board. */
  readonly has: { readonly net: boolean; readonly uart: boolean; readonly disks: number };
  readonly domains: readonly string[];
  readonly neighbours: Neighbours;
  /** A single domain with scripted peers; undefined for a whole system. */
  readonly bench: Bench | undefined;
  /** Files beside the tests; a program's own test has none. */
  readonly files?: SceneFiles;
  /** The same with new instances of its programs, for one more run. */
  readonly renew?: () => Promise<Scene>;
  readonly memory: WorldMemory;
  readonly translations: Translations;
}

export interface SceneFiles {
  /** @returns undefined when there is none */
  read(path: string): string | undefined;
  write(path: string, text: string): void;
}

/** What scenes of one process share. */
export interface Kept {
  readonly memory: WorldMemory;
  readonly translations: Translations;
}

export function keep(): Kept {
  return { memory: new WorldMemory(), translations: new Translations() };
}

export function makeScene(from: SceneSystem, kept: Kept = keep(), bench?: Bench): Scene {
  const { system } = from;
  const devices = devicesOf(system);
  const isUsed = bench === undefined || bench.hasDevice;
  return {
    ...from,
    has: {
      net: isUsed && devices.some((device) => device.class === 'net'),
      uart: isUsed && uartOf(system) !== undefined,
      disks: isUsed ? devices.filter((device) => device.class === 'blk').length : 0,
    },
    domains: flatten(system).map(({ pd }) => pd.name),
    neighbours: new Map(guestsOf(system).map(({ ip, mac }) => [ip, mac])),
    bench,
    ...kept,
  };
}

/** Names of the regions in which queues lie, of all domains. */
export function queueNames({ system }: Scene): readonly string[] {
  const records = flatten(system).flatMap(({ pd }) => queueRecords(pd.config));
  return [...new Set(records.map(({ region }) => region))];
}
