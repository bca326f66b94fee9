// What a user gets wrong in a system module of their own: exit status 2 and one line that names the
// module and what to do.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sddfInProcess } from '../../test/support/sddf-in-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'sddf-user-system-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const BUILDER = join(import.meta.dirname, '../../microkit/builder.ts');
const HEAD = `import { system } from '${BUILDER}';
const main = () => ({ notified() {} });
const sys = system({ name: 'mine' });
sys.pd('only', { program: main });
`;
const DEVICE = '{ read: () => 0, write() {}, reset() {}, snapshot: () => ({}) }';
const GOOD_BUILD = 'export const build = () => sys.build();';

const MISTAKES: readonly (readonly [what: string, module: string, message: string])[] = [
  ['no return', 'export function build() { sys.build(); }', 'build() returns nothing; end it with'],
  ['the builder', 'export const build = () => sys;', 'build() returns the builder; end it with'],
  ['async', 'export const build = async () => sys.build();', 'build() is async; it has to return'],
  [
    'async, rejected',
    "export const build = async () => { throw new Error('late'); };",
    'build() is async; it has to return',
  ],
  ['an empty object', 'export const build = () => ({});', 'build() returns no system; end it with'],
  ['null', 'export const build = () => null;', 'build() returns no system; end it with'],
  ['an end when loaded', `process.exit(0); ${GOOD_BUILD}`, 'calls process.exit; a module may not'],
  [
    'an end in build',
    'export const build = () => process.exit(0);',
    'calls process.exit; a module may not',
  ],
  ['an exception', "export const build = () => { throw new Error('no\\nway'); };", ':5: no'],
  [
    'something without a text',
    'export const build = () => { throw { toString: 1 }; };',
    'throws a value that is no text (object)',
  ],
  [
    'an error with a message that is no text',
    'export const build = () => { throw Object.assign(new Error(), { message: {} }); };',
    '[object Object]',
  ],
  ['oracles that are none', `export const oracles = 5; ${GOOD_BUILD}`, 'oracles is a list of'],
  [
    'an oracle without a sentence',
    `export const oracles = [{ name: 'a', check: () => [] }]; ${GOOD_BUILD}`,
    'oracles is a list of { name, holds, check(testbed) }',
  ],
  ['a thrown text', "export const build = () => { throw 'text'; };", 'throws text'],
  [
    'options without choices',
    `export const options = { depth: { help: 'h', standard: '1' } }; ${GOOD_BUILD}`,
    "option 'depth' is not of the form { help: '…', choices:",
  ],
  [
    'a broken device',
    `export const attachDevices = () => { throw new Error('broken'); }; ${GOOD_BUILD}`,
    ':5: broken',
  ],
  [
    'async devices',
    `export const attachDevices = async () => { throw new Error('late'); }; ${GOOD_BUILD}`,
    'attachDevices() is async',
  ],
  [
    'two devices on one page',
    `export function attachDevices(board) {
       const place = { base: 0x1009_0000, sizeBytes: 4096 };
       board.attach('one', place, ${DEVICE});
       board.attach('two', place, ${DEVICE});
     }
     ${GOOD_BUILD}`,
    ':8: two is put on the page at 0x10090000, which one has',
  ],
  [
    "a device on a page of the board's own clock",
    `export const attachDevices = (board) =>
       board.attach('mine', { base: 0x10_1000, sizeBytes: 4096 }, ${DEVICE});
     ${GOOD_BUILD}`,
    ':6: mine is put on the page at 0x101000, which goldfish-rtc has',
  ],
];

describe("a mistake in a user's system module", () => {
  it.each(MISTAKES)('%s', async (what, module, message) => {
    const file = join(folder, `${what.replaceAll(/\W+/g, '-')}.mjs`);
    writeFileSync(file, `${HEAD}${module}\n`);

    const args = ['run', file, '--clock', 'virtual', '--for', '1ms'];
    const { status, stderr } = await sddfInProcess(...args);

    expect(stderr.split('\n')).toEqual([expect.stringContaining(message), '']);
    expect(stderr).toContain(`sddf: ${file}`);
    expect(status).toBe(2);
  });

  it('leaves process.exit as it was', async () => {
    const { exit } = process;
    const file = join(folder, 'good.mjs');
    writeFileSync(file, `${HEAD}${GOOD_BUILD}\n`);

    const { status } = await sddfInProcess('run', file, '--clock', 'virtual', '--for', '1ms');

    expect(status).toBe(0);
    expect(process.exit).toBe(exit);
  });
});
