/**
 * The import table of docs/architecture.md, held against the sources.
 *
 * The linter has the same table as rules. This test walks the imports itself, so that it cannot pass because a tool
 * stopped reading files: it asserts how much it has read, and tries its own rules on a planted violation.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const PROGRAMS = ['drivers', 'virtualisers', 'clients'];

/** Which rooms the sources of a room may import, besides their own. Rooms not listed may import all. */
const ALLOWED: Record<string, readonly string[]> = {
  memory: [],
  queues: ['memory'],
  kernel: ['memory'],
  riscv: ['memory'],
  board: ['memory'],
  microkit: ['memory', 'kernel', 'queues'],
  drivers: ['memory', 'queues', 'microkit'],
  virtualisers: ['memory', 'queues', 'microkit'],
  clients: ['memory', 'queues', 'microkit'],
  host: ['memory', 'queues', 'board', 'microkit'],
};
const ROOMS = [...Object.keys(ALLOWED), 'systems', 'sim', 'cli', 'bench', 'test'];

interface Import {
  readonly from: string;
  readonly to: string;
  readonly kind: 'value' | 'type';
  readonly names: string;
}

function sources(): string[] {
  return ROOMS.flatMap((room) => listFiles(join(ROOT, room)));
}

function listFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return listFiles(path);
    return entry.name.endsWith('.ts') ? [relative(ROOT, path)] : [];
  });
}

function importsOf(file: string, text: string): Import[] {
  const found: Import[] = [];
  const statement = /^(?:import|export)\s+(type\s+)?([^'";]*?from\s*)?['"](\.[^'"]+)['"]/gm;
  for (const match of text.matchAll(statement)) {
    const to = posix.join(posix.dirname(file), match[3] as string);
    found.push({
      from: file,
      to,
      kind: match[1] === undefined ? 'value' : 'type',
      names: match[2] ?? '',
    });
  }
  return found;
}

/** @returns why an import breaks the table, or undefined */
function violation(one: Import): string | undefined {
  const from = one.from.split('/')[0] as string;
  const to = one.to.split('/')[0] as string;
  const line = `${one.from} imports ${one.to}`;
  if (opensRawMemory(one) && !['queues', 'board', 'microkit', 'memory'].includes(from)) {
    return `${line}: open() and partsOf() are for queues/, board/ and microkit/`;
  }
  const allowed = ALLOWED[from];
  if (allowed === undefined) return undefined;
  if (from === to) return sameRoomViolation(one, from, line);
  if (!allowed.includes(to)) return `${line}: ${from}/ may not import ${to}/`;
  if (from === 'microkit' && to === 'queues' && one.kind === 'value') {
    return `${line}: microkit/ imports only types of queues/`;
  }
  const isProgram = [...PROGRAMS, 'host'].includes(from);
  if (isProgram && to === 'microkit' && one.to !== 'microkit/pd.ts') {
    return `${line}: programs import microkit/pd.ts only`;
  }
  return undefined;
}

function opensRawMemory(one: Import): boolean {
  if (one.to === 'memory/region.ts') return /\bopen\b|\*/.test(one.names);
  return one.to === 'memory/sealed.ts' && /\bpartsOf\b|\*/.test(one.names);
}

/** Programs of one class and device are a folder: `drivers/network/virtio`, `clients/echo`. */
function sameRoomViolation(one: Import, room: string, line: string): string | undefined {
  if (!PROGRAMS.includes(room)) return undefined;
  const depth = room === 'clients' ? 2 : 3;
  const own = one.from.split('/').slice(0, depth).join('/');
  // The class's shared folder, such as virtualisers/blk/…, is its own: compare up to the class for virtualisers.
  const unit = room === 'virtualisers' ? one.from.split('/').slice(0, 2).join('/') : own;
  return one.to.startsWith(`${unit}/`) || posix.dirname(one.to) === unit
    ? undefined
    : `${line}: programs do not import each other`;
}

function cycles(graph: Map<string, string[]>): string[][] {
  const found: string[][] = [];
  const state = new Map<string, 'open' | 'done'>();
  const path: string[] = [];
  const visit = (file: string): void => {
    state.set(file, 'open');
    path.push(file);
    for (const next of graph.get(file) ?? []) {
      if (state.get(next) === 'open') found.push([...path.slice(path.indexOf(next)), next]);
      else if (!state.has(next)) visit(next);
    }
    path.pop();
    state.set(file, 'done');
  };
  for (const file of graph.keys()) if (!state.has(file)) visit(file);
  return found;
}

const files = sources();
const imports = files.flatMap((file) => importsOf(file, readFileSync(join(ROOT, file), 'utf8')));
const production = imports.filter((one) => !one.from.endsWith('.test.ts'));

describe('the import table', () => {
  it('has read the sources', () => {
    expect(files.length).toBeGreaterThan(15);
    expect(production.length).toBeGreaterThan(10);
  });

  it('is kept by every source file', () => {
    expect(production.map(violation).filter((found) => found !== undefined)).toEqual([]);
  });

  it('names existing files', () => {
    const known = new Set(files);
    const missing = production.filter((one) => one.to.endsWith('.ts') && !known.has(one.to));
    expect(missing.filter((one) => !one.to.endsWith('.d.ts'))).toEqual([]);
  });

  it('has no import cycle', () => {
    const graph = new Map<string, string[]>();
    for (const file of files) graph.set(file, []);
    for (const one of production) graph.get(one.from)?.push(one.to);
    expect(cycles(graph)).toEqual([]);
  });

  it.each([
    ["import { x } from '../../../board/bus.ts';", 'drivers/network/virtio/driver.ts'],
    ["import { x } from '../../microkit/model.ts';", 'clients/echo/main.ts'],
    ["import { open } from '../../memory/region.ts';", 'clients/echo/main.ts'],
    ["import { partsOf, Sealed } from '../../memory/sealed.ts';", 'drivers/uart/pl011/main.ts'],
    ["import * as sealed from '../../memory/sealed.ts';", 'clients/echo/main.ts'],
    ["import * as region from '../../memory/region.ts';", 'clients/echo/main.ts'],
    ["import { NetQueue } from '../queues/net/queue.ts';", 'microkit/builder.ts'],
    ["import { y } from '../shell/main.ts';", 'clients/echo/main.ts'],
  ])('refuses %s in %s', (statement, file) => {
    expect(importsOf(file, statement).map(violation)).toEqual([expect.any(String)]);
  });

  it('finds a planted cycle', () => {
    const graph = new Map([
      ['a', ['b']],
      ['b', ['a']],
    ]);
    expect(cycles(graph)).toEqual([['a', 'b', 'a']]);
  });
});
