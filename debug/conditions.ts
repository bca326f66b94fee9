/** What a user wants the world to stop at. Kept from one run of it to the next. */

import type { WatchKind } from './moment.ts';

/** Memory that is watched, and for which accesses. */
export interface Watchpoint {
  readonly kind: WatchKind;
  /** As the user has named it. */
  readonly vaddr: number;
  readonly bytes: number;
  /** Where its bytes are, whoever reaches them by which address. */
  readonly place: WatchedPlace;
}

export type WatchedPlace =
  | { readonly kind: 'ram'; readonly at: number }
  | { readonly kind: 'device'; readonly name: string; readonly offset: number };

/** Kinds of moments that `monitor catch` takes; each for all, or for those that are named. */
export const CATCHES = ['irq', 'notification', 'syscall', 'fault'] as const;
export type Catch = (typeof CATCHES)[number];

const ALL = 'all';

export class Conditions {
  /** By domain: addresses of instructions. */
  readonly #breakpoints = new Map<string, Set<number>>();
  #watchpoints: readonly Watchpoint[] = [];
  /** Faults stop unless told otherwise, as signals do. */
  readonly #catches = new Map<Catch, Set<string>>([['fault', new Set([ALL])]]);
  /** Changes whenever a breakpoint or watchpoint does. */
  version = 0;
  #untilNs = Infinity;
  #lookAtEvents = false;

  get watchpoints(): readonly Watchpoint[] {
    return this.#watchpoints;
  }

  /**
   * Whether something is to be stopped at that events have to be looked at for. Asked at each of
   * them: kept, and not worked out.
   */
  get lookAtEvents(): boolean {
    return this.#lookAtEvents;
  }

  /** Virtual or host time at which to stop. */
  get untilNs(): number {
    return this.#untilNs;
  }

  set untilNs(atNs: number) {
    this.#untilNs = atNs;
    this.#changed();
  }

  #changed(): void {
    const catches = [...this.#catches].some(([kind, { size }]) => kind !== 'fault' && size > 0);
    this.#lookAtEvents = catches || this.#watchpoints.length > 0 || this.#untilNs < Infinity;
  }

  breakpointsOf(pd: string): ReadonlySet<number> {
    return this.#breakpoints.get(pd) ?? NONE;
  }

  setBreakpoint(pds: readonly string[], address: number): void {
    this.version += 1;
    for (const pd of pds) {
      const addresses = this.#breakpoints.get(pd) ?? new Set();
      this.#breakpoints.set(pd, addresses.add(address));
    }
  }

  clearBreakpoint(pds: readonly string[], address: number): void {
    this.version += 1;
    for (const pd of pds) this.#breakpoints.get(pd)?.delete(address);
  }

  watch(watchpoint: Watchpoint): void {
    this.unwatch(watchpoint);
    this.#watchpoints = [...this.#watchpoints, watchpoint];
    this.#changed();
  }

  unwatch({ kind, vaddr, bytes }: Omit<Watchpoint, 'place'>): void {
    this.version += 1;
    this.#watchpoints = this.#watchpoints.filter(
      (each) => each.kind !== kind || each.vaddr !== vaddr || each.bytes !== bytes,
    );
    this.#changed();
  }

  /** @param what a domain or interrupt; 'all', or 'off' for none */
  catch(kind: Catch, what: string): void {
    const caught = what === 'off' ? [] : [...(this.#catches.get(kind) ?? []), what];
    this.#catches.set(kind, new Set(caught));
    this.#changed();
  }

  catches(kind: Catch, what: string): boolean {
    const caught = this.#catches.get(kind);
    return caught !== undefined && (caught.has(ALL) || caught.has(what));
  }

  /** What is caught, a line for each kind. */
  describe(): readonly string[] {
    return CATCHES.map((kind) => {
      const caught = [...(this.#catches.get(kind) ?? [])];
      return `${kind}: ${caught.length === 0 ? 'off' : caught.join(', ')}`;
    });
  }

  /** Nothing is set any more: the debugger has gone. */
  clear(): void {
    this.version += 1;
    this.#breakpoints.clear();
    this.#watchpoints = [];
    this.#catches.clear();
    this.untilNs = Infinity; // and nothing is looked at any more
  }

  /** As for a new debugger. */
  renew(): void {
    this.clear();
    this.#catches.set('fault', new Set([ALL]));
  }
}

const NONE: ReadonlySet<number> = new Set();
