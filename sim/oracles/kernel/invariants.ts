/**
 * What always holds between two kernel entries. Tests run this after every step. Each part is
 * looked at again only when something that it depends on has changed: nothing is left out, but most
 * steps cost little.
 */

import { AssertionFailure } from '../../../memory/assert.ts';
import type { KernelState } from '../../../kernel/state.ts';
import { checkCapabilities } from './capabilities.ts';
import type { Report } from './capabilities.ts';
import type { Census, Progress, Snapshot } from '../../../kernel/inspect/census.ts';
import { checkFreeMemory } from './free-memory.ts';
import { checkSpaces } from './spaces.ts';
import { TableWatch } from './table-watch.ts';
import type { TableChange } from './table-watch.ts';
import { checkAllReadyQueues, checkThreads } from './threads.ts';
import { Transitions } from './transitions.ts';

/** What takes long and cannot be known to be unchanged is looked at once in so many steps. */
const LONG_CHECKS_ONE_IN = 256;
/**
 * Page tables change with the capabilities that map; without such a change they are compared once
 * in so many steps.
 */
const TABLES_ONE_IN = 16;

/**
 * @returns what is broken: the number of the invariant (see the README) and where; empty when all
 * is well
 */
export function brokenInvariants(k: KernelState, census: Census): readonly string[] {
  return new InvariantChecker(k, census).broken('all');
}

/** @throws AssertionFailure that names everything broken */
export function assertInvariants(k: KernelState, census: Census): void {
  new InvariantChecker(k, census).assert('all');
}

const NO_CHANGES: readonly TableChange[] = [];

/**
 * Follows one kernel from step to step, and so sees what one state alone does not show: invariants
 * 12, 24, 35.
 */
export class InvariantChecker {
  readonly #k: KernelState;
  readonly #census: Census;
  readonly #transitions: Transitions;
  readonly #tables = new TableWatch();
  readonly #irqState: Uint8Array;
  /** What the last step has changed in page tables and ASID pools. */
  tables: readonly TableChange[] = NO_CHANGES;
  #checked: Snapshot | undefined;
  #steps = 0;

  constructor(k: KernelState, census: Census) {
    this.#k = k;
    this.#census = census;
    this.#transitions = new Transitions(k);
    this.#irqState = new Uint8Array(k.irqState.length);
  }

  /**
   * @param extent 'changed': what may be different from the last step; 'all': everything
   * @returns what is broken: the number of the invariant and where; empty when all is well
   */
  broken(extent: 'changed' | 'all'): readonly string[] {
    return this.brokenSince(this.#census.advance(this.#k), extent);
  }

  /** As {@link broken}, for a caller that needs what the census says, too. */
  brokenSince(progress: Progress, extent: 'changed' | 'all'): readonly string[] {
    const broken: string[] = [];
    const report: Report = (invariant, what) => {
      broken.push(`invariant ${invariant}: ${what}`);
    };
    const { snapshot } = progress;
    const isAll = extent === 'all';
    const hasNewSlots = isAll || snapshot !== this.#checked;
    const hasTables = hasNewSlots || this.#steps % TABLES_ONE_IN === 0;
    const tables = hasTables ? this.#tables.advance(snapshot.live) : NO_CHANGES;
    this.tables = tables;
    if (hasNewSlots) checkCapabilities(snapshot, report);
    checkThreads(this.#k, snapshot, report);
    if (hasNewSlots || tables.length > 0 || this.#haveIrqsChanged()) {
      checkSpaces(this.#k, snapshot, report);
    }
    if (this.#checked !== undefined) this.#transitions.check(progress, tables, report);
    else this.#transitions.begin();
    if (isAll || this.#steps % LONG_CHECKS_ONE_IN === 0) {
      checkAllReadyQueues(this.#k, report);
      checkFreeMemory(this.#k, snapshot, report);
    }
    this.#checked = snapshot;
    this.#steps += 1;
    return broken;
  }

  /** @throws AssertionFailure that names everything broken */
  assert(extent: 'changed' | 'all'): void {
    this.assertSince(this.#census.advance(this.#k), extent);
  }

  assertSince(progress: Progress, extent: 'changed' | 'all'): void {
    const broken = this.brokenSince(progress, extent);
    if (broken.length > 0) throw new AssertionFailure(broken.join('; '));
  }

  #haveIrqsChanged(): boolean {
    const now = this.#k.irqState;
    let hasChanged = false;
    for (let irq = 0; irq < now.length; irq += 1) {
      if (now[irq] === this.#irqState[irq]) continue;
      this.#irqState[irq] = now[irq] as number;
      hasChanged = true;
    }
    return hasChanged;
  }
}
