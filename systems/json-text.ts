/** JSON for standard output, which may be a terminal. */

// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROLS = /[\u007f-\u009f]/g;

/**
 * As `JSON.stringify`, which leaves some of what a terminal obeys as it is: U+009B begins a command
 * there as ESC [ does.
 */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replaceAll(
    CONTROLS,
    (each) => `\\u00${each.charCodeAt(0).toString(16)}`,
  );
}
