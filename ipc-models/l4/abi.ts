/** L4 IPC as a system call, in the manner of version X.2 with words of 8 bytes. */

export const L4_IPC = 1; // to or NIL_THREAD, from or NIL_THREAD or ANY_THREAD, send timeout, receive timeout: sender or error
export const L4_UNMAP = 2; // flexpage, UNMAP_OTHERS or UNMAP_ALL
export const L4_CANCEL = 3; // thread: ends whatever IPC it waits in

export const NIL_THREAD = 0;
export const ANY_THREAD = 0xffff_ffff;

/** Timeouts are microseconds. */
export const TIMEOUT_ZERO = 0;
export const TIMEOUT_NEVER = 0xffff_ffff;

export const UNMAP_OTHERS = 0;
export const UNMAP_ALL = 1;

/** What IPC answers instead of a sender: minus (code * 2 + phase). */
export const ERROR_TIMEOUT = 1;
export const ERROR_NON_EXISTENT = 2;
export const ERROR_CANCELED = 3;
export const ERROR_OVERFLOW = 4;
export const ERROR_ABORTED = 7;
export const PHASE_SEND = 0;
export const PHASE_RECEIVE = 1;

/** The user thread's control block: message registers 0..63 and buffer registers 0..32. */
export const UTCB_BYTES = 1024;
export const WORD_BYTES = 8;
export const MESSAGE_REGISTERS_MAX = 63;
export const BUFFER_REGISTERS_AT = 512;

/** Message register 0: label, typed words, untyped words. */
export function messageTag(untypedWords: number, typedWords: number, label = 0): number {
  return ((label << 16) | (typedWords << 6) | untypedWords) >>> 0;
}

/** Kinds of typed items: bits 1..3 of their first word. The map item has bit 3 alone. */
export const ITEM_KIND_MASK = 0xe;
export const ITEM_STRING = 0;
export const ITEM_MAP = 0x8;
export const ITEM_GRANT = 0xa;

export const STRING_BYTES_MAX = 4 * 2 ** 20;

/**
 * First word of a string item or a string buffer of `pieces` substrings of equal length; as many
 * addresses follow.
 */
export function stringItem(lengthBytes: number, pieces = 1): number {
  return ((lengthBytes << 10) | ((pieces - 1) << 4) | ITEM_STRING) >>> 0;
}

/** First word of a map or grant item; a flexpage follows. `base` is a multiple of 1024. */
export function mapItem(kind: typeof ITEM_MAP | typeof ITEM_GRANT, base: number): number {
  return (base | kind) >>> 0;
}

export const RIGHT_READ = 4;
export const RIGHT_WRITE = 2;

/** A range of 2^sizeBits bytes at a multiple of its size. */
export function fpage(base: number, sizeBits: number, rights = 0): number {
  return (base | (sizeBits << 4) | rights) >>> 0;
}

/** Buffer register 0: where pages may be mapped, and whether strings are taken. */
export function acceptor(window: number, strings: 'none' | 'strings'): number {
  return (window & ~0xf) | (strings === 'strings' ? 1 : 0);
}

/** Of one node in the mapping database. A figure of the model. */
export const MAP_NODE_BYTES = 32;
