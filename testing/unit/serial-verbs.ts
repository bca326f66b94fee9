/** The serial queue protocol, as a peer at one of its ends speaks it. */

import { readForm } from '../frames/matcher.ts';
import { Unmet } from '../run/step.ts';
import type { TestRun } from '../run/test-run.ts';
import { latin1 } from '../verbs/uart.ts';
import { type Verb, withinOf } from '../verbs/verb.ts';
import type { BenchConnection } from './bench.ts';
import { misbehaviour } from './index-lie.ts';
import { BENCH_NS, quiet } from './patience.ts';
import { queueOf, regionAt } from './places.ts';
import type { QueueView } from './queue-view.ts';

export function serialVerbs(at: BenchConnection): readonly Verb[] {
  const name = `${at.peer}.${at.name}`;
  const queue = (run: TestRun): QueueView => queueOf(run, at, 'queue');
  const misbehaves: Verb = {
    name: `${name}.misbehaves`,
    what: 'writes an index or the flag of its queue as no honest peer does',
    example: `${name}.misbehaves: tail+60000`,
    read: (given) => misbehaviour(given, { queue }),
  };
  return [
    misbehaves,
    ...(at.end === 'producer' ? producerVerbs(at, name, queue) : consumerVerbs(at, name, queue)),
  ];
}

type Queue = (run: TestRun) => QueueView;

function producerVerbs(at: BenchConnection, name: string, queue: Queue): readonly Verb[] {
  return [
    {
      name: `${name}.write`,
      what: 'puts characters into its queue; notifies nobody',
      example: `${name}.write: "hello"`,
      read: (given) => {
        const bytes = latin1(given, given.text());
        if (bytes.length > at.capacity) given.problem(`the queue holds ${at.capacity} characters`);
        return { run: (run) => write(run, at, queue(run), bytes) };
      },
    },
    {
      name: `expect ${name}.left`,
      what: 'so many characters of this peer have not been taken yet',
      example: `expect ${name}.left: 0`,
      read: (given) => {
        const wanted = given.number({ min: 0, max: at.capacity });
        return { run: (run) => expectLeft(run, queue(run), wanted) };
      },
    },
    {
      name: `${name}.signals`,
      what: 'asks to be notified when there is room, or says that it need not be',
      example: `${name}.signals: wanted`,
      read: (given) => {
        const flag = given.choice(['wanted', 'not wanted']) === 'wanted' ? 0 : 1;
        return { run: (run) => void (queue(run).flag = flag) };
      },
    },
  ];
}

function consumerVerbs(at: BenchConnection, name: string, queue: Queue): readonly Verb[] {
  return [
    {
      name: `expect ${name}.read`,
      what: 'takes these characters out of its queue, exactly; a form between strokes takes all',
      example: `expect ${name}.read: "hello"`,
      read: (given) => {
        if (given.isMap) given.onlyHas(['text', 'within']);
        const stated = given.field('text') ?? given;
        const wanted = readForm(stated) ?? stated.text();
        if (typeof wanted === 'string' && wanted.length > at.capacity) {
          stated.problem(`the queue never holds more than ${at.capacity} characters`);
        }
        const withinNs = withinOf(given, BENCH_NS);
        return { run: (run) => expectRead(run, at, { queue: queue(run), wanted, withinNs }) };
      },
    },
    {
      name: `expect no ${name}.read`,
      what: 'its queue is empty, and stays so',
      example: `expect no ${name}.read`,
      read: () => ({
        run: (run) => {
          quiet(run);
          const text = contents(run, at, queue(run));
          if (text !== '') throw new Unmet('an empty queue', [JSON.stringify(text)]);
        },
      }),
    },
    ...plainConsumerVerbs(at.capacity, name, queue),
  ];
}

function plainConsumerVerbs(capacity: number, name: string, queue: Queue): readonly Verb[] {
  return [
    {
      name: `expect ${name}.asks`,
      what: 'whether the unit asks to be notified when there is room',
      example: `expect ${name}.asks: yes`,
      read: (given) => {
        const wanted = given.choice(['yes', 'no']);
        return {
          run: (run) => {
            const asks = queue(run).flag === 0 ? 'yes' : 'no';
            if (asks !== wanted) throw new Unmet(`the unit to ask for room: ${wanted}`, [asks]);
          },
        };
      },
    },
    {
      name: `${name}.drain`,
      what: 'takes all that is in its queue',
      example: `${name}.drain`,
      read: () => ({ run: (run) => void (queue(run).head = queue(run).tail) }),
    },
    {
      name: `${name}.skip`,
      what: 'takes so many characters out of its queue, whatever they are',
      example: `${name}.skip: 10`,
      read: (given) => {
        const count = given.number({ min: 1, max: capacity });
        return { run: (run) => void (queue(run).head += Math.min(count, queue(run).length)) };
      },
    },
  ];
}

function write(run: TestRun, at: BenchConnection, queue: QueueView, bytes: Uint8Array): void {
  const room = queue.capacity - queue.length;
  if (bytes.length > room) {
    throw new Unmet(`room for ${bytes.length} characters in the queue`, [`room for ${room}`]);
  }
  const { ram, at: from } = regionAt(run, at.regions['data'] ?? '');
  bytes.forEach((byte, index) => {
    ram.u8[from + ((queue.tail + index) & (queue.capacity - 1))] = byte;
  });
  queue.tail += bytes.length;
}

function contents(run: TestRun, at: BenchConnection, queue: QueueView): string {
  const { ram, at: from } = regionAt(run, at.regions['data'] ?? '');
  const length = Math.min(queue.length, queue.capacity);
  return Array.from({ length }, (_, index) =>
    String.fromCharCode(ram.u8[from + ((queue.head + index) & (queue.capacity - 1))] ?? 0),
  ).join('');
}

interface WantedText {
  readonly queue: QueueView;
  readonly wanted: string | RegExp;
  readonly withinNs: number;
}

function expectRead(
  run: TestRun,
  at: BenchConnection,
  { queue, wanted, withinNs }: WantedText,
): void {
  const text = (): string => contents(run, at, queue);
  const isThere = (): boolean =>
    typeof wanted === 'string' ? text().startsWith(wanted) : wanted.test(text());
  if (!run.until(isThere, withinNs)) {
    const words = typeof wanted === 'string' ? JSON.stringify(wanted) : String(wanted);
    const came = text();
    const more =
      queue.length > queue.capacity ? [`its indices cannot be: ${queue.tail}, ${queue.head}`] : [];
    throw new Unmet(`${words} in the queue`, [
      ...more,
      came === '' ? 'an empty queue' : JSON.stringify(came),
    ]);
  }
  queue.head += typeof wanted === 'string' ? wanted.length : queue.length;
}

function expectLeft(run: TestRun, queue: QueueView, wanted: number): void {
  if (run.until(() => queue.length === wanted, BENCH_NS)) return;
  throw new Unmet(`${wanted} characters left in the queue`, [`${queue.length}`]);
}
