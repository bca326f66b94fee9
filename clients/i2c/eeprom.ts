/**
 * Writes across a page of a 24LC256 and reads it back, as a client of the i2c class: once, and says
 * so; or for ever, at other places with other bytes, and counts what it found. What fails is tried
 * again: nothing that goes wrong on the bus may be seen in what is read at last.
 *
 * A write of more than one page is cut at the page's end, and the next piece waits until the chip
 * acknowledges its address again (ACK polling): Microchip DS20001203, sections 6.2 and 7.
 */

import type { EntryPoints, ProtectionDomain } from '../../microkit/pd.ts';
import { counterNames, Counters } from '../../queues/counters.ts';
import { I2cBusClient, type I2cResult, read, write } from '../../queues/i2c/client.ts';
import type { I2cClientConfig } from '../../queues/i2c/config.ts';
import { I2C_OK } from '../../queues/i2c/layout.ts';
import type { MemberConfig } from '../../queues/restart/config.ts';
import { joinRestarts, supervised } from '../../queues/restart/member.ts';
import { type I2cTask, I2cTasks, type I2cTransaction } from '../../queues/i2c/tasks.ts';

export interface I2cEepromConfig {
  readonly i2c: I2cClientConfig;
  readonly rounds: 'once' | 'for ever';
  /** Where there is a supervisor. */
  readonly restart?: MemberConfig;
}

export const I2C_EEPROM_COUNTERS = counterNames(
  /** Written, read back, and the same. */
  'rounds',
  /** Read back, and not the same. */
  'mismatches',
  /** Transactions that failed, and were tried again. */
  'retries',
);
const COUNT = I2C_EEPROM_COUNTERS;

export { I2C_EEPROM_COUNTERS as counters };

const ADDRESS = 0x50;
const BYTES = 32_768;
const PAGE_BYTES = 64;
/** Twelve bytes in front of a page's end: the text lies in two pages. */
const PLACE = 3 * PAGE_BYTES - 12;
const TEXT = 'written across the end of a page';
/** A write takes 5 ms at most, a poll 25 us at least; a bus may be held for much longer. */
const TRIES_MAX = 4000;

export function main(pd: ProtectionDomain<I2cEepromConfig>): EntryPoints {
  const member = joinRestarts(pd, pd.config.restart);
  const bus = new I2cBusClient(pd, pd.config.i2c, member);
  const tasks = new I2cTasks(bus);
  const counters = new Counters(COUNT);
  let steps = 0;

  function* round(at: number, bytes: readonly number[]): I2cSteps<string | undefined> {
    const tries = yield* store(at, bytes);
    const found = tries === undefined ? undefined : yield* load(at, bytes.length);
    if (tries === undefined || found === undefined) return undefined;
    counters.add(COUNT.retries, tries);
    const isSame = bytes.every((byte, index) => found[index] === byte);
    counters.add(isSame ? COUNT.rounds : COUNT.mismatches, 1);
    return `read back '${String.fromCharCode(...found)}' after ${tries} polls`;
  }

  function* all(): I2cTask {
    pd.log((yield* round(PLACE, ascii(TEXT))) ?? 'the EEPROM does not answer');
    for (let number = 1; pd.config.rounds === 'for ever'; number += 1) {
      const bytes = ascii(TEXT).map((byte) => (byte * number) & 0xff);
      yield* round((number * 4099) % (BYTES - bytes.length), bytes);
    }
  }

  if (bus.claim(ADDRESS)) tasks.start(all());
  else pd.log(`another client has claimed 0x${ADDRESS.toString(16)}`);
  return supervised(member, tasks, {
    notified: () => {
      steps += 1;
      tasks.notified();
    },
    progress: () => steps,
    counters,
  });
}

type I2cSteps<Result> = Generator<I2cTransaction, Result, I2cResult>;

/** @returns how often something was tried in vain; undefined when the chip never took it */
function* store(at: number, bytes: readonly number[]): I2cSteps<number | undefined> {
  let tries = 0;
  for (let done = 0; done < bytes.length;) {
    const place = at + done;
    const piece = bytes.slice(done, done + PAGE_BYTES - (place % PAGE_BYTES));
    const words = [place >>> 8, place & 0xff, ...piece];
    const { error } = yield { address: ADDRESS, operations: [write(...words)] };
    if (error === I2C_OK) done += piece.length;
    else tries += 1;
    if (tries > TRIES_MAX) return undefined;
  }
  for (;;) {
    const { error } = yield { address: ADDRESS, operations: [write()] };
    if (error === I2C_OK) return tries;
    tries += 1;
    if (tries > TRIES_MAX) return undefined;
  }
}

function* load(at: number, length: number): I2cSteps<Uint8Array | undefined> {
  for (let tries = 0; tries <= TRIES_MAX; tries += 1) {
    const operations = [write(at >>> 8, at & 0xff), read(length)];
    const { error, reads } = yield { address: ADDRESS, operations };
    if (error === I2C_OK) return reads[0];
  }
  return undefined;
}

function ascii(text: string): readonly number[] {
  return Array.from(text, (character) => character.charCodeAt(0));
}
