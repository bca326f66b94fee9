/**
 * Goal: images of programs/ are what the Microkit tool takes: segments, symbols to patch,
 * configuration sections, start. Method: built, and looked at with binutils; what is expected is
 * declared here again, from Microkit's and sDDF's headers.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  buildPrograms,
  COMPILER,
  hasCompiler,
  imagePath,
  PROGRAMS_FOLDER,
} from '../support/c-programs.ts';

const NAMES = Object.keys(
  JSON.parse(readFileSync(join(PROGRAMS_FOLDER, 'programs.json'), 'utf8')) as object,
);

/** Symbols that the tool writes to, with their sizes. */
const PATCHED = {
  microkit_name: 64,
  microkit_passive: 1,
  microkit_irqs: 8,
  microkit_notifications: 8,
  microkit_pps: 8,
};

const SECTIONS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  eth_driver: { '.device_resources': 1608, '.net_driver_config': 88, '.restart_config': 168 },
  network_virt_rx: { '.net_virt_rx_config': 27_744, '.restart_config': 168 },
  network_virt_tx: { '.net_virt_tx_config': 134_200, '.restart_config': 168 },
  network_copy: { '.net_copy_config': 1128, '.restart_config': 168 },
  echo: {
    '.net_client_config': 128,
    '.echo_config': 8,
    '.timer_client_config': 6,
    '.restart_config': 168,
  },
};

interface Segment {
  readonly vaddr: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
  readonly flags: string;
}

function readelf(name: string, ...options: readonly string[]): string {
  const command = ['-W', ...options, imagePath(name)];
  const result = spawnSync('riscv64-unknown-elf-readelf', command, { encoding: 'utf8' });
  expect(result.status).toBe(0);
  return result.stdout;
}

function segmentsOf(name: string): readonly Segment[] {
  const lines = readelf(name, '-l').matchAll(
    /LOAD +0x[0-9a-f]+ 0x([0-9a-f]+) 0x[0-9a-f]+ 0x([0-9a-f]+) 0x([0-9a-f]+) ([RWE ]+) 0x/g,
  );
  return [...lines].map(([, vaddr, file, memory, flags]) => ({
    vaddr: Number.parseInt(vaddr as string, 16),
    fileBytes: Number.parseInt(file as string, 16),
    memoryBytes: Number.parseInt(memory as string, 16),
    flags: (flags as string).replaceAll(' ', ''),
  }));
}

/** By name: address, size, and number of the section. */
function symbolsOf(name: string) {
  const lines = readelf(name, '-s').matchAll(
    /^ *\d+: ([0-9a-f]{16}) +(\d+) \w+ +\w+ +\w+ +(\w+) (\S+)$/gm,
  );
  return new Map(
    [...lines].map(([, vaddr, bytes, section, symbol]) => [
      symbol as string,
      { vaddr: Number.parseInt(vaddr as string, 16), bytes: Number(bytes), section },
    ]),
  );
}

/** By name: number and size. */
function sectionsOf(name: string) {
  const lines = readelf(name, '-S').matchAll(
    /\[ *(\d+)\] (\S+) +\w+ +[0-9a-f]{16} [0-9a-f]+ ([0-9a-f]+) /g,
  );
  return new Map(
    [...lines].map(([, number, section, bytes]) => [
      section as string,
      { number: number as string, bytes: Number.parseInt(bytes as string, 16) },
    ]),
  );
}

describe.skipIf(!hasCompiler)(`images of programs/ (${COMPILER})`, () => {
  beforeAll(buildPrograms);

  it.each(NAMES)('%s has a segment of text and one of data, and begins at its start', (name) => {
    const segments = segmentsOf(name);

    expect(segments.map(({ flags }) => flags)).toEqual(['RE', 'RW']);
    const [text, data] = segments as [Segment, Segment];
    expect(text.vaddr).toBe(0x20_0000);
    expect(data.vaddr % 0x1000).toBe(0);
    expect(data.vaddr).toBeGreaterThanOrEqual(text.vaddr + text.memoryBytes);
    expect(data.memoryBytes).toBeGreaterThan(data.fileBytes);
    expect(readelf(name, '-h')).toMatch(/Entry point address: +0x200000\n/);
    expect(symbolsOf(name).get('_start')?.vaddr).toBe(0x20_0000);
  });

  it.each(NAMES)('%s has what the tool patches, where it is zero to begin with', (name) => {
    const symbols = symbolsOf(name);
    const bss = sectionsOf(name).get('.bss')?.number;

    for (const [symbol, bytes] of Object.entries(PATCHED)) {
      expect(symbols.get(symbol), symbol).toMatchObject({ bytes, section: bss });
    }
  });

  it('holds the address of the IPC buffer from the start', () => {
    const { vaddr } = symbolsOf('hello').get('__sel4_ipc_buffer') ?? { vaddr: 0 };
    const { bytes, number } = sectionsOf('hello').get('.data') ?? { bytes: 0, number: '' };
    expect(symbolsOf('hello').get('__sel4_ipc_buffer')?.section).toBe(number);

    const dump = readelf('hello', '-x', '.data');
    expect(bytes).toBe(8);
    expect(vaddr % 8).toBe(0);
    expect(dump).toContain('00e0ffff 3f000000');
  });

  it.each(Object.entries(SECTIONS))('%s has its configuration sections', (name, expected) => {
    const sections = sectionsOf(name);

    for (const [section, bytes] of Object.entries(expected)) {
      expect(sections.get(section)?.bytes, section).toBe(bytes);
    }
  });

  it('has headers whose assertions the compiler checks', () => {
    const folder = mkdtempSync(join(tmpdir(), 'layouts-'));
    const source = (offset: number) =>
      `#include "network/config.h"\nLAYOUT_FIELD(struct net_client_config, mac_addr, ${offset});\n`;
    const compile = (text: string) => {
      writeFileSync(join(folder, 'layout.c'), text);
      const command = ['-c', '-ffreestanding', '-I', join(PROGRAMS_FOLDER, 'sddf'), 'layout.c'];
      return spawnSync(COMPILER, command, { cwd: folder, encoding: 'utf8' });
    };

    expect(compile(source(120)).stderr).toBe('');
    expect(compile(source(121)).stderr).toContain('struct net_client_config: mac_addr');
    rmSync(folder, { recursive: true });
  });
});
