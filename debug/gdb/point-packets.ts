/** Packets that set and take away breakpoints and watchpoints: Z0 to Z4, z0 to z4. */

import type { Debugger } from '../debugger.ts';
import { DomainView } from '../domains.ts';
import type { WatchKind } from '../moment.ts';
import type { ClientThreads } from './client-threads.ts';
import { type Range, rangeOf } from './packets.ts';
import type { ProgramGuess } from './program-guess.ts';
import { BAD, OK, UNKNOWN } from './replies.ts';

/** By the digit of the packet; 0 and 1 are breakpoints. */
const WATCH_KINDS: readonly (WatchKind | undefined)[] = [
  undefined,
  undefined,
  'write',
  'read',
  'access',
];

export class PointPackets {
  readonly #threads: ClientThreads;
  readonly #guess: ProgramGuess;
  readonly #debugger: Debugger;

  constructor(threads: ClientThreads, guess: ProgramGuess, debug: Debugger) {
    this.#threads = threads;
    this.#guess = guess;
    this.#debugger = debug;
  }

  /** @param data the whole packet: `Z0,200018,4` */
  answer(data: string): string {
    const match = /^([zZ])([0-4]),([0-9a-fA-F]+),([0-9a-fA-F]+)$/.exec(data);
    const range = match === null ? undefined : rangeOf(`${match[3] ?? ''},${match[4] ?? ''}`);
    if (match === null || range === undefined) return UNKNOWN;
    const isSet = match[1] === 'Z';
    const kind = WATCH_KINDS[Number(match[2])];
    if (kind !== undefined) return this.#watch(isSet, kind, range);
    const { conditions } = this.#debugger;
    const { mode, generalPd } = this.#threads;
    const pds = mode === 'threads' ? this.#guess.pds : [generalPd];
    if (isSet) conditions.setBreakpoint(pds, range.vaddr);
    else conditions.clearBreakpoint(pds, range.vaddr);
    return OK;
  }

  #watch(isSet: boolean, kind: WatchKind, { vaddr, bytes }: Range): string {
    const { conditions } = this.#debugger;
    if (!isSet) {
      conditions.unwatch({ kind, vaddr, bytes });
      return OK;
    }
    const place = this.#placeOf(vaddr);
    if (place === undefined || bytes === 0) return BAD;
    conditions.watch({ kind, vaddr, bytes, place });
    return OK;
  }

  /** In the thread that the client looks at, or in one whose program it has. */
  #placeOf(vaddr: number): ReturnType<DomainView['placeOf']> {
    const { mode, generalPd } = this.#threads;
    const { pds } = this.#guess;
    const isOwn = mode === 'inferiors' || pds.includes(generalPd);
    for (const pd of isOwn ? [generalPd] : pds) {
      const place = new DomainView(pd, this.#debugger).placeOf(vaddr);
      if (place !== undefined) return place;
    }
    return undefined;
  }
}
