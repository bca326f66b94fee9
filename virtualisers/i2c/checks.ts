/** What a client's command must be before the driver sees it. */

import {
  I2C_HEADER,
  I2C_READ,
  I2C_REPEATED_START,
  I2C_WRITE_READ,
} from '../../queues/i2c/layout.ts';
import type { I2cCommand } from '../../queues/i2c/queues.ts';

/** Where a client's data are, in its own mapping. */
export interface ClientData {
  readonly clientDataVaddr: number;
  readonly dataSize: number;
}

const KNOWN_FLAGS = 0x1f;

/** @param before the command before it in the transaction */
export function checkCommand(
  { payload, length, flags }: I2cCommand,
  before: I2cCommand | undefined,
  { clientDataVaddr, dataSize }: ClientData,
): 'good' | 'bad' {
  if ((flags & I2C_HEADER) !== 0 || (flags & ~KNOWN_FLAGS) !== 0) return 'bad';
  // A register's number is one byte, also when nothing is read.
  const end = payload + ((flags & I2C_WRITE_READ) === 0 ? length : Math.max(length, 1));
  if (payload < clientDataVaddr || end > clientDataVaddr + dataSize) return 'bad';
  if ((flags & I2C_REPEATED_START) === 0) return 'good';
  if ((flags & I2C_WRITE_READ) !== 0) return 'bad';
  return before !== undefined && isRead(before.flags) === isRead(flags) ? 'good' : 'bad';
}

function isRead(flags: number): boolean {
  return (flags & (I2C_READ | I2C_WRITE_READ)) !== 0;
}
