/**
 * A TAP device of the host (Linux, Documentation/networking/tuntap.rst): makes one or joins one
 * that is there, gives it its address, and sets it up.
 *
 * One that we have made is gone with its last descriptor, however the process ends. One that was
 * made before, by `ip tuntap add`, stays.
 */

import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { systemErrorCode, UserMistake } from '../problem.ts';
import { type CFunction, type CLibrary, loadCLibrary } from './c-library.ts';
import type { FrameDescriptor } from './descriptor-bridge.ts';
import { ipv4Text } from './socket-address.ts';

const TUN_PATH = '/dev/net/tun';
/** Of the process's own network, which `/sys` need not show. */
const COUNTERS_PATH = '/proc/self/net/dev';
/** Of the numbers behind a device's name: frames for us that were dropped. */
const DROPPED_AT = 11;
const WHERE = '--net tap';

// linux/if_tun.h, linux/sockios.h, linux/if.h, errno.h.
const TUNSETIFF = 0x4004_54ca;
const IFF_TAP = 0x0002;
const IFF_NO_PI = 0x1000;
const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
const SIOCGIFADDR = 0x8915;
const SIOCSIFADDR = 0x8916;
const SIOCSIFNETMASK = 0x891c;
const SIOCGIFMTU = 0x8921;
const SIOCSIFMTU = 0x8922;
const IFF_UP = 0x1;
const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 0x8_0002;
const EPERM = 1;
const EIO = 5;
const EAGAIN = 11;
const EBUSY = 16;
const EINVAL = 22;

/** `struct ifreq`: a name of 16 bytes, and a union that an address or flags begin. */
const IFREQ_BYTES = 40;
const IFREQ_UNION_AT = 16;
/** Of `struct sockaddr_in` in it: family, port, address. */
const ADDRESS_AT = IFREQ_UNION_AT + 4;

export interface HostAddress {
  readonly ip: number;
  /** Bits of the network, 1 to 30. */
  readonly prefix: number;
}

export interface TapRequest {
  readonly name: string;
  /** The host's own address on it; without one, the addresses are left alone. */
  readonly host?: HostAddress;
  /** Bytes of the longest packet; what the device has unless told. */
  readonly mtu?: number;
}

export interface TapDevice extends FrameDescriptor {
  readonly origin: 'made' | 'joined';
}

interface Calls {
  readonly ioctl: CFunction;
  readonly socket: CFunction;
  readonly read: CFunction;
  readonly write: CFunction;
  readonly indexOf: CFunction;
  readonly errno: () => number;
}

/** @throws UserMistake */
export async function openTap(
  request: TapRequest,
): Promise<{ readonly library: CLibrary; readonly tap: TapDevice }> {
  const library = await loadCLibrary({
    where: WHERE,
    file: 'libc.so.6',
    package: 'libc6',
    instead: 'use --net user',
  });
  const calls: Calls = {
    ioctl: library.function('int ioctl(int fd, unsigned long request, _Inout_ uint8_t *ifreq)'),
    socket: library.function('int socket(int family, int type, int protocol)'),
    read: library.function('long read(int fd, _Out_ uint8_t *bytes, size_t length)'),
    write: library.function('long write(int fd, const uint8_t *bytes, size_t length)'),
    indexOf: library.function('unsigned int if_nametoindex(const char *name)'),
    errno: () => library.errno(),
  };
  const origin = calls.indexOf(request.name) === 0 ? 'made' : 'joined';
  const fd = openTun();
  try {
    attach(calls, fd, request);
    setUp(calls, request);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { library, tap: tapDevice(calls, fd, request.name, origin) };
}

function openTun(): number {
  try {
    return openSync(TUN_PATH, constants.O_RDWR | constants.O_NONBLOCK);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'EACCES' || code === 'EPERM') {
      throw new UserMistake(
        `${WHERE}: ${TUN_PATH}: permission denied; as root: chmod 666 ${TUN_PATH}`,
      );
    }
    throw new UserMistake(
      `${WHERE}: ${TUN_PATH} is not there; as root: modprobe tun ` +
        '(in a container: --device /dev/net/tun --cap-add NET_ADMIN)',
    );
  }
}

function attach(calls: Calls, fd: number, request: TapRequest): void {
  const { name } = request;
  const ifreq = makeIfreq(name);
  ifreq.writeUInt16LE(IFF_TAP | IFF_NO_PI, IFREQ_UNION_AT);
  if (calls.ioctl(fd, TUNSETIFF, ifreq) >= 0) return;
  switch (calls.errno()) {
    case EPERM:
      throw new UserMistake(`${WHERE}: no right to make or join ${name}; ${howToHaveIt(request)}`);
    case EBUSY:
      throw new UserMistake(
        `${WHERE}: ${name} is in use by another program; end that one, or choose another name`,
      );
    case EINVAL:
      throw new UserMistake(
        `${WHERE}: there is a ${name} already, and it is no TAP device; choose another name`,
      );
    default:
      throw new UserMistake(`${WHERE}: ${name}: TUNSETIFF failed, errno ${calls.errno()}`);
  }
}

/** The line to type once, with rights, and what does without. */
function howToHaveIt({ name, host, mtu }: TapRequest): string {
  const unit = mtu === undefined ? '' : ` && ip link set ${name} mtu ${mtu}`;
  const address = host === undefined ? '' : ` && ip addr add ${hostText(host)} dev ${name}`;
  return (
    `as root, once: ip tuntap add dev ${name} mode tap user $USER${address}${unit} ` +
    `&& ip link set ${name} up; or in a network of its own: unshare -rn`
  );
}

function hostText({ ip, prefix }: HostAddress): string {
  return `${ipv4Text(ip)}/${prefix}`;
}

/** Address, network mask, and the interface up: only what is not so yet, which takes no right. */
function setUp(calls: Calls, request: TapRequest): void {
  const { name, host } = request;
  const fd = calls.socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
  const demand = (command: number, ifreq: Buffer, what: string): void => {
    if (calls.ioctl(fd, command, ifreq) >= 0) return;
    if (calls.errno() === EPERM) {
      throw new UserMistake(`${WHERE}: no right to ${what}; ${howToHaveIt(request)}`);
    }
    throw new UserMistake(`${WHERE}: cannot ${what}: errno ${calls.errno()}`);
  };
  try {
    if (host !== undefined && !hasAddress(calls, fd, name, host.ip)) {
      const address = makeIfreq(name, host.ip);
      demand(SIOCSIFADDR, address, `give ${name} the address ${hostText(host)}`);
      const mask = makeIfreq(name, (-1 << (32 - host.prefix)) >>> 0);
      demand(SIOCSIFNETMASK, mask, `give ${name} the network of ${hostText(host)}`);
    }
    if (request.mtu !== undefined) setMtu(calls, fd, request, demand);
    const flags = makeIfreq(name);
    demand(SIOCGIFFLAGS, flags, `look at ${name}`);
    const present = flags.readUInt16LE(IFREQ_UNION_AT);
    if ((present & IFF_UP) !== 0) return;
    flags.writeUInt16LE(present | IFF_UP, IFREQ_UNION_AT);
    demand(SIOCSIFFLAGS, flags, `set ${name} up`);
  } finally {
    closeSync(fd);
  }
}

/** Sets what is not so yet, which takes a right. */
function setMtu(
  calls: Calls,
  fd: number,
  { name, mtu = 0 }: TapRequest,
  demand: (command: number, ifreq: Buffer, what: string) => void,
): void {
  const ifreq = makeIfreq(name);
  if (calls.ioctl(fd, SIOCGIFMTU, ifreq) >= 0 && ifreq.readInt32LE(IFREQ_UNION_AT) === mtu) return;
  ifreq.writeInt32LE(mtu, IFREQ_UNION_AT);
  demand(SIOCSIFMTU, ifreq, `give ${name} packets of ${mtu} bytes`);
}

function hasAddress(calls: Calls, fd: number, name: string, ip: number): boolean {
  const ifreq = makeIfreq(name);
  return calls.ioctl(fd, SIOCGIFADDR, ifreq) >= 0 && ifreq.readUInt32BE(ADDRESS_AT) === ip;
}

function makeIfreq(name: string, ip?: number): Buffer {
  const ifreq = Buffer.alloc(IFREQ_BYTES);
  ifreq.write(name, 'latin1');
  if (ip !== undefined) {
    ifreq.writeUInt16LE(AF_INET, IFREQ_UNION_AT);
    ifreq.writeUInt32BE(ip, ADDRESS_AT);
  }
  return ifreq;
}

function tapDevice(calls: Calls, fd: number, name: string, origin: TapDevice['origin']): TapDevice {
  const { read, write, errno } = calls;
  const droppedBefore = readDropped(name);
  return {
    name,
    origin,
    descriptor: fd,
    receive: (into) => {
      const bytes = read(fd, into, into.length);
      if (bytes >= 0) return bytes;
      // EIO: the interface is down, and may come up again.
      const code = errno();
      return code === EAGAIN || code === EIO ? 0 : -1;
    },
    hostDropped: () => Math.max(0, readDropped(name) - droppedBefore),
    send: (frame) => (write(fd, frame, frame.length) === frame.length ? 'sent' : 'refused'),
    close: () => closeSync(fd),
  };
}

/** Since the device is there; 0 when it is not. */
function readDropped(name: string): number {
  const line = readFileSync(COUNTERS_PATH, 'latin1')
    .split('\n')
    .find((each) => each.trimStart().startsWith(`${name}:`));
  const numbers =
    line
      ?.slice(line.indexOf(':') + 1)
      .trim()
      .split(/ +/) ?? [];
  return Number(numbers[DROPPED_AT] ?? 0);
}
