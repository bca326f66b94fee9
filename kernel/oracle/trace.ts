/**
 * Recorded system-call traces of the real seL4 kernel, as their README in the corpus describes
 * them: one JSON record a line, several traces in a file.
 */

import { RECORDS } from './trace-format.ts';

/**
 * A 64-bit word: a number below 2^31, else hexadecimal; or "pc", "us", "U+0x…" as the README says.
 */
export type TraceWord = number | string;

export interface TraceCall {
  readonly i: number;
  readonly op: string;
  readonly sys: string;
  readonly cptr: TraceWord;
  readonly label?: TraceWord;
  readonly mrs?: readonly TraceWord[];
  readonly caps?: readonly TraceWord[];
  readonly reply?: TraceWord;
  readonly ans: unknown;
  readonly chg?: Readonly<Record<string, number>>;
}

/** One system call of a helper's program. */
export interface TraceOp {
  readonly sys: string;
  readonly cptr?: TraceWord;
  readonly label?: TraceWord;
  readonly mrs?: readonly TraceWord[];
  readonly len?: number;
  readonly caps?: readonly TraceWord[];
  readonly reply?: TraceWord;
  readonly dest?: TraceWord;
  readonly recv?: readonly [TraceWord, TraceWord, TraceWord];
}

export interface TraceHelper {
  readonly tid: number;
  readonly prio: number;
  readonly mcp: number;
}

export interface TraceState {
  readonly state: number;
  readonly T: string;
  readonly N: string;
  readonly I?: string;
  readonly deep?: Readonly<Record<string, string>>;
}

export type TraceLine =
  | { readonly kind: 'call'; readonly call: TraceCall }
  | { readonly kind: 'program'; readonly tid: number; readonly ops: readonly TraceOp[] }
  | { readonly kind: 'run'; readonly tids: readonly number[]; readonly log: readonly unknown[] }
  | { readonly kind: 'state'; readonly state: TraceState };

export interface Trace {
  readonly number: number;
  readonly family: number;
  readonly helpers: readonly TraceHelper[];
  readonly lines: readonly TraceLine[];
}

/** A line that is no record of a trace; the message names the line. */
export class TraceFormatError extends Error {
  override readonly name = 'TraceFormatError';
}

/** @throws TraceFormatError */
export function parseTraces(text: string): Trace[] {
  const traces: Trace[] = [];
  let head: { number: number; family: number } | undefined;
  let helpers: readonly TraceHelper[] = [];
  let lines: TraceLine[] = [];
  text.split('\n').forEach((line, index) => {
    if (line === '') return;
    const record = parseRecord(line, index + 1);
    if ('trace' in record) {
      if (head !== undefined) throw new TraceFormatError(`line ${index + 1}: a trace in a trace`);
      head = { number: record['trace'] as number, family: record['family'] as number };
      helpers = [];
      lines = [];
    } else if (head === undefined) {
      throw new TraceFormatError(`line ${index + 1}: a record outside a trace`);
    } else if ('end' in record) {
      traces.push({ ...head, helpers, lines });
      head = undefined;
    } else if ('helpers' in record) {
      helpers = record['helpers'] as readonly TraceHelper[];
    } else {
      checkRun(record, helpers, index + 1);
      lines.push(lineOf(record));
    }
  });
  if (head !== undefined) throw new TraceFormatError('the last trace has no end');
  return traces;
}

/** @throws TraceFormatError when a helper runs that there is none */
function checkRun(
  record: Record<string, unknown>,
  helpers: readonly TraceHelper[],
  number: number,
): void {
  const tids = 'run' in record && !('i' in record) ? (record['run'] as readonly number[]) : [];
  const unknown = tids.find((each) => !helpers.some(({ tid }) => tid === each));
  if (unknown !== undefined) {
    throw new TraceFormatError(`line ${number}: there is no helper ${unknown}`);
  }
}

function parseRecord(line: string, number: number): Record<string, unknown> {
  try {
    const record: unknown = JSON.parse(line);
    if (typeof record === 'object' && record !== null) {
      return checked(record as Record<string, unknown>, number);
    }
  } catch (error) {
    if (error instanceof TraceFormatError) throw error;
    // Reported below, like any other line that is no record.
  }
  throw new TraceFormatError(`line ${number}: not a JSON record`);
}

function checked(record: Record<string, unknown>, number: number): Record<string, unknown> {
  const kind = Object.keys(RECORDS).find((name) => name in record);
  if (kind === undefined) throw new TraceFormatError(`line ${number}: an unknown record`);
  if (RECORDS[kind]?.(record) === true) return record;
  throw new TraceFormatError(`line ${number}: a record '${kind}' with fields that are none of its`);
}

function lineOf(record: Record<string, unknown>): TraceLine {
  if ('i' in record) return { kind: 'call', call: record as unknown as TraceCall };
  if ('program' in record) {
    const ops = record['ops'] as readonly TraceOp[];
    return { kind: 'program', tid: record['program'] as number, ops };
  }
  if ('run' in record) {
    const log = record['log'] as readonly unknown[];
    return { kind: 'run', tids: record['run'] as readonly number[], log };
  }
  return { kind: 'state', state: record as unknown as TraceState };
}

/** @returns the value of a word that is one */
export function wordValue(word: TraceWord): number | bigint {
  if (typeof word === 'number') return word;
  const value = BigInt(word);
  return value < 2n ** 53n ? Number(value) : value;
}

/** @returns the word as a trace writes it */
export function formatWord(value: number | bigint): TraceWord {
  if (value < 2 ** 31) return Number(value);
  return `0x${value.toString(16)}`;
}

/**
 * Whether an answer is what is due. "pc" stands for any word, "us" for any time but 0.
 */
export function isSame(due: unknown, given: unknown): boolean {
  if (due === 'pc') return true;
  if (due === 'us') return given !== 0;
  if (Array.isArray(due)) {
    return (
      Array.isArray(given) &&
      due.length === given.length &&
      due.every((item, i) => isSame(item, given[i]))
    );
  }
  if (typeof due !== 'object' || due === null) return due === given;
  if (typeof given !== 'object' || given === null) return false;
  const dueFields = Object.entries(due);
  const givenFields = given as Record<string, unknown>;
  return (
    dueFields.length === Object.keys(given).length &&
    dueFields.every(([name, value]) => name in given && isSame(value, givenFields[name]))
  );
}
