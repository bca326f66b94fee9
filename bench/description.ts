/**
 * How long does a large description take? 62 protection domains with 1,000 regions, 2,000 mappings
 * and 61 channels: reading and checking its text, booting it, and the whole `sddf check` of its
 * file, from the start of the process to its end.
 *
 * `cold` is the first time in this process, before the engine has compiled anything, as in a
 * command that reads one file.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hostNow } from '../host/host-time.ts';
import { flatten, type SystemDescription } from '../microkit/model.ts';
import type { Program } from '../microkit/pd.ts';
import type { PrefillFiles } from '../microkit/read/draft.ts';
import { readSystemText } from '../microkit/read/text.ts';
import { RISCV64 } from '../microkit/target.ts';
import { createTestbed } from '../systems/testbed.ts';
import type { BenchRow } from './results.ts';
import { summarise } from './statistics.ts';

export interface DescriptionBenchOptions {
  readonly repeat: number;
  readonly onProgress: (line: string) => void;
}

const PDS = 62;
const REGIONS = 1000;
/** Each region is shared by this many domains. */
const SHARERS = 2;
const FIRST_VADDR = 0x2000_0000;

export function benchDescription(options: DescriptionBenchOptions): readonly BenchRow[] {
  const text = largeDescription();
  options.onProgress('description/parse-62pd');
  const parsing = times(options.repeat + 1, () => void read(text));
  options.onProgress('description/boot-62pd');
  const booted = read(text);
  const booting = times(options.repeat + 1, () => boot(booted));
  options.onProgress('description/check-process');
  const checking = timesOfCheck(options.repeat, text);
  return [
    row('description/parse-62pd', parsing.slice(0, 1), 'cold'),
    row('description/parse-62pd', parsing.slice(1), 'warm'),
    row('description/boot-62pd', booting.slice(0, 1), 'cold'),
    row('description/boot-62pd', booting.slice(1), 'warm'),
    row('description/check-process', checking, 'cold'),
  ];
}

/**
 * @returns the text of a system near Microkit's limits; written by hand, because the builder would
 * warm up the reader
 */
function largeDescription(): string {
  const regions = Array.from(
    { length: REGIONS },
    (_, index) => `    <memory_region name="region${index}" size="0x1000" />\n`,
  );
  const pds = Array.from({ length: PDS }, (_, pd) => {
    const mapped = regions.flatMap((_region, index) => {
      const isSharer = (pd - index + REGIONS * PDS) % PDS < SHARERS;
      return isSharer ? [index] : [];
    });
    const maps = mapped.map((index, at) => {
      const vaddr = `0x${(FIRST_VADDR + at * 0x1000).toString(16)}`;
      const name = `region${index}`;
      return `        <map mr="${name}" vaddr="${vaddr}" perms="rw" setvar_vaddr="${name}" />\n`;
    });
    return (
      `    <protection_domain name="pd${pd}" priority="${1 + pd}">\n` +
      `        <program_image path="pd${pd}.ts" />\n${maps.join('')}    </protection_domain>\n`
    );
  });
  const channels = Array.from({ length: PDS - 1 }, (_, pd) => {
    const ends = `<end pd="pd${pd}" id="0" />\n        <end pd="pd${pd + 1}" id="1" />`;
    return `    <channel>\n        ${ends}\n    </channel>\n`;
  });
  const parts = [...regions, ...pds, ...channels];
  return `<?xml version="1.0" encoding="UTF-8"?>\n<system>\n${parts.join('')}</system>\n`;
}

function read(text: string): SystemDescription {
  const files: PrefillFiles = { read: () => 'missing' };
  const result = readSystemText(text, { file: 'large.system', target: RISCV64, files });
  if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('; '));
  return result.system;
}

/** Until every program's `init` has run. */
function boot(description: SystemDescription): void {
  const idle: Program = () => ({ notified: () => undefined });
  const programs = new Map(flatten(description).map(({ pd }) => [pd.name, idle]));
  createTestbed({ system: description, clock: 'virtual', programs }).runUntilQuiet();
}

function timesOfCheck(repeat: number, text: string): readonly number[] {
  const folder = mkdtempSync(join(tmpdir(), 'sddf-bench-'));
  try {
    const file = join(folder, 'large.system');
    writeFileSync(file, text);
    // The first run of a changed file compiles it for the next ones.
    return times(repeat + 1, () => check(file)).slice(1);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function check(file: string): void {
  const { status, stderr } = spawnSync(process.execPath, [command(), 'check', file], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`sddf check ended with ${status}: ${stderr}`);
}

/** The `sddf` command: beside this room in the sources, two folders up from dist/. */
function command(): string {
  const paths = ['../cli/sddf.mjs', '../../cli/sddf.mjs'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  const found = paths.find((path) => existsSync(path));
  if (found === undefined) throw new Error(`there is no sddf command at ${paths.join(' or ')}`);
  return found;
}

/** Milliseconds of each of `count` calls. */
function times(count: number, action: () => void): readonly number[] {
  return Array.from({ length: count }, () => {
    const startedAt = hostNow();
    action();
    return (hostNow() - startedAt) / 1e6;
  });
}

function row(name: string, samples: readonly number[], state: 'cold' | 'warm'): BenchRow {
  const of = { pds: PDS, regions: REGIONS, state };
  return { name, unit: 'ms', ...summarise(samples), ...of, ratioToNative: null };
}
