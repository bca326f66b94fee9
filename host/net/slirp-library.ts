/**
 * libslirp 4.7, the user-mode network of QEMU, as functions and callbacks (libslirp.h). Its structs
 * are written here by their offsets on a 64-bit Linux; it says its version, and an older one is
 * refused.
 */

import { UserMistake } from '../problem.ts';
import { type CCallback, type CFunction, type CLibrary, loadCLibrary } from './c-library.ts';

export const SLIRP_WHERE = '--net slirp';
/** The first with `slirp_handle_timer` and SlirpConfig 4. */
const VERSION_MIN = [4, 7] as const;

export const SLIRP_POLL_IN = 1;
export const SLIRP_POLL_OUT = 2;

/** Bytes of SlirpConfig, version 4, and where its fields are. */
const CONFIG_BYTES = 192;
const CONFIG = {
  version: 0,
  restricted: 4,
  inEnabled: 8,
  network: 12,
  netmask: 16,
  host: 20,
  in6Enabled: 24,
  prefix6: 28,
  prefixLength6: 44,
  host6: 48,
  dhcpStart: 96,
  nameserver: 100,
  nameserver6: 104,
} as const;
const CONFIG_VERSION = 4;
const PREFIX_LENGTH = 64;

/** Callbacks of SlirpCb, in its order; each also has the opaque pointer, as its last argument. */
const CALLBACKS = {
  sendPacket: ['int64_t', 'uintptr_t', 'size_t', 'uintptr_t'],
  guestError: ['void', 'uintptr_t', 'uintptr_t'],
  clockGetNs: ['int64_t', 'uintptr_t'],
  timerNew: ['uintptr_t', 'uintptr_t', 'uintptr_t', 'uintptr_t'],
  timerFree: ['void', 'uintptr_t', 'uintptr_t'],
  timerMod: ['void', 'uintptr_t', 'int64_t', 'uintptr_t'],
  registerPollFd: ['void', 'int', 'uintptr_t'],
  unregisterPollFd: ['void', 'int', 'uintptr_t'],
  notify: ['void', 'uintptr_t'],
  initCompleted: ['void', 'uintptr_t', 'uintptr_t'],
  timerNewOpaque: ['uintptr_t', 'int', 'uintptr_t', 'uintptr_t'],
} as const satisfies Record<string, readonly [string, ...string[]]>;

/** None of them may throw. */
export interface SlirpEvents {
  /** A frame for the guest, at an address. @returns bytes taken */
  sendPacket(at: number, bytes: number): number;
  guestError(): void;
  clockGetNs(): number;
  /** @returns a number for the timer, above 0 */
  timerNewOpaque(id: number, timerOpaque: number): number;
  timerFree(timer: number): void;
  /** @param atMs by {@link clockGetNs}, in milliseconds */
  timerMod(timer: number, atMs: number): void;
  registerPollFd(fd: number): void;
  unregisterPollFd(fd: number): void;
  /** It has work that no descriptor tells of. */
  notify(): void;
}

export interface SlirpConfig {
  readonly network: number;
  readonly netmask: number;
  readonly gateway: number;
  readonly nameserver: number;
  readonly dhcpStart: number;
  /** Guests reach each other and forwards only, nothing of the host's network. */
  readonly restricted: boolean;
}

export interface SlirpFunctions {
  readonly libc: CLibrary;
  /** @returns the instance */
  create(config: SlirpConfig, events: SlirpEvents): number;
  readonly input: CFunction;
  readonly pollfdsFill: CFunction;
  readonly pollfdsPoll: CFunction;
  readonly addHostForward: CFunction;
  readonly handleTimer: CFunction;
  /** Ends the instance; none of its callbacks is called any more. */
  cleanup(slirp: number): void;
  /** Of `slirp_pollfds_fill`: told of each descriptor, answers its index. */
  addPoll(action: (fd: number, events: number) => number): CCallback;
  /** Of `slirp_pollfds_poll`: told of an index, answers its events. */
  getEvents(action: (index: number) => number): CCallback;
}

/** @throws UserMistake without the library, or with one that is too old */
export async function loadSlirp(): Promise<SlirpFunctions> {
  const common = { where: SLIRP_WHERE, instead: 'use --net user, which forwards UDP' };
  const library = await loadCLibrary({
    ...common,
    file: 'libslirp.so.0',
    package: 'libslirp0',
  });
  const libc = await loadCLibrary({ ...common, file: 'libc.so.6', package: 'libc6' });
  checkVersion(library);
  const kept = new Map<
    number,
    { readonly callbacks: readonly CCallback[]; readonly table: Buffer }
  >();
  const create = library.function(
    'uintptr_t slirp_new(const uint8_t *config, const uint8_t *callbacks, uintptr_t opaque)',
  );
  const cleanup = library.function('void slirp_cleanup(uintptr_t slirp)');
  return {
    libc,
    create: (config, events) => {
      const { callbacks, table } = makeCallbacks(library, events);
      const slirp = create(writeConfig(config), table, 0);
      kept.set(slirp, { callbacks, table });
      return slirp;
    },
    cleanup: (slirp) => {
      cleanup(slirp);
      for (const callback of kept.get(slirp)?.callbacks ?? []) callback.release();
      kept.delete(slirp);
    },
    input: library.function('void slirp_input(uintptr_t slirp, const uint8_t *frame, int bytes)'),
    pollfdsFill: library.function(
      'void slirp_pollfds_fill(uintptr_t slirp, _Inout_ uint8_t *timeout, uintptr_t add, uintptr_t opaque)',
    ),
    pollfdsPoll: library.function(
      'void slirp_pollfds_poll(uintptr_t slirp, int failed, uintptr_t events, uintptr_t opaque)',
    ),
    // A `struct in_addr` is passed as the number in its four bytes.
    addHostForward: library.function(
      'int slirp_add_hostfwd(uintptr_t slirp, int isUdp, uint32_t host, int hostPort, uint32_t guest, int guestPort)',
    ),
    handleTimer: library.function(
      'void slirp_handle_timer(uintptr_t slirp, int id, uintptr_t timerOpaque)',
    ),
    addPoll: (action) =>
      library.callback(['int', 'int', 'int', 'uintptr_t'], (fd = 0, events = 0) =>
        action(fd, events),
      ),
    getEvents: (action) =>
      library.callback(['int', 'int', 'uintptr_t'], (index = 0) => action(index)),
  };
}

/** @returns an address as the network has it in memory, as a number that is passed to C */
export function inAddr(ip: number): number {
  return (((ip & 0xff) << 24) | ((ip & 0xff00) << 8) | ((ip >>> 8) & 0xff00) | (ip >>> 24)) >>> 0;
}

function checkVersion(library: CLibrary): void {
  const version = String(library.function('const char *slirp_version_string()')());
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isOld = major < VERSION_MIN[0] || (major === VERSION_MIN[0] && minor < VERSION_MIN[1]);
  if (isOld) {
    throw new UserMistake(
      `${SLIRP_WHERE}: libslirp here is ${version}; ${VERSION_MIN.join('.')} is needed, or use --net user`,
    );
  }
}

/** Kept by the library as it is: neither the table nor a callback may go while it is used. */
function makeCallbacks(
  library: CLibrary,
  events: SlirpEvents,
): { readonly callbacks: readonly CCallback[]; readonly table: Buffer } {
  // In place of old ones, which version 4 does not call.
  const all = { ...events, timerNew: () => 0, initCompleted: () => undefined };
  const names = Object.keys(CALLBACKS) as (keyof typeof CALLBACKS)[];
  const callbacks = names.map((name) => {
    // Those with fewer arguments than C gives, in its order.
    const action = all[name] as (...args: readonly number[]) => number | void;
    return library.callback(CALLBACKS[name], (...args) => action(...args));
  });
  const table = Buffer.from(new ArrayBuffer(8 * callbacks.length));
  callbacks.forEach(({ address }, index) => table.writeBigUInt64LE(address, 8 * index));
  return { callbacks, table };
}

function writeConfig(config: SlirpConfig): Buffer {
  const bytes = Buffer.alloc(CONFIG_BYTES);
  bytes.writeUInt32LE(CONFIG_VERSION, CONFIG.version);
  bytes.writeInt32LE(config.restricted ? 1 : 0, CONFIG.restricted);
  bytes.writeUInt8(1, CONFIG.inEnabled);
  bytes.writeUInt32BE(config.network, CONFIG.network);
  bytes.writeUInt32BE(config.netmask, CONFIG.netmask);
  bytes.writeUInt32BE(config.gateway, CONFIG.host);
  // QEMU's: fec0::/64, the gateway is ::2, the name server ::3.
  bytes.writeUInt8(1, CONFIG.in6Enabled);
  for (const at of [CONFIG.prefix6, CONFIG.host6, CONFIG.nameserver6])
    bytes.writeUInt16BE(0xfec0, at);
  bytes.writeUInt8(PREFIX_LENGTH, CONFIG.prefixLength6);
  bytes.writeUInt8(2, CONFIG.host6 + 15);
  bytes.writeUInt8(3, CONFIG.nameserver6 + 15);
  bytes.writeUInt32BE(config.dhcpStart, CONFIG.dhcpStart);
  bytes.writeUInt32BE(config.nameserver, CONFIG.nameserver);
  return bytes;
}
