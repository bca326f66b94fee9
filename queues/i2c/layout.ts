/**
 * Binary layouts and codes of the i2c class, byte for byte those of sDDF 0.7 (`i2c/queue.h`).
 *
 * A request queue carries transactions: a header command that says how many commands follow and for
 * which address, then those commands, all published at once. Payloads are 64-bit addresses of a
 * client's data; here they are numbers, exact below 2^53.
 */

import { struct } from '../../memory/struct.ts';

/**
 * Slots of both queues: what fits a page behind a bookkeeping area of 32 bytes. No power of two, so
 * the slot of an index jumps when the index wraps, after 2^32 commands, as it does in sDDF.
 */
export const I2C_SLOTS = 254;
/** sDDF's test for 'full' leaves one slot empty. */
export const I2C_ENTRIES_MAX = I2C_SLOTS - 1;
/** Bytes of each queue's region. */
export const I2C_QUEUE_BYTES = 4096;

/** The producer's cursor while a transaction is incomplete: nobody else's business. */
export const REQUEST_STAGED = 0;
/** Indices and commands of a request queue, in bytes from its beginning. */
export const REQUEST_TAIL = 4;
export const REQUEST_HEAD = 8;
export const REQUEST_COMMANDS = 16;

/** Indices and entries of a response queue, in bytes from its beginning. */
export const RESPONSE_TAIL = 0;
export const RESPONSE_HEAD = 4;
export const RESPONSE_ENTRIES = 8;

/** Of a header, `payloadLow` has the number of commands in its lower half, then the address. */
export const I2cCommandLayout = struct(16, {
  payloadLow: 'u32',
  payloadHigh: 'u32',
  length: 'u8',
  flags: 'u8',
  hole0: 'u16',
  hole1: 'u32',
});

/** `command` is the one that failed, from 1; 0 without an error. */
export const I2cResponseLayout = struct(16, {
  commandLow: 'u32',
  commandHigh: 'u32',
  address: 'u8',
  hole0: 'u8',
  hole1: 'u16',
  error: 'u32',
});

/** A header; alone. */
export const I2C_HEADER = 1 << 0;
/** Reads into the buffer; without it, the buffer is written to the bus. */
export const I2C_READ = 1 << 1;
/** Writes the first byte of the buffer, a register's number, then reads. Implies a read. */
export const I2C_WRITE_READ = 1 << 2;
/** A stop condition after the command. */
export const I2C_STOP = 1 << 3;
/** A repeated start; in the same direction as the command before. */
export const I2C_REPEATED_START = 1 << 4;

/** `error` of a response. */
export const I2C_OK = 0;
export const I2C_ERR_MALFORMED_TRANSACTION = 1;
export const I2C_ERR_MALFORMED_HEADER = 2;
export const I2C_ERR_UNPERMITTED_ADDRESS = 3;
export const I2C_ERR_TIMEOUT = 4;
export const I2C_ERR_NACK = 5;
export const I2C_ERR_NO_READ = 6;
export const I2C_ERR_BAD_SEQUENCE = 7;
export const I2C_ERR_OTHER = 8;

/** For messages; index is the code. */
export const I2C_ERROR_NAMES = [
  'ok',
  'malformed transaction',
  'malformed header',
  'address not permitted',
  'timeout',
  'not acknowledged',
  'nothing to read',
  'bad sequence',
  'failed',
] as const;

/** Only 7-bit addresses. */
export const I2C_ADDRESS_MAX = 0x7f;

/** Protected calls to the virtualiser; the address is in message register 0. */
export const I2C_CLAIM = 1;
export const I2C_RELEASE = 2;
/** Labels of its replies. */
export const I2C_SUCCESS = 0;
export const I2C_FAILURE = 1;
