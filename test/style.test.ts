/**
 * Rules of style that no linter knows: words with a better word in this field, leftovers, files and
 * rooms without an introduction. Each failure names file, line and what to write instead.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { FOLDERS } from './imports/source-imports.ts';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
interface Rule {
  readonly pattern: RegExp;
  readonly instead: string;
}

const RULES: readonly Rule[] = [
  { pattern: /\bvirtualizer/i, instead: 'virtualiser, as upstream spells it' },
  { pattern: /\b(?:TODO|FIXME|XXX)\b/, instead: 'do it, or file an issue' },
  { pattern: /@ts-(?:ignore|nocheck|expect-error)/, instead: 'the type that is right' },
  { pattern: /(?:describe|\bit|\btest)\.only\(/, instead: 'the whole suite' },
  { pattern: /expect\(true\)/, instead: 'an assertion that can fail' },
  // Pictures and tables, which are set in by four spaces more, may be wider.
  { pattern: /^(?=.{101})\s*(?:\/\/|\/?\*+) (?! {4})/, instead: 'comments of at most 100 columns' },
];

/** Of these rooms is what domains run, and share. */
const SHARED_ROOMS = /^(?:memory|queues|microkit|drivers|virtualisers|clients)\//;
/** A variable that a class fills in while it is defined, and nobody afterwards. */
const FILLED_BY_A_CLASS = ['memory/region.ts', 'memory/sealed.ts'];
const STATE = [
  /^(?:export )?(?:let|var) /,
  /^(?:export )?const \w+ = (?:\[\]|\{\}|new (?:Weak)?(?:Map|Set)\b)/,
  /^(?:export )?const \w+: (?!readonly |Readonly)[^=]* = (?:\[|new (?:Weak)?(?:Map|Set)\b)/,
];

/** Lines at the left margin that begin something which could change. */
function stateOf(file: string, text: string): string[] {
  return text
    .split('\n')
    .filter((line) => STATE.some((pattern) => pattern.test(line)))
    .map((line) => `${file}: ${line}`);
}

function listFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'dist' ? [] : listFiles(path);
    return /\.tsx?$/.test(entry.name) ? [relative(ROOT, path)] : [];
  });
}

function offences(file: string, text: string): string[] {
  return text
    .split('\n')
    .flatMap((line, index) =>
      RULES.filter((rule) => rule.pattern.test(line)).map(
        (rule) => `${file}:${index + 1}: ${String(rule.pattern)}: write ${rule.instead}`,
      ),
    );
}

const files = FOLDERS.flatMap((room) => listFiles(join(ROOT, room)));

describe('style', () => {
  it('keeps to the words of the field', () => {
    const found = files
      .filter((file) => file !== 'test/style.test.ts')
      .flatMap((file) => offences(file, readFileSync(join(ROOT, file), 'utf8')));

    expect(files.length).toBeGreaterThan(15);
    expect(found).toEqual([]);
  });

  it('finds a planted offence', () => {
    expect(offences('x.ts', 'const virtualizer = 1; // TODO')).toHaveLength(2);
    expect(offences('x.ts', ` * ${'wide '.repeat(20)}`)).toHaveLength(1);
    expect(offences('x.ts', ` *     ${'wide '.repeat(20)}`)).toEqual([]);
  });

  it('says at the head of every source file what it is', () => {
    const silent = files.filter((file) => {
      const text = readFileSync(join(ROOT, file), 'utf8').replace(/^#!.*\n/, '');
      return !/^(?:\/\*\*|\/\/)/.test(text);
    });

    expect(silent).toEqual([]);
  });

  it('keeps nothing outside functions and classes where domains share the code', () => {
    const found = files
      .filter((file) => SHARED_ROOMS.test(file) && !file.endsWith('.test.ts'))
      .filter((file) => !FILLED_BY_A_CLASS.includes(file))
      .flatMap((file) => stateOf(file, readFileSync(join(ROOT, file), 'utf8')));

    expect(found).toEqual([]);
  });

  it.each([
    'let calls = 0;',
    'export const seen = new Map<string, number>();',
    'const seen: Set<number> = new Set();',
    'const lines: string[] = [];',
    'export const cache = {};',
  ])('knows %s for state', (line) => {
    expect(stateOf('x.ts', line)).toHaveLength(1);
    expect(stateOf('x.ts', `  ${line}`)).toEqual([]);
  });

  it('has no file that could hold anything', () => {
    const vague = files.filter((file) => /(?:^|\/)(?:utils?|helpers?|common|misc)\.ts$/.test(file));

    expect(vague).toEqual([]);
  });

  it('has each file with long tests run by .ci/run', () => {
    const long = files.filter((file) =>
      /from '[./a-z]+\/long-test\.ts'/.test(readFileSync(join(ROOT, file), 'utf8')),
    );
    const gate = readFileSync(join(ROOT, '.ci/run'), 'utf8');

    expect(long.length).toBeGreaterThan(3);
    expect(long.filter((file) => !gate.includes(` ${file}`))).toEqual([]);
  });

  it.each(FOLDERS)('introduces the room %s in a README', (room) => {
    const readme = join(ROOT, room, 'README.md');

    expect(existsSync(readme)).toBe(true);
    // A title and a sentence at least.
    expect(readFileSync(readme, 'utf8')).toMatch(/^# .+\n\n\w.+\./);
    expect(readFileSync(readme, 'utf8')).toMatch(/in this order|order to read in/);
  });
});
