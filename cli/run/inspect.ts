/**
 * `sddf run SYSTEM --inspect`: Node's own debugger for programs in TypeScript. The run waits until
 * one has come, before it loads any of the user's files; at a breakpoint everything stands still,
 * virtual time too.
 */

import { open, url, waitForDebugger } from 'node:inspector';
import { UserMistake } from '../../host/problem.ts';
import { openTerminal } from '../terminal.ts';
import { flag, readOptions } from '../option.ts';
import type { RunPart } from './part.ts';

const HOST = '127.0.0.1';
/** Where Node, and what attaches to it, look first. */
const PORT = 9229;
const ANY_PORT = 0;

const OPTIONS = {
  inspect: flag({
    flags: '--inspect',
    help: "waits for a debugger of programs in TypeScript: Chrome's, VS Code's, node inspect",
    words: ['no', 'yes'],
  }),
};

export const inspectPart: RunPart = {
  options: OPTIONS,
  commands: 'run',
  parse: (raw, { output }) => {
    if (readOptions(OPTIONS, raw).inspect === 'no') return undefined;
    openInspector();
    const terminal = openTerminal(output === 'json' ? 'stderr' : 'stdout');
    terminal.note(`sddf: waits for a debugger: chrome://inspect, or node inspect ${place()}`);
    waitForDebugger();
    return () => ({});
  },
};

/** Node says on standard error where it listens, and why it cannot. */
function openInspector(): void {
  if (url() === undefined) open(PORT, HOST);
  if (url() === undefined) open(ANY_PORT, HOST);
  if (url() === undefined) throw new UserMistake('--inspect: no port of 127.0.0.1 can be had');
}

function place(): string {
  return new URL(url() ?? '').host;
}
