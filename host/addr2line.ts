/** File and line of addresses in a program image, from `addr2line` of binutils, where it is installed. */

import { spawnSync } from 'node:child_process';
import { basename } from 'node:path';

/** In the order in which they are tried; the machine's own knows other machines' files too. */
const PROGRAMS = ['riscv64-unknown-elf-addr2line', 'riscv64-linux-gnu-addr2line', 'addr2line'];
const TIME_MAX_MS = 5_000;

/** @returns 'echo.c:12', or undefined when nothing is known of the address, or the tool is not there */
export function lineOf(image: string, address: number): string | undefined {
  for (const program of PROGRAMS) {
    const ran = spawnSync(program, ['-e', image, `0x${address.toString(16)}`], {
      encoding: 'utf8',
      timeout: TIME_MAX_MS,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    if (ran.error !== undefined || ran.status !== 0) continue;
    const [, file, line] = /^(.*):(\d+)/.exec(ran.stdout.trim()) ?? [];
    if (file === undefined || line === undefined || file === '??' || line === '0') return undefined;
    return `${basename(file)}:${line}`;
  }
  return undefined;
}
