/**
 * Memory and registers that a user watches. A hart's access is seen at its instruction. Writes of
 * others (programs in TypeScript, the kernel, DMA of devices) are found by comparing, at the next
 * event: a write that leaves the value as it was is not noticed.
 */

import type { Ram } from '../memory/ram.ts';
import type { Conditions, Watchpoint } from './conditions.ts';

export interface WatchAsker {
  hitBy(access: 'read' | 'write', watchpoint: Watchpoint): void;
  changedBy(watchpoint: Watchpoint, who: string): void;
}

interface Seen {
  readonly watchpoint: Watchpoint;
  readonly at: number;
  readonly bytes: Uint8Array;
}

export class WatchedMemory {
  readonly #asker: WatchAsker;
  #watchpoints: readonly Watchpoint[] = [];
  #seen: readonly Seen[] = [];
  #ram: Ram | undefined;

  constructor(asker: WatchAsker) {
    this.#asker = asker;
  }

  /** Another world: nothing is known of its memory. */
  forget(): void {
    this.#ram = undefined;
    this.#seen = [];
  }

  /** Looks at what is watched from now on. */
  renew({ watchpoints }: Conditions, ram: Ram | undefined): void {
    this.#ram = ram;
    this.#watchpoints = watchpoints;
    this.#seen = watchpoints.flatMap((watchpoint) => {
      const { place, bytes, kind } = watchpoint;
      if (ram === undefined || place.kind !== 'ram' || kind === 'read') return [];
      return [{ watchpoint, at: place.at, bytes: ram.u8.slice(place.at, place.at + bytes) }];
    });
  }

  /** A hart has accessed RAM. */
  readonly accessed = (access: 'read' | 'write', at: number, bytes: number): void => {
    for (const watchpoint of this.#watchpoints) {
      const { place } = watchpoint;
      if (place.kind !== 'ram' || !matches(watchpoint, access)) continue;
      if (at < place.at + watchpoint.bytes && place.at < at + bytes) {
        this.#remember();
        this.#asker.hitBy(access, watchpoint);
        return;
      }
    }
  };

  deviceAccessed(access: 'read' | 'write', name: string, offset: number): void {
    for (const watchpoint of this.#watchpoints) {
      const { place, bytes } = watchpoint;
      if (place.kind !== 'device' || place.name !== name || !matches(watchpoint, access)) continue;
      if (offset >= place.offset && offset < place.offset + bytes) {
        this.#asker.hitBy(access, watchpoint);
        return;
      }
    }
  }

  /** @param who has done what was done since the last look, as far as can be told */
  compare(who: string): void {
    const ram = this.#ram;
    if (ram === undefined) return;
    for (const { watchpoint, at, bytes } of this.#seen) {
      if (!bytes.some((byte, index) => ram.u8[at + index] !== byte)) continue;
      this.#remember();
      this.#asker.changedBy(watchpoint, who);
      return;
    }
  }

  #remember(): void {
    for (const { at, bytes } of this.#seen) {
      bytes.set(this.#ram?.u8.subarray(at, at + bytes.length) ?? []);
    }
  }
}

function matches({ kind }: Watchpoint, access: 'read' | 'write'): boolean {
  return kind === 'access' || kind === access;
}
