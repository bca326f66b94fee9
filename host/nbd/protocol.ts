/** Numbers and messages of the network block device protocol, fixed newstyle (all big-endian). */

export const DEFAULT_PORT = 10_809;

/** Handshake. */
export const NBDMAGIC = 'NBDMAGIC';
export const IHAVEOPT = 'IHAVEOPT';
export const FLAG_FIXED_NEWSTYLE = 1;
export const FLAG_NO_ZEROES = 2;
export const OPTION_HEADER_BYTES = 16;
/** An option longer than this is refused, and the session ended. */
export const OPTION_BYTES_MAX = 8192;

export const OPT_EXPORT_NAME = 1;
export const OPT_ABORT = 2;
export const OPT_LIST = 3;
export const OPT_INFO = 6;
export const OPT_GO = 7;
export const OPT_STRUCTURED_REPLY = 8;

const REPLY_MAGIC_HIGH = 0x0003_e889;
const REPLY_MAGIC_LOW = 0x0455_65a9;
export const REP_ACK = 1;
export const REP_SERVER = 2;
export const REP_INFO = 3;
export const REP_ERR_UNSUP = 0x8000_0001;
export const REP_ERR_INVALID = 0x8000_0003;
export const REP_ERR_UNKNOWN = 0x8000_0006;

export const INFO_EXPORT = 0;
export const INFO_NAME = 1;
export const INFO_BLOCK_SIZE = 3;

/** Transmission flags. */
export const EXPORT_HAS_FLAGS = 1;
export const EXPORT_READ_ONLY = 2;
export const EXPORT_SEND_FLUSH = 4;
export const EXPORT_SEND_FUA = 8;
export const EXPORT_SEND_TRIM = 32;
export const EXPORT_SEND_WRITE_ZEROES = 64;
export const EXPORT_CAN_MULTI_CONN = 256;

/** Transmission. */
export const REQUEST_MAGIC = 0x2560_9513;
export const REQUEST_BYTES = 28;
const SIMPLE_REPLY_MAGIC = 0x6744_6698;
export const REPLY_BYTES = 16;
const CHUNK_MAGIC = 0x668e_33ef;
export const CHUNK_HEADER_BYTES = 20;
/** In front of the data of a chunk: where they lie on the disk. */
export const CHUNK_OFFSET_BYTES = 8;
export const CHUNK_FLAG_DONE = 1;
export const CHUNK_NONE = 0;
export const CHUNK_OFFSET_DATA = 1;
export const CHUNK_ERROR = 0x8001;

export const CMD_READ = 0;
export const CMD_WRITE = 1;
export const CMD_DISC = 2;
export const CMD_FLUSH = 3;
export const CMD_TRIM = 4;
export const CMD_WRITE_ZEROES = 6;
export const CMD_FLAG_FUA = 1;

export const ERROR_EPERM = 1;
export const ERROR_EIO = 5;
export const ERROR_EINVAL = 22;
export const ERROR_ENOSPC = 28;
export const ERROR_ESHUTDOWN = 108;

/** Longest payload of a request: what every client may assume. */
export const PAYLOAD_BYTES_MAX = 32 * 1024 * 1024;

export function greeting(): Buffer {
  const message = Buffer.alloc(18);
  message.write(NBDMAGIC, 0, 'latin1');
  message.write(IHAVEOPT, 8, 'latin1');
  message.writeUInt16BE(FLAG_FIXED_NEWSTYLE | FLAG_NO_ZEROES, 16);
  return message;
}

/** A reply to an option. */
export function optionReply(option: number, type: number, data: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt32BE(REPLY_MAGIC_HIGH, 0);
  header.writeUInt32BE(REPLY_MAGIC_LOW, 4);
  header.writeUInt32BE(option, 8);
  header.writeUInt32BE(type, 12);
  header.writeUInt32BE(data.length, 16);
  return Buffer.concat([header, data]);
}

/** Writes the header of a simple reply into the first 16 bytes. */
export function writeReplyHeader(
  reply: Buffer,
  error: number,
  cookieHigh: number,
  cookieLow: number,
): void {
  reply.writeUInt32BE(SIMPLE_REPLY_MAGIC, 0);
  reply.writeUInt32BE(error, 4);
  reply.writeUInt32BE(cookieHigh, 8);
  reply.writeUInt32BE(cookieLow, 12);
}

/** A chunk of a structured reply to READ, as its header says it. */
export interface Chunk {
  readonly type: number;
  readonly flags: number;
  readonly cookieHigh: number;
  readonly cookieLow: number;
  /** Bytes that follow the header. */
  readonly length: number;
}

/** Writes a chunk's header into the first 20 bytes. */
export function writeChunkHeader(message: Buffer, chunk: Chunk): void {
  message.writeUInt32BE(CHUNK_MAGIC, 0);
  message.writeUInt16BE(chunk.flags, 4);
  message.writeUInt16BE(chunk.type, 6);
  message.writeUInt32BE(chunk.cookieHigh, 8);
  message.writeUInt32BE(chunk.cookieLow, 12);
  message.writeUInt32BE(chunk.length, 16);
}

/**
 * The chunk that ends a structured reply without data: an error, or nothing.
 * @param error 0 for none
 */
export function lastChunk(error: number, cookieHigh: number, cookieLow: number): Buffer {
  // An error is followed by its number and a message of no bytes.
  const length = error === 0 ? 0 : 6;
  const type = error === 0 ? CHUNK_NONE : CHUNK_ERROR;
  const message = Buffer.alloc(CHUNK_HEADER_BYTES + length);
  writeChunkHeader(message, { type, flags: CHUNK_FLAG_DONE, cookieHigh, cookieLow, length });
  if (error !== 0) message.writeUInt32BE(error, CHUNK_HEADER_BYTES);
  return message;
}

export function writeWord64(into: Buffer, value: number, at: number): void {
  into.writeUInt32BE(Math.floor(value / 0x1_0000_0000), at);
  into.writeUInt32BE(value % 0x1_0000_0000, at + 4);
}

export function readWord64(from: Buffer, at: number): number {
  return from.readUInt32BE(at) * 0x1_0000_0000 + from.readUInt32BE(at + 4);
}
