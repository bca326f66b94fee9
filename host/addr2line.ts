/**
 * File and line of addresses in a program image, by `addr2line` of binutils, where it is installed:
 * line information is DWARF, which other people read well.
 */

import { spawnSync } from 'node:child_process';
import { basename } from 'node:path';

/** In the order in which they are tried; the machine's own knows other machines' files too. */
const PROGRAMS = ['riscv64-unknown-elf-addr2line', 'riscv64-linux-gnu-addr2line', 'addr2line'];
/** It reads a file that somebody else has made, and is not waited for for ever. */
const TIME_MAX_MS = 5_000;
/** Addresses asked for at a time: far from what a command line holds. */
const BATCH = 256;

/**
 * @returns 'echo.c:12', or undefined when nothing is known of the address, or the tool is not there
 */
export function lineOf(image: string, address: number): string | undefined {
  return linesOf(image, [address])[0];
}

/**
 * The same of many addresses: the tool is started once for 256 of them.
 *
 * @param programs the first that is there and knows the file is taken
 */
export function linesOf(
  image: string,
  addresses: readonly number[],
  programs: readonly string[] = PROGRAMS,
): readonly (string | undefined)[] {
  const lines: (string | undefined)[] = [];
  for (let first = 0; first < addresses.length; first += BATCH) {
    const batch = addresses.slice(first, first + BATCH);
    const printed = ask(image, batch, programs).split('\n');
    lines.push(...batch.map((_, index) => lineIn(printed[index] ?? '')));
  }
  return lines;
}

/** @returns a line for each address; nothing when no program is there or knows the file */
function ask(image: string, addresses: readonly number[], programs: readonly string[]): string {
  const words = addresses.map((address) => `0x${address.toString(16)}`);
  for (const program of programs) {
    const ran = spawnSync(program, ['-e', image, ...words], {
      encoding: 'utf8',
      timeout: TIME_MAX_MS,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    if (ran.error === undefined && ran.status === 0) return ran.stdout;
  }
  return '';
}

/** `/home/you/driver.c:120 (discriminator 2)`; `??:0` and `??:?` where nothing is known. */
function lineIn(printed: string): string | undefined {
  const [, file, line] = /^(.+):(\d+)(?: \(discriminator \d+\))?$/.exec(printed) ?? [];
  if (file === undefined || line === undefined || file === '??' || line === '0') return undefined;
  return `${basename(file)}:${line}`;
}
