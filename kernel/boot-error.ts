/** A boot configuration that cannot be met; the message is one line for the user. */
export class BootError extends Error {
  override readonly name = 'BootError';
}
