/**
 * The text of a trace: events of the Trace Event Format as JSON, one a line. Times in microseconds
 * with three decimals.
 */

/** A point on a track. */
export interface Place {
  readonly pid: number;
  readonly tid: number;
  readonly atNs: number;
}

/** A slice that is still open. */
export interface Slice {
  readonly pid: number;
  readonly tid: number;
  readonly name: string;
  readonly fromNs: number;
  /** Host time of its beginning, when the recording has it. */
  readonly hostNs: number;
  readonly args: Readonly<Record<string, string | number>>;
}

const PIECE_CHARACTERS = 1 << 20;

export class TraceText {
  /** Host time of the event that is being read. */
  hostNs = 0;
  readonly #times: 'host time' | 'none';
  #pieces: string[] = [];
  #characters = 0;
  #separator = '';

  /** @param times what slices carry beside their own times */
  constructor(times: 'host time' | 'none') {
    this.#times = times;
  }

  /** Whether there is enough for a piece of the file. */
  get isLong(): boolean {
    return this.#characters > PIECE_CHARACTERS;
  }

  /** @returns what has been gathered since the last time */
  take(): string {
    const text = this.#pieces.join('');
    this.#pieces = [];
    this.#characters = 0;
    return text;
  }

  head(about: Readonly<Record<string, string | number>>): string {
    const data = JSON.stringify({ schema: 1, ...about });
    return `{"displayTimeUnit":"ns","otherData":${data},"traceEvents":[\n`;
  }

  tail(): string {
    return '\n]}\n';
  }

  process(pid: number, name: string): void {
    this.#metadata('process_name', pid, 0, `"name":${JSON.stringify(name)}`);
    this.#metadata('process_sort_index', pid, 0, `"sort_index":${pid}`);
  }

  thread(pid: number, tid: number, name: string, order: number): void {
    this.#metadata('thread_name', pid, tid, `"name":${JSON.stringify(name)}`);
    this.#metadata('thread_sort_index', pid, tid, `"sort_index":${order}`);
  }

  slice(slice: Slice, untilNs: number): void {
    const { pid, tid, name, fromNs } = slice;
    const host = this.#times === 'host time' ? { hostNs: slice.hostNs } : {};
    const args = JSON.stringify({ ...slice.args, ...host });
    const dur = microseconds(untilNs - fromNs);
    this.#add(`{"ph":"X",${where(pid, tid, fromNs)},"dur":${dur},${named(name)},"args":${args}}`);
  }

  instant(
    pid: number,
    tid: number,
    name: string,
    atNs: number,
    args: Readonly<Record<string, number>>,
  ): void {
    const text = JSON.stringify(args);
    this.#add(`{"ph":"i","s":"t",${where(pid, tid, atNs)},${named(name)},"args":${text}}`);
  }

  counter(pid: number, name: string, atNs: number, value: number): void {
    this.#add(`{"ph":"C",${where(pid, 0, atNs)},${named(name)},"args":{"entries":${value}}}`);
  }

  /** Begins ('s') or ends ('f') the arrow number `id`. */
  flow(ph: 's' | 'f', name: string, id: number, { pid, tid, atNs }: Place): void {
    const bind = ph === 'f' ? '"bp":"e",' : '';
    this.#add(
      `{"ph":"${ph}",${bind}"id":${id},"cat":"flow",${where(pid, tid, atNs)},${named(name)}}`,
    );
  }

  #metadata(what: string, pid: number, tid: number, args: string): void {
    this.#add(`{"ph":"M","pid":${pid},"tid":${tid},"name":"${what}","args":{${args}}}`);
  }

  #add(line: string): void {
    this.#pieces.push(this.#separator, line);
    this.#characters += line.length;
    this.#separator = ',\n';
  }
}

function where(pid: number, tid: number, atNs: number): string {
  return `"pid":${pid},"tid":${tid},"ts":${microseconds(atNs)}`;
}

function named(name: string): string {
  return `"name":${JSON.stringify(name)}`;
}

function microseconds(ns: number): string {
  const whole = Math.floor(ns / 1000);
  return `${whole}.${(ns - whole * 1000).toString().padStart(3, '0')}`;
}
