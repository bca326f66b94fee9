/** Whether an import keeps to the table. */

import { posix } from 'node:path';
import { outerRoom, type Room, roomOf, ROOMS } from './rooms.ts';
import type { Import } from './source-imports.ts';

/** Rooms that may take typed arrays out of a region, or a sealed object's inside. */
const RAW_MEMORY = ['memory', 'queues', 'board', 'microkit'];

/** What runs in a domain: whatever goes wrong there is the fault of that domain. */
const PROGRAM_ROOMS = ['queues', 'drivers', 'virtualisers', 'clients'];

/** @returns why an import breaks the table, or undefined */
export function violation(one: Import): string | undefined {
  const from = roomOf(one.from);
  const to = roomOf(one.to);
  if (from === undefined || to === undefined) return undefined;
  const line = `${one.from} imports ${one.to}`;
  if (opensRawMemory(one) && !RAW_MEMORY.includes(outerRoom(from))) {
    return `${line}: open() and partsOf() are for ${RAW_MEMORY.join(', ')}`;
  }
  if (one.to === 'memory/assert.ts' && PROGRAM_ROOMS.includes(from)) {
    return `${line}: what a program or a peer does is no assertion; see memory/misuse.ts`;
  }
  const room = ROOMS[from] as Room;
  if (from === to) return programViolation(one, room.programDepth, line);
  // A room inside a room belongs to the outer one for all who import that, the outer one included.
  if (to.startsWith(`${from}/`)) return undefined;
  const extent = room.imports[to] ?? room.imports[outerRoom(to)];
  if (extent === undefined) return `${line}: ${from}/ may not import ${to}/`;
  const [, besidesTypes] = /^types and (.+)$/.exec(extent) ?? [];
  if (extent === 'types' || besidesTypes !== undefined) {
    if (one.kind === 'type' || one.to === `${to}/${besidesTypes}`) return undefined;
    const besides = besidesTypes === undefined ? '' : `, and ${besidesTypes}`;
    return `${line}: ${from}/ imports only types of ${to}/${besides}`;
  }
  if (extent.endsWith('.ts') && one.to !== `${to}/${extent}`) {
    return `${line}: ${from}/ imports ${to}/${extent} only`;
  }
  return undefined;
}

function opensRawMemory(one: Import): boolean {
  if (one.to === 'memory/region.ts') return /\bopen\b|\*/.test(one.names);
  return one.to === 'memory/sealed.ts' && /\bpartsOf\b|\*/.test(one.names);
}

/** Programs do not import each other: `drivers/network/virtio` is one, `clients/echo` another. */
function programViolation(one: Import, depth: number | undefined, line: string) {
  if (depth === undefined) return undefined;
  const program = one.from.split('/').slice(0, depth).join('/');
  return one.to.startsWith(`${program}/`) || posix.dirname(one.to) === program
    ? undefined
    : `${line}: programs do not import each other`;
}
