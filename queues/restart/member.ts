/**
 * A program's part in the restart protocol (`docs/restart.md`): it learns which of its neighbours
 * are down, lets go of what it shares with them, and says so.
 *
 *     open ──the neighbour's epoch is odd──▶ closing ──everything is let go──▶ closed, and answered
 *       ▲                                                                        │
 *       └────────────────────────────the epoch is even again─────────────────────┘
 *
 * The program says what letting go is, for each of its connections. While a connection is closing
 * or closed, its other end does not run, so both of its queues are ours to write.
 *
 *     const member = joinRestarts(pd);                       first of all, before queues are filled
 *     return supervised(member, connections, { notified });
 *
 * Without a `restart` record there is no member, and entry points stay as they are.
 */

import type { ReadonlyRegion, Region } from '../../memory/region.ts';
import type { MemberConfig } from './config.ts';
import {
  addRefused,
  addTakenBack,
  isDown,
  readEpoch,
  readNote,
  readRound,
  writeAnswer,
  writeNote,
  writeSeenRound,
} from './pages.ts';

/** What the program does about its neighbours; each connection is named by its channel. */
export interface Connections {
  /**
   * The other end is down. Makes both queues what they are at boot, with what is ours to put in,
   * and takes back what the other end had. It may come twice in a row: the other end has died again
   * before it could be opened.
   */
  close(channel: number): void;
  /**
   * Whether nothing is left elsewhere that was the other end's, such as a buffer that a device
   * still reads. Left out where there can be no such thing. Asked again whenever something may have
   * come back.
   */
  isClear?(channel: number): boolean;
  /** The other end runs again, and has let go of all that it had before. */
  open(channel: number): void;
}

/** The part of a protection domain that is needed here. */
export interface MemberDomain {
  region(name: string): Region;
  readonlyRegion(name: string): ReadonlyRegion;
  notify(channel: number): void;
}

interface Neighbour {
  readonly child: number;
  readonly channels: readonly number[];
  /** The last of its epochs that has been looked at. */
  seen: number;
  state: 'open' | 'closing' | 'closed';
}

/**
 * A program that takes part in the protocol: what it knows of its neighbours. Made by
 * {@link joinRestarts}.
 */
export class Member {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  readonly #pd: MemberDomain;
  readonly #config: MemberConfig;
  readonly #epochs: ReadonlyRegion;
  readonly #answers: Region;
  readonly #neighbours: readonly Neighbour[];
  #closing = 0;

  constructor(pd: MemberDomain, config: MemberConfig) {
    this.#pd = pd;
    this.#config = config;
    this.#epochs = pd.readonlyRegion(config.epochs);
    this.#answers = pd.region(config.answers);
    const children = [...new Set(config.neighbours.map(({ child }) => child))];
    this.#neighbours = children.map((child) => {
      const own = config.neighbours.filter((each) => each.child === child);
      const epoch = readEpoch(this.#epochs, child);
      // One that is down already is found to be so by `start`.
      const seen = isDown(epoch) ? (epoch - 1) >>> 0 : epoch;
      return { child, channels: own.map(({ channel }) => channel), seen, state: 'open' };
    });
  }

  /** Channel on which the supervisor says that an epoch has changed. */
  get channel(): number {
    return this.#config.supervisor;
  }

  /** Whether this start is one after a death. */
  get isRestarted(): boolean {
    return readEpoch(this.#epochs, this.#config.self) !== 0;
  }

  /** A word that is kept over deaths, whatever becomes of our memory. */
  get note(): number {
    return readNote(this.#answers);
  }

  set note(value: number) {
    writeNote(this.#answers, value);
  }

  /**
   * Channels whose other end is down while we start. Nobody has emptied their queues: it is for us
   * to do, before we put anything in.
   */
  get abandoned(): readonly number[] {
    return this.#neighbours
      .filter(({ child }) => isDown(readEpoch(this.#epochs, child)))
      .flatMap(({ channels }) => channels);
  }

  /**
   * To be called when `init` is over: lets go of what is shared with neighbours that are down, and
   * says that the program runs.
   */
  start(connections: Connections): void {
    const own = readEpoch(this.#epochs, this.#config.self);
    writeSeenRound(this.#answers, readRound(this.#epochs));
    const answered = this.#look(connections);
    if (isDown(own)) writeAnswer(this.#answers, this.#config.self, own);
    if (answered || isDown(own)) this.#pd.notify(this.#config.supervisor);
  }

  /** The supervisor has said that something is different, or asks whether we still answer. */
  notice(connections: Connections): void {
    writeSeenRound(this.#answers, readRound(this.#epochs));
    if (this.#look(connections)) this.#pd.notify(this.#config.supervisor);
  }

  /** Something has come back from elsewhere: closes whatever only waited for that. */
  proceed(connections: Connections): void {
    if (this.#closing === 0) return;
    let answered = false;
    for (const neighbour of this.#neighbours) {
      if (neighbour.state === 'closing' && this.#answer(neighbour, connections)) answered = true;
    }
    if (answered) this.#pd.notify(this.#config.supervisor);
  }

  /** Counts buffers that a neighbour had and that are ours again. */
  tookBack(buffers: number): void {
    if (buffers > 0) addTakenBack(this.#answers, buffers);
  }

  /** @returns whether there is an answer that the supervisor does not know yet */
  #look(connections: Connections): boolean {
    let answered = false;
    for (const neighbour of this.#neighbours) {
      const epoch = readEpoch(this.#epochs, neighbour.child);
      const ahead = (epoch - neighbour.seen) | 0;
      if (ahead < 0) addRefused(this.#answers);
      if (ahead <= 0) continue;
      const isBackAgain = neighbour.state !== 'open' && ahead === 1;
      neighbour.seen = epoch;
      // One that has died and come back since we last looked has died all the same.
      if (!isBackAgain) {
        for (const channel of neighbour.channels) connections.close(channel);
        if (this.#answer(neighbour, connections)) answered = true;
      }
      if (!isDown(epoch)) this.#open(neighbour, connections);
    }
    return answered;
  }

  /** @returns whether everything is let go, and so answered */
  #answer(neighbour: Neighbour, connections: Connections): boolean {
    const isClear = neighbour.channels.every((channel) => connections.isClear?.(channel) ?? true);
    this.#enter(neighbour, isClear ? 'closed' : 'closing');
    if (isClear) writeAnswer(this.#answers, neighbour.child, neighbour.seen);
    return isClear;
  }

  #open(neighbour: Neighbour, connections: Connections): void {
    this.#enter(neighbour, 'open');
    for (const channel of neighbour.channels) connections.open(channel);
  }

  #enter(neighbour: Neighbour, state: Neighbour['state']): void {
    if (neighbour.state === 'closing') this.#closing -= 1;
    if (state === 'closing') this.#closing += 1;
    neighbour.state = state;
  }
}

/**
 * Joins the protocol. To be called first of all in `init`, before any queue is filled.
 *
 * @returns undefined for a program that nobody supervises
 */
export function joinRestarts(
  pd: MemberDomain,
  config: MemberConfig | undefined,
): Member | undefined {
  return config === undefined ? undefined : new Member(pd, config);
}

/** Entry points of a program, as far as they matter here. */
interface Notified {
  notified(this: void, channel: number): void | undefined;
}

/**
 * The last call of `init`: lets go of neighbours that are down, and says that the program runs.
 *
 * @returns the entry points with the protocol around `notified`; without a member the same ones as
 * given
 */
export function supervised<Entry extends Notified>(
  member: Member | undefined,
  connections: Connections,
  entry: Entry,
): Entry {
  if (member === undefined) return entry;
  member.start(connections);
  const { channel: supervisor } = member;
  return {
    ...entry,
    notified: (channel) => {
      if (channel === supervisor) member.notice(connections);
      else entry.notified(channel);
      member.proceed(connections);
    },
  };
}
