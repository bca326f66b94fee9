/** Commands that are printed, to be given to a shell. */

/** As a shell takes it. */
export function shellText(text: string): string {
  return /^[\w./,:=+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
