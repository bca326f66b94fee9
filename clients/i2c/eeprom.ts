/**
 * Writes text across a page of a 24LC256 and reads it back, as a client of the i2c class.
 *
 * A write of more than one page is cut at the page's end, and the next piece waits until the chip
 * acknowledges its address again (ACK polling): Microchip DS20001203, sections 6.2 and 7.
 */

import type { EntryPoints, ProtectionDomain } from '../../microkit/pd.ts';
import type { I2cClientConfig } from '../../queues/i2c/config.ts';
import { I2C_ERR_NACK, I2C_OK } from '../../queues/i2c/layout.ts';
import {
  describeError,
  I2cBusClient,
  type I2cResult,
  read,
  write,
} from '../../queues/i2c/client.ts';
import { type I2cTask, type I2cTransaction, I2cTasks } from '../../queues/i2c/tasks.ts';

export interface I2cEepromConfig {
  readonly i2c: I2cClientConfig;
}

export const EEPROM_ADDRESS = 0x50;
const PAGE_BYTES = 64;
/** Twelve bytes in front of a page's end: the text lies in two pages. */
const PLACE = 3 * PAGE_BYTES - 12;
const TEXT = 'written across the end of a page';
/** A write takes 5 ms at most, a poll 25 us at least. */
const POLLS_MAX = 1000;

export function main(pd: ProtectionDomain<I2cEepromConfig>): EntryPoints {
  const bus = new I2cBusClient(pd, pd.config.i2c);
  const tasks = new I2cTasks(bus);
  let steps = 0;

  function* show(): I2cTask {
    const polls = yield* store(PLACE, ascii(TEXT));
    if (polls === undefined) return pd.log('the EEPROM does not answer');
    const { error, reads } = yield from(PLACE, TEXT.length);
    const [bytes] = reads;
    if (error !== I2C_OK || bytes === undefined) return pd.log(`read: ${describeError(error)}`);
    pd.log(`read back '${String.fromCharCode(...bytes)}' after ${polls} polls`);
  }

  if (bus.claim(EEPROM_ADDRESS)) tasks.start(show());
  else pd.log(`another client has claimed 0x${EEPROM_ADDRESS.toString(16)}`);
  return {
    notified: () => {
      steps += 1;
      tasks.notified();
    },
    progress: () => steps,
  };
}

/** @returns how often the chip was asked whether it is done; undefined when it never was */
function* store(
  at: number,
  bytes: readonly number[],
): Generator<I2cTransaction, number | undefined, I2cResult> {
  let polls = 0;
  for (let done = 0; done < bytes.length;) {
    const place = at + done;
    const piece = bytes.slice(done, done + PAGE_BYTES - (place % PAGE_BYTES));
    const words = [place >>> 8, place & 0xff, ...piece];
    const { error } = yield { address: EEPROM_ADDRESS, operations: [write(...words)] };
    if (error !== I2C_OK && error !== I2C_ERR_NACK) return undefined;
    if (error === I2C_OK) done += piece.length;
    else polls += 1;
    if (polls > POLLS_MAX) return undefined;
  }
  for (;;) {
    const { error } = yield { address: EEPROM_ADDRESS, operations: [write()] };
    if (error === I2C_OK) return polls;
    polls += 1;
    if (polls > POLLS_MAX) return undefined;
  }
}

function from(at: number, length: number): I2cTransaction {
  const operations = [write(at >>> 8, at & 0xff), read(length)];
  return { address: EEPROM_ADDRESS, operations };
}

function ascii(text: string): readonly number[] {
  return Array.from(text, (character) => character.charCodeAt(0));
}
