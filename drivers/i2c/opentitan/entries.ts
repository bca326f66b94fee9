/**
 * A transaction of the i2c class as entries of the controller's FMT FIFO: what goes over the bus,
 * in order. Made one after another, as the FIFO has room.
 *
 * Every transaction ends with a stop condition, also where its last command does not ask for one: a
 * bus that is left held keeps every other client from it.
 */

import type { Region } from '../../../memory/region.ts';
import { I2C_READ, I2C_STOP, I2C_WRITE_READ } from '../../../queues/i2c/layout.ts';
import { FDATA_RCONT, FDATA_READB, FDATA_START, FDATA_STOP, FIFO_DEPTH } from './regs.ts';

/** A command, with its bytes found. */
export interface Command {
  readonly data: Region;
  /** Of its first byte in the region. */
  readonly at: number;
  readonly length: number;
  readonly flags: number;
}

export function isRead({ flags }: Command): boolean {
  return (flags & (I2C_READ | I2C_WRITE_READ)) !== 0;
}

export interface Entry {
  /** As FDATA takes it. */
  readonly word: number;
  /** Index of the command that it belongs to. */
  readonly command: number;
}

export class Entries {
  readonly #address: number;
  readonly #commands: readonly Command[];
  readonly #entries: Iterator<Entry, undefined>;
  #next: IteratorResult<Entry, undefined>;

  constructor(address: number, commands: readonly Command[]) {
    this.#address = address;
    this.#commands = commands;
    this.#entries = this.#all();
    this.#next = this.#entries.next();
  }

  get isDone(): boolean {
    return this.#next.done === true;
  }

  /** Bytes that the next entry brings into the RX FIFO. */
  get reads(): number {
    const word = this.#next.value?.word ?? 0;
    return (word & FDATA_READB) === 0 ? 0 : word & 0xff;
  }

  /** There must be one. */
  take(): Entry {
    const entry = this.#next.value as Entry;
    this.#next = this.#entries.next();
    return entry;
  }

  *#all(): Generator<Entry, undefined> {
    for (const [command, each] of this.#commands.entries()) {
      const isLast = command === this.#commands.length - 1;
      const stops = isLast || (each.flags & I2C_STOP) !== 0;
      const words = isRead(each) ? reads : writes;
      for (const word of this.#begin(each, stops)) yield { word, command };
      for (const word of words(each, stops)) yield { word, command };
    }
    return undefined;
  }

  /** The address; where a register is to be read its number before, between two starts. */
  *#begin(command: Command, stops: boolean): Generator<number> {
    const { flags, data, at, length } = command;
    const address = (this.#address << 1) | FDATA_START;
    if ((flags & I2C_WRITE_READ) !== 0) {
      yield address;
      yield data.read8(at);
    }
    const end = length === 0 && stops ? FDATA_STOP : 0;
    yield address | (isRead(command) ? 1 : 0) | end;
  }
}

function* writes({ data, at, length }: Command, stops: boolean): Generator<number> {
  for (let index = 0; index < length; index += 1) {
    const isLast = index === length - 1;
    yield data.read8(at + index) | (isLast && stops ? FDATA_STOP : 0);
  }
}

/** In pieces that the RX FIFO holds; the last byte of all is not acknowledged. */
function* reads({ length }: Command, stops: boolean): Generator<number> {
  for (let left = length; left > 0; left -= FIFO_DEPTH) {
    const count = Math.min(left, FIFO_DEPTH);
    const isLast = left <= FIFO_DEPTH;
    const end = stops ? FDATA_STOP : 0;
    yield count | FDATA_READB | (isLast ? end : FDATA_RCONT);
  }
}
