/**
 * How much work programs have done, read from outside: from the indices of their queues, the
 * counters in their `stats` regions, their wake-ups, and their accesses to device registers. Where
 * a queue lies, a program's configuration tells.
 *
 * Work is seen when it is published, which programs do before the kernel entry that ends it. What a
 * program writes into shared memory against the rules is not believed: a queue that moves by more
 * than its capacity has moved by its capacity.
 */

import type { ReadonlyRegion } from '../memory/region.ts';
import type { DomainImage } from '../microkit/runtime/domain-image.ts';
import { indexDistance, type QueueRecord, queueRecords, readIndex } from '../queues/classes.ts';
import type { EventCost, RunCosts } from './run-costs.ts';
import type { ProgramCounterNames } from './counter-names.ts';

/** Work since power-on. Plain data. */
export interface Work {
  wakeUps: number;
  queueOperations: number;
  mmioAccesses: number;
  copies: number;
  bytesCopied: number;
  checksumBytes: number;
}

export interface WorkMeterOptions {
  readonly costs: RunCosts;
  readonly images: readonly DomainImage[];
  readonly counters: ProgramCounterNames;
}

export class WorkMeter {
  /** Counted by the registers that are accessed: see `charged-machine.ts`. */
  mmioAccesses = 0;
  readonly work: Work = {
    wakeUps: 0,
    queueOperations: 0,
    mmioAccesses: 0,
    copies: 0,
    bytesCopied: 0,
    checksumBytes: 0,
  };
  readonly #costs: RunCosts;
  readonly #images: readonly DomainImage[];
  readonly #counterNames: ProgramCounterNames;
  readonly #events: Map<string, readonly EventCost[]>;
  /** Domains that have not run yet: their memory is not known. */
  #waiting: DomainImage[];
  readonly #queues = new Set<string>();
  readonly #indices: WatchedIndex[] = [];
  readonly #counters: WatchedCounter[] = [];
  #wakeUpsSeen = 0;
  #mmioSeen = 0;

  constructor(options: WorkMeterOptions) {
    this.#costs = options.costs;
    this.#images = options.images;
    this.#counterNames = options.counters;
    this.#waiting = [...options.images];
    const { events } = options.costs;
    this.#events = new Map(
      options.images.map(({ name }) => [name, events.filter(({ domain }) => fits(domain, name))]),
    );
  }

  /** @returns nanoseconds for the work done since the last call */
  take(): number {
    if (this.#waiting.length > 0) this.#watchStarted();
    const { work } = this.#costs;
    let ns = this.#takeWakeUps() * work.wakeUp;
    for (const index of this.#indices) {
      const moved = index.moved();
      this.work.queueOperations += moved;
      ns += moved * work.queueOperation;
    }
    for (const counter of this.#counters) ns += this.#takeCounter(counter);
    const accesses = this.mmioAccesses - this.#mmioSeen;
    this.#mmioSeen = this.mmioAccesses;
    this.work.mmioAccesses += accesses;
    return ns + accesses * work.mmio;
  }

  #takeWakeUps(): number {
    let wakeUps = 0;
    for (const { counters } of this.#images) wakeUps += counters.wakeUps + counters.protectedCalls;
    const taken = wakeUps - this.#wakeUpsSeen;
    this.#wakeUpsSeen = wakeUps;
    this.work.wakeUps += taken;
    return taken;
  }

  #takeCounter(counter: WatchedCounter): number {
    const amount = counter.moved();
    if (amount === 0) return 0;
    const { per } = counter;
    this.work.copies += amount * per.copies;
    this.work.bytesCopied += amount * per.bytesCopied;
    this.work.queueOperations += amount * per.queueOperations;
    this.work.checksumBytes += amount * per.checksumBytes;
    return amount * counter.ns;
  }

  #watchStarted(): void {
    this.#waiting = this.#waiting.filter((image) => !this.#watch(image));
  }

  /** @returns false when the domain has not been started */
  #watch(image: DomainImage): boolean {
    const queues = queueRecords(image.config);
    const names = this.#counterNames[image.name];
    const statsName = statsRegion(image.config);
    if (queues.length === 0 && (names === undefined || statsName === undefined)) return true;
    for (const queue of queues) {
      const region = image.inspect(queue.region);
      if (region === undefined) return false;
      this.#watchQueue(region, queue);
    }
    const stats = statsName === undefined ? undefined : image.inspect(statsName);
    if (stats === undefined || names === undefined) return true;
    for (const [name, index] of Object.entries<number>(names)) {
      const per = this.#meaning(image.name, name);
      if (per !== undefined)
        this.#counters.push(new WatchedCounter(stats, index, per, this.#costs));
    }
    return true;
  }

  /** Both of its indices, once: its other end names it too. */
  #watchQueue(region: ReadonlyRegion, queue: QueueRecord): void {
    if (this.#queues.has(queue.region)) return;
    this.#queues.add(queue.region);
    const { tail, head } = queue.kind;
    for (const at of [tail, head]) this.#indices.push(new WatchedIndex(region, at, queue));
  }

  /** @returns what one event of this counter stands for; undefined when it stands for no work */
  #meaning(domain: string, counter: string): Meaning | undefined {
    const events = (this.#events.get(domain) ?? []).filter((event) => event.counter === counter);
    const isCopy = counter === 'copies';
    const isBytes = counter === 'bytesCopied';
    if (events.length === 0 && !isCopy && !isBytes) return undefined;
    return {
      ns: events.reduce((sum, event) => sum + event.cost, 0),
      copies: isCopy ? 1 : 0,
      bytesCopied: isBytes ? 1 : 0,
      queueOperations: events.reduce((sum, event) => sum + event.queueOperations, 0),
      checksumBytes: events.reduce((sum, event) => sum + event.checksumBytes, 0),
    };
  }
}

/** What one event of a counter stands for. */
interface Meaning {
  readonly ns: number;
  readonly copies: number;
  readonly bytesCopied: number;
  readonly queueOperations: number;
  readonly checksumBytes: number;
}

/** A counter in a program's `stats` region: a double, see `queues/counters.ts`. */
class WatchedCounter {
  readonly per: Meaning;
  /** Nanoseconds for each event. */
  readonly ns: number;
  readonly #region: ReadonlyRegion;
  readonly #at: number;
  readonly #words = new Uint32Array(2);
  readonly #double = new Float64Array(this.#words.buffer);
  #seen = 0;

  constructor(region: ReadonlyRegion, index: number, per: Meaning, { work }: RunCosts) {
    this.#region = region;
    this.#at = 8 * index;
    this.per = per;
    this.ns =
      per.ns +
      per.copies * work.copy +
      per.bytesCopied * work.copyPerByte +
      per.queueOperations * work.queueOperation +
      per.checksumBytes * work.checksumPerByte;
    this.moved();
  }

  /** @returns by how much it has grown since the last call */
  moved(): number {
    this.#words[0] = this.#region.read32(this.#at);
    this.#words[1] = this.#region.read32(this.#at + 4);
    const now = this.#double[0] as number;
    const grown = now - this.#seen;
    this.#seen = now;
    // A program may write into its own counters what it likes.
    return grown > 0 && grown < Number.MAX_SAFE_INTEGER ? grown : 0;
  }
}

/** One index of a queue, free-running. A peer may write into it what it likes. */
class WatchedIndex {
  readonly #region: ReadonlyRegion;
  readonly #queue: QueueRecord;
  readonly #at: number;
  #seen: number;

  /** @param at byte of the index in the region */
  constructor(region: ReadonlyRegion, at: number, queue: QueueRecord) {
    this.#region = region;
    this.#queue = queue;
    this.#at = at;
    this.#seen = this.#read();
  }

  /** @returns the operations since the last call */
  moved(): number {
    const now = this.#read();
    if (now === this.#seen) return 0;
    const { kind, capacity } = this.#queue;
    const by = indexDistance(kind, now, this.#seen);
    this.#seen = now;
    return kind.operation === 'entry' ? Math.min(by, capacity) : 1;
  }

  #read(): number {
    return readIndex(this.#queue.kind, this.#region, this.#at);
  }
}

/** @returns the region in which a program keeps its counters, if its configuration names one */
export function statsRegion(config: unknown): string | undefined {
  if (typeof config !== 'object' || config === null || !('stats' in config)) return undefined;
  return typeof config.stats === 'string' ? config.stats : undefined;
}

/** @param pattern a name, or the beginning of one and a star */
function fits(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}
