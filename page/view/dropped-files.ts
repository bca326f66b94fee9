/**
 * Files of somebody's own, as they come onto the page: sorted into what they are for the engine.
 */

import { isElf } from '../../microkit/elf/format.ts';
import type { OwnSystem, Scenario } from '../engine/scenario.ts';

export interface GivenFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Memory of a page has an end. */
export const FILES_BYTES_MAX = 256 * 1024 * 1024;

export type Given =
  | {
      readonly kind: 'system';
      readonly own: OwnSystem;
      readonly binaries: Readonly<Record<string, Uint8Array>>;
    }
  /** One line. */
  | { readonly kind: 'problem'; readonly text: string };

interface Sorted {
  readonly texts: Record<string, string>;
  readonly binaries: Record<string, Uint8Array>;
}

/**
 * @param files what has come now
 * @param before what is there already: files that belong to it may come later
 */
export function withGiven(
  files: readonly GivenFile[],
  before: {
    readonly own: Scenario['own'];
    readonly binaries: Readonly<Record<string, Uint8Array>>;
  },
): Given {
  const { texts, binaries } = sorted(files);
  const mains = Object.entries(texts).filter(isMain);
  const [main, second] = mains.map(([name]) => name);
  if (main !== undefined && second !== undefined) {
    return problem(`${main} and ${second} both describe a system: one at a time`);
  }
  // A description of its own begins anew.
  if (main !== undefined) return { kind: 'system', own: { main, files: texts }, binaries };
  const { own } = before;
  if (own === undefined) {
    const names = files.map(({ name }) => name).join(', ');
    return problem(
      `${names}: no system; a .system file, or a module that exports build(), says what runs`,
    );
  }
  return {
    kind: 'system',
    own: { ...own, files: { ...own.files, ...texts } },
    binaries: { ...before.binaries, ...binaries },
  };
}

function sorted(files: readonly GivenFile[]): Sorted {
  const found: Sorted = { texts: {}, binaries: {} };
  for (const { name, bytes } of files) {
    const text = isElf(bytes) ? undefined : textOf(bytes);
    const plain = name.replaceAll(/[^\w.-]/g, '_').replace(/^[.-]+/, '_');
    if (text === undefined) found.binaries[plain] = bytes;
    else found.texts[plain] = text;
  }
  return found;
}

function textOf(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    // Every byte of it: a region may be filled from it.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Describes a system: by its name, or by what it exports. */
function isMain([name, text]: readonly [string, string]): boolean {
  if (name.endsWith('.system')) return true;
  return (
    name.endsWith('.ts') && /^\uFEFF?export (?:function|const) build\b|: SystemModule\b/m.test(text)
  );
}

function problem(text: string): Given {
  return { kind: 'problem', text };
}
