/**
 * What a disk may hold: a model of sectors, kept from requests and answers alone. Each sector has
 * the contents that it was given, in order, from the last one that is known to be durable.
 *
 *     written, answered as done        a read brings this one
 *     written, answered with an error  a read brings this one or an older one
 *     flushed                          what was done before the flush was asked for is there for
 *                                      good; of the client that flushes, all it had asked for
 *     power cut                        of what was not flushed, any
 */

/** 0: the zeroes that the disk begins with, and that it can be asked to write. */
export type Version = number;

interface Content {
  readonly version: Version;
  /** Number of the question. */
  readonly askedAt: number;
  state: 'open' | 'done' | 'unsure';
  /** Number of the answer. */
  doneAt: number;
  /** A flush that covers it has been answered before it. */
  isPromised: boolean;
}

interface Sector {
  contents: Content[];
  /**
   * Something that nobody can be blamed for has befallen it: until the write with this number of
   * asking or a later one.
   */
  damagedAt: number;
  /** The same of what is durable. */
  isDurableDamaged: boolean;
}

/** Sectors of one client. */
export interface Area {
  readonly first: number;
  readonly count: number;
}

/** A flush that has been asked for. */
export interface FlushTicket {
  readonly askedAt: number;
  readonly area: Area;
  readonly cuts: number;
}

export class DiskModel {
  readonly #sectors = new Map<number, Sector>();
  /** Counts questions and answers: what happened before what. */
  #now = 1;
  #cuts = 0;

  /** @returns the ticket to answer with */
  writeAsked(sector: number, version: Version): Content {
    this.#now += 1;
    const content = {
      version,
      state: 'open' as const,
      doneAt: 0,
      isPromised: false,
      askedAt: this.#now,
    };
    this.#sector(sector).contents.push(content);
    return content;
  }

  writeAnswered(sector: number, ticket: Content, ok: boolean): void {
    this.#now += 1;
    const { contents, ...state } = this.#sector(sector);
    ticket.doneAt = this.#now;
    // A power cut may have come in between.
    ticket.state = ok && ticket.state === 'open' ? 'done' : 'unsure';
    if (!ok || ticket.askedAt <= state.damagedAt || !contents.includes(ticket)) return;
    this.#sector(sector).damagedAt = 0;
    if (ticket.isPromised && ticket.state === 'done')
      this.#isDurable(this.#sector(sector), contents.indexOf(ticket));
  }

  /** @param area of who asks */
  flushAsked(area: Area): FlushTicket {
    this.#now += 1;
    return { askedAt: this.#now, cuts: this.#cuts, area };
  }

  flushAnswered({ askedAt, cuts, area }: FlushTicket): void {
    // What the power cut has taken, the flush could not save.
    if (cuts !== this.#cuts) return;
    for (const [number, sector] of this.#sectors) {
      const { contents } = sector;
      const isOwn = number >= area.first && number < area.first + area.count;
      const last = contents.findLastIndex(
        (content) =>
          content.state === 'done' && (isOwn ? content.askedAt : content.doneAt) <= askedAt,
      );
      for (const content of contents) {
        if (isOwn && content.state === 'open' && content.askedAt <= askedAt)
          content.isPromised = true;
      }
      if (last > 0) this.#isDurable(sector, last);
    }
  }

  /** @param last index of the oldest contents that may be left */
  #isDurable(sector: Sector, last: number): void {
    sector.contents = sector.contents.slice(last);
    if (sector.damagedAt === 0) sector.isDurableDamaged = false;
  }

  /** Nobody knows any more what these hold. */
  damaged(sector: number, sectors: number): void {
    this.#now += 1;
    for (let i = 0; i < sectors; i += 1) {
      const each = this.#sector(sector + i);
      each.damagedAt = this.#now;
      each.isDurableDamaged = true;
    }
  }

  powerCut(): void {
    this.#cuts += 1;
    this.#now += 1;
    for (const sector of this.#sectors.values()) {
      for (const content of sector.contents.slice(1)) content.state = 'unsure';
      // What was written over the damage may be gone, and the damage there again.
      if (sector.isDurableDamaged) sector.damagedAt = this.#now;
    }
  }

  /** @returns whether a read may bring this; `undefined` stands for what was never written */
  mayRead(sector: number, version: Version | undefined): boolean {
    const { contents, damagedAt } = this.#sector(sector);
    if (damagedAt > 0) return true;
    const last = contents.findLastIndex(({ state }) => state === 'done');
    return contents.slice(Math.max(0, last)).some((content) => content.version === version);
  }

  /** @returns whether a power cut now may leave this */
  mayRemain(sector: number, version: Version | undefined): boolean {
    const { contents, isDurableDamaged, damagedAt } = this.#sector(sector);
    if (damagedAt > 0 || isDurableDamaged) return true;
    return contents.some((content) => content.version === version);
  }

  /** Sectors that something has ever happened to. */
  get touched(): Iterable<number> {
    return this.#sectors.keys();
  }

  #sector(number: number): Sector {
    const known = this.#sectors.get(number);
    if (known !== undefined) return known;
    const zeroes: Content = { version: 0, askedAt: 0, state: 'done', doneAt: 0, isPromised: true };
    const sector: Sector = { contents: [zeroes], damagedAt: 0, isDurableDamaged: false };
    this.#sectors.set(number, sector);
    return sector;
  }
}

export type WriteTicket = ReturnType<DiskModel['writeAsked']>;
