// What comes onto the page as files: a system, what belongs to one, or something that is neither.

import { describe, expect, it } from 'vitest';
import { withGiven } from './dropped-files.ts';

const NOTHING = { own: undefined, binaries: {} };
const ELF = Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0);

function text(name: string, content: string) {
  return { name, bytes: new TextEncoder().encode(content) };
}

describe('files that come onto the page', () => {
  it('are a system, with its images', () => {
    const given = withGiven(
      [text('a.system', '<system/>'), { name: 'a.elf', bytes: ELF }],
      NOTHING,
    );

    expect(given).toEqual({
      kind: 'system',
      own: { main: 'a.system', files: { 'a.system': '<system/>' } },
      binaries: { 'a.elf': ELF },
    });
  });

  it('are modules, of which the one that exports build() is the system', () => {
    const files = [
      text('driver.ts', 'export const x = 1;'),
      text('my.ts', 'export function build() {}'),
    ];
    const given = withGiven(files, NOTHING);

    expect(given).toMatchObject({ own: { main: 'my.ts' } });
  });

  it('belong to what is there already', () => {
    const own = { main: 'a.system', files: { 'a.system': '<system/>' } };
    const given = withGiven([{ name: 'b.elf', bytes: ELF }], { own, binaries: { 'a.elf': ELF } });

    expect(given).toEqual({ kind: 'system', own, binaries: { 'a.elf': ELF, 'b.elf': ELF } });
  });

  it('have names that a shell takes for one word', () => {
    const given = withGiven([text('my system;x.system', '<system/>')], NOTHING);

    expect(given).toMatchObject({ own: { main: 'my_system_x.system' } });
  });

  it.each([
    [[{ name: 'a.elf', bytes: ELF }], 'a.elf: no system'],
    [[text('a.system', ''), text('b.system', '')], 'a.system and b.system both describe'],
    [[], 'no system'],
  ])('%# are refused in one line', (files, words) => {
    const given = withGiven(files, NOTHING);

    expect(given).toMatchObject({ kind: 'problem', text: expect.stringContaining(words) });
    expect(given).toMatchObject({ text: expect.not.stringContaining('\n') });
  });

  it('keep every byte, a byte order mark too, and are known with one', () => {
    const text = '\uFEFFexport function build() {}\r\n';
    const given = withGiven([{ name: 's.ts', bytes: new TextEncoder().encode(text) }], NOTHING);

    expect(given).toMatchObject({ kind: 'system', own: { main: 's.ts', files: { 's.ts': text } } });
  });
});
