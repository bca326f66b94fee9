/**
 * A moment of a run. The same run of the same world comes to the same moments, so that one is found
 * again by running to it.
 */

export type Moment =
  /**
   * Steps of a domain's hart: instructions executed, and those that trapped. `before`: it is about
   * to take the next one; `after`: it has just taken the last.
   */
  | { readonly kind: 'before' | 'after'; readonly pd: string; readonly steps: number }
  /** One of the things that are observed from outside, counted since power-on. */
  | { readonly kind: 'event'; readonly event: number };

/** Why the world stands still. */
export type Cause =
  | { readonly kind: 'breakpoint' }
  | { readonly kind: 'step' }
  | { readonly kind: 'interrupt' }
  | { readonly kind: 'watch'; readonly access: WatchKind; readonly vaddr: number }
  /**
   * An exception of an instruction, by its number in `scause`; it has not reached the kernel yet.
   */
  | { readonly kind: 'exception'; readonly cause: number }
  /** Something that the user has asked to stop at, by `monitor`. */
  | { readonly kind: 'caught' }
  /** The beginning or the end of the run: there is nothing before it, or after it. */
  | { readonly kind: 'begin' | 'end' };

export type WatchKind = 'read' | 'write' | 'access';

/** Why a run stands still, and where. */
export interface Stop {
  readonly cause: Cause;
  readonly moment: Moment;
  /** Whose thread it is about; undefined when it is about none. */
  readonly pd: string | undefined;
  /** A line for the user, where the cause does not say it all. */
  readonly text?: string;
  /** What is wrong with the world that he sees. */
  readonly warning?: string;
}
