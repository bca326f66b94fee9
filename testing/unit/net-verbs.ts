/** The network queue protocol, as a peer at one of its ends speaks it. */

import { decodeFrame, frameWords } from '../frames/decode.ts';
import { differences, type FramePattern, readFramePattern } from '../frames/fields.ts';
import type { Given } from '../given/given.ts';
import type { Scene } from '../run/scene.ts';
import { Unmet } from '../run/step.ts';
import type { TestRun } from '../run/test-run.ts';
import { patternWords, readFrame } from '../verbs/frames.ts';
import { type Verb, withinOf } from '../verbs/verb.ts';
import type { BenchConnection } from './bench.ts';
import { type BufferSpec, entryWords, readBuffer } from './buffer-spec.ts';
import { misbehaviour } from './index-lie.ts';
import { BENCH_NS, quiet } from './patience.ts';
import { queueOf, unitAt } from './places.ts';
import type { QueueView } from './queue-view.ts';

const TWO_32 = 0x1_0000_0000;
const LENGTH = { min: 0, max: 0xffff };
const OID = { min: 0, max: 63 };
const TIMES = { min: 1, max: 0x1_0000 };
const USUAL_BYTES = 60;
const BUFFER_FIELDS = ['buffer', 'of', 'offset'];

interface Entry {
  readonly number: number;
  readonly len: number;
}

/** What an entry must be; what is left out may be anything. */
interface Wanted {
  readonly buffer: BufferSpec | undefined;
  readonly len: number | undefined;
  readonly frame: FramePattern | undefined;
  readonly withinNs: number;
}

export function netVerbs(at: BenchConnection): readonly Verb[] {
  const name = `${at.peer}.${at.name}`;
  const active = (run: TestRun): QueueView => queueOf(run, at, 'activeQueue');
  const free = (run: TestRun): QueueView => queueOf(run, at, 'freeQueue');
  const isProducer = at.end === 'producer';
  const common: readonly Verb[] = [
    {
      name: `${name}.misbehaves`,
      what: 'writes an index or the flag of its queue as no honest peer does; `free …`: of the other one',
      example: `${name}.misbehaves: tail+60000`,
      read: (given) => misbehaviour(given, { active, free }),
    },
    {
      name: `${name}.signals`,
      what: 'asks to be notified, or says that it need not be',
      example: `${name}.signals: not wanted`,
      read: (given) => {
        const flag = given.choice(['wanted', 'not wanted']) === 'wanted' ? 0 : 1;
        return { run: (run) => void ((isProducer ? free(run) : active(run)).flag = flag) };
      },
    },
    {
      name: `expect ${name}.asks`,
      what: 'whether the unit asks to be notified of what this peer puts in',
      example: `expect ${name}.asks: yes`,
      read: (given) => {
        const wanted = given.choice(['yes', 'no']);
        return {
          run: (run) => expectAsks(wanted, (isProducer ? active(run) : free(run)).flag, at),
        };
      },
    },
  ];
  const taken = isProducer ? free : active;
  return [
    ...common,
    ...takenVerbs(at, name, taken),
    ...(isProducer ? producerVerbs(at, name, active, free) : consumerVerbs(at, name, active, free)),
  ];
}

type Queue = (run: TestRun) => QueueView;

/** Of the queue that this peer takes from, whatever it carries. */
function takenVerbs(at: BenchConnection, name: string, queue: Queue): readonly Verb[] {
  return [
    {
      name: `${name}.drain`,
      what: 'takes all that waits for this peer in its queue, whatever it is',
      example: `${name}.drain`,
      read: () => ({ run: (run) => void (queue(run).head = queue(run).tail) }),
    },
    {
      name: `expect ${name}.waiting`,
      what: 'so many entries wait for this peer',
      example: `expect ${name}.waiting: 16`,
      read: (given) => {
        const wanted = given.number({ min: 0, max: at.capacity });
        return { run: (run) => expectWaiting(run, queue, wanted) };
      },
    },
    {
      name: `expect ${name}.complete`,
      what: 'takes all that waits: each buffer is among it, once',
      example: `expect ${name}.complete`,
      read: () => ({ run: (run) => expectComplete(run, at, queue(run)) }),
    },
  ];
}

function expectWaiting(run: TestRun, queue: Queue, wanted: number): void {
  if (run.until(() => queue(run).length === wanted, BENCH_NS)) return;
  throw new Unmet(`${wanted} entries in the queue`, [`${queue(run).length}`]);
}

function expectComplete(run: TestRun, at: BenchConnection, queue: QueueView): void {
  quiet(run);
  const total = at.data?.areas.reduce((sum, { units }) => sum + units, 0) ?? 0;
  const count = Math.min(queue.length, queue.capacity);
  const seen: string[] = [];
  for (let i = 0; i < count; i += 1) {
    seen.push(entryWords(run, at, peek(queue).number));
    queue.head += 1;
  }
  const twice = seen.filter((words, index) => seen.indexOf(words) !== index);
  const bad = seen.filter((words) => words.startsWith('no buffer'));
  if (count === total && twice.length === 0 && bad.length === 0) return;
  const came = [`${count} entries`, ...twice.map((words) => `${words}, twice`), ...bad];
  throw new Unmet(`each of ${total} buffers once`, came);
}

function producerVerbs(
  at: BenchConnection,
  name: string,
  active: Queue,
  free: Queue,
): readonly Verb[] {
  return [
    {
      name: `${name}.enqueue`,
      what: 'puts a filled buffer, or several, into the active queue; notifies nobody',
      example: `${name}.enqueue: {buffer: 3, len: 60}`,
      read: (given, scene) => {
        const entries = given.items().map((each) => readFilled(each, scene, at));
        return { run: (run) => entries.forEach((put) => put(run, active(run))) };
      },
    },
    {
      name: `expect ${name}.returned`,
      what: 'takes an empty buffer, or several, out of the free queue',
      example: `expect ${name}.returned: {buffer: 3}`,
      read: (given) => {
        const wanted = given.items().map((each) => readWanted(each, at));
        return { run: (run) => wanted.forEach((each) => expectEntry(run, at, free(run), each)) };
      },
    },
    noneVerb(`expect no ${name}.returned`, 'the free queue is empty', at, free),
  ];
}

function consumerVerbs(
  at: BenchConnection,
  name: string,
  active: Queue,
  free: Queue,
): readonly Verb[] {
  return [
    {
      name: `expect ${name}.dequeue`,
      what: 'takes a filled buffer, or several, out of the active queue',
      example: `expect ${name}.dequeue: {buffer: 3, len: 60}`,
      read: (given) => {
        const wanted = given.items().map((each) => readWanted(each, at));
        return { run: (run) => wanted.forEach((each) => expectEntry(run, at, active(run), each)) };
      },
    },
    noneVerb(`expect no ${name}.dequeue`, 'the active queue is empty', at, active),
    {
      name: `${name}.return`,
      what: 'puts an empty buffer, or several, into the free queue; notifies nobody',
      example: `${name}.return: {buffer: 3}`,
      read: (given) => {
        const entries = given.items().map((each) => readEmpty(each, at));
        return { run: (run) => entries.forEach((put) => put(run, free(run))) };
      },
    },
  ];
}

function noneVerb(name: string, what: string, at: BenchConnection, queue: Queue): Verb {
  return {
    name,
    what: `${what}, and stays so`,
    example: name,
    read: () => ({
      run: (run) => {
        quiet(run);
        const { length } = queue(run);
        if (length === 0) return;
        throw new Unmet('an empty queue', [
          `${length} entries, the first: ${wordsOf(run, at, peek(queue(run)))}`,
        ]);
      },
    }),
  };
}

type Put = (run: TestRun, queue: QueueView) => void;

function readFilled(given: Given, scene: Scene, at: BenchConnection): Put {
  given.onlyHas([...BUFFER_FIELDS, 'len', 'frame', 'oid', 'times']);
  const buffer = readBuffer(given, at);
  if (buffer === undefined) given.problem('buffer: N says which buffer');
  const stated = given.field('frame');
  const frame = stated === undefined ? undefined : readFrame(stated, scene);
  if (frame !== undefined && buffer?.area === undefined)
    stated?.problem('a frame lies in a buffer');
  const len = given.field('len')?.number(LENGTH) ?? frame?.length ?? USUAL_BYTES;
  const oid = given.field('oid')?.number(OID) ?? 0;
  const times = given.field('times')?.number(TIMES) ?? 1;
  return (run, queue) => {
    const number = buffer?.number(run) ?? 0;
    if (frame !== undefined && at.data !== undefined) {
      const found = unitAt(run, at.data, number);
      found?.place.ram.u8.set(frame, found.place.at);
    }
    for (let i = 0; i < times; i += 1) put(queue, number, len, oid);
  };
}

function readEmpty(given: Given, at: BenchConnection): Put {
  given.onlyHas([...BUFFER_FIELDS, 'times']);
  const buffer = readBuffer(given, at);
  if (buffer === undefined) given.problem('buffer: N says which buffer');
  const times = given.field('times')?.number(TIMES) ?? 1;
  return (run, queue) => {
    for (let i = 0; i < times; i += 1) put(queue, buffer?.number(run) ?? 0, 0, 0);
  };
}

function put(queue: QueueView, number: number, len: number, oid: number): void {
  const { tail, view } = queue;
  const at = queue.entryAt(tail);
  view.setUint32(at, number % TWO_32, true);
  view.setUint32(at + 4, Math.floor(number / TWO_32), true);
  view.setUint16(at + 8, len, true);
  view.setUint16(at + 10, oid, true);
  queue.tail = tail + 1;
}

function peek(queue: QueueView): Entry {
  const at = queue.entryAt(queue.head);
  const { view } = queue;
  const number = view.getUint32(at, true) + view.getUint32(at + 4, true) * TWO_32;
  return { number, len: view.getUint16(at + 8, true) };
}

function readWanted(given: Given, at: BenchConnection): Wanted {
  given.onlyHas([...BUFFER_FIELDS, 'len', 'frame', 'within']);
  const frame = given.field('frame');
  return {
    buffer: readBuffer(given, at),
    len: given.field('len')?.number(LENGTH),
    frame: frame === undefined ? undefined : readFramePattern(frame),
    withinNs: withinOf(given, BENCH_NS),
  };
}

function expectEntry(run: TestRun, at: BenchConnection, queue: QueueView, wanted: Wanted): void {
  if (!run.until(() => queue.length > 0, wanted.withinNs)) {
    throw new Unmet(wantedWords(wanted), ['an empty queue']);
  }
  if (queue.length > queue.capacity) {
    throw new Unmet(wantedWords(wanted), [
      `indices that cannot be: tail ${queue.tail}, head ${queue.head}`,
    ]);
  }
  const entry = peek(queue);
  const wrong = differencesOf(run, at, entry, wanted);
  if (wrong.length > 0) {
    throw new Unmet(wantedWords(wanted), [`${wordsOf(run, at, entry)}: ${wrong.join(', ')}`]);
  }
  queue.head += 1;
}

function differencesOf(
  run: TestRun,
  at: BenchConnection,
  { number, len }: Entry,
  wanted: Wanted,
): readonly string[] {
  const { buffer, frame } = wanted;
  const wrong: string[] = [];
  if (buffer !== undefined && buffer.number(run) !== number) wrong.push(`not ${buffer.words}`);
  if (wanted.len !== undefined && wanted.len !== len) wrong.push(`len is ${len}`);
  const found = at.data === undefined ? undefined : unitAt(run, at.data, number);
  if (frame !== undefined && found !== undefined) {
    const { ram, at: from } = found.place;
    wrong.push(...differences(decodeFrame(ram.u8.slice(from, from + len)), frame));
  }
  if (found === undefined && buffer?.area !== undefined) wrong.push('it names no buffer');
  return wrong;
}

function wordsOf(run: TestRun, at: BenchConnection, { number, len }: Entry): string {
  const found = at.data === undefined ? undefined : unitAt(run, at.data, number);
  const where = entryWords(run, at, number);
  if (found === undefined || len < 14) return `${where}, len ${len}`;
  const { ram, at: from } = found.place;
  return `${where}, len ${len} (${frameWords(decodeFrame(ram.u8.slice(from, from + len)))})`;
}

function wantedWords({ buffer, len, frame }: Wanted): string {
  const parts = [
    buffer?.words,
    len === undefined ? undefined : `len ${len}`,
    frame === undefined ? undefined : `a frame ${patternWords(frame)}`,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? 'an entry' : `an entry with ${parts.join(', ')}`;
}

/** Who signals takes the other's wish for a signal back: it asks again when it wants another. */
export function takeWishBack(run: TestRun, at: BenchConnection): void {
  queueOf(run, at, at.end === 'producer' ? 'activeQueue' : 'freeQueue').flag = 1;
}

function expectAsks(wanted: 'yes' | 'no', flag: number, at: BenchConnection): void {
  const asks = flag === 0 ? 'yes' : 'no';
  if (asks === wanted) return;
  const what = wanted === 'yes' ? 'to ask' : 'not to ask';
  throw new Unmet(`the unit ${what} for signals of ${at.peer}`, [`its flag is ${flag}`]);
}
