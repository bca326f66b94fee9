/** The import table as rules of the linter: the text of `.oxlintrc.imports.json`. */

import { outerRoom, type Extent, type Room, ROOMS } from './rooms.ts';

const SEE = 'see the table in docs/architecture.md';
const ONE_DOOR =
  'one door for time, one for chance, one for the host (rule 3 of docs/architecture.md)';
const ONE_LOOP = 'timers of the host are in host/event-loop.ts, its clock in host/host-time.ts';

const TIME_GLOBALS = ['Date', 'performance', 'setTimeout', 'setInterval', 'setImmediate'];
const HOST_GLOBALS = [...TIME_GLOBALS, 'process', 'Buffer', 'console', 'require'];

/** The page's one door for the browser's time. */
const BROWSER_DOOR = 'page/clock.ts';

interface Pattern {
  readonly regex: string;
  readonly message: string;
  readonly allowTypeImports?: true;
}

export function lintRules(): string {
  const rooms = Object.entries(ROOMS);
  const hostless = rooms.filter(([name, room]) => isOuter(name) && room.knowsHost !== true);
  const config = {
    $schema: './node_modules/oxlint/configuration_schema.json',
    overrides: [
      ...rooms
        .filter(([name]) => name !== 'test')
        .map(([name, room]) => override([name], importRule(patternsOf(name, room)))),
      override(
        hostless.map(([name]) => name),
        {
          'no-restricted-globals': ['error', ...globals(HOST_GLOBALS, ONE_DOOR)],
          'no-restricted-properties': [
            'error',
            { object: 'Math', property: 'random', message: 'chance comes from board/random.ts' },
          ],
        },
        [BROWSER_DOOR],
      ),
      override(
        ['host'],
        { 'no-restricted-globals': ['error', ...globals(TIME_GLOBALS, ONE_LOOP)] },
        ['host/event-loop.ts', 'host/host-time.ts'],
      ),
    ],
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

/** Rules for the sources of rooms; tests may import anything. */
function override(rooms: readonly string[], rules: object, besides: readonly string[] = []) {
  return {
    files: rooms.map((room) => `${room}/**/*.{ts,tsx}`),
    excludeFiles: [...rooms.map((room) => `${room}/**/*.test.ts`), ...besides],
    rules,
  };
}

function importRule(patterns: readonly Pattern[]): object {
  return { 'no-restricted-imports': ['error', { patterns }] };
}

function globals(names: readonly string[], message: string): object[] {
  return names.map((name) => ({ name, message }));
}

/** The last override of a file wins: an inner room has the rules of the outer one too. */
function patternsOf(name: string, room: Room): Pattern[] {
  const outer = outerRoom(name);
  if (outer !== name) {
    return [...patternsOf(outer, ROOMS[outer] as Room), innerPattern(name, room, outer)];
  }
  const forbidden = Object.keys(ROOMS).filter(
    (other) => isOuter(other) && other !== name && room.imports[other] === undefined,
  );
  const patterns: Pattern[] = [
    {
      regex: `^(\\.\\./)+(${forbidden.join('|')})/`,
      message: `${name}/ may not import this room: ${SEE}`,
    },
  ];
  for (const [other, extent] of Object.entries(room.imports)) {
    const pattern = partPattern(name, other, extent);
    if (pattern !== undefined) patterns.push(pattern);
  }
  if (room.knowsHost !== true) {
    patterns.push({ regex: '^node:', message: `${name}/ does not know the host: ${SEE}` });
  }
  if (room.programDepth !== undefined) {
    const message = 'programs import neither each other nor another class';
    patterns.push({ regex: `^(\\.\\./)+${name}/`, message });
  }
  return patterns;
}

function partPattern(room: string, other: string, extent: Extent): Pattern | undefined {
  const [, besidesTypes] = /^types and (.+)$/.exec(extent) ?? [];
  if (besidesTypes !== undefined) {
    return {
      regex: `^(\\.\\./)+${other}/${anythingBut(besidesTypes)}`,
      message: `${room}/ imports only types of ${other}/, and ${besidesTypes}`,
      allowTypeImports: true,
    };
  }
  switch (extent) {
    case 'all':
      return undefined;
    case 'types':
      return {
        regex: `^(\\.\\./)+${other}/`,
        message: `${room}/ imports only types of ${other}/`,
        allowTypeImports: true,
      };
    default:
      return {
        regex: `^(\\.\\./)+${other}/${anythingBut(extent)}`,
        message: `${room}/ imports ${other}/${extent} only`,
      };
  }
}

/** An inner room is one folder without folders: what begins with `../` leaves it. */
function innerPattern(name: string, room: Room, outer: string): Pattern {
  const extent = room.imports[outer];
  const refused = extent === undefined ? '' : anythingBut(extent);
  const besides = extent === undefined ? 'nothing' : `${outer}/${extent} only`;
  return { regex: `^\\.\\./${refused}`, message: `${name}/ imports ${besides}` };
}

/**
 * @returns a regular expression for the beginning of any name but this one. The linter's have no
 * lookahead, and it ignores a rule with one without a word.
 */
function anythingBut(name: string): string {
  const literal = (text: string) => text.replaceAll('.', '\\.');
  const others = name.split('').map((letter, at) => `${literal(name.slice(0, at))}[^${letter}]`);
  return `(${[...others, `${literal(name)}.`].join('|')})`;
}

function isOuter(room: string): boolean {
  return outerRoom(room) === room;
}
