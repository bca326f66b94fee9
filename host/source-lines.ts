/**
 * File and line of addresses in an image, by `addr2line` of binutils: line information is DWARF, which other people read
 * well. Without the tool, or without line information in the image, reports name functions only.
 */

import { execFile } from 'node:child_process';
import { basename } from 'node:path';

export interface SourceLine {
  /** As the compiler was given it, without its folder. */
  readonly file: string;
  readonly line: number;
}

/** Debian's names for an addr2line that knows RISC-V; the last is the host's own, which often knows other machines. */
const TOOLS = ['riscv64-unknown-elf-addr2line', 'riscv64-linux-gnu-addr2line', 'addr2line'];
/** Addresses asked for at a time: what a report shows, and far from what a command line holds. */
const ADDRESSES_MAX = 256;
/** The tool reads a file that somebody else has made, and is not waited for for ever. */
const TIMEOUT_MS = 10_000;
const OUTPUT_BYTES_MAX = 0x10_0000;

/**
 * @param image path of an ELF file
 * @param addresses at most 256
 * @returns for each address its line, `undefined` where there is none; or why there are no lines at all
 */
export async function sourceLines(
  image: string,
  addresses: readonly number[],
  tools: readonly string[] = TOOLS,
): Promise<readonly (SourceLine | undefined)[] | 'no addr2line'> {
  const asked = addresses.slice(0, ADDRESSES_MAX).map((address) => `0x${address.toString(16)}`);
  if (asked.length === 0) return [];
  for (const tool of tools) {
    const output = await run(tool, ['--exe', image, ...asked]);
    if (output === 'cannot') continue;
    const lines = output.split('\n');
    return addresses.map((_, index) => parseLine(lines[index] ?? ''));
  }
  return 'no addr2line';
}

/** @returns what it prints, or 'cannot': it is not there, or does not know the file */
function run(tool: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    const options = { timeout: TIMEOUT_MS, maxBuffer: OUTPUT_BYTES_MAX };
    execFile(tool, args, options, (error, stdout) => {
      resolve(error === null ? stdout : 'cannot');
    });
  });
}

/** `/home/you/driver.c:120 (discriminator 2)`; `??:0` and `??:?` where nothing is known. */
function parseLine(text: string): SourceLine | undefined {
  const match = /^(.+):(\d+)(?: \(discriminator \d+\))?$/.exec(text);
  const [, path = '??', digits = '0'] = match ?? [];
  const line = Number(digits);
  if (path === '??' || line === 0) return undefined;
  return { file: basename(path), line };
}
