/**
 * First values for fields of hot classes that cannot have their value at once. A field that is
 * declared without a value begins as `undefined`, and V8 then remembers for good that it may hold
 * anything: each use of a number is checked to be one, each use of an array for its kind. Fields
 * that begin with a value of their own kind, 0 or an empty array, are used without.
 */

const NOTHING = new SharedArrayBuffer(0);

export const NO_HALFWORDS = new Uint16Array(NOTHING);
export const NO_WORDS = new Int32Array(NOTHING);
export const NO_UNSIGNED_WORDS = new Uint32Array(NOTHING);
