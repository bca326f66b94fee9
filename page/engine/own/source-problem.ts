/**
 * What is wrong with a file of one's own, and where: one line, which the editor shows at its line.
 */

export class SourceProblem extends Error {
  override readonly name = 'SourceProblem';

  /** @param line counted from 1; 0 when the whole file is meant */
  constructor(file: string, line: number, what: string) {
    super(line === 0 ? `${file}: ${what}` : `${file}:${line}: ${what}`);
  }
}

/**
 * @param files those of one's own
 * @returns the problem, with the place in the first of these files that the error's stack names
 */
export function placed(error: unknown, files: Iterable<string>, text: string): Error {
  if (error instanceof SourceProblem) return error;
  const place = placeIn(rawStackOf(error), files);
  return place === undefined ? new Error(text) : new SourceProblem(place.file, place.line, text);
}

export interface Place {
  readonly file: string;
  readonly line: number;
}

/** @returns the first place in one of these files that a text names, as `file:line` */
export function placeIn(text: string, files: Iterable<string>): Place | undefined {
  const names = new Set(files);
  for (const [, file = '', line = ''] of text.matchAll(/([\w./-]+):(\d+)/g)) {
    if (names.has(file)) return { file, line: Number(line) };
  }
  return undefined;
}

/** What is thrown may be anything, and throw when it is looked at. */
function rawStackOf(error: unknown): string {
  try {
    return error instanceof Error && typeof error.stack === 'string' ? error.stack : '';
  } catch {
    return '';
  }
}
