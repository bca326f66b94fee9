/** Texts that are printed to be given to a shell: the command line's, and the page's. */

/** One word, as a shell takes it, whatever is in the text. */
export function shellText(text: string): string {
  return /^[\w./,:=+-]+$/.test(text) ? text : shellQuoted(text);
}

/** The same in quotes, also where none are needed. */
export function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
