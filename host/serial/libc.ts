/**
 * The few functions of the C library that Node does not have: making a pseudo-terminal. Through
 * koffi, an optional dependency that needs no compiler; loaded only when a pseudo-terminal is asked
 * for.
 */

import { UserMistake } from '../problem.ts';

const O_RDWR = 0x0002;
const O_NOCTTY = 0x0100;
const O_NONBLOCK = 0x0800;
const O_CLOEXEC = 0x8_0000;
const F_DUPFD_CLOEXEC = 1030;
const TCSANOW = 0;
const POLLIN = 0x0001;
const POLLOUT = 0x0004;
const POLLHUP = 0x0010;
/**
 * How long one wait for room lasts; a bridge that is closed meanwhile ends at most this much later.
 */
const WAIT_MS = 200;
/** More than `struct termios` of any Linux. */
const TERMIOS_BYTES = 128;
const PATH_BYTES = 128;

interface CFunction {
  (...args: readonly unknown[]): number;
  /** Runs in a thread of its own; the last argument is called with its result. */
  readonly async: (...args: readonly unknown[]) => void;
}

/** A pseudo-terminal's two ends, as file descriptors and a path. */
export interface PtyCalls {
  /** @returns a new master and the path of its slave, which is in raw mode */
  open(): { readonly master: number; readonly slavePath: string };
  /** @returns a second descriptor of the same open file */
  duplicate(descriptor: number): number;
  close(descriptor: number): void;
  /** Whether some program has the slave open. */
  isAttached(master: number): 'yes' | 'no';
  /** Writes what fits now, without waiting. @returns bytes written, 0 when there is no room */
  write(descriptor: number, bytes: Uint8Array): number;
  /** Resolves when there is room, or after a while. */
  waitForRoom(descriptor: number): Promise<'room' | 'not yet'>;
}

/** @throws UserMistake when this machine has no pseudo-terminals for us */
export async function loadPtyCalls(): Promise<PtyCalls> {
  if (process.platform !== 'linux') {
    throw new UserMistake('--serial pty: only on Linux; use --serial tcp,listen=127.0.0.1:4444');
  }
  const functions = await loadFunctions();
  return ptyCalls(functions);
}

interface LibcFunctions {
  readonly posix_openpt: CFunction;
  readonly grantpt: CFunction;
  readonly unlockpt: CFunction;
  readonly ptsname_r: CFunction;
  readonly open: CFunction;
  readonly close: CFunction;
  readonly fcntl: CFunction;
  readonly poll: CFunction;
  readonly write: CFunction;
  readonly tcgetattr: CFunction;
  readonly tcsetattr: CFunction;
  readonly cfmakeraw: CFunction;
}

async function loadFunctions(): Promise<LibcFunctions> {
  const koffi = await import('koffi').catch(() => {
    throw new UserMistake(
      '--serial pty: the package koffi is not installed; npm install koffi, or use --serial tcp,…',
    );
  });
  const library = koffi.default.load('libc.so.6');
  const get = (prototype: string): CFunction => library.func(prototype) as unknown as CFunction;
  return {
    posix_openpt: get('int posix_openpt(int flags)'),
    grantpt: get('int grantpt(int fd)'),
    unlockpt: get('int unlockpt(int fd)'),
    ptsname_r: get('int ptsname_r(int fd, _Out_ uint8_t *buffer, size_t length)'),
    open: get('int open(const char *path, int flags)'),
    close: get('int close(int fd)'),
    fcntl: get('int fcntl(int fd, int command, int argument)'),
    poll: get('int poll(_Inout_ uint8_t *fds, unsigned long count, int timeout)'),
    write: get('long write(int fd, const uint8_t *bytes, size_t length)'),
    tcgetattr: get('int tcgetattr(int fd, _Out_ uint8_t *termios)'),
    tcsetattr: get('int tcsetattr(int fd, int when, const uint8_t *termios)'),
    cfmakeraw: get('void cfmakeraw(_Inout_ uint8_t *termios)'),
  };
}

function ptyCalls(libc: LibcFunctions): PtyCalls {
  return {
    open: () => openPty(libc),
    duplicate: (descriptor) => checked(libc.fcntl(descriptor, F_DUPFD_CLOEXEC, 3), 'dup'),
    close: (descriptor) => void libc.close(descriptor),
    isAttached: (master) => {
      const pollfd = makePollfd(master, POLLIN);
      libc.poll(pollfd, 1, 0);
      return (pollfd.readInt16LE(6) & POLLHUP) === 0 ? 'yes' : 'no';
    },
    write: (descriptor, bytes) => Math.max(0, libc.write(descriptor, bytes, bytes.length)),
    waitForRoom: (descriptor) =>
      new Promise((resolve) => {
        const pollfd = makePollfd(descriptor, POLLOUT);
        // koffi does not keep the buffer while the call runs in its thread. Collected meanwhile,
        // poll() would write its result into the heap's free list; that the callback looks at the
        // buffer keeps it.
        libc.poll.async(pollfd, 1, WAIT_MS, () => {
          resolve((pollfd.readInt16LE(6) & POLLOUT) === 0 ? 'not yet' : 'room');
        });
      }),
  };
}

/** `struct pollfd`: int fd, short events, short revents. */
function makePollfd(descriptor: number, events: number): Buffer {
  const pollfd = Buffer.alloc(8);
  pollfd.writeInt32LE(descriptor, 0);
  pollfd.writeInt16LE(events, 4);
  return pollfd;
}

function openPty(libc: LibcFunctions): { master: number; slavePath: string } {
  const master = checked(
    libc.posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC),
    'posix_openpt',
  );
  checked(libc.grantpt(master), 'grantpt');
  checked(libc.unlockpt(master), 'unlockpt');
  const path = Buffer.alloc(PATH_BYTES);
  checked(-libc.ptsname_r(master, path, path.length), 'ptsname_r');
  const slavePath = path.toString('utf8', 0, path.indexOf(0));
  // Opened and closed once: the settings stay, and from now on the master is told when nobody has
  // the slave open.
  const slave = checked(libc.open(slavePath, O_RDWR | O_NOCTTY | O_CLOEXEC), `open ${slavePath}`);
  const termios = Buffer.alloc(TERMIOS_BYTES);
  checked(libc.tcgetattr(slave, termios), 'tcgetattr');
  libc.cfmakeraw(termios);
  checked(libc.tcsetattr(slave, TCSANOW, termios), 'tcsetattr');
  libc.close(slave);
  return { master, slavePath };
}

function checked(result: number, what: string): number {
  if (result < 0) {
    throw new UserMistake(`--serial pty: ${what} failed; does this machine have /dev/pts?`);
  }
  return result;
}
