/**
 * A guided example: a system, and steps in plain sentences. A step is done when the engine shows
 * it, not when somebody says so.
 */

import type { FileListing } from '../engine/disk-files.ts';
import type { CapabilityRow } from '../engine/protocol.ts';
import type { OwnSystem, Scenario } from '../engine/scenario.ts';
import type { WorldView } from '../engine/world-view.ts';

/** What a step looks at: a part of what the page knows. */
export interface Seen {
  readonly scenario: Scenario;
  readonly view: WorldView | undefined;
  readonly log: readonly { readonly pd: string; readonly line: string; readonly timeNs: number }[];
  readonly frames: readonly { readonly bytes: Uint8Array }[];
  readonly path: { readonly outcome: string } | undefined;
  readonly capabilities:
    | { readonly pd: string; readonly rows: readonly CapabilityRow[] }
    | undefined;
  readonly files: { readonly listing: FileListing } | undefined;
  /** What UARTs have sent since power-on. */
  readonly console: string;
}

export interface Step {
  /** What to do; `[shown|word]` leads to the glossary. */
  readonly say: string;
  /** What has been seen then, and what it means. */
  readonly shows: string;
  readonly isDone: (seen: Seen) => boolean;
  /** Writes what the step asks for, for those who would rather not. */
  readonly edit?: (own: OwnSystem) => OwnSystem;
}

export interface Guide {
  /** What it is about, in a sentence or two. */
  readonly about: string;
  readonly scenario: Scenario;
  readonly steps: readonly Step[];
}

/** @returns the system with a part of one of its files replaced, wherever that stands in it */
export function replaced(own: OwnSystem, file: string, from: string, to: string): OwnSystem {
  const text = own.files[file] ?? '';
  return { ...own, files: { ...own.files, [file]: text.replace(from, to) } };
}

/** Whether somebody has printed a line that contains this. */
export function said(seen: Seen, pd: string, words: string): boolean {
  return seen.log.some((each) => each.pd === pd && each.line.includes(words));
}
