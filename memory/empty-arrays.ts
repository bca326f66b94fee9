/**
 * First values for fields of hot classes that cannot have their value at once: empty arrays, so
 * that the field begins with its own kind (`docs/hot-code.md`).
 */

const NOTHING = new SharedArrayBuffer(0);

export const NO_HALFWORDS = new Uint16Array(NOTHING);
export const NO_WORDS = new Int32Array(NOTHING);
export const NO_UNSIGNED_WORDS = new Uint32Array(NOTHING);
