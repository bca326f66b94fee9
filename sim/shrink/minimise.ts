/**
 * Removes parts of a list as long as something still holds: delta debugging (Zeller and
 * Hildebrandt, IEEE TSE 2002), without complements at the finest level, which removing one by one
 * does anyway.
 */

/**
 * @param holds whether what is looked for is still there with these items alone; never asked about
 * the whole list
 * @param mayGoOn false ends the search early
 * @returns a part of `items`, in order, from which no single one can be removed, unless the search
 * was ended
 */
export function minimise<T>(
  items: readonly T[],
  holds: (kept: readonly T[]) => boolean,
  mayGoOn: () => boolean,
): readonly T[] {
  let kept = items;
  // Nothing at all is worth one try: often the cause lies elsewhere.
  if (kept.length > 1 && mayGoOn() && holds([])) return [];
  let size = Math.ceil(kept.length / 2);
  while (size >= 1) {
    const before = kept.length;
    kept = withoutChunks(kept, size, holds, mayGoOn);
    if (!mayGoOn()) return kept;
    // At the finest level, again until nothing goes.
    if (size > 1) size = Math.ceil(size / 2);
    else if (kept.length === before) return kept;
  }
  return kept;
}

function withoutChunks<T>(
  items: readonly T[],
  size: number,
  holds: (kept: readonly T[]) => boolean,
  mayGoOn: () => boolean,
): readonly T[] {
  let kept = items;
  // From the end: of several causes the earliest stays, and the run can end early.
  for (let end = kept.length; end > 0 && mayGoOn(); end -= size) {
    const shorter = [...kept.slice(0, Math.max(0, end - size)), ...kept.slice(end)];
    if (holds(shorter)) kept = shorter;
  }
  return kept;
}
