/**
 * A program's end of the i2c class: transactions of writes and reads, many at once, each with a
 * function that is told how it ended.
 *
 *     const bus = new I2cBusClient(pd, pd.config.i2c);
 *     if (!bus.claim(0x68)) pd.log('somebody else has the clock');
 *     bus.submit(0x68, [writeRead(0x00, 7)], ({ error, reads }) => …);
 *     return { notified: () => bus.notified() };
 *
 * `tasks.ts` lets a program wait instead, a step after another. Where there is a supervisor, this
 * is the program's connection to the virtualiser: `supervised(member, bus, { notified: … })`.
 */

import type { Region } from '../../memory/region.ts';
import type { Connections, Member } from '../restart/member.ts';
import type { I2cClientConfig } from './config.ts';
import { closeI2cEnd, type I2cEnd, openI2cEnd } from './i2c-end.ts';
import {
  I2C_ADDRESS_MAX,
  I2C_CLAIM,
  I2C_ERR_OTHER,
  I2C_ERROR_NAMES,
  I2C_READ,
  I2C_RELEASE,
  I2C_STOP,
  I2C_SUCCESS,
  I2C_WRITE_READ,
} from './layout.ts';
import { I2cRequestProducer, I2cResponseConsumer } from './queues.ts';

/** One command of a transaction. */
export type I2cOperation =
  | { readonly kind: 'write'; readonly bytes: readonly number[] }
  | { readonly kind: 'read'; readonly length: number }
  /** Writes a register's number, and reads from there. */
  | { readonly kind: 'write-read'; readonly register: number; readonly length: number };

/** A command that writes 0 to 255 bytes. */
export function write(...bytes: readonly number[]): I2cOperation {
  return { kind: 'write', bytes };
}

/** A command that reads 0 to 255 bytes. */
export function read(length: number): I2cOperation {
  return { kind: 'read', length };
}

/** A command that writes a register's number, and reads from there: 0 to 255 bytes. */
export function writeRead(register: number, length: number): I2cOperation {
  return { kind: 'write-read', register, length };
}

/** What came of a transaction. */
export interface I2cResult {
  /** `I2C_OK` or an error; see `queues/i2c/layout.ts`. */
  readonly error: number;
  /** Which command failed, from 1; 0 without an error, or when all of it was refused. */
  readonly command: number;
  /** What was read, a piece for each operation that reads; empty on an error. */
  readonly reads: readonly Uint8Array[];
}

/** Called once for each transaction, when it has ended; what was read is a copy. */
export type I2cDone = (result: I2cResult) => void;

/** @returns words for a person: 'not acknowledged' */
export function describeError(error: number): string {
  return I2C_ERROR_NAMES[error] ?? `error ${error}`;
}

/** What a protection domain gives to this. */
export interface I2cPd {
  region(name: string): Region;
  notify(channel: number): void;
  setMr(index: number, value: number): void;
  ppcall(channel: number, message: number): number;
}

/**
 * Message information of Microkit: the label above 12 bits that say how many registers go along.
 */
const LABEL = 0x1000;
/** Bytes of an operation's place in the data region: the longest fits. */
const PLACE_BYTES = 256;
/** Of an operation: its length is one byte. */
const LENGTH_MAX = 255;

interface Sent {
  readonly address: number;
  readonly operations: readonly I2cOperation[];
  /** Places in the data region, one for each operation. */
  readonly places: readonly number[];
  readonly done: I2cDone;
}

/**
 * A client of a shared bus: it claims addresses, and sends transactions to them, several at once.
 */
export class I2cBusClient implements Connections {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  /** Answers that belong to no transaction of ours. */
  strayAnswers = 0;
  readonly #pd: I2cPd;
  readonly #channel: number;
  readonly #end: I2cEnd;
  /** Addresses that are ours. */
  readonly #claimed = new Set<number>();
  readonly #data: Region;
  readonly #requests: I2cRequestProducer;
  readonly #responses: I2cResponseConsumer;
  readonly #freePlaces: number[];
  /** Operations of the longest transaction that there is ever room for. */
  readonly #operationsMax: number;
  /** Oldest first. Those for one address are answered in order, also by upstream's virtualiser. */
  readonly #sent: Sent[] = [];

  /** @param member where there is a supervisor */
  constructor(pd: I2cPd, config: I2cClientConfig, member?: Member) {
    const { virt, data } = config;
    this.#pd = pd;
    this.#channel = virt.channel;
    this.#data = pd.region(data.region);
    this.#requests = new I2cRequestProducer(pd.region(virt.requestQueue), virt.capacity);
    this.#responses = new I2cResponseConsumer(pd.region(virt.responseQueue));
    this.#end = { connection: virt, requests: this.#requests, responses: this.#responses };
    if (member?.abandoned.includes(virt.channel) === true) this.close();
    const places = Math.floor(this.#data.sizeBytes / PLACE_BYTES);
    this.#freePlaces = Array.from({ length: places }, (_, index) => index * PLACE_BYTES);
    this.#operationsMax = Math.min(places, virt.capacity - 1);
  }

  /** Transactions that have not been answered. */
  get pending(): number {
    return this.#sent.length;
  }

  /**
   * @returns whether the address is ours, now or already: it is not, if another client has it.
   *   While the virtualiser is down nobody knows: it is claimed when that runs again.
   */
  claim(address: number): boolean {
    const isOurs = this.#requests.isClosed || this.#call(I2C_CLAIM, address);
    if (isOurs) this.#claimed.add(address);
    return isOurs;
  }

  /** @returns whether it was ours */
  release(address: number): boolean {
    const wasOurs = this.#claimed.delete(address);
    return this.#requests.isClosed ? wasOurs : this.#call(I2C_RELEASE, address);
  }

  /** The virtualiser is down. */
  close(): void {
    closeI2cEnd(this.#pd, this.#end);
  }

  /**
   * Another virtualiser runs. It does not know whose the addresses are, so they are claimed again;
   * what was under way has failed, as far as we can know.
   */
  open(): void {
    openI2cEnd(this.#end);
    for (const address of this.#claimed) this.#call(I2C_CLAIM, address);
    const lost = this.#sent.splice(0);
    for (const sent of lost) this.#finish(sent, I2C_ERR_OTHER, 0);
  }

  /**
   * Sends a transaction; `done` is told how it ended, from {@link notified}.
   *
   * @returns 'no room' when too many are pending: it was not sent, try again after an answer
   * @throws RangeError for an address of more than 7 bits, for an operation of more than 255 bytes,
   *   for no operation at all, or for more than there is ever room for
   */
  submit(address: number, operations: readonly I2cOperation[], done: I2cDone): 'sent' | 'no room' {
    demandAddress(address);
    for (const operation of operations) demandLength(operation);
    this.#demandCount(operations.length);
    const hasRoom = this.#requests.free() > operations.length;
    if (!hasRoom || this.#freePlaces.length < operations.length) return 'no room';
    const places = this.#freePlaces.splice(0, operations.length);
    this.#requests.header(operations.length, address);
    for (const [index, operation] of operations.entries()) {
      const isLast = index === operations.length - 1;
      this.#command(operation, places[index] as number, isLast ? I2C_STOP : 0);
    }
    this.#requests.publish();
    this.#sent.push({ address, operations, places, done });
    this.#pd.notify(this.#channel);
    return 'sent';
  }

  /** To be called on every notification: takes the answers that have come. */
  notified(): void {
    for (let left = this.#responses.available(); left > 0; left -= 1) {
      const { address, error, command } = this.#responses.dequeue();
      this.#responses.release();
      const index = this.#sent.findIndex((each) => each.address === address);
      const [sent] = index < 0 ? [] : this.#sent.splice(index, 1);
      if (sent === undefined) this.strayAnswers += 1;
      else this.#finish(sent, error, command);
    }
  }

  #demandCount(operations: number): void {
    if (operations > 0 && operations <= this.#operationsMax) return;
    const fit = `1 to ${this.#operationsMax} fit queue and data`;
    throw new RangeError(`an i2c transaction of ${operations} operations: ${fit}`);
  }

  #finish({ operations, places, done }: Sent, error: number, command: number): void {
    const reads = error === 0 ? this.#readsOf(operations, places) : [];
    this.#freePlaces.push(...places);
    done({ error, command, reads });
  }

  #readsOf(operations: readonly I2cOperation[], places: readonly number[]): readonly Uint8Array[] {
    return operations.flatMap((operation, index) => {
      if (operation.kind === 'write') return [];
      const bytes = new Uint8Array(operation.length);
      this.#data.read(places[index] as number, bytes);
      return [bytes];
    });
  }

  #command(operation: I2cOperation, place: number, stop: number): void {
    const payload = this.#data.vaddr + place;
    switch (operation.kind) {
      case 'write':
        this.#data.write(place, Uint8Array.from(operation.bytes));
        this.#requests.command({ payload, length: operation.bytes.length, flags: stop });
        return;
      case 'read':
        this.#requests.command({ payload, length: operation.length, flags: I2C_READ | stop });
        return;
      case 'write-read': {
        this.#data.write8(place, operation.register);
        const flags = I2C_WRITE_READ | I2C_READ | stop;
        this.#requests.command({ payload, length: operation.length, flags });
        return;
      }
      default:
        operation satisfies never;
    }
  }

  #call(label: number, address: number): boolean {
    this.#pd.setMr(0, address);
    const reply = this.#pd.ppcall(this.#channel, label * LABEL + 1);
    return Math.floor(reply / LABEL) === I2C_SUCCESS;
  }
}

function demandAddress(address: number): void {
  if (Number.isInteger(address) && address >= 0 && address <= I2C_ADDRESS_MAX) return;
  throw new RangeError(`the i2c address ${address}: it is 0 to ${I2C_ADDRESS_MAX}`);
}

function demandLength(operation: I2cOperation): void {
  const length = operation.kind === 'write' ? operation.bytes.length : operation.length;
  if (!Number.isInteger(length) || length < 0 || length > LENGTH_MAX) {
    throw new RangeError(`an i2c operation of ${length} bytes: 0 to ${LENGTH_MAX} fit one`);
  }
  const bytes = operation.kind === 'write' ? operation.bytes : registerOf(operation);
  const wrong = bytes.find((byte) => (byte & 0xff) !== byte);
  if (wrong !== undefined) throw new RangeError(`an i2c byte of ${wrong}: it is 0 to 255`);
}

function registerOf(operation: I2cOperation): readonly number[] {
  return operation.kind === 'write-read' ? [operation.register] : [];
}
