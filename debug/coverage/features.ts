/**
 * What a run has come to, as numbers that mean the same in every run and process: for whoever
 * compares what many runs have come to.
 *
 * Of modules: each block that was executed, as V8 tells them. Of images: where execution came to,
 * and each outcome of a branch. What else there is is given as text.
 */

import type { ExecutedScript } from '../../host/script-coverage.ts';

export class Features {
  #reached = new Set<number>();

  addText(text: string): void {
    this.#reached.add(hashOf(text));
  }

  /** @param scripts executed since the last time */
  addScripts(scripts: readonly Omit<ExecutedScript, 'code'>[]): void {
    for (const { url, functions } of scripts) {
      const ofFile = hashOf(url);
      for (const { ranges } of functions) {
        // Whether it is told of those that were not called depends on what was called before.
        if (ranges[0]?.count === 0) continue;
        for (const { startOffset, endOffset, count } of ranges) {
          // A block that was executed as often as what is around it is not told of: so what is
          // not executed says as much.
          const place = mixed(mixed(ofFile, startOffset), endOffset);
          this.#reached.add(mixed(place, Math.min(count, 1)));
        }
      }
    }
  }

  /** @param notes as `CoverageMap` has them, 1 where something has happened */
  addImage(name: string, notes: Uint8Array): void {
    const ofImage = hashOf(name);
    for (let at = 0; at < notes.length; at += 1) {
      if (notes[at] !== 0) this.#reached.add(mixed(ofImage, at));
    }
  }

  /** @returns what has been reached since the last time */
  take(): readonly number[] {
    const reached = [...this.#reached];
    this.#reached = new Set();
    return reached;
  }
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c_9dc5;
  for (let i = 0; i < text.length; i += 1) hash = mixed(hash, text.charCodeAt(i));
  return hash;
}

function mixed(hash: number, value: number): number {
  return Math.imul(hash ^ value, 0x0100_0193) >>> 0;
}
