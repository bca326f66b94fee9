/** The block queue protocol, as a peer at one of its ends speaks it. */

import type { Given } from '../given/given.ts';
import { Unmet } from '../run/step.ts';
import type { TestRun } from '../run/test-run.ts';
import { bytesWords, CONTENT_FIELDS, readContents, sameBytes } from '../verbs/bytes.ts';
import { type Verb, withinOf } from '../verbs/verb.ts';
import type { BenchConnection } from './bench.ts';
import { type BufferSpec, entryWords, readBuffer } from './buffer-spec.ts';
import { misbehaviour } from './index-lie.ts';
import { BENCH_NS, quiet } from './patience.ts';
import { queueOf, regionAt, unitAt } from './places.ts';
import type { QueueView } from './queue-view.ts';

/** `enum blk_req_code`, and this project's two extensions. */
const OPERATIONS = ['read', 'write', 'flush', 'barrier', 'discard', 'zero'] as const;
/** `enum blk_resp_status`. */
const STATUSES = ['ok', 'unspecified', 'invalid', 'io', 'no-device'] as const;
const TWO_32 = 0x1_0000_0000;
const WORD = { min: 0, max: 0xffff_ffff };
const HALF = { min: 0, max: 0xffff };
const BLOCK = { min: 0, max: Number.MAX_SAFE_INTEGER };
const BUFFER_FIELDS = ['buffer', 'of', 'offset'];
/** Where fields of the storage information lie (`blk/storage_info.h`). */
const INFO = { readOnly: 64, ready: 65, sectorBytes: 66, blockSize: 68, capacity: 80 } as const;

interface Request {
  readonly code: number;
  readonly number: number;
  readonly block: number;
  readonly count: number;
  readonly id: number;
}

export function blkVerbs(at: BenchConnection): readonly Verb[] {
  const name = `${at.peer}.${at.name}`;
  const requests = (run: TestRun): QueueView => queueOf(run, at, 'requestQueue');
  const responses = (run: TestRun): QueueView => queueOf(run, at, 'responseQueue');
  const common: readonly Verb[] = [
    {
      name: `${name}.misbehaves`,
      what: 'writes an index of its queue as no honest peer does; `responses …`: of the other one',
      example: `${name}.misbehaves: tail+60000`,
      read: (given) => misbehaviour(given, { requests, responses }),
    },
    contentsVerb(at, name),
    expectContentsVerb(at, name),
  ];
  const own =
    at.end === 'producer'
      ? clientVerbs(at, name, requests, responses)
      : driverVerbs(at, name, requests, responses);
  return [...common, ...own];
}

type Queue = (run: TestRun) => QueueView;

function clientVerbs(
  at: BenchConnection,
  name: string,
  requests: Queue,
  responses: Queue,
): readonly Verb[] {
  return [
    {
      name: `${name}.request`,
      what: 'puts a request, or several, into its queue; notifies nobody',
      example: `${name}.request: {op: read, block: 2, count: 1, buffer: 0, id: 7}`,
      read: (given) => {
        const all = given.items().map((each) => readRequest(each, at));
        return { run: (run) => all.forEach((request) => putRequest(run, requests(run), request)) };
      },
    },
    {
      name: `${name}.plugged`,
      what: 'plugs its queue, so that nothing of it is taken, or unplugs it',
      example: `${name}.plugged: yes`,
      read: (given) => {
        const flag = given.choice(['yes', 'no']) === 'yes' ? 1 : 0;
        return { run: (run) => void (requests(run).flag = flag) };
      },
    },
    {
      name: `expect ${name}.response`,
      what: 'takes a response, or several, out of its queue',
      example: `expect ${name}.response: {id: 7, status: ok, done: 1}`,
      read: (given) => {
        const all = given.items().map(readResponse);
        return { run: (run) => all.forEach((each) => expectResponse(run, responses(run), each)) };
      },
    },
    {
      name: `expect ${name}.responses`,
      what: 'takes several responses out of its queue, which may come in any order',
      example: `expect ${name}.responses: [{id: 1, status: ok}, {id: 2, status: io}]`,
      read: (given) => {
        const all = given.items().map(readResponse);
        return { run: (run) => expectResponses(run, responses(run), all) };
      },
    },
    emptyVerb(`expect no ${name}.response`, responses),
    {
      name: `expect ${name}.info`,
      what: 'what the unit tells this client of its share of the disk',
      example: `expect ${name}.info: {ready: yes, blocks: 32, read-only: no}`,
      read: (given) => {
        const wanted = readInfo(given);
        const withinNs = withinOf(given, BENCH_NS);
        return { run: (run) => expectInfo(run, at, wanted, withinNs) };
      },
    },
  ];
}

function driverVerbs(
  at: BenchConnection,
  name: string,
  requests: Queue,
  responses: Queue,
): readonly Verb[] {
  return [
    {
      name: `expect ${name}.request`,
      what: 'takes a request, or several, out of the queue; `respond` then answers the last one',
      example: `expect ${name}.request: {op: read, block: 2, of: client0, buffer: 0}`,
      read: (given) => {
        const all = given.items().map((each) => readWanted(each, at));
        return { run: (run) => all.forEach((each) => expectRequest(run, at, requests(run), each)) };
      },
    },
    emptyVerb(`expect no ${name}.request`, requests),
    {
      name: `${name}.respond`,
      what: 'answers a request that was taken: the last one, or `to: 0` for the first; notifies nobody',
      example: `${name}.respond: {status: io, done: 0, to: 0}`,
      read: (given) => {
        const all = given.items().map(readAnswer);
        return { run: (run) => all.forEach((each) => respond(run, at, responses(run), each)) };
      },
    },
    {
      name: `${name}.table`,
      what: 'answers the read of the partition table with these partitions (MBR), and notifies',
      example: `${name}.table: [{block: 1, blocks: 16}, {block: 17, blocks: 32}]`,
      read: (given) => {
        const parts = given.items().map(readPartition);
        if (parts.length > 4) given.problem('such a table has four partitions at most');
        return { run: (run) => answerTable(run, at, { requests, responses, parts }) };
      },
    },
    {
      name: `${name}.info`,
      what: 'what the driver says of the disk; ready: no withdraws it',
      example: `${name}.info: {ready: yes, blocks: 64}`,
      read: (given) => {
        const info = readInfo(given);
        return { run: (run) => writeInfo(run, at, info) };
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

function contentsVerb(at: BenchConnection, name: string): Verb {
  return {
    name: `${name}.fill`,
    what: 'writes the contents of a buffer',
    example: `${name}.fill: {buffer: 0, text: hello}`,
    read: (given) => {
      const { buffer, bytes } = readBufferContents(given, at);
      return {
        run: (run) => {
          const found = placeOf(run, at, buffer);
          found?.ram.u8.set(bytes, found.at);
        },
      };
    },
  };
}

function expectContentsVerb(at: BenchConnection, name: string): Verb {
  return {
    name: `expect ${name}.buffer`,
    what: 'a buffer begins with these bytes',
    example: `expect ${name}.buffer: {buffer: 0, text: hello}`,
    read: (given) => {
      const { buffer, bytes } = readBufferContents(given, at);
      return {
        run: (run) => {
          const found = placeOf(run, at, buffer);
          const there = found?.ram.u8.slice(found.at, found.at + bytes.length) ?? new Uint8Array(0);
          if (sameBytes(there, bytes)) return;
          throw new Unmet(`${buffer?.words} to begin with ${bytesWords(bytes)}`, [
            bytesWords(there),
          ]);
        },
      };
    },
  };
}

function readBufferContents(given: Given, at: BenchConnection) {
  given.onlyHas([...BUFFER_FIELDS, ...CONTENT_FIELDS]);
  const buffer = readBuffer(given, at);
  if (buffer?.area === undefined) given.problem('buffer: N says which buffer');
  return { buffer, bytes: readContents(given, at.data?.unitBytes ?? 0) };
}

function placeOf(run: TestRun, { data }: BenchConnection, buffer: BufferSpec | undefined) {
  return data === undefined || buffer === undefined
    ? undefined
    : unitAt(run, data, buffer.number(run))?.place;
}

type RequestSpec = Omit<Request, 'number'> & { readonly buffer: BufferSpec | undefined };

function readRequest(given: Given, at: BenchConnection): RequestSpec {
  given.onlyHas(['op', 'block', 'count', 'id', ...BUFFER_FIELDS]);
  const op = given.field('op');
  if (op === undefined) given.problem('op: says what is asked for');
  const isNumber = typeof op?.value === 'number';
  return {
    code: isNumber ? op.number(WORD) : OPERATIONS.indexOf(op?.choice(OPERATIONS) ?? 'read'),
    block: given.field('block')?.number(BLOCK) ?? 0,
    count: given.field('count')?.number(HALF) ?? 1,
    id: given.field('id')?.number(WORD) ?? 0,
    buffer: readBuffer(given, at),
  };
}

function putRequest(run: TestRun, queue: QueueView, request: RequestSpec): void {
  const { tail, view } = queue;
  const at = queue.entryAt(tail);
  const number = request.buffer?.number(run) ?? 0;
  view.setUint32(at, request.code, true);
  put64(view, at + 8, number);
  put64(view, at + 16, request.block);
  view.setUint16(at + 24, request.count, true);
  view.setUint32(at + 28, request.id, true);
  queue.tail = tail + 1;
}

function put64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % TWO_32, true);
  view.setUint32(at + 4, Math.floor(value / TWO_32), true);
}

function get64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * TWO_32;
}

function peekRequest(queue: QueueView): Request {
  const { view } = queue;
  const at = queue.entryAt(queue.head);
  return {
    code: view.getUint32(at, true),
    number: get64(view, at + 8),
    block: get64(view, at + 16),
    count: view.getUint16(at + 24, true),
    id: view.getUint32(at + 28, true),
  };
}

interface WantedRequest {
  readonly code: number | undefined;
  readonly block: number | undefined;
  readonly count: number | undefined;
  readonly buffer: BufferSpec | undefined;
  readonly withinNs: number;
}

function readWanted(given: Given, at: BenchConnection): WantedRequest {
  given.onlyHas(['op', 'block', 'count', 'within', ...BUFFER_FIELDS]);
  const op = given.field('op');
  return {
    code: op === undefined ? undefined : OPERATIONS.indexOf(op.choice(OPERATIONS)),
    block: given.field('block')?.number(BLOCK),
    count: given.field('count')?.number(HALF),
    buffer: readBuffer(given, at),
    withinNs: withinOf(given, BENCH_NS),
  };
}

function expectRequest(
  run: TestRun,
  at: BenchConnection,
  queue: QueueView,
  wanted: WantedRequest,
): void {
  const words = wantedWords(wanted);
  if (!run.until(() => queue.length > 0, wanted.withinNs))
    throw new Unmet(words, ['an empty queue']);
  if (queue.length > queue.capacity) {
    throw new Unmet(words, [`indices that cannot be: tail ${queue.tail}, head ${queue.head}`]);
  }
  const request = peekRequest(queue);
  const { code, block, count, number } = request;
  const isSame =
    (wanted.code ?? code) === code &&
    (wanted.block ?? block) === block &&
    (wanted.count ?? count) === count &&
    (wanted.buffer?.number(run) ?? number) === number;
  if (!isSame) throw new Unmet(words, [requestWords(run, at, request)]);
  queue.head += 1;
  run.bench?.taken.push(request.id);
}

function wantedWords({ code, block, count, buffer }: WantedRequest): string {
  const parts = [
    code === undefined ? undefined : OPERATIONS[code],
    block === undefined ? undefined : `block ${block}`,
    count === undefined ? undefined : `count ${count}`,
    buffer?.words,
  ];
  return `a request ${parts.filter((part) => part !== undefined).join(', ')}`.trim();
}

function requestWords(
  run: TestRun,
  at: BenchConnection,
  { code, block, count, number }: Request,
): string {
  const op = OPERATIONS[code] ?? `code ${code}`;
  return `${op}, block ${block}, count ${count}, ${entryWords(run, at, number)}`;
}

interface ResponseSpec {
  readonly id: number | undefined;
  readonly status: number | undefined;
  readonly done: number | undefined;
  readonly withinNs: number;
}

function readResponse(given: Given): ResponseSpec {
  given.onlyHas(['id', 'status', 'done', 'within']);
  const status = given.field('status');
  return {
    id: given.field('id')?.number(WORD),
    status: status === undefined ? undefined : STATUSES.indexOf(status.choice(STATUSES)),
    done: given.field('done')?.number(HALF),
    withinNs: withinOf(given, BENCH_NS),
  };
}

function expectResponse(run: TestRun, queue: QueueView, wanted: ResponseSpec): void {
  const found = nextResponse(run, queue, wanted);
  if (!isWanted(found, wanted)) throw new Unmet(responseWords(wanted), [responseWords(found)]);
  queue.head += 1;
}

/** In any order: each that comes has to be one that has not come yet. */
function expectResponses(run: TestRun, queue: QueueView, all: readonly ResponseSpec[]): void {
  const left = [...all];
  for (let [first] = left; first !== undefined; [first] = left) {
    const found = nextResponse(run, queue, first);
    const index = left.findIndex((wanted) => isWanted(found, wanted));
    if (index < 0) {
      throw new Unmet(left.map(responseWords).join(', or '), [responseWords(found)]);
    }
    left.splice(index, 1);
    queue.head += 1;
  }
}

type Response = Record<'id' | 'status' | 'done', number>;

/** Waits until there is one. @returns the oldest in the queue, which is left there */
function nextResponse(run: TestRun, queue: QueueView, wanted: ResponseSpec): Response {
  if (!run.until(() => queue.length > 0, wanted.withinNs)) {
    throw new Unmet(responseWords(wanted), ['an empty queue']);
  }
  const { view } = queue;
  const at = queue.entryAt(queue.head);
  return {
    status: view.getUint32(at, true),
    done: view.getUint16(at + 4, true),
    id: view.getUint32(at + 8, true),
  };
}

function isWanted(found: Response, { id, status, done }: ResponseSpec): boolean {
  return (
    (id ?? found.id) === found.id &&
    (status ?? found.status) === found.status &&
    (done ?? found.done) === found.done
  );
}

function responseWords({
  id,
  status,
  done,
}: Pick<Partial<ResponseSpec>, 'id' | 'status' | 'done'>): string {
  const parts = [
    id === undefined ? undefined : `id ${id}`,
    status === undefined ? undefined : (STATUSES[status] ?? `status ${status}`),
    done === undefined ? undefined : `done ${done}`,
  ];
  return `a response ${parts.filter((part) => part !== undefined).join(', ')}`.trim();
}

interface Partition {
  readonly block: number;
  readonly blocks: number;
}

function readPartition(given: Given): Partition {
  given.onlyHas(['block', 'blocks']);
  const range = { min: 1, max: 0x100_0000 };
  return {
    block: given.field('block')?.number(range) ?? 1,
    blocks: given.field('blocks')?.number(range) ?? 1,
  };
}

/** Master boot record: entries of 16 bytes from 446 on, in sectors of 512 bytes. */
function writeTable(view: DataView, at: number, parts: readonly Partition[]): void {
  const sectors = 8;
  parts.forEach(({ block, blocks }, index) => {
    const entry = at + 446 + 16 * index;
    view.setUint8(entry + 4, 0x83);
    view.setUint32(entry + 8, block * sectors, true);
    view.setUint32(entry + 12, blocks * sectors, true);
  });
  view.setUint16(at + 510, 0xaa55, true);
}

interface TableParts {
  readonly requests: Queue;
  readonly responses: Queue;
  readonly parts: readonly Partition[];
}

function answerTable(
  run: TestRun,
  at: BenchConnection,
  { requests, responses, parts }: TableParts,
): void {
  const queue = requests(run);
  const words = 'a request to read the partition table, at block 0';
  if (!run.until(() => queue.length > 0, BENCH_NS)) throw new Unmet(words, ['an empty queue']);
  const request = peekRequest(queue);
  const found = at.data === undefined ? undefined : unitAt(run, at.data, request.number);
  if (request.code !== 0 || request.block !== 0 || found === undefined) {
    throw new Unmet(words, [requestWords(run, at, request)]);
  }
  queue.head += 1;
  writeTable(found.place.ram.view, found.place.at, parts);
  respond(run, at, responses(run), {
    to: undefined,
    id: request.id,
    status: 0,
    done: request.count,
  });
  const { pd, channel } = at;
  run.bench?.peers.get(pd)?.do((domain) => domain.notify(channel));
  run.settle();
}

interface AnswerSpec {
  readonly to: number | undefined;
  readonly id: number | undefined;
  readonly status: number;
  readonly done: number;
}

function readAnswer(given: Given): AnswerSpec {
  given.onlyHas(['to', 'id', 'status', 'done']);
  return {
    to: given.field('to')?.number(HALF),
    id: given.field('id')?.number(WORD),
    status: STATUSES.indexOf(given.field('status')?.choice(STATUSES) ?? 'ok'),
    done: given.field('done')?.number(HALF) ?? 1,
  };
}

function respond(run: TestRun, at: BenchConnection, queue: QueueView, answer: AnswerSpec): void {
  const taken = run.bench?.taken ?? [];
  const id = answer.id ?? (answer.to === undefined ? taken.at(-1) : taken[answer.to]);
  if (id === undefined)
    throw new Unmet('a request to answer', [`${taken.length} were taken by ${at.peer}`]);
  const { tail, view } = queue;
  const entry = queue.entryAt(tail);
  view.setUint32(entry, answer.status, true);
  view.setUint16(entry + 4, answer.done, true);
  view.setUint32(entry + 8, id, true);
  queue.tail = tail + 1;
}

interface InfoSpec {
  readonly ready: 'yes' | 'no' | undefined;
  readonly readOnly: 'yes' | 'no' | undefined;
  readonly blocks: number | undefined;
  readonly sector: number | undefined;
}

function readInfo(given: Given): InfoSpec {
  given.onlyHas(['ready', 'read-only', 'blocks', 'sector', 'within']);
  return {
    ready: given.field('ready')?.choice(['yes', 'no']),
    readOnly: given.field('read-only')?.choice(['yes', 'no']),
    blocks: given.field('blocks')?.number(BLOCK),
    sector: given.field('sector')?.number(HALF),
  };
}

function writeInfo(run: TestRun, at: BenchConnection, info: InfoSpec): void {
  const { ram, at: page } = regionAt(run, at.regions['storageInfo'] ?? '');
  const { view } = ram;
  if (info.readOnly !== undefined)
    view.setUint8(page + INFO.readOnly, info.readOnly === 'yes' ? 1 : 0);
  if (info.sector !== undefined || info.ready === 'yes') {
    view.setUint16(page + INFO.sectorBytes, info.sector ?? 512, true);
  }
  if (info.blocks !== undefined) put64(view, page + INFO.capacity, info.blocks);
  if (info.ready !== undefined) view.setUint8(page + INFO.ready, info.ready === 'yes' ? 1 : 0);
}

function expectInfo(run: TestRun, at: BenchConnection, wanted: InfoSpec, withinNs: number): void {
  const { ram, at: page } = regionAt(run, at.regions['storageInfo'] ?? '');
  const found = (): InfoSpec => ({
    ready: ram.view.getUint8(page + INFO.ready) === 1 ? 'yes' : 'no',
    readOnly: ram.view.getUint8(page + INFO.readOnly) === 0 ? 'no' : 'yes',
    blocks: get64(ram.view, page + INFO.capacity),
    sector: ram.view.getUint16(page + INFO.sectorBytes, true),
  });
  const isSo = (): boolean => {
    const now = found();
    return (
      (wanted.ready ?? now.ready) === now.ready &&
      (wanted.readOnly ?? now.readOnly) === now.readOnly &&
      (wanted.blocks ?? now.blocks) === now.blocks &&
      (wanted.sector ?? now.sector) === now.sector
    );
  };
  if (!run.until(isSo, withinNs)) throw new Unmet(infoWords(wanted), [infoWords(found())]);
}

function infoWords({ ready, readOnly, blocks, sector }: InfoSpec): string {
  const parts = [
    ready === undefined ? undefined : `ready ${ready}`,
    readOnly === undefined ? undefined : `read-only ${readOnly}`,
    blocks === undefined ? undefined : `${blocks} blocks`,
    sector === undefined ? undefined : `sectors of ${sector}`,
  ];
  return `storage information: ${parts.filter((part) => part !== undefined).join(', ')}`;
}
