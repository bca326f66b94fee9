// The process that has the terminal and its signals while programs of a user's run in another.
// JavaScript that does not return hears no signal, so somebody else has to; and to end a process is
// certain, whatever its programs do.
//
//     terminal ── signals ──▶ supervisor ── 'end', 'now' ──▶ watchman, a thread of the engine's
//                                         ◀── 'heard', 'status N' ── process (host/watch/)
//
// The worlds of a failure file run in another process, too, which is ended when one of them does not
// end: it can as well be a loop that never comes back.
//
// Plain JavaScript, and no more than this: it is loaded before anything else. Why a process and not
// a thread for the engine, and what each costs, is in docs/architecture.md, "Always stoppable".

import { spawn, spawnSync } from 'node:child_process';
import { constants } from 'node:os';

const COMMANDS = ['run', 'trace', 'path'];
const LIMITED_COMMANDS = ['replay', 'shrink', 'test', 'when'];
/** Signals are heard while the engine stands still, too. */
const DEBUGGED = /^--gdb(?:=|$)/;
/** As long as its user looks, or until Ctrl-C. */
const UNLIMITED = /^--(?:gdb|watch)(?:=|$)/;
const USERS_FILE = /\.(?:system|[cm]?[jt]s)$/;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** The kernel's, and V8's. */
const MEMORY_SIGNALS = ['SIGKILL', 'SIGABRT', 'SIGTRAP'];
/**
 * Until then somebody has to have heard a signal; the engine may still be loading a module that
 * does not return.
 */
const HEARD_MS = 800;
const NOW_MS = 300;
/** The file descriptor of the line to the watchman, or from the worlds. */
const LINE = 3;
/** As long as a world of a campaign may take: see sim/world-process.ts. */
const WORLD_SECONDS_MAX = 300;
const EXIT_FAILED = 1;

/**
 * Whether a command line runs programs of a user's, in a process that is not yet watched, and that
 * nobody debugs.
 */
export function wantsSupervisor(args, { env, execArgv } = process) {
  if (env.SDDF_WATCHED !== undefined || isLookedInto(args, { env, execArgv })) return false;
  const isMeant = (arg) => USERS_FILE.test(arg) || DEBUGGED.test(arg);
  return COMMANDS.includes(args[0]) && args.some(isMeant);
}

/**
 * Whether a command line runs worlds of a failure file, or tests, in a process that nobody limits
 * yet.
 */
export function wantsWorldLimit(args, { env, execArgv } = process) {
  if (env.SDDF_WORLDS !== undefined || isLookedInto(args, { env, execArgv })) return false;
  return LIMITED_COMMANDS.includes(args[0]) && !args.some((arg) => UNLIMITED.test(arg));
}

function isLookedInto(args, { env, execArgv }) {
  const options = [...execArgv, env.NODE_OPTIONS ?? ''];
  if (args.includes('--help') || args.includes('--inspect')) return true;
  return options.some((option) => option.includes('--inspect'));
}

/** Runs the command in a process of its own. @returns its exit status */
export function supervise(entry, args) {
  const engine = spawn(process.execPath, [...process.execArgv, entry, ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: { ...process.env, SDDF_WATCHED: String(LINE) },
  });
  const line = engine.stdio[LINE];
  let asked = 0;
  let status;
  let deadline;
  const endBy = (milliseconds) => {
    clearTimeout(deadline);
    deadline = setTimeout(() => {
      if (asked === 1) console.error('sddf: ended while it was being loaded');
      engine.kill('SIGKILL');
    }, milliseconds);
  };
  line.on('error', () => undefined); // it has ended, which is heard below
  line.on('data', (text) => {
    if (String(text).includes('heard') && asked < 2) clearTimeout(deadline);
    status = /status (\d+)/.exec(String(text))?.[1] ?? status;
  });
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      asked += 1;
      line.write(asked === 1 ? 'end\n' : 'now\n');
      endBy(asked === 1 ? HEARD_MS : NOW_MS);
    });
  }
  return new Promise((resolve) => {
    engine.on('exit', (code, signal) => {
      clearTimeout(deadline);
      line.destroy();
      // It may have had the terminal for itself.
      if (signal !== null && process.stdin.isTTY) spawnSync('stty', ['sane'], { stdio: 'inherit' });
      const isOurs = asked > 0 || status !== undefined;
      if (signal !== null && !isOurs) {
        console.error(`sddf: the run's process was ended from outside (${perhapsMemory(signal)})`);
      }
      resolve(code ?? Number(status ?? 128 + constants.signals[signal]));
    });
  });
}

/**
 * Runs the command in a process of its own, which says when a world or a test begins.
 * @param worldSeconds that one may take
 * @returns its exit status
 */
export function limitWorlds(entry, args, worldSeconds = WORLD_SECONDS_MAX) {
  const engine = spawn(process.execPath, [...process.execArgv, entry, ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: { ...process.env, SDDF_WORLDS: String(LINE) },
  });
  const line = engine.stdio[LINE];
  let isEndless = false;
  let what = 'the world';
  let deadline;
  line.on('error', () => undefined);
  let begun = '';
  line.setEncoding('utf8');
  line.on('data', (text) => {
    // What comes at once ends where it ends, not where a line does.
    const lines = (begun + text).split('\n');
    begun = lines.pop();
    const said = lines.at(-1);
    if (said === undefined) return;
    clearTimeout(deadline);
    if (said === 'over') return;
    what = said.slice('begins '.length);
    deadline = setTimeout(() => {
      isEndless = true;
      engine.kill('SIGKILL');
    }, 1000 * worldSeconds);
  });
  for (const signal of SIGNALS) process.on(signal, () => engine.kill(signal));
  return new Promise((resolve) => {
    engine.on('exit', (code, signal) => {
      clearTimeout(deadline);
      line.destroy();
      const after = `it was stopped after ${worldSeconds} s of host time`;
      if (isEndless) console.error(`sddf: ${what} does not end: ${after}`);
      else if (signal === null || SIGNALS.includes(signal)) {
        return resolve(code ?? 128 + constants.signals[signal]);
      } else console.error(`sddf: the process of ${what} died (${perhapsMemory(signal)})`);
      resolve(EXIT_FAILED);
    });
  });
}

function perhapsMemory(signal) {
  return MEMORY_SIGNALS.includes(signal) ? `${signal}, perhaps for want of memory` : signal;
}
