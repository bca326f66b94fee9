/**
 * Device models of a user's own that do what no device can. Whoever accessed them, the model is
 * named, with file and line: with exit status 2 when it is put on the board, as the clear end of
 * the run later. Nothing of it is a domain's fault.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sddfInProcess } from '../support/sddf-in-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'sddf-hostile-devices-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const BUILDER = join(import.meta.dirname, '../../microkit/builder.ts');

/** Line 1 to 16 of each module; the device's own lines follow. */
const HEAD = `import { system } from '${BUILDER}';
const BASE = 0x1009_0000;
const main = (pd) => {
  const registers = pd.deviceRegion('registers');
  for (let i = 0; i < 2; i += 1) {
    try {
      pd.log('read ' + registers.read32(0) + ' ' + registers.read8(4));
      registers.write32(0, 1);
    } catch {}
  }
  return { notified() {} };
};
const sys = system({ name: 'mine' });
const registers = sys.region('registers', { size: 0x1000, physAddr: BASE });
sys.pd('reader', { program: main }).map(registers, { vaddr: 0x300_0000, perms: 'rw', cached: false });
export const build = () => sys.build();
`;

async function run(what: string, module: string) {
  const file = join(folder, `${what.replaceAll(/\W+/g, '-')}.mjs`);
  writeFileSync(file, `${HEAD}${module}\n`);
  const ended = await sddfInProcess('run', file, '--clock', 'virtual', '--for', '5ms', '--json');
  return { ...ended, file };
}

function device(calls: string, more = ''): string {
  return `export const attachDevices = (board) => { ${more}
  board.attach('mine', { base: BASE, sizeBytes: 4096 }, { read: () => 0, write() {}, reset() {}, snapshot: () => ({}), ${calls} });
};`;
}

const READS: readonly (readonly [what: string, value: string, shown: string])[] = [
  ['undefined', 'undefined', 'undefined'],
  ['a text', "'5'", '"5"'],
  ['NaN', 'NaN', 'NaN'],
  ['a fraction', '1.5', '1.5'],
  ['2^53', '2 ** 53', '9007199254740992'],
  ['an object', 'Object.create(null)', 'an object'],
  ['a BigInt', '5n', '5'],
];

describe('a device model that answers a read', () => {
  it.each(READS)(
    'with %s is named, although the program catches it',
    async (what, value, shown) => {
      const { status, stderr } = await run(`read ${what}`, device(`read: () => ${value}`));

      expect(stderr).toBe(
        `sddf: mine: read(0x0, 4) answered ${shown}, which is no number of bits\n`,
      );
      expect(status).toBe(1);
    },
  );

  it('with more bits than the access has loses the upper ones', async () => {
    const { status, stderr } = await run('read wide', device('read: () => -1'));

    expect(stderr).toContain('reader: read 4294967295 255\n');
    expect(status).toBe(0);
  });
});

const THROWS: readonly (readonly [what: string, module: string, message: string, line: number])[] =
  [
    [
      'a read',
      device("\nread() { throw new Error('worn out'); }"),
      'mine: read(0x0, 4) threw: worn out',
      19,
    ],
    ['a write', device('\nwrite() { throw 1; }'), 'mine: write(0x0, 0x1, 4) threw: 1', 0],
    [
      'an event of the clock',
      device('', "\nboard.clock.schedule({ fire() { throw new Error('late'); } }, 1_000_000);"),
      'an event of the clock threw: late',
      18,
    ],
    [
      'a turn',
      device('', "\nboard.turns.markDue({ work() { throw new Error('tired'); } });"),
      'an event of the clock threw: tired',
      18,
    ],
    [
      'an event for no time',
      device(
        '',
        '\nboard.clock.schedule({ fire() { board.clock.schedule(this, NaN); } }, 1_000_000);',
      ),
      'an event of the clock threw: an event of the clock is set for a time that is none',
      18,
    ],
    [
      'a snapshot',
      device("\nsnapshot() { throw new Error('shy'); }"),
      'mine: snapshot() threw: shy',
      19,
    ],
  ];

describe('a device model that throws in', () => {
  it.each(THROWS)('%s is named, with file and line', async (what, module, message, line) => {
    const { status, stderr, file } = await run(`throw ${what}`, module);

    const where = line === 0 ? '' : ` (${file}:${line})`;
    expect(stderr.split('\n').filter((each) => each.startsWith('sddf'))).toEqual([
      `sddf: ${message}${where}`,
    ]);
    expect(status).toBe(1);
  });
});

const ATTACHED: readonly (readonly [what: string, module: string, message: string])[] = [
  [
    'two on one interrupt',
    device(
      '',
      "board.irqLine(20); board.attach('first', { base: 0x2000_0000, sizeBytes: 1 }, { read() {}, write() {} }); board.irqLine(20);",
    ),
    ":17: interrupt 20 is first's already",
  ],
  [
    "the clock's interrupt",
    device('', 'board.irqLine(11);'),
    ":17: interrupt 11 is goldfish-rtc's already",
  ],
  [
    'an interrupt that is none',
    device('', 'board.irqLine(1.5);'),
    ':17: there is no interrupt 1.5: they are 1..95',
  ],
  [
    'no device',
    "export const attachDevices = (board) => board.attach('it', { base: BASE, sizeBytes: 1 }, {});",
    ':17: it is no device: it has no read, write',
  ],
  [
    'no place',
    "export const attachDevices = (board) => board.attach('it', {}, { read() {}, write() {} });",
    ':17: it is put at undefined, where no page begins',
  ],
  [
    'no end',
    "export const attachDevices = (board) => board.attach('it', { base: 0, sizeBytes: 2 ** 52 }, { read() {}, write() {} });",
    ':17: it has 4503599627370496 bytes',
  ],
  [
    'part of a byte',
    device('', "board.attach('it', { base: BASE, sizeBytes: 10.5 }, { read() {}, write() {} });"),
    ':17: it has 10.5 bytes',
  ],
  [
    'a text as place',
    device(
      '',
      "board.attach('it', { base: '0x20000000', sizeBytes: 1 }, { read() {}, write() {} });",
    ),
    ":17: it is put at '0x20000000', where no page begins",
  ],
  [
    'a place in RAM',
    device(
      '',
      "board.attach('it', { base: 0x8000_0000, sizeBytes: 1 }, { read() {}, write() {} });",
    ),
    ':17: it is put at 0x80000000, where RAM is',
  ],
  [
    'an event that cannot fire',
    device('', 'board.clock.schedule(5, 100);'),
    ':17: an event of the clock is { fire(nowNs) { … } }',
  ],
];

describe('devices that cannot be put on the board:', () => {
  it.each(ATTACHED)('%s', async (what, module, message) => {
    const { status, stderr, file } = await run(what, module);

    expect(stderr).toContain(`sddf: ${file}${message}`);
    expect(stderr.split('\n')).toHaveLength(2);
    expect(status).toBe(2);
  });
});
