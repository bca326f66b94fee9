/**
 * Whose address is which in one network (RFC 826), and one packet for each that is asked for (RFC
 * 1122 §2.3.2.2: the latest). Time is counted in ticks.
 */

/** Entries are few, so that nobody fills memory by asking. */
const ENTRIES_MAX = 256;
/** Ticks that an answer is believed, and that one is waited for. */
const KNOWN_TICKS = 60;
const ASKED_TICKS = 1;
/** How often an address is asked for. */
const TRIES = 3;

/** No buffer is held. */
export const NOTHING = -1;

export interface Neighbour {
  readonly ip: number;
  /** The halfwords of its address as memory holds them; undefined while it is asked for. */
  mac: readonly [number, number, number] | undefined;
  /** Index of the transmit buffer of the packet that waits, and the packet's bytes. */
  held: number;
  heldBytes: number;
  tries: number;
  /** The tick at which it is forgotten, or asked for again. */
  dueAt: number;
}

/** What is to be done about neighbours that have not answered. */
export interface Overdue {
  ask(neighbour: Neighbour): void;
  giveUp(neighbour: Neighbour): void;
}

export class Neighbours {
  readonly #entries = new Map<number, Neighbour>();
  #tick = 0;

  /** @returns undefined for one that nobody has asked for */
  get(ip: number): Neighbour | undefined {
    return this.#entries.get(ip);
  }

  get isWaiting(): boolean {
    for (const { mac } of this.#entries.values()) if (mac === undefined) return true;
    return false;
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  /**
   * Begins to ask for an address.
   *
   * @returns the new entry, and the one that was pushed out to make room
   */
  begin(ip: number): { readonly entry: Neighbour; readonly pushedOut: Neighbour | undefined } {
    const pushedOut = this.#entries.size < ENTRIES_MAX ? undefined : this.#oldest();
    if (pushedOut !== undefined) this.#entries.delete(pushedOut.ip);
    const dueAt = this.#tick + ASKED_TICKS + 1;
    const entry: Neighbour = { ip, mac: undefined, held: NOTHING, heldBytes: 0, tries: 1, dueAt };
    this.#entries.set(ip, entry);
    return { entry, pushedOut };
  }

  /** Somebody has said which address is his. */
  learn(entry: Neighbour, mac: readonly [number, number, number]): void {
    entry.mac = mac;
    entry.dueAt = this.#tick + KNOWN_TICKS;
  }

  /** Packets that wait are gone, and so are their buffers. @returns how many */
  dropHeld(): number {
    let dropped = 0;
    for (const entry of this.#entries.values()) {
      if (entry.held !== NOTHING) dropped += 1;
      entry.held = NOTHING;
    }
    return dropped;
  }

  /** A tick has passed. */
  tick(overdue: Overdue): void {
    this.#tick += 1;
    for (const entry of [...this.#entries.values()]) {
      if (entry.dueAt > this.#tick) continue;
      if (entry.mac === undefined && entry.tries < TRIES) {
        entry.tries += 1;
        entry.dueAt = this.#tick + ASKED_TICKS;
        overdue.ask(entry);
        continue;
      }
      this.#entries.delete(entry.ip);
      if (entry.mac === undefined) overdue.giveUp(entry);
    }
  }

  #oldest(): Neighbour | undefined {
    let oldest: Neighbour | undefined;
    for (const entry of this.#entries.values()) {
      if (oldest === undefined || entry.dueAt < oldest.dueAt) oldest = entry;
    }
    return oldest;
  }
}
