// Goal: `render --elf` writes a system of images that the checks pass, the bytes of each section,
// and lines of objcopy that do what `--write` does. Method: images written here with empty
// sections; objcopy where it is installed.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ElfImage, sectionNamed } from '../../microkit/elf/image.ts';
import { readElf } from '../../microkit/elf/reader.ts';
import { microkitElf } from '../../test/support/microkit-elf.ts';
import { sddfInProcess } from '../../test/support/sddf-in-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'render-images-'));
const images = join(folder, 'images');
const build = join(folder, 'build');
const OBJCOPY = 'riscv64-unknown-elf-objcopy';

/** What sDDF's build leaves: the programs of echo, their sections all zeros. */
const SECTIONS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'timer_driver.elf': { '.device_resources': 1608 },
  'eth_driver.elf': { '.device_resources': 1608, '.net_driver_config': 88 },
  'network_virt_rx.elf': { '.net_virt_rx_config': 27_744 },
  'network_virt_tx.elf': { '.net_virt_tx_config': 134_200 },
  'network_copy.elf': { '.net_copy_config': 1128 },
  'echo.elf': { '.net_client_config': 128 },
};

beforeAll(() => {
  mkdirSync(images);
  for (const [name, sections] of Object.entries(SECTIONS)) {
    const configuration = Object.entries(sections).map(([section, size]) => ({
      name: section,
      bytes: new Uint8Array(size),
    }));
    writeFileSync(join(images, name), microkitElf({ configuration }));
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

function image(path: string): ElfImage {
  const read = readElf(new Uint8Array(readFileSync(path)));
  if (!read.ok) throw new Error(read.problem);
  return read.image;
}

function sectionOf(path: string, name: string): Uint8Array {
  const section = sectionNamed(image(path), name);
  if (section === undefined) throw new Error(`${path} has no ${name}`);
  return section.contents;
}

describe('render --elf', () => {
  it('writes a system of images whose memory for devices is fixed, and its sections', async () => {
    const { status, stdout } = await sddfInProcess('render', 'echo', '--elf', '-o', build);

    expect(status).toBe(0);
    const text = readFileSync(join(build, 'echo.system'), 'utf8');
    expect(text).toContain('<program_image path="ethernet_driver.elf" />');
    expect(text).toContain('name="ethernet_driver_rings" size="0x10000" phys_addr="0x9fff0000"');
    expect(text).not.toMatch(/setvar|\.ts"/);
    const resources = readFileSync(join(build, 'ethernet_driver.device_resources.data'));
    expect(resources.length).toBe(1608);
    expect(resources.readBigUint64LE(48)).toBe(0x9fff_0000n);
    expect(stdout).toContain(`${OBJCOPY} --update-section .device_resources=`);
    expect((await sddfInProcess('check', join(build, 'echo.system'))).status).toBe(0);
  });

  it('puts the sections into the images with --write, and the checks pass them', async () => {
    const args = ['--elf', '--write', '--search-path', images, '-o', build];
    const { status, stderr, stdout } = await sddfInProcess('render', 'echo', ...args);

    expect(status).toBe(0);
    expect(stdout).not.toContain('objcopy');
    // The driver asks the timer for its watchdog, and the client for what it times.
    expect(stderr.trim().split('\n')).toEqual([
      expect.stringMatching(
        /^warning: .*eth_driver\.elf has no section \.timer_client_config, which 'ethernet_driver' would have$/,
      ),
      expect.stringMatching(
        /^warning: .*echo\.elf has no section \.timer_client_config, which 'client0' would have$/,
      ),
      expect.stringMatching(/'client1' would have$/),
    ]);
    for (const [pd, section] of [
      ['net_virt_tx', '.net_virt_tx_config'],
      ['client1', '.net_client_config'],
    ] as const) {
      const written = sectionOf(join(build, `${pd}.elf`), section);
      const expected = readFileSync(join(build, `${pd}${section}.data`));
      expect(Buffer.from(written).equals(expected), pd).toBe(true);
    }
    const source = readFileSync(join(images, 'echo.elf'));
    const made = readFileSync(join(build, 'client0.elf'));
    expect(made.length).toBe(source.length);
    expect([...made].filter((byte, at) => byte !== source[at]).length).toBeLessThanOrEqual(128);
    const checked = await sddfInProcess(
      'check',
      join(build, 'echo.system'),
      '--search-path',
      build,
    );
    expect(checked.stdout).toMatch(/right: 8 protection domains/);
  });

  it('says which images it misses, or which does not fit', async () => {
    const other = join(folder, 'other');
    mkdirSync(other);
    const args = ['--elf', '--write', '--search-path', other, '-o', join(folder, 'none')];
    const missing = await sddfInProcess('render', 'echo', ...args);
    const configuration = [{ name: '.device_resources', bytes: new Uint8Array(1600) }];
    writeFileSync(join(other, 'timer_driver.elf'), microkitElf({ configuration }));
    const old = await sddfInProcess('render', 'echo', ...args);

    expect(missing.status).toBe(2);
    expect(missing.stderr).toMatch(
      /^sddf: none of timer_driver\.elf, .*, echo\.elf.* in .*other, /,
    );
    expect(old.stderr).toContain(
      "timer_driver.elf: section '.device_resources' has 1600 bytes instead of 1608; build the image with sDDF 0.7",
    );
    expect(existsSync(join(folder, 'none'))).toBe(false);
  });

  it('leaves a domain its program when there is no image for it', async () => {
    const [some, mixed] = [join(folder, 'some'), join(folder, 'mixed')];
    mkdirSync(some);
    writeFileSync(join(some, 'network_copy.elf'), readFileSync(join(images, 'network_copy.elf')));
    const args = ['--elf', '--write', '--search-path', some, '-o', mixed];
    const { status, stderr } = await sddfInProcess('render', 'echo', ...args);

    expect(status).toBe(0);
    expect(stderr).toContain(
      "warning: no image echo.elf: 'client0' keeps its program clients/echo/echo.ts\n",
    );
    const text = readFileSync(join(mixed, 'echo.system'), 'utf8');
    expect(text).toContain('<program_image path="client0_net_copier.elf" />');
    expect(text).toContain('<program_image path="drivers/network/virtio/driver.ts" />');
    expect(text).toContain('<setvar symbol="ethernet_driver_rings_paddr"');
    const checked = await sddfInProcess(
      'check',
      join(mixed, 'echo.system'),
      '--search-path',
      mixed,
    );
    expect(checked.stdout).toMatch(/right: 8 protection domains/);
  });

  it('refuses what sDDF cannot say', async () => {
    const { status, stderr } = await sddfInProcess('render', 'blk', '--elf', '-o', build);
    expect(status).toBe(2);
    expect(stderr).toContain(
      "section .blk_virt_config: the configuration.clients[0].partition is 'whole', and sDDF knows numbered partitions only; give the client one",
    );
    const alone = await sddfInProcess('render', 'echo', '--write', '-o', build);
    expect(alone.stderr).toBe('sddf: --write: goes with --elf only; add it\n');
  });
});

describe.skipIf(!hasObjcopy())(`the lines for ${OBJCOPY}`, () => {
  it('make images with the same sections as --write', async () => {
    const made = join(folder, 'objcopy');
    const { stdout } = await sddfInProcess('render', 'echo', '--elf', '-o', made);
    for (const line of stdout.split('\n').filter((each) => each.startsWith(OBJCOPY))) {
      // The writer of images gives .timer_client_config to no client: objcopy would refuse the
      // line.
      const [program = '', ...words] = line
        .replace(/--update-section \.timer_client\S+ /, '')
        .split(' ');
      execFileSync(program, words, { cwd: images });
    }
    for (const [pd, section] of [
      ['ethernet_driver', '.device_resources'],
      ['ethernet_driver', '.net_driver_config'],
      ['net_virt_rx', '.net_virt_rx_config'],
      ['client0_net_copier', '.net_copy_config'],
    ] as const) {
      const contents = sectionOf(join(made, `${pd}.elf`), section);
      const expected = readFileSync(join(made, `${pd}${section}.data`));
      expect(Buffer.from(contents).equals(expected), `${pd}${section}`).toBe(true);
    }
  });
});

function hasObjcopy(): boolean {
  try {
    execFileSync(OBJCOPY, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
