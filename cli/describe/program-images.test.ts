// Goal: inspect shows what is in an image, check holds images against their domains, and files that
// are none are refused in one line with their name. Method: images written here; the commands in
// this process.

import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { microkitElf, type MicrokitElfOptions } from '../../test/support/microkit-elf.ts';
import { sddfInProcess } from '../../test/support/sddf-in-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'images-'));
const images = join(folder, 'images');
mkdirSync(images);
afterAll(() => rmSync(folder, { recursive: true }));

function image(name: string, options: MicrokitElfOptions = {}): string {
  const path = join(images, name);
  writeFileSync(path, microkitElf(options));
  return path;
}

function description(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, `<system>${text}</system>`);
  return path;
}

const pd = (name: string, file: string, inside = ''): string =>
  `<protection_domain name="${name}"><program_image path="${file}" />${inside}</protection_domain>`;

const timerConfig = (...bytes: number[]) => [
  { name: '.timer_client_config', bytes: Uint8Array.of(...bytes) },
];

describe('inspect', () => {
  it('shows segments, symbols, configuration and instructions', async () => {
    const configuration = [
      ...timerConfig(0x73, 0x44, 0x44, 0x46, 6, 9),
      { name: '.serial_client_config', bytes: new Uint8Array(88) },
    ];
    const { status, stdout } = await sddfInProcess('inspect', image('a.elf', { configuration }));

    expect(status).toBe(0);
    const lines = stdout.split('\n');
    expect(lines[0]).toMatch(/^a\.elf: RISC-V 64, entry 0x200000 \(_start\), \d+ bytes of memory/);
    expect(lines).toContain('  0x200000..0x201234  rx   4660  bytes,  4660  of them in the file');
    expect(lines).toContain('  microkit_irqs           0x203048  8 bytes');
    expect(lines).toContain('  .timer_client_config at 0x202000, 6 bytes');
    expect(lines).toContain('    driver_id  9');
    expect(lines).toContain(
      '  .serial_client_config at 0x202008, 88 bytes: all zeros, nobody has configured it',
    );
    expect(stdout).toMatch(
      /^ {2}\d+ instructions in \d+ functions become \d+ bytes of WebAssembly$/m,
    );
    expect(stdout).toMatch(/^ {2}all +\d+ {2}\d+ of them compressed, 0 system calls$/m);
  });

  it('says which functions are done at once, and why others are not', async () => {
    const text = 0x20_0000;
    const named = (name: string, offset: number, size = 16) => ({
      ...{ name, value: text + offset, size, type: 2 },
    });
    const symbols = [
      named('memcpy', 0x200),
      named('memset', 0x220, 0),
      named('memmove', 0x240),
      named('memmove', 0x260),
      named('memcmp', 0x2000),
    ];
    const { stdout } = await sddfInProcess('inspect', image('bulk.elf', { symbols }));

    const lines = stdout.split('\n');
    const head = lines.findIndex((line) => line.startsWith('functions that are done at once'));
    expect(lines.slice(head + 1, head + 5)).toEqual([
      '  memcpy   0x200200',
      '  memmove            executed: several have this name',
      '  memset   0x200220  executed: its size is not known',
      '  memcmp             executed: it is no code',
    ]);
  });

  it('prints the same as JSON', async () => {
    const configuration = timerConfig(0x73, 0x44, 0x44, 0x46, 6, 9);
    const { stdout } = await sddfInProcess('inspect', '--json', image('b.elf', { configuration }));

    expect(JSON.parse(stdout)).toMatchObject([
      {
        entry: '0x200000',
        segments: [
          { vaddr: '0x200000', memoryBytes: 0x1234, fileBytes: 0x1234, permissions: 'rx' },
          { vaddr: '0x202000', permissions: 'rw' },
        ],
        symbols: [
          { name: 'microkit_name', found: 'once', vaddr: '0x203000', sizeBytes: 64 },
          {},
          {},
          {},
          {},
          {},
        ],
        sections: [{ name: '.timer_client_config', state: 'configured', fields: { driver_id: 9 } }],
        stripped: false,
      },
    ]);
  });

  it('decodes the lists and texts of a structure', async () => {
    const bytes = new Uint8Array(6840);
    bytes.set([0x73, 0x44, 0x44, 0x46, 3]);
    bytes.set([0, 0, 0, 0x20], 48); // clients[0].conn.queue.vaddr
    bytes.set([0, 0x10], 56); // … .size
    bytes.set(new TextEncoder().encode('eth\u001b0'), 88);
    bytes[6704] = 1;
    const configuration = [{ name: '.serial_virt_tx_config', bytes }];
    const { stdout } = await sddfInProcess('inspect', image('c.elf', { configuration }));

    expect(stdout).toContain('    clients[0].conn.queue  0x20000000, 0x1000 bytes\n');
    expect(stdout).toContain('    clients[0].conn.data   none\n');
    expect(stdout).toContain('    clients[0].name        "eth?0"\n');
  });

  it('refuses what is no image, in one line with the name', async () => {
    const said = async (path: string): Promise<string> => {
      const { status, stderr } = await sddfInProcess('inspect', path);
      expect(status).toBe(2);
      return stderr;
    };
    const huge = join(folder, 'huge.elf');
    writeFileSync(huge, microkitElf());
    truncateSync(huge, 2 * 1024 ** 3);

    expect(await said(images)).toBe(`sddf: ${images}: is a directory; name a file\n`);
    expect(await said(huge)).toMatch(/huge\.elf: has 2147483648 bytes, and an image may have 256/);
    expect(await said('/dev/null')).toBe('sddf: /dev/null: is no regular file; name one\n');
    expect(await said(import.meta.filename)).toMatch(/is no ELF file; name a program image\n$/);
    expect(await said('build/loader.img')).toMatch(/give the \.system file that it was made from/);
  });
});

describe('check with images', () => {
  it('finds them right', async () => {
    image('client.elf');
    const file = description('right.system', pd('client', 'client.elf'));
    const { status, stdout } = await sddfInProcess('check', file, '--search-path', images);

    expect(stdout).toBe(`${file}: right: 1 protection domain\n`);
    expect(status).toBe(0);
  });

  it('says what is wrong with each, once for each domain', async () => {
    image('stripped.elf', { change: (elf) => ({ ...elf, machine: 183 }) });
    image('under.elf');
    writeFileSync(join(images, 'text.elf'), 'no image');
    const region = '<memory_region name="m" size="0x1000" />';
    const map = '<map mr="m" vaddr="0x202000" />';
    const file = description(
      'wrong.system',
      region +
        pd('a', 'stripped.elf') +
        pd('b', 'under.elf', map) +
        pd('c', 'text.elf') +
        pd('d', 'no.elf'),
    );
    const { status, stdout } = await sddfInProcess('check', file, '--search-path', images);

    expect(status).toBe(2);
    expect(stdout.replaceAll(`${images}/`, '').split('\n')).toEqual([
      'Error: stripped.elf: is for AArch64, not RISC-V',
      "  in protection_domain 'a'",
      '  hint: build it for board qemu_virt_riscv64',
      "Error: under.elf: map for 'm' at 0x202000..0x203000 lies over the image's pages 0x202000..0x205000",
      "  in protection_domain 'b'",
      '  hint: give it another vaddr',
      'Error: text.elf: is neither an ELF file nor a module',
      "  in protection_domain 'c'",
      '  hint: a program is one of these',
      "Error: unable to find program image: 'no.elf'",
      "  in protection_domain 'd'",
      `  hint: looked for in ${images}, ${folder}, .; --search-path adds to these`.replace(
        `${images}/`,
        '',
      ),
      `${file}: 4 errors`,
      '',
    ]);
  });

  it('looks at those beside the description that are there, unless each is wanted', async () => {
    writeFileSync(join(folder, 'empty.elf'), '');
    const broken = description('beside.system', pd('a', 'empty.elf') + pd('b', 'not-built.elf'));
    const unbuilt = description('unbuilt.system', pd('b', 'not-built.elf'));

    const said = await sddfInProcess('check', broken);
    expect(said.stdout).toContain('empty.elf: is neither an ELF file nor a module');
    expect(said.stdout).toContain(`${broken}: 1 error\n`);
    expect((await sddfInProcess('check', unbuilt)).status).toBe(0);
    expect((await sddfInProcess('check', unbuilt, '--programs')).status).toBe(2);
  });

  it('takes symbols from another file when the description says so', async () => {
    image('bare.elf', { change: (elf) => ({ ...elf, symbols: [] }) });
    image('bare.debug');
    const inside = '<program_image path="bare.elf" path_for_symbols="bare.debug" />';
    const file = description(
      'debug.system',
      `<protection_domain name="a">${inside}</protection_domain>`,
    );
    const { status } = await sddfInProcess('check', file, '--search-path', images);
    const without = description('bare.system', pd('a', 'bare.elf'));

    expect(status).toBe(0);
    expect((await sddfInProcess('check', without, '--search-path', images)).status).toBe(2);
  });

  it('warns of sections that nobody has configured, and takes the limit from the command line', async () => {
    image('empty.elf', { configuration: timerConfig(0, 0, 0, 0, 0, 0) });
    const file = description('empty.system', pd('a', 'empty.elf'));
    const plain = await sddfInProcess('check', file, '--search-path', images);
    const small = await sddfInProcess(
      'check',
      file,
      '--search-path',
      images,
      '--image-limit',
      '16K',
    );

    expect(plain.status).toBe(0);
    expect(plain.stdout).toMatch(
      /warning: empty\.elf: section '\.timer_client_config' is all zeros/,
    );
    expect(small.status).toBe(2);
    expect(small.stdout).toContain('needs 20 KiB of memory, over the limit of 16 KiB');
  });

  it('is about the description, not about what the tool makes of it', async () => {
    for (const command of ['check', 'run', 'report']) {
      const { status, stderr } = await sddfInProcess(command, 'build/loader.img');
      expect(status).toBe(2);
      expect(stderr).toMatch(/^sddf: build\/loader\.img: is what the Microkit tool has written/);
    }
    const { stderr } = await sddfInProcess('run', 'build/client.elf');
    expect(stderr).toMatch(/^sddf: build\/client\.elf: is a program image; give the \.system file/);
  });
});
