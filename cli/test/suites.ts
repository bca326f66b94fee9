/** The suites of tests that any unit in a role must pass, and our own units. */

import { fileURLToPath } from 'node:url';
import { roleNamed } from '../../testing/unit/make-bench.ts';

/** In the package, or beside the sources. */
const ROOT = new URL('../../', import.meta.url);
const ENDING = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

/** Modules of this package, by role; the ending aside. */
const OURS: Readonly<Record<string, string>> = {
  'net/driver': 'drivers/network/virtio/driver',
  'net/virt-rx': 'virtualisers/network/rx/virt-rx',
  'net/virt-tx': 'virtualisers/network/tx/virt-tx',
  'net/copy': 'virtualisers/network/copy/copy',
  'serial/driver': 'drivers/serial/ns16550a/driver',
  'serial/virt-tx': 'virtualisers/serial/tx/virt-tx',
  'serial/virt-rx': 'virtualisers/serial/rx/virt-rx',
  'blk/driver': 'drivers/blk/virtio/driver',
  'blk/virt': 'virtualisers/blk/virt',
  'i2c/driver': 'drivers/i2c/opentitan/driver',
  'i2c/virt': 'virtualisers/i2c/virt',
  'i2c/client': 'clients/i2c/clock',
  'timer/driver': 'drivers/timer/goldfish/driver',
};

/** @returns the path of our program in a role, from the root of the sources; '' for none */
export function oursIn(role: string): string {
  const path = OURS[role];
  return path === undefined ? '' : `${path}.ts`;
}

export interface Suite {
  readonly file: string;
  /** Our own unit in this role. */
  readonly ours: string;
}

/** @throws UserMistake when there is no such role */
export function suiteOf(role: string): Suite {
  const { name } = roleNamed(role);
  const place = (path: string): string => fileURLToPath(new URL(path, ROOT));
  return {
    file: place(`testing/conformance/${name.replace('/', '-')}.yaml`),
    ours: place(`${OURS[name] ?? ''}${ENDING}`),
  };
}
