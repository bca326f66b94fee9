/** The whole way from a `.system` file's text to the model. */

import type { Diagnostic } from '../diagnostic.ts';
import { parseXml } from '../xml/parse.ts';
import type { ReadOptions, ReadResult } from './system.ts';
import { readSystem } from './system.ts';

/** @returns the description in a text of XML, or everything that is wrong with it */
export function readSystemText(text: string, options: ReadOptions): ReadResult {
  const cause = causeOf(text);
  if (cause !== undefined) {
    const message = `Could not parse '${options.file}': ${cause.what}`;
    const diagnostic: Diagnostic = { severity: 'error', message, path: '', hint: cause.hint };
    return { ok: false, diagnostics: [diagnostic] };
  }
  const parsed = parseXml(text, options.file);
  if (!parsed.ok) return { ok: false, diagnostics: parsed.errors };
  return readSystem(parsed.root, options);
}

interface Cause {
  readonly what: string;
  readonly hint: string;
}

const LINES_LOOKED_AT = 10_000;

/**
 * Recognises a file that is no description at all, and names the one cause, where the rules of XML
 * would report a hundred errors or none.
 */
function causeOf(text: string): Cause | undefined {
  // Read as UTF-8, every second byte of it is 0.
  if (text.slice(0, 64).includes('\0')) {
    return { what: 'the file is UTF-16', hint: 'iconv -f UTF-16 -t UTF-8 converts it' };
  }
  const lines = withoutComments(text).split('\n', LINES_LOOKED_AT);
  for (const [index, line] of lines.entries()) {
    const directive = /^\s*#\s*(?:include|define|undef|if|ifdef|ifndef|else|elif|endif)\b/.exec(
      line,
    );
    if (directive === null) continue;
    return {
      what: `line ${index + 1}: '${directive[0].trim()}' is for the C preprocessor: the file is a template`,
      hint: 'cpp -P makes the description of it',
    };
  }
  return undefined;
}

/** Lines stay where they are. */
function withoutComments(text: string): string {
  if (!text.includes('#')) return '';
  let plain = '';
  for (let at = 0; at < text.length;) {
    const begin = text.indexOf('<!--', at);
    if (begin < 0) return plain + text.slice(at);
    const end = text.indexOf('-->', begin + 4);
    const comment = text.slice(begin, end < 0 ? text.length : end);
    plain += text.slice(at, begin) + '\n'.repeat(comment.split('\n').length - 1);
    at = end < 0 ? text.length : end + 3;
  }
  return plain;
}
