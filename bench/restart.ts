/**
 * `net/restart`, `blk/restart`, `serial/restart`: a domain of a supervised system dies. How long is
 * it down, from its fault to when it says that it runs, by its role?
 *
 * In worlds of the simulator, under the virtual clock with the kernel's own costs alone: figures
 * are the same on every machine, and are those of system calls, not of what programs do between
 * them. The samples are deaths at several wake-ups.
 */

import type { Testbed } from '../systems/testbed.ts';
import type { SystemModule } from '../systems/system.ts';
import { completeChoices } from '../systems/system.ts';
import { blkSystem } from '../systems/blk.ts';
import { echo } from '../systems/echo.ts';
import { restartReport } from '../systems/restarts.ts';
import { serialSystem } from '../systems/serial.ts';
import { runWorld } from '../sim/world.ts';
import { WorldMemory } from '../sim/world-memory.ts';
import type { BenchRow } from './results.ts';
import { round, summarise } from './statistics.ts';
import type { BenchLength, BenchSettings } from './suite/benchmark.ts';

interface Supervised {
  readonly module: SystemModule;
  /** Role, and the domain that has it. */
  readonly roles: Readonly<Record<string, string>>;
  readonly amount: number;
}

const CLASSES = {
  net: {
    module: echo,
    roles: {
      driver: 'ethernet_driver',
      'transmit virtualiser': 'net_virt_tx',
      'receive virtualiser': 'net_virt_rx',
      copier: 'client0_net_copier',
      client: 'client0',
    },
    amount: 300,
  },
  blk: {
    module: blkSystem,
    roles: { driver: 'blk_driver', virtualiser: 'blk_virt', client: 'client' },
    amount: 100,
  },
  serial: {
    module: serialSystem,
    roles: {
      driver: 'serial_driver',
      'transmit virtualiser': 'serial_virt_tx',
      'receive virtualiser': 'serial_virt_rx',
      client: 'client0',
    },
    amount: 120,
  },
} satisfies Readonly<Record<string, Supervised>>;

const WAKE_UPS = [5, 3, 7, 2, 4, 6, 8] as const;
const DEATHS: Readonly<Record<BenchLength, number>> = { smoke: 1, quick: 3, full: 7 };

export function benchRestart(
  name: keyof typeof CLASSES,
  { length, onProgress }: BenchSettings,
): readonly BenchRow[] {
  const { module, roles, amount }: Supervised = CLASSES[name];
  const built = module.build(completeChoices(module, { supervised: 'on' }));
  if (!built.ok) throw new Error(built.errors.map(({ message }) => message).join('\n'));
  const { system } = built;
  const memory = new WorldMemory();
  const nths = WAKE_UPS.slice(0, DEATHS[length]);
  return Object.entries(roles).map(([role, domain]) => {
    onProgress(`${name}/restart: ${role}`);
    const samples = nths.map((nth) => {
      let downNs = Number.NaN;
      const look = (testbed: Testbed): readonly never[] => {
        const { restarts = [] } = restartReport(testbed) ?? {};
        downNs = restarts.find((each) => each.domain === domain)?.downNs ?? Number.NaN;
        return [];
      };
      const rule = { at: `pd.${domain}`, fault: 'kill', when: { nth: [nth] } } as const;
      runWorld({
        target: { system, memory, oracles: [{ name: 'look', holds: 'is looked at', check: look }] },
        plan: { name: 'dies', rules: [{ ...rule, for: {}, parameters: {}, optional: 'no' }] },
        seed: 1,
        amount,
      });
      if (Number.isNaN(downNs)) throw new Error(`${domain} did not come to wake-up ${nth}`);
      return round(downNs / 1000);
    });
    return {
      name: `${name}/restart`,
      role,
      unit: 'us',
      ...summarise(samples),
      ratioToNative: null,
    };
  });
}
