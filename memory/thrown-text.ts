/** What to say of something that was thrown. */

/**
 * @returns the message of an error, anything else as text. Whatever is thrown has one: code that is
 * not ours may throw an object that no text can be made of, or an error whose message is no text.
 */
export function thrownText(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return `a value that is no text (${typeof thrown})`;
  }
}
