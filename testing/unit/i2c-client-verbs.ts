/**
 * What a virtualiser that is played does to an i2c client: it takes whatever the client asks for,
 * looks whether any virtualiser could do it, and answers as the test says.
 */

import { hex } from '../../memory/hex.ts';
import type { Given } from '../given/given.ts';
import { Unmet } from '../run/step.ts';
import type { TestRun } from '../run/test-run.ts';
import { bytesWords, sameBytes } from '../verbs/bytes.ts';
import { type Verb, withinOf } from '../verbs/verb.ts';
import type { BenchConnection, DataArea, TakenTransaction } from './bench.ts';
import {
  CALLS,
  type Command,
  commandWords,
  DIRECTIONS,
  type End,
  ERRORS,
  HEADER,
  peekCommands,
  peekHeader,
  putResponse,
  STOP,
} from './i2c-transactions.ts';
import { BENCH_NS } from './patience.ts';
import { regionAt } from './places.ts';
import { I2C_REQUESTS, type QueueView } from './queue-view.ts';

const ADDRESS_MAX = 0x7f;
const FLAGS_MAX = 0x1f;
const BYTE = { min: 0, max: 0xff };
const WORD = { min: 0, max: 0xffff_ffff };
const TIMES = { min: 1, max: 64 };

export function servedVerbs({ at, name, requests, responses }: End): readonly Verb[] {
  return [
    {
      name: `expect ${name}.claim`,
      what: 'the unit has claimed an address, and none of more than seven bits',
      example: `expect ${name}.claim: {address: 0x68}`,
      read: (given) => {
        const wanted = readAddress(given);
        return { run: (run) => expectClaim(run, at, wanted) };
      },
    },
    {
      name: `expect ${name}.transaction`,
      what: 'takes a transaction, whatever it asks for, that any virtualiser would accept',
      example: `expect ${name}.transaction: {address: 0x68, within: 2s}`,
      read: (given) => {
        const wanted = readAddress(given);
        const withinNs = given.isMap ? withinOf(given, BENCH_NS) : BENCH_NS;
        return {
          run: (run) => {
            const taken = takeTransaction(run, at, { queue: requests(run), withinNs });
            if (wanted !== undefined && wanted !== taken.address) {
              throw new Unmet(`a transaction with ${hex(wanted)}`, [hex(taken.address)]);
            }
            run.bench?.transactions.push(taken);
          },
        };
      },
    },
    {
      name: `${name}.answer`,
      what: 'answers the oldest transaction that was taken; `fill`: each byte that was read',
      example: `${name}.answer: {error: ok, fill: 0x59}`,
      read: (given) => {
        const answer = readAnswer(given);
        return { run: (run) => answerOldest(run, at, responses(run), answer) };
      },
    },
    {
      name: `expect ${name}.unchanged`,
      what: 'what is to be written by a transaction that was taken is as it was then',
      example: `expect ${name}.unchanged`,
      read: () => ({ run: (run) => expectUnchanged(run, at) }),
    },
  ];
}

function readAddress(given: Given): number | undefined {
  if (!given.isMap) return undefined;
  given.onlyHas(['address', 'within']);
  return given.field('address')?.number(BYTE);
}

/** Addresses that the unit has claimed so far. */
function claimsOf(run: TestRun, { pd }: BenchConnection): readonly number[] {
  const calls = run.bench?.peers.get(pd)?.calls ?? [];
  return calls.filter(({ label }) => label === CALLS.claim).map(({ word }) => word);
}

function expectClaim(run: TestRun, at: BenchConnection, wanted: number | undefined): void {
  const words = wanted === undefined ? 'the claim of an address' : `the claim of ${hex(wanted)}`;
  const isClaimed = (): boolean => {
    const claims = claimsOf(run, at);
    return wanted === undefined ? claims.length > 0 : claims.includes(wanted);
  };
  const isMet = run.until(isClaimed, BENCH_NS);
  const came = claimsOf(run, at);
  if (!isMet) throw new Unmet(words, [`${came.length} claims`, ...came.map(hex)]);
  const wrong = came.find((address) => address > ADDRESS_MAX);
  if (wrong !== undefined) throw new Unmet('addresses of seven bits', [hex(wrong)]);
}

function takeTransaction(
  run: TestRun,
  at: BenchConnection,
  { queue, withinNs }: { readonly queue: QueueView; readonly withinNs: number },
): TakenTransaction {
  // More than it has places is no length: a head of ours that lies, which nobody has seen yet.
  const isThere = (): boolean => queue.length > 0 && queue.length <= (I2C_REQUESTS.slots ?? 0);
  if (!run.until(isThere, withinNs)) {
    throw new Unmet('a transaction', ['an empty queue']);
  }
  const { flags, address, count } = peekHeader(queue);
  if (flags !== HEADER || count === 0 || count >= queue.length) {
    const words = `a header, and as many commands as it says, ${queue.length - 1} at most`;
    throw new Unmet(words, [`flags ${hex(flags)}, ${count} commands`]);
  }
  if (!claimsOf(run, at).includes(address)) {
    throw new Unmet('a transaction with an address that was claimed', [hex(address)]);
  }
  const commands = peekCommands(queue, count);
  const [area] = at.data?.areas ?? [];
  for (const [index, command] of commands.entries()) {
    const wrong = wrongIn(command, area, index === count - 1);
    if (wrong !== undefined) throw new Unmet(wrong, [commandWords(at, command)]);
  }
  queue.head += count + 1;
  return { address, commands, written: writtenBy(run, commands, area) };
}

/** @returns what would have to be so; undefined when it is */
function wrongIn(
  { payload, length, flags }: Command,
  area: DataArea | undefined,
  isLast: boolean,
): string | undefined {
  const { base = 0, units = 0 } = area ?? {};
  const isInside = payload >= base && payload + bytesOf({ length, flags }) <= base + units;
  if (!isInside) return `data that are the client's own, ${units} bytes from ${hex(base)}`;
  if ((flags & HEADER) !== 0) return 'a command, and no header';
  if (flags > FLAGS_MAX) return 'flags that there are';
  if (isLast && (flags & STOP) === 0) return 'a stop at the end of a transaction';
  return undefined;
}

/** Of the data that a command touches: one that writes a register's number has that at least. */
function bytesOf({ length, flags }: Pick<Command, 'length' | 'flags'>): number {
  return (flags & DIRECTIONS['write-read']) === 0 ? length : Math.max(1, length);
}

/** What is to go to the bus, command by command. */
function writtenBy(
  run: TestRun,
  commands: readonly Command[],
  area: DataArea | undefined,
): readonly Uint8Array[] {
  const { ram, at } = regionAt(run, area?.region ?? '');
  return commands.map(({ payload, length, flags }) => {
    const isRead = (flags & DIRECTIONS.read) !== 0;
    const hasRegister = (flags & DIRECTIONS['write-read']) !== 0;
    const bytes = hasRegister ? 1 : isRead ? 0 : length;
    const from = at + payload - (area?.base ?? 0);
    return ram.u8.slice(from, from + bytes);
  });
}

interface Answer {
  readonly error: number;
  readonly command: number;
  readonly fill: number | undefined;
  readonly times: number;
}

function readAnswer(given: Given): Answer {
  given.onlyHas(['error', 'number', 'command', 'fill', 'times']);
  const named = given.field('error')?.choice(ERRORS) ?? 'ok';
  return {
    error: given.field('number')?.number(WORD) ?? ERRORS.indexOf(named),
    command: given.field('command')?.number(WORD) ?? 0,
    fill: given.field('fill')?.number(BYTE),
    times: given.field('times')?.number(TIMES) ?? 1,
  };
}

function answerOldest(run: TestRun, at: BenchConnection, queue: QueueView, answer: Answer): void {
  const taken = run.bench?.transactions.shift();
  if (taken === undefined) throw new Unmet('a transaction that was taken', ['there is none']);
  const { error, command, fill, times } = answer;
  if (fill !== undefined) fillReads(run, at, taken, fill);
  for (let i = 0; i < times; i += 1) putResponse(queue, { address: taken.address, error, command });
}

function fillReads(run: TestRun, { data }: BenchConnection, taken: TakenTransaction, byte: number) {
  const [area] = data?.areas ?? [];
  const { ram, at } = regionAt(run, area?.region ?? '');
  for (const { payload, length, flags } of taken.commands) {
    const from = at + payload - (area?.base ?? 0);
    const isRead = (flags & (DIRECTIONS.read | DIRECTIONS['write-read'])) !== 0;
    if (isRead) ram.u8.fill(byte, from, from + length);
  }
}

function expectUnchanged(run: TestRun, { data }: BenchConnection): void {
  const [area] = data?.areas ?? [];
  for (const { commands, written } of run.bench?.transactions ?? []) {
    const now = writtenBy(run, commands, area);
    written.forEach((bytes, index) => {
      const there = now[index] ?? new Uint8Array();
      if (!sameBytes(there, bytes)) throw new Unmet(bytesWords(bytes), [bytesWords(there)]);
    });
  }
}
