/**
 * QEMU's user network, by the library that QEMU has it from: DHCP, DNS, TCP and UDP out through the
 * host's own sockets, forwards in.
 *
 * The library has many sockets and waits for none: in each round it names those that it wants to
 * hear of and is told what is there. Between rounds libuv waits for them. A round follows whatever
 * may have changed something: a socket that is ready, frames of the board, the library's own time.
 *
 * A round may bring more frames than the board has room for, since each of a thousand sockets may
 * have something. Those are held, and no other round begins before the board has taken them.
 */

import { after, type HostTimer } from '../event-loop.ts';
import { hostNow } from '../host-time.ts';
import { explainSystemError } from '../problem.ts';
import { Ingress } from './bridge.ts';
import type { BoardPort, Bridge, DropListener, NoticeListener } from './bridge.ts';
import { type CCallback, type CFunction, type DescriptorPoll, systemError } from './c-library.ts';
import { ipv4Text } from './socket-address.ts';
import {
  inAddr,
  loadSlirp,
  SLIRP_POLL_IN,
  SLIRP_POLL_OUT,
  SLIRP_WHERE,
  type SlirpConfig,
  type SlirpEvents,
  type SlirpFunctions,
} from './slirp-library.ts';

const FRAME_BYTES = 65_536;
/** `struct pollfd`, and poll.h's bits, which the library has in other places. */
const POLLFD_BYTES = 8;
const POLLIN = 0x1;
const POLLPRI = 0x2;
const POLLOUT = 0x4;
const POLLERR = 0x8;
const POLLHUP = 0x10;
/** Of the library, of poll.h. */
const EVENT_BITS = [
  [SLIRP_POLL_IN, POLLIN],
  [SLIRP_POLL_OUT, POLLOUT],
  [4, POLLPRI],
  [8, POLLERR],
  [16, POLLHUP],
] as const;
/** Rounds in one turn at most; what is left then comes with the next turn. */
const ROUNDS_MAX = 8;
/** Frames held for the board at most; what a round brings beyond them is dropped, as on a wire. */
const HELD_MAX = 4096;
/**
 * Connections that wait to be accepted, for each forward. The library itself lets one wait, and so
 * a second one has a second to wait for the host's next attempt.
 */
const BACKLOG = 128;
const NEVER_MS = 0xffff_ffff;

export interface SlirpForward {
  readonly protocol: 'tcp' | 'udp';
  readonly hostIp: number;
  readonly hostPort: number;
  readonly guestIp: number;
  readonly guestPort: number;
}

export interface SlirpBridgeOptions {
  readonly port: BoardPort;
  readonly config: SlirpConfig;
  readonly forwards: readonly SlirpForward[];
  readonly wake: () => void;
  readonly onNotice: NoticeListener;
  readonly onDrop?: DropListener;
}

interface Timer {
  readonly id: number;
  readonly opaque: number;
  due: HostTimer | undefined;
}

export class SlirpBridge implements Bridge {
  readonly #options: SlirpBridgeOptions;
  readonly #slirp: SlirpFunctions;
  readonly #ingress: Ingress;
  readonly #memcpy: CFunction;
  readonly #poll: CFunction;
  readonly #addPoll: CCallback;
  readonly #getEvents: CCallback;
  readonly #frame = new Uint8Array(FRAME_BYTES);
  readonly #timeout = Buffer.alloc(4);
  readonly #polls = new Map<number, DescriptorPoll>();
  readonly #timers: (Timer | undefined)[] = [];
  /** Frames that the board had no room for, in their order. */
  #held: Uint8Array[] = [];
  /** What the library has asked for in this round: a `struct pollfd` each. */
  #pollfds = Buffer.alloc(64 * POLLFD_BYTES);
  #pollfdCount = 0;
  #instance = 0;
  #state: 'open' | 'closed' = 'open';
  /** Something may have changed since the last round. */
  #isStirred = true;
  #due: HostTimer | undefined;
  readonly #count = {
    framesOut: 0,
    bytesOut: 0,
    guestErrors: 0,
    rounds: 0,
    socketsMax: 0,
    heldMax: 0,
  };

  private constructor(options: SlirpBridgeOptions, slirp: SlirpFunctions) {
    this.#options = options;
    this.#slirp = slirp;
    this.#ingress = new Ingress(options.port, options.onDrop);
    const { libc } = slirp;
    this.#memcpy = libc.function(
      'uintptr_t memcpy(_Out_ uint8_t *to, uintptr_t from, size_t bytes)',
    );
    this.#poll = libc.function('int poll(_Inout_ uint8_t *fds, unsigned long count, int timeout)');
    this.#addPoll = slirp.addPoll((fd, events) => this.#ask(fd, events));
    this.#getEvents = slirp.getEvents((index) => this.#eventsOf(index));
  }

  /** @throws UserMistake without the library, or when a forward's port cannot be had */
  static async open(options: SlirpBridgeOptions): Promise<SlirpBridge> {
    const bridge = new SlirpBridge(options, await loadSlirp());
    bridge.#instance = bridge.#slirp.create(options.config, bridge.#events());
    try {
      for (const forward of options.forwards) bridge.#add(forward);
    } catch (error) {
      await bridge.close();
      throw error;
    }
    bridge.#lengthenBacklogs();
    bridge.flush();
    return bridge;
  }

  /** All sockets that there are now are forwards'; those of UDP refuse, and need none. */
  #lengthenBacklogs(): void {
    const listen = this.#slirp.libc.function('int listen(int fd, int backlog)');
    this.#fill();
    for (let index = 0; index < this.#pollfdCount; index += 1) {
      listen(this.#pollfds.readInt32LE(index * POLLFD_BYTES), BACKLOG);
    }
  }

  #events(): SlirpEvents {
    return {
      sendPacket: (at, bytes) => this.#toBoard(at, bytes),
      guestError: () => void (this.#count.guestErrors += 1),
      clockGetNs: () => hostNow(),
      timerNewOpaque: (id, opaque) => this.#timers.push({ id, opaque, due: undefined }),
      timerFree: (timer) => {
        this.#timers[timer - 1]?.due?.cancel();
        this.#timers[timer - 1] = undefined;
      },
      timerMod: (timer, atMs) => this.#arm(timer, atMs),
      registerPollFd: () => undefined, // `#watch` sees it in the next round
      unregisterPollFd: (fd) => {
        // It will be closed, and its number may be another's at once.
        this.#polls.get(fd)?.close();
        this.#polls.delete(fd);
      },
      notify: () => this.#stir(),
    };
  }

  #add({ protocol, hostIp, hostPort, guestIp, guestPort }: SlirpForward): void {
    const isUdp = protocol === 'udp' ? 1 : 0;
    const { addHostForward, libc } = this.#slirp;
    const [host, guest] = [inAddr(hostIp), inAddr(guestIp)];
    if (addHostForward(this.#instance, isUdp, host, hostPort, guest, guestPort) >= 0) return;
    throw explainSystemError(
      systemError('slirp_add_hostfwd', libc.errno()),
      `${SLIRP_WHERE}: ${ipv4Text(hostIp)}:${hostPort}/${protocol}`,
    );
  }

  #toBoard(at: number, bytes: number): number {
    if (bytes > FRAME_BYTES || this.#state === 'closed') return bytes;
    this.#memcpy(this.#frame, at, bytes);
    this.#offer(this.#frame.subarray(0, bytes));
    this.#options.wake();
    return bytes;
  }

  #offer(frame: Uint8Array): void {
    if (this.#held.length === 0 && this.#ingress.offer(frame) !== 'full') return;
    if (this.#held.length === HELD_MAX) return this.#ingress.drop(frame);
    this.#held.push(frame.slice());
    this.#count.heldMax = Math.max(this.#count.heldMax, this.#held.length);
  }

  /** @returns whether the board has taken all that was held */
  #offerHeld(): boolean {
    const { length } = this.#held;
    if (length === 0) return true;
    const full = this.#held.findIndex((frame) => this.#ingress.offer(frame) === 'full');
    this.#held = full === -1 ? [] : this.#held.slice(full);
    if (this.#held.length < length) this.#options.wake();
    return this.#held.length === 0;
  }

  #arm(timer: number, atMs: number): void {
    const armed = this.#timers[timer - 1];
    if (armed === undefined) return;
    armed.due?.cancel();
    armed.due = after(Math.max(0, atMs - hostNow() / 1e6), () => {
      this.#slirp.handleTimer(this.#instance, armed.id, armed.opaque);
      this.#stir();
    });
  }

  /** One round soon, in a turn of its own. */
  #stir(): void {
    this.#isStirred = true;
    this.#options.wake();
  }

  transmit(frame: Uint8Array): void {
    this.#count.framesOut += 1;
    this.#count.bytesOut += frame.length;
    this.#slirp.input(this.#instance, frame, frame.length);
    this.#isStirred = true;
  }

  flush(): void {
    if (this.#state === 'closed' || !this.#offerHeld() || !this.#isStirred) return;
    this.#isStirred = false;
    let timeoutMs = this.#fill();
    for (let round = 1; this.#round(); round += 1) {
      timeoutMs = this.#fill();
      if (round < ROUNDS_MAX && this.#held.length === 0) continue;
      this.#stir();
      break;
    }
    this.#watch();
    this.#due?.cancel();
    this.#due = timeoutMs === NEVER_MS ? undefined : after(timeoutMs, () => this.#onTime());
  }

  /** The library's own time: it looks at its clock, whether a socket is ready or not. */
  #onTime(): void {
    if (this.#state === 'closed') return;
    this.#fill();
    this.#tell();
    this.#stir();
  }

  /** @returns how long nothing needs to be done, in milliseconds */
  #fill(): number {
    this.#count.rounds += 1;
    this.#pollfdCount = 0;
    this.#timeout.writeUInt32LE(NEVER_MS, 0);
    this.#slirp.pollfdsFill(this.#instance, this.#timeout, this.#addPoll.address, 0);
    this.#count.socketsMax = Math.max(this.#count.socketsMax, this.#pollfdCount);
    return this.#timeout.readUInt32LE(0);
  }

  #ask(fd: number, events: number): number {
    const at = this.#pollfdCount * POLLFD_BYTES;
    if (at === this.#pollfds.length) {
      this.#pollfds = Buffer.concat([this.#pollfds, Buffer.alloc(this.#pollfds.length)]);
    }
    let wanted = 0;
    for (const [theirs, ours] of EVENT_BITS) if ((events & theirs) !== 0) wanted |= ours;
    this.#pollfds.writeInt32LE(fd, at);
    this.#pollfds.writeInt16LE(wanted, at + 4);
    this.#pollfds.writeInt16LE(0, at + 6);
    this.#pollfdCount += 1;
    return this.#pollfdCount - 1;
  }

  /** Looks at all descriptors that it has asked for. @returns whether any was ready */
  #round(): boolean {
    if (this.#pollfdCount === 0 || this.#poll(this.#pollfds, this.#pollfdCount, 0) <= 0) {
      return false;
    }
    this.#tell();
    return true;
  }

  #tell(): void {
    this.#slirp.pollfdsPoll(this.#instance, 0, this.#getEvents.address, 0);
  }

  #eventsOf(index: number): number {
    if (index < 0 || index >= this.#pollfdCount) return 0;
    const there = this.#pollfds.readInt16LE(index * POLLFD_BYTES + 6);
    let events = 0;
    for (const [theirs, ours] of EVENT_BITS) if ((there & ours) !== 0) events |= theirs;
    return events;
  }

  /** Lets libuv wait for what the library waits for, and for nothing else. */
  #watch(): void {
    const wanted = new Map<number, number>();
    for (let index = 0; index < this.#pollfdCount; index += 1) {
      const at = index * POLLFD_BYTES;
      const fd = this.#pollfds.readInt32LE(at);
      wanted.set(fd, (wanted.get(fd) ?? 0) | this.#pollfds.readInt16LE(at + 4));
    }
    for (const [fd, poll] of this.#polls) {
      if (!wanted.has(fd)) poll.want({ readable: false, writable: false });
    }
    for (const [fd, events] of wanted) {
      let poll = this.#polls.get(fd);
      if (poll === undefined) {
        poll = this.#slirp.libc.poll(fd, () => this.#stir());
        this.#polls.set(fd, poll);
      }
      poll.want({ readable: (events & POLLIN) !== 0, writable: (events & POLLOUT) !== 0 });
    }
  }

  close(): Promise<void> {
    if (this.#state === 'closed') return Promise.resolve();
    this.#state = 'closed';
    this.#due?.cancel();
    for (const poll of this.#polls.values()) poll.close();
    this.#polls.clear();
    if (this.#instance !== 0) this.#slirp.cleanup(this.#instance);
    for (const timer of this.#timers) timer?.due?.cancel();
    this.#addPoll.release();
    this.#getEvents.release();
    return Promise.resolve();
  }

  counters(): Record<string, number> {
    return { ...this.#ingress.counters(), ...this.#count };
  }
}
