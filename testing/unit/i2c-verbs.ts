/** The i2c queue protocol, as a peer at one of its ends speaks it. */

import { hex } from '../../memory/hex.ts';
import { messageInfo, messageLabel } from '../../microkit/pd.ts';
import type { Given } from '../given/given.ts';
import { Unmet } from '../run/step.ts';
import type { TestRun } from '../run/test-run.ts';
import { bytesWords, CONTENT_FIELDS, readContents, sameBytes } from '../verbs/bytes.ts';
import { type Verb, withinOf } from '../verbs/verb.ts';
import type { BenchConnection } from './bench.ts';
import { servedVerbs } from './i2c-client-verbs.ts';
import {
  ANSWERS,
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
  putTransaction,
  type Queue,
  type Response,
  RESTART,
  STOP,
  type Transaction,
  transactionWords,
} from './i2c-transactions.ts';
import { misbehaviour } from './index-lie.ts';
import { BENCH_NS, quiet } from './patience.ts';
import { queueOf, regionAt } from './places.ts';
import type { QueueView } from './queue-view.ts';

const BYTE = { min: 0, max: 0xff };
const WORD = { min: 0, max: 0xffff_ffff };
const COUNT = { min: 0, max: 0xffff };
const PLACE = { min: -0x1_0000, max: 0x1_0000_0000 };

export function i2cVerbs(at: BenchConnection): readonly Verb[] {
  const name = `${at.peer}.${at.name}`;
  const requests: Queue = (run) => queueOf(run, at, 'requestQueue');
  const responses: Queue = (run) => queueOf(run, at, 'responseQueue');
  const misbehaves: Verb = {
    name: `${name}.misbehaves`,
    what: 'writes an index of its queue as no honest peer does; `responses …`: of the other one',
    example: `${name}.misbehaves: tail+60000`,
    read: (given) => misbehaviour(given, { requests, responses }),
  };
  const own = at.end === 'producer' ? clientVerbs : driverVerbs;
  return [misbehaves, ...own({ at, name, requests, responses })];
}

function clientVerbs({ at, name, requests, responses }: End): readonly Verb[] {
  return [
    // A driver is never called.
    ...(at.peer === 'virt' ? [] : [callVerb(at, name, 'claim'), callVerb(at, name, 'release')]),
    fillVerb(at, name),
    expectDataVerb(at, name),
    {
      name: `${name}.request`,
      what: 'puts a transaction, or several, into its queue; notifies nobody',
      example: `${name}.request: {address: 0x68, commands: [{op: read, at: 0, length: 7, stop: yes}]}`,
      read: (given) => {
        const all = given.items().map((each) => readTransaction(each, at));
        return { run: (run) => all.forEach((each) => putTransaction(requests(run), each)) };
      },
    },
    {
      name: `expect ${name}.response`,
      what: 'takes a response, or several, out of its queue',
      example: `expect ${name}.response: {address: 0x68, error: nack, command: 1}`,
      read: (given) => {
        const all = given.items().map(readResponse);
        return { run: (run) => all.forEach((each) => expectResponse(run, responses(run), each)) };
      },
    },
    emptyVerb(`expect no ${name}.response`, responses),
  ];
}

function driverVerbs({ at, name, requests, responses }: End): readonly Verb[] {
  return [
    {
      name: `expect ${name}.request`,
      what: 'takes a transaction, or several, out of the queue',
      example: `expect ${name}.request: {address: 0x68, commands: [{op: read, of: client0, at: 0, length: 7, stop: yes}]}`,
      read: (given) => {
        const all = given.items().map((each) => readTransaction(each, at));
        const withinNs = given.isMap ? withinOf(given, BENCH_NS) : BENCH_NS;
        const take = (run: TestRun, wanted: Transaction): void =>
          expectTransaction(run, at, { queue: requests(run), wanted, withinNs });
        return { run: (run) => all.forEach((each) => take(run, each)) };
      },
    },
    emptyVerb(`expect no ${name}.request`, requests),
    ...(at.peer === 'virt' ? servedVerbs({ at, name, requests, responses }) : []),
    emptyVerb(`expect no ${name}.response`, responses),
    {
      name: `${name}.respond`,
      what: 'puts an answer, or several, into the response queue; notifies nobody',
      example: `${name}.respond: {address: 0x68, error: ok, command: 0}`,
      read: (given) => {
        const all = given.items().map(readResponse);
        return { run: (run) => all.forEach((each) => putResponse(responses(run), each)) };
      },
    },
  ];
}

function emptyVerb(name: string, queue: Queue): Verb {
  return {
    name,
    what: 'the queue is empty, and stays so',
    example: name,
    read: () => ({
      run: (run) => {
        quiet(run);
        const { length } = queue(run);
        if (length > 0) throw new Unmet('an empty queue', [`${length} entries`]);
      },
    }),
  };
}

function callVerb(
  { pd, channel, peer }: BenchConnection,
  name: string,
  call: keyof typeof CALLS,
): Verb {
  return {
    name: `${name}.${call}`,
    what: `calls the virtualiser to ${call} an address; answer: what it has to say, success unless told`,
    example: `${name}.${call}: {address: 0x68, answer: failure}`,
    read: (given) => {
      given.onlyHas(['address', 'answer']);
      const address = given.field('address')?.number(WORD) ?? 0;
      const wanted = given.field('answer')?.choice(ANSWERS) ?? 'success';
      return {
        run: (run) => {
          let label: number | undefined;
          run.bench?.peers.get(pd)?.do((domain) => {
            domain.setMr(0, address);
            label = messageLabel(domain.ppcall(channel, messageInfo(CALLS[call], 1)));
          });
          run.settle();
          const came = label === undefined ? 'no answer' : (ANSWERS[label] ?? `label ${label}`);
          if (came !== wanted) throw new Unmet(`${wanted} for the ${call} of ${peer}`, [came]);
        },
      };
    },
  };
}

function fillVerb(at: BenchConnection, name: string): Verb {
  return {
    name: `${name}.fill`,
    what: 'writes bytes into the data of a client',
    example: `${name}.fill: {at: 16, hex: '00 1a'}`,
    read: (given) => {
      const { area, offset, bytes } = readData(given, at);
      return {
        run: (run) => {
          const place = regionAt(run, area?.region ?? '');
          place.ram.u8.set(bytes, place.at + offset);
        },
      };
    },
  };
}

function expectDataVerb(at: BenchConnection, name: string): Verb {
  return {
    name: `expect ${name}.data`,
    what: 'these bytes stand in the data of a client',
    example: `expect ${name}.data: {at: 16, hex: '1c'}`,
    read: (given) => {
      const { area, offset, bytes } = readData(given, at);
      return {
        run: (run) => {
          const place = regionAt(run, area?.region ?? '');
          const start = place.at + offset;
          const there = place.ram.u8.slice(start, start + bytes.length);
          if (sameBytes(there, bytes)) return;
          throw new Unmet(`${bytesWords(bytes)} at ${offset} of ${area?.name}`, [
            bytesWords(there),
          ]);
        },
      };
    },
  };
}

function readData(given: Given, { data }: BenchConnection) {
  given.onlyHas(['of', 'at', ...CONTENT_FIELDS]);
  const areas = data?.areas ?? [];
  const of = given.field('of')?.choice(areas.map(({ name }) => name));
  const area = areas.find(({ name }) => name === of) ?? areas[0];
  const most = area?.units ?? 0;
  const offset = given.field('at')?.number({ min: 0, max: Math.max(0, most - 1) }) ?? 0;
  return { area, offset, bytes: readContents(given, most - offset) };
}

// ------------------------------------------------------------------------------- transactions

function readTransaction(given: Given, at: BenchConnection): Transaction {
  given.onlyHas(['address', 'commands', 'count', 'flags', 'within']);
  const commands = given.field('commands')?.items() ?? [];
  return {
    address: given.field('address')?.number(BYTE) ?? 0,
    commands: commands.map((each) => readCommand(each, at)),
    count: given.field('count')?.number(COUNT) ?? commands.length,
    headerFlags: given.field('flags')?.number(BYTE) ?? HEADER,
  };
}

function readCommand(given: Given, { data }: BenchConnection): Command {
  given.onlyHas(['op', 'of', 'at', 'length', 'stop', 'restart', 'flags']);
  const areas = data?.areas ?? [];
  const of = given.field('of')?.choice(areas.map(({ name }) => name));
  const area = areas.find(({ name }) => name === of) ?? areas[0];
  const op = given.field('op')?.choice(['write', 'read', 'write-read']) ?? 'write';
  const isSet = (field: string): boolean => given.field(field)?.choice(['yes', 'no']) === 'yes';
  const flags = DIRECTIONS[op] | (isSet('stop') ? STOP : 0) | (isSet('restart') ? RESTART : 0);
  return {
    payload: (area?.base ?? 0) + (given.field('at')?.number(PLACE) ?? 0),
    length: given.field('length')?.number(BYTE) ?? 1,
    flags: given.field('flags')?.number(BYTE) ?? flags,
  };
}

function expectTransaction(
  run: TestRun,
  at: BenchConnection,
  {
    queue,
    wanted,
    withinNs,
  }: { readonly queue: QueueView; readonly wanted: Transaction; readonly withinNs: number },
): void {
  const words = transactionWords(at, wanted);
  if (!run.until(() => queue.length > 0, withinNs)) throw new Unmet(words, ['an empty queue']);
  const header = peekHeader(queue);
  const { address, count } = header;
  if (header.flags !== HEADER || count >= queue.length) {
    throw new Unmet(words, [`no transaction: ${commandWords(at, header)}`]);
  }
  const commands = peekCommands(queue, count);
  const came = transactionWords(at, { address, commands, count, headerFlags: HEADER });
  if (came !== words) throw new Unmet(words, [came]);
  queue.head += count + 1;
}

// ---------------------------------------------------------------------------------- responses

interface ResponseSpec extends Response {
  readonly withinNs: number;
}

function readResponse(given: Given): ResponseSpec {
  given.onlyHas(['address', 'error', 'command', 'within']);
  const error = given.field('error');
  return {
    address: given.field('address')?.number(BYTE),
    error: error === undefined ? undefined : ERRORS.indexOf(error.choice(ERRORS)),
    command: given.field('command')?.number(WORD),
    withinNs: withinOf(given, BENCH_NS),
  };
}

function expectResponse(run: TestRun, queue: QueueView, wanted: ResponseSpec): void {
  const words = responseWords(wanted);
  if (!run.until(() => queue.length > 0, wanted.withinNs)) {
    throw new Unmet(words, ['an empty queue']);
  }
  const { view } = queue;
  const at = queue.entryAt(queue.head);
  const found = {
    command: view.getUint32(at, true),
    address: view.getUint8(at + 8),
    error: view.getUint32(at + 12, true),
  };
  const isSame =
    (wanted.address ?? found.address) === found.address &&
    (wanted.error ?? found.error) === found.error &&
    (wanted.command ?? found.command) === found.command;
  if (!isSame) throw new Unmet(words, [responseWords(found)]);
  queue.head += 1;
}

function responseWords({ address, error, command }: Response): string {
  const parts = [
    address === undefined ? undefined : `of ${hex(address)}`,
    error === undefined ? undefined : (ERRORS[error] ?? `error ${error}`),
    command === undefined ? undefined : `command ${command}`,
  ];
  return `a response ${parts.filter((part) => part !== undefined).join(', ')}`.trim();
}
