/** Transactions and responses of the i2c queues, as a peer writes and reads them. */

import { hex } from '../../memory/hex.ts';
import type { TestRun } from '../run/test-run.ts';
import type { BenchConnection, DataArea } from './bench.ts';
import type { QueueView } from './queue-view.ts';

const TWO_32 = 0x1_0000_0000;
/** In a header's payload the address stands above 16 bits with the number of commands. */
const ADDRESS_UNIT = 0x1_0000;

/** `i2c_err_t`, in its order. */
export const ERRORS = [
  'ok',
  'malformed transaction',
  'malformed header',
  'unpermitted address',
  'timeout',
  'nack',
  'no read',
  'bad sequence',
  'other',
] as const;
export const HEADER = 1;
export const DIRECTIONS = { write: 0, read: 2, 'write-read': 4 } as const;
export const STOP = 8;
export const RESTART = 16;
/** Labels of the protected calls, and of their answers. */
export const CALLS = { claim: 1, release: 2 } as const;
export const ANSWERS = ['success', 'failure'] as const;

export interface Command {
  readonly payload: number;
  readonly length: number;
  readonly flags: number;
}

export interface Transaction {
  readonly address: number;
  readonly commands: readonly Command[];
  /** As the header says it, which need not be so. */
  readonly count: number;
  readonly headerFlags: number;
}

export type Queue = (run: TestRun) => QueueView;

export interface End {
  readonly at: BenchConnection;
  readonly name: string;
  readonly requests: Queue;
  readonly responses: Queue;
}

export function putTransaction(queue: QueueView, transaction: Transaction): void {
  const { address, commands, count, headerFlags } = transaction;
  const header = { payload: address * ADDRESS_UNIT + count, length: 0, flags: headerFlags };
  const all = [header, ...commands];
  all.forEach(({ payload, length, flags }, index) => {
    const at = queue.entryAt(queue.tail + index);
    queue.view.setUint32(at, payload % TWO_32, true);
    queue.view.setUint32(at + 4, Math.floor(payload / TWO_32), true);
    queue.view.setUint32(at + 8, length | (flags << 8), true);
  });
  queue.tail += all.length;
}

function peekCommand(queue: QueueView, index: number): Command {
  const at = queue.entryAt(queue.head + index);
  const { view } = queue;
  return {
    payload: view.getUint32(at, true) + view.getUint32(at + 4, true) * TWO_32,
    length: view.getUint8(at + 8),
    flags: view.getUint8(at + 9),
  };
}

/**
 * @returns the entry at the head of the queue, and what it says if it is a header: how many entries
 * behind it are its commands, at which address
 */
export function peekHeader(
  queue: QueueView,
): Command & { readonly address: number; readonly count: number } {
  const entry = peekCommand(queue, 0);
  const address = Math.floor(entry.payload / ADDRESS_UNIT) % 0x100;
  return { ...entry, address, count: entry.payload % ADDRESS_UNIT };
}

/** @returns so many entries behind the one at the head of the queue */
export function peekCommands(queue: QueueView, count: number): readonly Command[] {
  return Array.from({ length: count }, (_, index) => peekCommand(queue, index + 1));
}

export function transactionWords(at: BenchConnection, { address, commands }: Transaction): string {
  const texts = commands.map((each) => commandWords(at, each));
  return `a transaction with ${hex(address)}: ${texts.join(', ')}`;
}

export function commandWords(
  { data }: BenchConnection,
  { payload, length, flags }: Command,
): string {
  const place = placeWords(data?.areas ?? [], payload);
  const [op = `flags ${hex(flags)}`] =
    Object.entries(DIRECTIONS).find(([, bits]) => bits === (flags & 7)) ?? [];
  const ends = [...((flags & RESTART) === 0 ? [] : ['restart']), ...(flags & STOP ? ['stop'] : [])];
  return [`${op} ${length} bytes at ${place}`, ...ends].join(' ');
}

function placeWords(areas: readonly DataArea[], payload: number): string {
  const area = areas.find(
    ({ base = 0, units }) => payload >= base && payload < base + Math.max(units, 1),
  );
  if (area === undefined) return `${hex(payload)}, which is nobody's`;
  return `${payload - (area.base ?? 0)} of ${area.name}`;
}

/** What is left out is 0. */
export interface Response {
  readonly address: number | undefined;
  readonly error: number | undefined;
  readonly command: number | undefined;
}

export function putResponse(queue: QueueView, response: Response): void {
  const { address = 0, error = 0, command = 0 } = response;
  const { view, tail } = queue;
  const at = queue.entryAt(tail);
  view.setUint32(at, command, true);
  view.setUint32(at + 4, 0, true);
  view.setUint32(at + 8, address, true);
  view.setUint32(at + 12, error, true);
  queue.tail = tail + 1;
}
