/**
 * What is wrong with a description, as a value. The message is word for word that of the Microkit
 * tool where the tool has one; the place, the hint and the fact that all of them are reported at
 * once are added here.
 */

export type Severity = 'error' | 'warning';

/** Where in a file: lines and columns count from 1, columns in characters. */
export interface Span {
  readonly line: number;
  readonly column: number;
  /** Characters from `column` on, on the same line. */
  readonly length: number;
}

/** One thing that is wrong: what, where, and what to do. */
export interface Diagnostic {
  readonly severity: Severity;
  /** As the tool prints it, position of the element included. */
  readonly message: string;
  /** The element at fault: `protection_domain 'client' > map 'data'`. */
  readonly path: string;
  /** The attribute or element at fault, when the description came from a file. */
  readonly span?: Span;
  /** What to do about it. */
  readonly hint?: string;
}

/** Whether the system cannot be built because of it. */
export function isError(diagnostic: Diagnostic): boolean {
  return diagnostic.severity === 'error';
}

/**
 * @param source the file's text, split into lines
 * @returns the diagnostic as `file:line:column: message`, the source line, a caret line and the
 * hint
 */
export function formatDiagnostic(
  diagnostic: Diagnostic,
  file: string,
  source: readonly string[],
): string {
  const { message, path, span, hint } = diagnostic;
  const text = diagnostic.severity === 'warning' ? `warning: ${message}` : message;
  const lines: string[] = [];
  if (span === undefined) {
    lines.push(path === '' ? text : `${text}\n  in ${path}`);
  } else {
    lines.push(`${file}:${span.line}:${span.column}: ${text}`);
    const line = source[span.line - 1];
    if (line !== undefined) lines.push(...excerpt(line, span));
  }
  if (hint !== undefined) lines.push(`  hint: ${hint}`);
  return lines.join('\n');
}

const EXCERPT_COLUMNS = 120;
/** A file may hold anything; a terminal would obey these. */
const CONTROL = /\p{Cc}/gu;

/** The source line and a line of carets under the span; a long line is cut around the span. */
function excerpt(line: string, span: Span): string[] {
  const characters = Array.from(line.replaceAll('\t', ' ').replaceAll(CONTROL, '\u{fffd}'));
  const start = span.column > EXCERPT_COLUMNS ? span.column - 1 - EXCERPT_COLUMNS / 2 : 0;
  const shown = characters.slice(start, start + EXCERPT_COLUMNS).join('');
  const number = String(span.line);
  const indent = ' '.repeat(number.length);
  const offset = span.column - 1 - start;
  const carets = Math.max(1, Math.min(span.length, EXCERPT_COLUMNS - offset));
  return [`  ${number} | ${shown}`, `  ${indent} | ${' '.repeat(offset)}${'^'.repeat(carets)}`];
}
