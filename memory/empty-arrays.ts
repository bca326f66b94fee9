/**
 * First values for fields of hot classes that cannot have their value at once: empty arrays, so
 * that the field begins with its own kind (`docs/hot-code.md`).
 */

// Not by `SharedArrayBuffer`, which a browser hides from pages that are not isolated.
const memory = new WebAssembly.Memory({ initial: 0, maximum: 0, shared: true });
const NOTHING = memory.buffer as ArrayBufferLike as SharedArrayBuffer;

export const NO_HALFWORDS = new Uint16Array(NOTHING);
export const NO_WORDS = new Int32Array(NOTHING);
export const NO_UNSIGNED_WORDS = new Uint32Array(NOTHING);
