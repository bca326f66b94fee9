// Goal: `sddf run` refuses what is no image that it can run in one line, which names the domain or
// the file, and exits with 2. Method: small systems whose image is each of these; the command in
// this process.

import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { microkitElf } from '../../test/support/microkit-elf.ts';
import { sddfInProcess } from '../../test/support/sddf-in-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'refused-'));
afterAll(() => rmSync(folder, { recursive: true }));

const image = join(folder, 'a.elf');

/** What is at the place of the image `a.elf`, and what is said of it. */
const REFUSED: Readonly<Record<string, { readonly make: () => void; readonly says: RegExp }>> = {
  'a directory': { make: () => mkdirSync(image), says: /a\.elf: is a directory; name a file$/ },
  'a sparse file of 2 GiB': {
    make: () => {
      writeFileSync(image, microkitElf());
      truncateSync(image, 2 * 1024 ** 3);
    },
    says: /a\.elf: has 2147483648 bytes, and an image may have 256 MiB/,
  },
  'a stripped image': {
    make: () => writeFileSync(image, withoutSections(microkitElf())),
    says: /a\.elf: is stripped, and symbols in it have to be patched; link without -s, do not strip$/,
  },
  'an image for AArch64': {
    make: () => writeFileSync(image, microkitElf({ change: (elf) => ({ ...elf, machine: 183 }) })),
    says: /a\.elf: is for AArch64, not RISC-V; build it for board qemu_virt_riscv64$/,
  },
  'an image that is cut off': {
    make: () => writeFileSync(image, microkitElf().subarray(0, 0x1200)),
    says: /a\.elf: .*(?:cut|ends|behind|beyond)/,
  },
  'half an ELF header': {
    make: () => writeFileSync(image, microkitElf().subarray(0, 40)),
    says: /a\.elf: .*(?:cut|ends|behind|beyond|short)/,
  },
  'an empty file': { make: () => writeFileSync(image, ''), says: /a\.elf is neither an ELF file/ },
  nothing: { make: () => undefined, says: /no program a\.elf in .*; see --search-path$/ },
};

function withoutSections(elf: Uint8Array): Uint8Array {
  const header = new DataView(elf.buffer);
  header.setBigUint64(0x28, 0n, true); // e_shoff
  header.setUint16(0x3c, 0, true); // e_shnum
  return elf;
}

function run(...options: string[]): ReturnType<typeof sddfInProcess> {
  const file = join(folder, 'one.system');
  const pd = '<protection_domain name="a"><program_image path="a.elf" /></protection_domain>';
  writeFileSync(file, `<system>${pd}</system>`);
  return sddfInProcess('run', file, '--clock', 'virtual', '--for', '1ms', ...options);
}

it.each(Object.entries(REFUSED))('an image that is %s', async (_, { make, says }) => {
  rmSync(image, { recursive: true, force: true });
  make();
  const { status, stdout, stderr } = await run();

  expect(stderr).toMatch(/^sddf: [^\n]*\n$/);
  expect(stderr.trimEnd()).toMatch(says);
  expect(stdout).toBe('');
  expect(status).toBe(2);
});

it('an image over --image-limit, which may be raised', async () => {
  rmSync(image, { recursive: true, force: true });
  writeFileSync(image, microkitElf());
  const small = await run('--image-limit', '16K');

  expect(small.status).toBe(2);
  expect(small.stderr).toMatch(
    /^sddf: .*a\.elf: needs 20 KiB of memory, over the limit of 16 KiB; --image-limit raises it\n$/,
  );
  const large = await run('--image-limit', '20K');
  expect(large.status).not.toBe(2); // runs, and faults at the first word that is no instruction
});
