/** The whole way from a `.system` file's text to the model. */

import { parseXml } from '../xml/parse.ts';
import type { ReadOptions, ReadResult } from './system.ts';
import { readSystem } from './system.ts';

export function readSystemText(text: string, options: ReadOptions): ReadResult {
  const parsed = parseXml(text, options.file);
  if (!parsed.ok) return { ok: false, diagnostics: parsed.errors };
  return readSystem(parsed.root, options);
}
