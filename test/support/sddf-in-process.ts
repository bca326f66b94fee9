/**
 * Test support: the `sddf` command inside the test's own process. For mistakes and help: a process
 * for each takes a second of processor time, nearly all of it to load the program again.
 */

import { vi } from 'vitest';
import { runProgram } from '../../cli/program.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/**
 * The test runner has listeners of its own, for which what a program leaves behind would be a
 * test's failure.
 */
const ERRORS = ['unhandledRejection', 'uncaughtException'] as const;

export interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function sddfInProcess(...args: readonly string[]): Promise<Ended> {
  const written = { stdout: '', stderr: '' };
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      written.stdout += String(text);
      return true;
    }),
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      written.stderr += String(text);
      return true;
    }),
    vi.spyOn(console, 'error').mockImplementation((text: string) => {
      written.stderr += `${text}\n`;
    }),
  ];
  const listeners = SIGNALS.map((signal) => process.listeners(signal));
  const { exitCode } = process;
  const runners = ERRORS.map((event) => [event, process.rawListeners(event)] as const);
  for (const event of ERRORS) process.removeAllListeners(event);
  try {
    return { status: await runProgram([...args]), ...written };
  } finally {
    process.exitCode = exitCode;
    for (const spy of spies) spy.mockRestore();
    for (const [event, listeners] of runners) {
      for (const listener of listeners) process.on(event, listener as () => void);
    }
    for (const [index, signal] of SIGNALS.entries()) {
      for (const listener of process.listeners(signal)) {
        if (!listeners[index]?.includes(listener)) process.off(signal, listener);
      }
    }
  }
}

/** As {@link sddfInProcess}, begun in a folder, so that relative paths are found there. */
export async function sddfInFolder(folder: string, ...args: readonly string[]): Promise<Ended> {
  const before = process.cwd();
  process.chdir(folder);
  try {
    return await sddfInProcess(...args);
  } finally {
    process.chdir(before);
  }
}
