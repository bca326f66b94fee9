/**
 * What systems with disks call their parts, and the policies that they offer: for who chooses among
 * them without their programs.
 */

import type { BlkPolicyConfig } from '../queues/blk/config.ts';

/**
 * The protection domain of the NBD server, and the name of its interrupt's channel in its
 * configuration.
 */
export const NBD_PD = 'nbd_server';

/** The protection domain that wants a file system on its disk. */
export const FAT_PD = 'fat';

/** Bytes that a client of weight 1 may move per round under `drr`. */
const QUANTUM_BYTES = 64 * 1024;

/** Scheduling policies, by name. */
export const POLICIES: Readonly<Record<string, BlkPolicyConfig>> = {
  strict: { kind: 'strict' },
  'round-robin': { kind: 'round-robin' },
  drr: { kind: 'drr', quantumBytes: QUANTUM_BYTES },
  'token-bucket': { kind: 'token-bucket' },
};

/** Names of the scheduling policies. */
export const BLK_POLICIES: readonly string[] = Object.keys(POLICIES);

/** The name of a part of disk `index`: the first disk's parts have plain names. */
export function nameOf(part: string, index: number): string {
  return index === 0 ? part : `${part}${index}`;
}
