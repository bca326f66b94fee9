/**
 * Functions of the host's C libraries, and descriptors that Node cannot wait for by itself: TAP
 * devices, sockets of other libraries. Through koffi, an optional dependency that needs no
 * compiler; loaded only when something of it is asked for.
 *
 * Waiting is libuv's own (`uv_poll`), in the thread of the run: nobody looks at an idle descriptor,
 * and no frame is handed from thread to thread.
 */

import { UserMistake } from '../problem.ts';

/** Numbers, buffers and addresses in, a number out. */
export type CFunction = (...args: readonly unknown[]) => number;

/** Told numbers and addresses; must not throw. */
export type Callback = (...args: readonly number[]) => number | void;

export interface CCallback {
  readonly address: bigint;
  release(): void;
}

export interface Wanted {
  readonly readable: boolean;
  readonly writable: boolean;
}

export interface DescriptorPoll {
  want(events: Wanted): void;
  close(): void;
}

export interface DescriptorWatch {
  /** Nobody is told any more until {@link resume}. */
  pause(): void;
  resume(): void;
  close(): void;
}

export interface CLibrary {
  /** @param prototype as a C header has it */
  function(prototype: string): CFunction;
  /** Of the call just made. */
  errno(): number;
  /**
   * A function of ours that C may call while it is called from here, until it is released.
   * @param types of its result and its arguments, as C names them
   */
  callback(types: readonly [result: string, ...args: string[]], action: Callback): CCallback;
  /** Tells, once in each turn of the event loop, that there is something to read. */
  watch(descriptor: number, onReadable: () => void): DescriptorWatch;
  /** The same for what is asked for now and then, which is nothing at first. */
  poll(descriptor: number, onReady: () => void): DescriptorPoll;
}

export interface CLibraryRequest {
  /** What to blame in messages, such as `--net tap`. */
  readonly where: string;
  /** As the loader finds it, such as `libc.so.6`. */
  readonly file: string;
  /** Debian's name of the package that has it. */
  readonly package: string;
  /** What does the same without it, such as `use --net user`. */
  readonly instead: string;
}

/** What we use of koffi 3.3. `node.poll` is in its types and not in its manual. */
interface Koffi {
  load(file: string): { func(prototype: string): unknown };
  errno(): number;
  proto(result: string, args: readonly string[]): object;
  pointer(type: object): object;
  register(action: Callback, type: object): bigint;
  unregister(callback: bigint): void;
  readonly node: {
    poll(fd: number, events: Partial<Wanted>, callback: () => void): PollHandle;
  };
}

interface PollHandle {
  start(events: Partial<Wanted>, callback: () => void): void;
  stop(): void;
  close(): void;
}

/** errno.h: what an address is refused for. */
const ERROR_NAMES: Readonly<Record<number, string>> = {
  13: 'EACCES',
  98: 'EADDRINUSE',
  99: 'EADDRNOTAVAIL',
};

/** What a call has failed with, in Node's words: `explainSystemError` puts it in a person's. */
export function systemError(call: string, errno: number): Error {
  const code = ERROR_NAMES[errno] ?? `errno ${errno}`;
  return Object.assign(new Error(`${call} failed: ${code}`), { code });
}

/** @throws UserMistake when this machine has no such library, or no koffi */
export async function loadCLibrary(request: CLibraryRequest): Promise<CLibrary> {
  const { where, instead } = request;
  if (process.platform !== 'linux') throw new UserMistake(`${where}: only on Linux; ${instead}`);
  const koffi = await loadKoffi(where, instead);
  let library: ReturnType<Koffi['load']>;
  try {
    library = koffi.load(request.file);
  } catch {
    throw new UserMistake(
      `${where}: ${request.file} is not on this machine; apt install ${request.package}, or ${instead}`,
    );
  }
  return {
    function: (prototype) => library.func(prototype) as CFunction,
    errno: () => koffi.errno(),
    callback: ([result, ...args], action) => {
      const address = koffi.register(action, koffi.pointer(koffi.proto(result, args)));
      return { address, release: () => koffi.unregister(address) };
    },
    poll: (descriptor, onReady) => poll(koffi, descriptor, onReady),
    watch: (descriptor, onReadable) => watch(koffi, descriptor, onReadable),
  };
}

async function loadKoffi(where: string, instead: string): Promise<Koffi> {
  const loaded = await import('koffi').catch(() => {
    throw new UserMistake(
      `${where}: the package koffi is not installed; npm install koffi, or ${instead}`,
    );
  });
  const koffi = loaded.default as unknown as Partial<Koffi>;
  if (koffi.node?.poll === undefined) {
    throw new UserMistake(
      `${where}: this version of the package koffi cannot wait for descriptors; ` +
        `npm install koffi@3.3.4, or ${instead}`,
    );
  }
  return koffi as Koffi;
}

function watch(koffi: Koffi, descriptor: number, onReadable: () => void): DescriptorWatch {
  const handle = koffi.node.poll(descriptor, { readable: true }, onReadable);
  return {
    pause: () => handle.stop(),
    resume: () => handle.start({ readable: true }, onReadable),
    close: () => handle.close(),
  };
}

function poll(koffi: Koffi, descriptor: number, onReady: () => void): DescriptorPoll {
  let wanted: Wanted = { readable: false, writable: false };
  let handle: PollHandle | undefined;
  return {
    want: ({ readable, writable }) => {
      if (readable === wanted.readable && writable === wanted.writable) return;
      wanted = { readable, writable };
      if (!readable && !writable) handle?.stop();
      else if (handle === undefined) handle = koffi.node.poll(descriptor, wanted, onReady);
      else handle.start(wanted, onReady);
    },
    close: () => handle?.close(),
  };
}
