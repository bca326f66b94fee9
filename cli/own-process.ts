/**
 * The command's own process, while code of a user's runs in it. What would end it without a word,
 * or change it for everything that runs in it, is a mistake like others, at the call.
 *
 * Two groups. Nobody but the command ends the process or moves it to another folder. Who listens to
 * it is refused to programs alone: Node itself and the libraries of the bridges do it all the time.
 */

// Node replaces process.chdir when this is loaded first, for which no program is to blame.
import 'node:worker_threads';
import '../host/raise.ts'; // takes process.kill before it is refused
import { Misuse } from '../memory/misuse.ts';

/** Each ends the process, or changes something of which a process has one. */
const ENDS = [
  ...['exit', 'reallyExit', 'abort', 'kill', 'execve', 'chdir', 'umask'],
  ...['setuid', 'setgid', 'seteuid', 'setegid', 'setgroups', 'initgroups'],
];
const LISTENS = [
  ...['on', 'addListener', 'once', 'prependListener', 'prependOnceListener'],
  ...['off', 'removeListener', 'removeAllListeners', 'setUncaughtExceptionCaptureCallback'],
];
/** The command has no other way to say how it ended. */
const STREAM_ENDS = ['end', 'destroy'];
/** Node calls these by name when nobody has caught an error: its own message would be all. */
const NODE_CALLS = ['emit', '_fatalException'];

/**
 * @param mistake made of what was called, thrown in its place
 * @returns what ends this
 */
export function forbidEnding(mistake: (what: string) => Error): () => void {
  return undoAll(
    ENDS.map((name) =>
      replaced(process, name, () => {
        throw mistake(`process.${name}`);
      }),
    ),
  );
}

/**
 * For processes that are the command's alone, and for as long as they last: to a program, it is a
 * fault of its domain. The command itself goes by `exitNow`.
 */
export function forbidEndingToPrograms(): void {
  forbidEnding(programsMistake);
}

/** What a program is told that calls one of these. */
export function programsMistake(what: string): Error {
  return new Misuse(`calls ${what}; a program may not end or change the command`);
}

/**
 * Refuses programs to listen to the process, to speak in its name, and to end its output.
 *
 * @param isProgram whether code of a program is what runs now
 * @param isInside whether it runs inside an entry point
 * @returns what ends this
 */
export function forbidListening(
  mistake: (what: string) => Error,
  isProgram: () => boolean,
  isInside: () => boolean,
): () => void {
  const guarded = (object: object, name: string, of: string, isTheirs = isProgram): (() => void) =>
    replaced(object, name, (inner, self, args) => {
      if (isTheirs()) throw mistake(`${of}.${name}`);
      return Reflect.apply(inner, self, args) as unknown;
    });
  const { stdout, stderr } = process;
  return undoAll([
    ...LISTENS.map((name) => guarded(process, name, 'process')),
    // Node emits what a program has left behind as if the program did it.
    guarded(process, 'emit', 'process', isInside),
    ...STREAM_ENDS.map((name) => guarded(stdout, name, 'process.stdout')),
    ...STREAM_ENDS.map((name) => guarded(stderr, name, 'process.stderr')),
  ]);
}

/**
 * Nobody can replace what Node calls when an error is not caught. For good: only in a process that
 * runs one system and ends.
 */
export function holdLastResort(): void {
  for (const name of NODE_CALLS) {
    const value: unknown = Reflect.get(process, name);
    Reflect.defineProperty(process, name, { value, writable: false, configurable: false });
  }
}

/** @returns what makes it as it was; nothing happens where there is no such method */
function replaced(
  object: object,
  name: string,
  instead: (inner: () => unknown, self: unknown, args: readonly unknown[]) => unknown,
): () => void {
  const inner: unknown = Reflect.get(object, name);
  if (typeof inner !== 'function') return () => undefined;
  const before = Reflect.getOwnPropertyDescriptor(object, name);
  const value = function (this: unknown, ...args: unknown[]): unknown {
    return instead(inner as () => unknown, this, args);
  };
  Reflect.defineProperty(object, name, { value, writable: true, configurable: true });
  return () => {
    if (before === undefined) Reflect.deleteProperty(object, name);
    else Reflect.defineProperty(object, name, before);
  };
}

function undoAll(undo: readonly (() => void)[]): () => void {
  return () => {
    for (const each of undo) each();
  };
}
