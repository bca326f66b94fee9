/**
 * How deeply JSON is nested. Readers that call themselves for each level have a stack that ends, so
 * a text is looked at first, level by level and without one.
 */

/** A plan in a failure file is 6 levels down, and has 5 of its own. */
const LEVELS_MAX = 32;

/** Strings and comments, whose brackets are none; then brackets. */
const TOKEN = /"(?:[^"\\\n]+|\\.)*"?|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|[[\]{}]/g;

/** @returns offset of the bracket that is one level too deep; undefined when none is */
export function tooDeepAt(text: string): number | undefined {
  let level = 0;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (token === '[' || token === '{') level += 1;
    else if (token === ']' || token === '}') level -= 1;
    if (level > LEVELS_MAX) return index;
  }
  return undefined;
}
