// Goal: addresses of a compiled image have the line that they come from; without the tool that is
// said, and a file that the tool does not know ends nothing. Method: a small C file by the cross
// compiler where it is installed, and stand-ins.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readElf } from '../microkit/elf/reader.ts';
import { lineOf, linesOf } from './addr2line.ts';

const GCC = 'riscv64-unknown-elf-gcc';
const folder = mkdtempSync(join(tmpdir(), 'addr2line-'));
afterAll(() => rmSync(folder, { recursive: true }));

function script(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

describe('lines of addresses', () => {
  it('are read from what the tool prints', () => {
    const tool = script(
      'tool',
      "printf '/a/driver.c:12\\n??:0\\nmain.c:7 (discriminator 3)\\n??:?\\nb c.c:x\\n'",
    );
    expect(linesOf('any', [1, 2, 3, 4, 5, 6], [tool])).toEqual([
      'driver.c:12',
      undefined,
      'main.c:7',
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('come from the next tool when one is missing or does not know the file', () => {
    const refuses = script('refuses', 'echo "file format not recognized" >&2; exit 1');
    const knows = script('knows', 'echo "$2 $3:5"');

    expect(linesOf('x.elf', [255], ['/no/such/tool', refuses, knows])).toEqual(['x.elf 0xff:5']);
    expect(linesOf('x.elf', [255, 256], ['/no/such/tool', refuses])).toEqual([
      undefined,
      undefined,
    ]);
    expect(linesOf('x.elf', [], ['/no/such/tool'])).toEqual([]);
  });

  it('are asked for in batches', () => {
    const log = join(folder, 'log');
    const counts = script(
      'counts',
      `echo $# >> ${log}; shift 2; for a; do echo "f.c:$((a))"; done`,
    );
    const addresses = Array.from({ length: 300 }, (_, index) => index + 1);

    expect(linesOf('any', addresses, [counts])).toEqual(addresses.map((line) => `f.c:${line}`));
    expect(readFileSync(log, 'utf8')).toBe('258\n46\n');
  });
});

describe.skipIf(!isInstalled())(`an image by ${GCC}`, () => {
  it('has the lines of its functions, and their names by symbol', () => {
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

    const lines = linesOf(path, [twice.value, read.image.entry, 0x10]);

    expect(read.image.hasLines).toBe(true);
    expect(lines).toEqual(['lines.c:2', 'lines.c:6', undefined]);
    expect(lineOf(path, twice.value)).toBe('lines.c:2');
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
