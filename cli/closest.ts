/** Guesses what was meant by a mistyped word. */

/** @returns the known word that is fewest edits away, when that is few; else `undefined` */
export function closest(text: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestEdits = Math.max(1, Math.floor(text.length / 3)) + 1;
  for (const word of known) {
    const edits = editDistance(text, word);
    if (edits < bestEdits) {
      best = word;
      bestEdits = edits;
    }
  }
  return best;
}

/**
 * @returns ` (did you mean WORD?)`, to be put behind a message; empty when no known word is near
 */
export function didYouMean(text: string, known: readonly string[]): string {
  const guess = closest(text, known);
  return guess === undefined ? '' : ` (did you mean ${guess}?)`;
}

/**
 * Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
 */
function editDistance(from: string, to: string): number {
  let beforeLast: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const isSame = from.charAt(i - 1) === to.charAt(j - 1);
      const isSwap =
        from.charAt(i - 1) === to.charAt(j - 2) && from.charAt(i - 2) === to.charAt(j - 1);
      row.push(
        Math.min(
          (last[j - 1] ?? 0) + (isSame ? 0 : 1),
          (last[j] ?? 0) + 1,
          (row[j - 1] ?? 0) + 1,
          isSwap && i > 1 && j > 1 ? (beforeLast[j - 2] ?? 0) + 1 : Infinity,
        ),
      );
    }
    beforeLast = last;
    last = row;
  }
  return last[to.length] ?? 0;
}
