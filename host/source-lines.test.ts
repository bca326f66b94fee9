// Goal: addresses of a compiled image have the line that they come from; without the tool that is said, and a file that the
// tool does not know ends nothing. Method: a small C file by the cross compiler where it is installed, and stand-ins.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readElf } from '../microkit/elf/reader.ts';
import { sourceLines } from './source-lines.ts';

const GCC = 'riscv64-unknown-elf-gcc';
const folder = mkdtempSync(join(tmpdir(), 'source-lines-'));
afterAll(() => rmSync(folder, { recursive: true }));

function script(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

describe('lines of addresses', () => {
  it('are read from what the tool prints', async () => {
    const tool = script(
      'tool',
      "printf '/a/driver.c:12\\n??:0\\nmain.c:7 (discriminator 3)\\n??:?\\nb c.c:x\\n'",
    );
    expect(await sourceLines('any', [1, 2, 3, 4, 5, 6], [tool])).toEqual([
      { file: 'driver.c', line: 12 },
      undefined,
      { file: 'main.c', line: 7 },
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('come from the next tool when one is missing or does not know the file', async () => {
    const refuses = script('refuses', 'echo "file format not recognized" >&2; exit 1');
    const knows = script('knows', 'echo "$2 $3:5"');

    expect(await sourceLines('x.elf', [255], ['/no/such/tool', refuses, knows])).toEqual([
      { file: 'x.elf 0xff', line: 5 },
    ]);
    expect(await sourceLines('x.elf', [255], ['/no/such/tool', refuses])).toBe('no addr2line');
    expect(await sourceLines('x.elf', [], ['/no/such/tool'])).toEqual([]);
  });
});

describe.skipIf(!isInstalled())(`an image by ${GCC}`, () => {
  it('has the lines of its functions, and their names by symbol', async () => {
    const source = join(folder, 'lines.c');
    writeFileSync(
      source,
      'int twice(int n)\n{\n    return n + n;\n}\nvoid _start(void)\n{\n    twice(1);\n}\n',
    );
    const path = join(folder, 'lines.elf');
    const flags = ['-g', '-O0', '-nostdlib', '-static', '-march=rv64imafdc', '-mabi=lp64d'];
    execFileSync(GCC, [...flags, '-Wl,-Ttext=0x200000', '-o', path, source]);
    const read = readElf(new Uint8Array(readFileSync(path)));
    if (!read.ok) throw new Error(read.problem);
    const twice = read.image.symbols.find('twice');
    if (typeof twice === 'string') throw new Error(twice);

    const lines = await sourceLines(path, [twice.value, read.image.entry, 0x10]);

    expect(read.image.hasLines).toBe(true);
    expect(lines).toEqual([{ file: 'lines.c', line: 2 }, { file: 'lines.c', line: 6 }, undefined]);
    expect(read.image.symbols.functions().at(twice.value + 4)).toEqual({
      name: 'twice',
      offset: 4,
    });
  });
});

function isInstalled(): boolean {
  try {
    execFileSync(GCC, ['--version'], { stdio: 'ignore' });
    execFileSync('riscv64-unknown-elf-addr2line', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
