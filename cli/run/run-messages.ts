/** What a run says of a rule that was broken, and of a system that cannot be built. */

import type { LintEntry } from '../../board/lint.ts';
import type { TestbedError } from '../../systems/testbed.ts';
import type { LoadedSystem } from './loaded-system.ts';

/**
 * A rule that was broken, and by whom: 'virtio_mmio@10001000: virtio 1.2 §6.1: … (ethernet_driver,
 * ethernet.c:310)'.
 */
export function noteText({ device, clause, what, ...by }: LintEntry): string {
  const where = [by.domain, by.pc === undefined ? undefined : `pc ${by.pc}`, by.line];
  const known = where.filter((part) => part !== undefined);
  return `${device}: ${clause}: ${what}${known.length === 0 ? '' : ` (${known.join(', ')})`}`;
}

/**
 * The error, and what to do about it. A `.system` file says where a device's registers are, and
 * nobody what the device does.
 */
export function adviceOn({ message, lack }: TestbedError, from: LoadedSystem['from']): string {
  if (lack === 'memory') return `${message}; --ram gives it more, 1792M at most`;
  if (lack !== 'device' || from === 'module') return message;
  return `${message}; a device of your own is attached by a .ts: run that instead`;
}
