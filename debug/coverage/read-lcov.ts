/** Reads which lines a tracefile has, and which of them were executed; source: geninfo(1). */

/** By path, by line: whether it was executed. */
export type ExecutedLines = ReadonlyMap<string, ReadonlyMap<number, boolean>>;

/** @returns the lines, or what is wrong with the text */
export function readLcov(text: string): ExecutedLines | string {
  const sources = new Map<string, Map<number, boolean>>();
  let lines: Map<number, boolean> | undefined;
  for (const [index, record] of text.split('\n').entries()) {
    if (record.startsWith('SF:')) {
      const path = record.slice(3);
      lines = sources.get(path) ?? new Map<number, boolean>();
      sources.set(path, lines);
    } else if (record === 'end_of_record') {
      lines = undefined;
    } else if (record.startsWith('DA:')) {
      const [, line, count] = /^DA:(\d+),(\d+)(?:,.*)?$/.exec(record) ?? [];
      if (lines === undefined || line === undefined) {
        return `line ${index + 1} is no tracefile's: ${JSON.stringify(record.slice(0, 40))}`;
      }
      lines.set(Number(line), lines.get(Number(line)) === true || Number(count) > 0);
    }
  }
  return sources.size === 0 && text.trim() !== '' ? 'is no tracefile: it has no SF line' : sources;
}
