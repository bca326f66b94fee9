/**
 * Digests of the testbed itself, room by room: a world is made of its code as much as of the
 * system's. The same commit from source and compiled has different digests: nobody has shown that
 * they are the same.
 */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SystemDigests } from '../../sim/failure/failure-file.ts';

/** What a world may run through. */
const ROOMS = [
  'memory',
  'queues',
  'kernel',
  'riscv',
  'board',
  'microkit',
  'drivers',
  'virtualisers',
  'clients',
  'systems',
  'sim',
] as const;
const MODULE = /\.[jt]s$/;
const NO_PART_OF_A_WORLD = /(?:\.test\.[jt]s|\.d\.ts)$/;
const DIGITS = 16;

/** @param root folder that holds the rooms: this installation's, unless told */
export function testbedDigests(root = OWN_ROOT): SystemDigests {
  return Object.fromEntries(ROOMS.map((room) => [`testbed's ${room}/`, digestOfRoom(root, room)]));
}

const OWN_ROOT = fileURLToPath(new URL('../../', import.meta.url));

function digestOfRoom(root: string, room: string): string {
  const folder = join(root, room);
  const modules = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => MODULE.test(name) && !NO_PART_OF_A_WORLD.test(name))
    .toSorted();
  const hash = createHash('sha256');
  for (const name of modules) {
    hash.update(`${name}\0`);
    hash.update(readFileSync(join(folder, name)));
  }
  return hash.digest('hex').slice(0, DIGITS);
}
