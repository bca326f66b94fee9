/** Texts of programs in what a person reads: a program may print, or throw, megabytes. */

const CHARACTERS_MAX = 2000;

/** @returns the beginning, and how much is left out of what is too long to be read */
export function clippedText(text: string): string {
  if (text.length <= CHARACTERS_MAX) return text;
  return `${text.slice(0, CHARACTERS_MAX)} … (${text.length - CHARACTERS_MAX} more characters)`;
}
