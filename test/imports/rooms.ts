/**
 * The import table: which room may import which. It stands here and nowhere else. `npm run imports`
 * writes the linter's rules (`.oxlintrc.imports.json`) and the table of `docs/architecture.md` from
 * it, and `test/imports.test.ts` holds these, the lists of rooms in the tsconfig files and every
 * import against it.
 *
 * A room may be declared before it is there.
 */

/**
 * How much of another room may be imported: everything, its types, the one file that is named, or
 * both.
 */
export type Extent = 'all' | 'types' | `${string}.ts` | `types and ${string}.ts`;

export interface Room {
  /** What its sources may import besides their own room. Tests may import anything. */
  readonly imports: Readonly<Record<string, Extent>>;
  /** May use Node's modules, and the globals for time, chance and the process. */
  readonly knowsHost?: true;
  /** Runs in a browser too: nothing that it reaches may import a module of Node. */
  readonly runsInBrowser?: true;
  /** Its sources are programs that know nothing of each other: a program is a folder this deep. */
  readonly programDepth?: number;
}

/** What a program sees: no kernel, no description, no board. */
const PROGRAM_IMPORTS = { memory: 'all', queues: 'all', microkit: 'pd.ts' } as const;

const CORE = { memory: 'all', queues: 'all', kernel: 'all', riscv: 'all', board: 'all' } as const;
const PROGRAMS = { drivers: 'all', virtualisers: 'all', clients: 'all' } as const;
const WORLD = { ...CORE, microkit: 'all', ...PROGRAMS, host: 'all' } as const;

/**
 * A room inside a room (`memory/wasm`) has imports of its own, and belongs to the outer one for all
 * who import that.
 */
export const ROOMS: Readonly<Record<string, Room>> = {
  memory: { imports: {} },
  'memory/wasm': { imports: { memory: 'assert.ts' } },
  queues: { imports: { memory: 'all' } },
  kernel: { imports: { memory: 'all' } },
  riscv: { imports: { memory: 'all' } },
  board: { imports: { memory: 'all' } },
  microkit: {
    imports: { memory: 'all', kernel: 'all', riscv: 'all', queues: 'types and classes.ts' },
  },
  drivers: { imports: PROGRAM_IMPORTS, programDepth: 3 },
  virtualisers: { imports: PROGRAM_IMPORTS, programDepth: 2 },
  clients: { imports: PROGRAM_IMPORTS, programDepth: 2 },
  'ipc-models': { imports: { memory: 'all', kernel: 'public.ts' } },
  host: {
    imports: { memory: 'all', queues: 'all', board: 'all', microkit: 'pd.ts' },
    knowsHost: true,
  },
  systems: { imports: WORLD, knowsHost: true },
  sim: { imports: { ...WORLD, systems: 'all' } },
  testing: { imports: { ...WORLD, systems: 'all', sim: 'all' } },
  debug: { imports: { ...WORLD, systems: 'all', sim: 'all' } },
  page: { imports: { ...WORLD, systems: 'all', sim: 'all', debug: 'all' }, runsInBrowser: true },
  bench: {
    imports: {
      ...WORLD,
      systems: 'all',
      sim: 'all',
      testing: 'all',
      debug: 'all',
      'ipc-models': 'all',
      test: 'all',
    },
    knowsHost: true,
  },
  cli: {
    imports: {
      ...WORLD,
      systems: 'all',
      sim: 'all',
      testing: 'all',
      debug: 'all',
      page: 'all',
      bench: 'all',
    },
    knowsHost: true,
  },
  test: {
    imports: {
      ...WORLD,
      systems: 'all',
      sim: 'all',
      testing: 'all',
      debug: 'all',
      page: 'all',
      bench: 'all',
      'ipc-models': 'all',
      cli: 'all',
    },
    knowsHost: true,
  },
};

/** @returns the room that a file lies in, the inner one of two; undefined outside all rooms */
export function roomOf(file: string): string | undefined {
  const rooms = Object.keys(ROOMS).filter((room) => file.startsWith(`${room}/`));
  return rooms.sort((a, b) => b.length - a.length)[0];
}

/** @returns the room that others import: the outer one of a room inside a room */
export function outerRoom(room: string): string {
  return room.split('/')[0] as string;
}
