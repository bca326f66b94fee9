/**
 * Checks a model: hands it to the reader that also reads XML, so that both have the same checks.
 */

import type { Diagnostic } from './diagnostic.ts';
import type { SystemDescription } from './model.ts';
import type { PrefillFiles } from './read/draft.ts';
import { readSystem } from './read/system.ts';
import type { Target } from './target.ts';
import { toElements } from './xml/render.ts';

/** @returns every error and warning, in the order in which the Microkit tool would meet them */
export function validate(system: SystemDescription, target: Target): readonly Diagnostic[] {
  const files = prefilledBytes(system);
  const result = readSystem(toElements(system), { file: system.name, target, files });
  return result.ok ? result.warnings : result.diagnostics;
}

/** The files that a model was filled from: it carries their bytes. */
export function prefilledBytes(system: SystemDescription): PrefillFiles {
  const bytes = new Map<string, Uint8Array>();
  for (const { prefill } of system.regions) {
    if (prefill?.kind === 'file') bytes.set(prefill.path, prefill.bytes);
  }
  return { read: (path) => bytes.get(path) ?? 'missing' };
}
