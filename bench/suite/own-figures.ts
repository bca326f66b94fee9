/**
 * `--beside`: figures that were measured elsewhere, as a series with a name of its own. Read from
 * the format of docs/benchmarks.md, from what `fio --output-format=json` prints, `iperf3 --json`,
 * or ipbench.
 */

import {
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
} from 'jsonc-parser';
import { basename } from 'node:path';
import { UserMistake } from '../../host/problem.ts';
import { type BenchRow, FIGURES, parametersOf } from '../results.ts';
import { figure } from './figure.ts';
import { ipbenchRows, isIpbench } from './ipbench.ts';
import type { Table } from './fold-table.ts';

export interface OwnFigures {
  readonly series: string;
  readonly rows: readonly BenchRow[];
}

const VERSION = 1;
/** Ethernet, IPv4 and UDP: iperf3 counts payload. */
const HEADER_BYTES = 42;
const MEGA = 1e6;

/**
 * @param where the file's name, for messages
 * @throws UserMistake with the place in the file: line and column
 */
export function readOwnFigures(text: string, where: string): OwnFigures {
  if (isIpbench(text)) return { series: basename(where), rows: ipbenchRows(text, where) };
  const reader = new Reader(text, where);
  const root = reader.root();
  if (reader.has(root, 'fio version')) return fioFigures(reader, root);
  if (reader.has(root, 'start') && reader.has(root, 'end')) return iperfFigures(reader, root);
  return ownFigures(reader, root);
}

/** A JSON text whose mistakes are told by their places. */
class Reader {
  readonly where: string;
  readonly #text: string;

  constructor(text: string, where: string) {
    this.#text = text;
    this.where = where;
  }

  root(): Node {
    const errors: ParseError[] = [];
    const root = parseTree(this.#text, errors);
    const [first] = errors;
    if (first?.offset === 0) return this.fail(0, 'is no JSON, and has no line of ipbench');
    if (first !== undefined) return this.fail(first.offset, 'is no JSON from here on');
    if (root?.type !== 'object') return this.fail(root?.offset ?? 0, 'is no JSON object');
    return root;
  }

  has(node: Node, key: string): boolean {
    return findNodeAtLocation(node, [key]) !== undefined;
  }

  /** A member that has to be there, and of this type. */
  member(node: Node, key: string, type: 'string' | 'number' | 'array' | 'object'): Node {
    const found = findNodeAtLocation(node, [key]);
    if (found?.type === type) return found;
    const what = found === undefined ? `'${key}' is missing` : `'${key}' is no ${type}`;
    return this.fail((found ?? node).offset, what);
  }

  number(node: Node, key: string): number {
    const found = this.member(node, key, 'number');
    const value = getNodeValue(found) as number;
    return Number.isFinite(value) ? value : this.fail(found.offset, `'${key}' is no number`);
  }

  text(node: Node, key: string): string {
    return getNodeValue(this.member(node, key, 'string')) as string;
  }

  fail(offset: number, what: string): never {
    const lines = this.#text.slice(0, offset).split('\n');
    const column = (lines.at(-1) ?? '').length + 1;
    throw new UserMistake(`${this.where}:${lines.length}:${column}: ${what}`);
  }
}

function ownFigures(reader: Reader, root: Node): OwnFigures {
  const version = reader.number(root, 'figures');
  if (version !== VERSION) {
    reader.fail(root.offset, `figures of version ${version}; this program reads ${VERSION}`);
  }
  const series = reader.text(root, 'series');
  if (series === '') reader.fail(root.offset, "'series' is empty: give it a name");
  const rows = reader.member(root, 'rows', 'array').children ?? [];
  return { series, rows: rows.map((node) => ownRow(reader, node)) };
}

function ownRow(reader: Reader, node: Node): BenchRow {
  if (node.type !== 'object') reader.fail(node.offset, 'a row is an object');
  const median = reader.number(node, 'median');
  const row: Record<string, string | number> = {
    name: reader.text(node, 'name'),
    unit: reader.text(node, 'unit'),
    median,
    min: reader.has(node, 'min') ? reader.number(node, 'min') : median,
    max: reader.has(node, 'max') ? reader.number(node, 'max') : median,
  };
  for (const [key, value] of (node.children ?? []).map(({ children }) => children ?? [])) {
    const name = String(key?.value);
    if (name in row) continue;
    if (value === undefined || (value.type !== 'string' && value.type !== 'number')) {
      return reader.fail((value ?? node).offset, `'${name}' is neither a text nor a number`);
    }
    row[name] = value.value as string | number;
  }
  return { ...row, ratioToNative: null } as BenchRow;
}

const FIO_NAMES: Readonly<Record<string, string>> = { read: 'seqread', write: 'seqwrite' };

/** A row for each job and direction that has done something. */
function fioFigures(reader: Reader, root: Node): OwnFigures {
  const jobs = reader.member(root, 'jobs', 'array').children ?? [];
  const common = findNodeAtLocation(root, ['global options']);
  const rows = jobs.flatMap((job) =>
    (['read', 'write'] as const).flatMap((direction) => {
      const done = reader.member(job, direction, 'object');
      if (reader.number(done, 'iops') === 0) return [];
      const option = (name: string, otherwise: string): string => {
        const own = findNodeAtLocation(job, ['job options', name]);
        const given = own ?? (common && findNodeAtLocation(common, [name]));
        return given?.type === 'string' ? String(given.value) : otherwise;
      };
      const rw = option('rw', direction);
      const isSequential = rw in FIO_NAMES;
      const median = isSequential
        ? reader.number(done, 'bw_bytes') / MEGA
        : reader.number(done, 'iops');
      const row: BenchRow = {
        name: `blk/${FIO_NAMES[rw] ?? rw}`,
        block: bytesOf(option('bs', '4k')),
        depth: Number(option('iodepth', '1')),
        ...(rw.endsWith('rw') ? { direction } : {}),
        unit: isSequential ? 'MB/s' : 'IOPS',
        ...{ median, min: median, max: median, ratioToNative: null },
      };
      return [row];
    }),
  );
  return { series: reader.text(root, 'fio version'), rows };
}

/** Such as 4k or 1m, as fio has it: powers of 1024. */
function bytesOf(text: string): number {
  const [, digits = '', unit = ''] = /^(\d+)([kmg]?)/i.exec(text) ?? [];
  return Number(digits) * 1024 ** ' kmg'.indexOf(unit.toLowerCase() || ' ');
}

function iperfFigures(reader: Reader, root: Node): OwnFigures {
  const start = reader.member(root, 'start', 'object');
  const test = reader.member(start, 'test_start', 'object');
  const end = reader.member(root, 'end', 'object');
  const isUdp = reader.text(test, 'protocol') === 'UDP';
  const received = reader.member(end, isUdp ? 'sum' : 'sum_received', 'object');
  const megabits = reader.number(received, 'bits_per_second') / MEGA;
  const row = (name: string, unit: string, median: number, more = {}): BenchRow => ({
    ...{ name, ...more, unit, median, min: median, max: median, ratioToNative: null },
  });
  if (!isUdp) return { series: 'iperf3', rows: [row('net/tcp', 'Mb/s', megabits)] };
  const packets = reader.number(received, 'packets') - reader.number(received, 'lost_packets');
  const rate = packets / reader.number(received, 'seconds');
  const frame = reader.number(test, 'blksize') + HEADER_BYTES;
  const rows = [row('net/udp', 'packets/s', rate, { frame }), row('net/udp', 'Mb/s', megabits)];
  return { series: 'iperf3', rows };
}

/**
 * Their figures beside ours. A row of ours is meant by one of theirs when it has the same name and
 * unit, and every parameter that theirs has. Where none of theirs means one, there is no column for
 * ours.
 */
export function besideTable(ours: readonly BenchRow[], { rows }: OwnFigures): Table {
  const lines = rows.map((row) => {
    const own = ours.find((each) => isMeant(each, row));
    const quotient = own === undefined || row.median === 0 ? '-' : figure(own.median / row.median);
    const parameters = parametersOf(row).map(([key, value]) => `${key}=${value}`);
    return [
      [row.name, ...parameters].join(' '),
      row.unit,
      figure(row.median),
      own === undefined ? '-' : figure(own.median),
      quotient,
    ];
  });
  const header = ['what', 'unit', 'there', 'here', 'quotient'];
  if (lines.some((cells) => cells[3] !== '-')) return { header, lines };
  return { header: header.slice(0, 3), lines: lines.map((cells) => cells.slice(0, 3)) };
}

function isMeant(own: BenchRow, row: BenchRow): boolean {
  if (own.name !== row.name || own.unit !== row.unit) return false;
  const given = Object.entries(row).filter(([key]) => !FIGURES.has(key) && key !== 'note');
  return given.every(([key, value]) => own[key] === value);
}
