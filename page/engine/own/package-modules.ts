/**
 * What a module of one's own may import: `sddf-testbed/…`, as the package exports it. These are the
 * engine's own modules, so that a queue of a user's program and one of ours are of one class.
 *
 * Everything here is loaded when somebody has a system of his own, and not before.
 */

import * as board from '../../../board/public.ts';
import * as kernel from '../../../kernel/public.ts';
import * as memory from '../../../memory/public.ts';
import * as microkit from '../../../microkit/public.ts';
import * as queues from '../../../queues/public.ts';
import * as budgets from '../../../systems/budgets.ts';
import * as blk from '../../../systems/blk.ts';
import * as blockNames from '../../../systems/block-names.ts';
import * as commonDomains from '../../../systems/common-domains.ts';
import * as devices from '../../../systems/devices.ts';
import * as i2cDevices from '../../../systems/i2c-devices.ts';
import * as serialDevices from '../../../systems/serial-devices.ts';
import * as serialNeighbours from '../../../systems/serial-neighbours.ts';
import * as supervised from '../../../systems/supervised.ts';
import * as system from '../../../systems/system.ts';
import { TestbedError } from '../../../systems/testbed-error.ts';
import { PACKAGE } from './module-names.ts';

export type Exports = Readonly<Record<string, unknown>>;

/** What `package.json` exports file by file, of rooms that know no host: no door to raw memory. */
const FILES = import.meta.glob<Exports>(
  [
    '../../../{queues,drivers,virtualisers,clients}/**/*.ts',
    '../../../memory/configured.ts',
    '../../../microkit/{camkes,sddf/*}.ts',
    '!../../../queues/{blk/ring,net/loops/entries}.ts',
    '!../../../**/*.test.ts',
    '!../../../**/*.d.ts',
  ],
  { eager: true },
);
const UP = '../../../';

const ROOMS: Readonly<Record<string, Exports>> = {
  memory,
  queues,
  kernel,
  board,
  microkit,
  // `loadTestbed` reads files.
  systems: { ...devices, ...i2cDevices, ...system, TestbedError },
  'systems/blk': blk,
  'systems/block-names': blockNames,
  'systems/budgets': budgets,
  'systems/common-domains': commonDomains,
  'systems/devices': devices,
  'systems/i2c-devices': i2cDevices,
  'systems/serial-devices': serialDevices,
  'systems/serial-neighbours': serialNeighbours,
  'systems/supervised': supervised,
  'systems/system': system,
};

/**
 * @param specifier such as `sddf-testbed/microkit`
 * @returns undefined when the package has no such module, or it is one of the host's
 */
export function packageModule(specifier: string): Exports | undefined {
  if (!specifier.startsWith(PACKAGE)) return undefined;
  const name = specifier.slice(PACKAGE.length);
  return (Object.hasOwn(ROOMS, name) ? ROOMS[name] : undefined) ?? FILES[`${UP}${name}.ts`];
}

/** @param path of an image, such as `clients/echo/echo.ts` */
export function packageProgram(path: string): unknown {
  return /^(?:drivers|virtualisers|clients)\/[\w/-]+\.ts$/.test(path)
    ? FILES[`${UP}${path}`]?.['main']
    : undefined;
}
