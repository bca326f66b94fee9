/**
 * A planted bug: a small change of the text of one of our own programs, of a kind that real drivers
 * have had. What the worlds of this room do not find, they would not find in a user's driver
 * either.
 */

import type { Plan } from '../plan/plan.ts';
import type { Exploration } from '../world.ts';

/** Replaces one piece of text, which is in the module exactly once. */
export interface Edit {
  readonly find: string;
  readonly replace: string;
}

export interface Mutant {
  /** Short: class and bug, such as 'net-ack-after-drain'. */
  readonly name: string;
  /** What is wrong, in one sentence. */
  readonly what: string;
  /** Module that is changed, from the root of the tree. */
  readonly file: string;
  readonly edits: readonly Edit[];
  readonly system: MutantSystem;
  /** How orders are chosen in the worlds that look for it. */
  readonly explore: Strategy;
  /** What goes wrong in them; standard chaos, unless told. */
  readonly plan?: Plan;
}

/** A ready-made system, with its choices. */
export interface MutantSystem {
  readonly name: 'echo' | 'blk' | 'serial' | 'fat' | 'vswitch';
  readonly choices: Readonly<Record<string, string>>;
  /** Queues and buffers are divided by this, so that they fill and wrap in a short run. */
  readonly shrunkBy: number;
}

export type Strategy = 'none' | 'random' | 'pct:3';

/** PCT draws its points from about as many as a run has. */
const POINTS_ABOUT = 2_000;

export function explorationOf(strategy: Strategy): Exploration | undefined {
  if (strategy === 'none') return undefined;
  if (strategy === 'random') return { kind: 'random' };
  return { kind: 'pct', depth: 3, points: POINTS_ABOUT };
}

/**
 * @returns the changed text; undefined when a piece is not there exactly once, so that a mutant
 * cannot grow stale unseen
 */
export function applyEdits(text: string, edits: readonly Edit[]): string | undefined {
  let changed = text;
  for (const { find, replace } of edits) {
    const at = changed.indexOf(find);
    if (at < 0 || changed.includes(find, at + 1)) return undefined;
    changed = changed.slice(0, at) + replace + changed.slice(at + find.length);
  }
  return changed;
}
