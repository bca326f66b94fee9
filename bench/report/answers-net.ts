/**
 * The network data path: throughput by frame size, batch, clients and path, and what each packet
 * costs.
 */

import type { BenchRow } from '../results.ts';
import { rowsTable } from '../suite/rows-table.ts';
import type { Series } from './plot.ts';
import {
  answer,
  best,
  groupsOf,
  numberOf,
  pointOf,
  select,
  seriesOf,
  valuesOf,
} from './section.ts';
import { change, list, percent, say, sentence, times } from './words.ts';

const PATH = '5pd';
const RATE_AXIS = { label: 'packets/s', scale: 'linear' } as const;

/** Rows of the whole path in which two frame sizes, or two batches, were measured. */
function sweep(rows: readonly BenchRow[], key: string): readonly BenchRow[] {
  const found = select(rows, 'net/echo', { path: PATH });
  return valuesOf(found, key).length > 1 ? found : [];
}

/**
 * The rows with those values of a parameter at which more than half as many points were measured as
 * at its most frequent value.
 */
function sweptBy(
  rows: readonly BenchRow[],
  key: string,
): { readonly shown: readonly BenchRow[]; readonly values: readonly (string | number)[] } {
  const all = valuesOf(rows, key);
  const count = (value: string | number): number => rows.filter((row) => row[key] === value).length;
  const most = Math.max(...all.map(count));
  const values = all.filter((value) => count(value) > most / 2);
  return { values, shown: rows.filter((row) => values.includes(row[key] ?? '')) };
}

export const byFrame = answer({
  shares: 'net/shares',
  rows(rows: readonly BenchRow[]) {
    const found = sweep(rows, 'frame');
    if (found.length === 0) return undefined;
    const { shown, values: batches } = sweptBy(found, 'batch');
    const series = seriesOf(shown, { x: 'frame', by: 'batch', name: (batch) => `batch ${batch}` });
    const top = best(shown);
    const widest = shown.reduce((most, row) => (bits(row) > bits(most) ? row : most));
    const ofNative =
      top.ratioToNative === null ? '' : `, ${percent(top.ratioToNative)} of the same in C`;
    return { shown, batches, series, top, widest, ofNative };
  },
  sentence: ({ top, widest, ofNative }) =>
    `At most ${say(top.median)} packets/s, with frames of ${top['frame']} bytes and batches of ${top['batch']}` +
    `${ofNative}; at most ${(bits(widest) / 1e9).toFixed(1)} Gb/s, with frames of ${widest['frame']} bytes.`,
  plots: ({ shown, batches, series }) => [
    {
      plot: {
        kind: 'lines',
        x: { ...frameAxis(shown), label: 'bytes of a frame, without its check sequence' },
        // From one frame at a time to the program in C: two powers of ten.
        y: { label: 'packets/s', scale: 'log' },
        series: [...series, ...nativeSeries(shown, batches.at(-1))],
      },
      // What iperf3 counts is frames of UDP, too.
      takes: {
        names: ['net/echo', 'net/udp'],
        unit: 'packets/s',
        x: 'frame',
        where: { path: PATH },
      },
    },
  ],
  table: ({ shown }) => rowsTable(shown),
});

function bits(row: BenchRow): number {
  return row.median * numberOf(row, 'frame') * 8;
}

export function frameAxis(rows: readonly BenchRow[]): {
  readonly scale: 'log';
  readonly label: string;
  readonly ticks: readonly number[];
  readonly format: (value: number) => string;
} {
  const ticks = valuesOf(rows, 'frame').filter((value) => typeof value === 'number');
  return { scale: 'log', label: 'bytes of a frame', ticks, format: String };
}

/** The program in C, at one batch: otherwise there would be as many lines again. */
function nativeSeries(rows: readonly BenchRow[], batch: string | number | undefined): Series[] {
  const points = rows
    .filter((row) => row['batch'] === batch)
    .flatMap((row) => pointOf(row, 'frame', 'native'));
  if (points.length === 0) return [];
  return [{ name: `C, batch ${batch}`, points, style: 'beside' }];
}

export const byBatch = answer({
  shares: 'net/shares',
  rows(rows: readonly BenchRow[]) {
    const found = sweep(rows, 'batch');
    const [frame] = valuesOf(found, 'frame');
    const ofFrame = found.filter((row) => row['frame'] === frame);
    const [one] = ofFrame.toSorted((a, b) => numberOf(a, 'batch') - numberOf(b, 'batch'));
    if (one === undefined) return undefined;
    const top = best(ofFrame);
    const { shown } = sweptBy(found, 'frame');
    const series = seriesOf(shown, { x: 'batch', by: 'frame', name: (each) => `${each} bytes` });
    return { frame, one, top, shown, series };
  },
  sentence: ({ frame, one, top }) =>
    `Batches of ${top['batch']} carry ${times(top.median / one.median)} as many frames of ${frame} bytes as batches of ${one['batch']}.`,
  plots: ({ shown, series }) => [
    {
      plot: { kind: 'lines', x: batchAxis(shown), y: RATE_AXIS, series },
      takes: { names: ['net/echo'], unit: 'packets/s', x: 'batch', where: { path: PATH } },
    },
  ],
  table: ({ shown }) => rowsTable(shown),
});

function batchAxis(rows: readonly BenchRow[]): {
  readonly scale: 'log';
  readonly label: string;
  readonly ticks: readonly number[];
} {
  const ticks = valuesOf(rows, 'batch').filter((value) => typeof value === 'number');
  return { scale: 'log', label: 'frames in flight', ticks };
}

const WORK: readonly (readonly [string, string])[] = [
  ['kernelEntries', 'kernel entries'],
  ['contextSwitches', 'context switches'],
  ['notifications', 'notifications'],
  ['copies', 'copies'],
];

/** Counted, so it is the same on every machine. */
export const workByBatch = answer({
  rows(rows: readonly BenchRow[]) {
    const found = sweep(rows, 'batch');
    const [frame] = valuesOf(found, 'frame');
    const shown = found
      .filter((row) => row['frame'] === frame && Number.isFinite(numberOf(row, 'kernelEntries')))
      .toSorted((a, b) => numberOf(a, 'batch') - numberOf(b, 'batch'));
    const [first] = shown;
    const last = shown.at(-1);
    if (first === undefined || last === undefined || first === last) return undefined;
    const series = WORK.map(([key, name]) => ({
      name,
      points: shown.flatMap((row) => pointOf(row, 'batch', key)),
    })).filter(({ points }) => points.length > 0);
    return { shown, first, last, series };
  },
  sentence: ({ first, last }) =>
    `${say(numberOf(first, 'kernelEntries'))} kernel entries for a packet at batch ${first['batch']} become ` +
    `${say(numberOf(last, 'kernelEntries'))} at batch ${last['batch']}; the ${say(numberOf(last, 'copies'))} copies remain.`,
  plots: ({ shown, series }) => [
    {
      plot: {
        kind: 'lines',
        x: batchAxis(shown),
        y: { label: 'per packet', scale: 'log' },
        series,
      },
    },
  ],
  table: ({ shown }) => rowsTable(shown, ['frame', 'batch', ...WORK.map(([key]) => key)]),
});

export const byClients = answer({
  rows(rows: readonly BenchRow[]) {
    const found = select(rows, 'net/clients');
    const ordered = found.toSorted((a, b) => numberOf(a, 'clients') - numberOf(b, 'clients'));
    const [few] = ordered;
    const many = ordered.at(-1);
    if (few === undefined || many === undefined) return undefined;
    const ticks = valuesOf(found, 'clients').filter((value) => typeof value === 'number');
    return { found, few, many, ticks };
  },
  sentence: ({ few, many }) =>
    `${many['clients']} clients together get ${percent(many.median / few.median)} of what ${few['clients']} gets: ${say(many.median)} packets/s.`,
  plots: ({ found, ticks }) => [
    {
      plot: {
        kind: 'lines',
        x: { label: 'clients', scale: 'log', ticks },
        y: RATE_AXIS,
        series: [{ name: 'all together', points: found.flatMap((row) => pointOf(row, 'clients')) }],
      },
      takes: { names: ['net/clients'], unit: 'packets/s', x: 'clients' },
    },
  ],
  table: ({ found }) => rowsTable(found),
});

const PATHS: Readonly<Record<string, string>> = {
  '5pd': '5pd: driver, virtualisers, copier, client',
  dummy: 'dummy: a copier that does not copy',
  '4pd': '4pd: no copier',
  '2pd': '2pd: driver and client alone',
};

export const byPath = answer({
  rows(rows: readonly BenchRow[]) {
    const all = select(rows, 'net/echo');
    const paths = Object.keys(PATHS).filter((path) => all.some((row) => row['path'] === path));
    if (paths.length < 2) return undefined;
    // Points that were measured on every path: nothing else can be compared.
    const isCommon = (row: BenchRow): boolean =>
      paths.every((path) =>
        all.some(
          (other) =>
            other['path'] === path &&
            other['frame'] === row['frame'] &&
            other['batch'] === row['batch'],
        ),
      );
    const shown = all.filter(isCommon);
    const full = shown.findLast((row) => row['path'] === PATH);
    if (full === undefined) return undefined;
    const beside = paths
      .filter((path) => path !== PATH)
      .flatMap((path) => {
        const row = shown.find(
          (each) =>
            each['path'] === path &&
            each['frame'] === full['frame'] &&
            each['batch'] === full['batch'],
        );
        return row === undefined ? [] : [`${path}: ${change(row.median / full.median)}`];
      });
    const series = paths.map((path) => PATHS[path] as string);
    return { shown, full, beside, series };
  },
  sentence: ({ full, beside }) =>
    `Beside the whole path (5pd), with frames of ${full['frame']} bytes and batches of ${full['batch']}, the others carry: ${list(beside)}.`,
  plots: ({ shown, series }) => [
    {
      plot: {
        kind: 'bars',
        axis: RATE_AXIS,
        series,
        groups: groupsOf(shown, {
          group: (row) => `${row['frame']} bytes, batch ${row['batch']}`,
          series,
          bar: (row) => PATHS[String(row['path'])] ?? '',
        }),
      },
    },
  ],
  table: ({ shown }) => rowsTable(shown),
});

export const costs = answer({
  rows(rows: readonly BenchRow[]) {
    const names = ['net/boot', 'net/memory', 'net/heap growth', 'net/major collections'];
    const found = names.flatMap((name) => select(rows, name));
    const one = (name: string): number => select(found, name)[0]?.median ?? Number.NaN;
    if (found.length === 0) return undefined;
    const said = [
      `the first packet is echoed ${say(one('net/boot'))} ms after power-on`,
      `the process takes ${say(one('net/memory') / 1e6)} MB`,
      `a million packets leave ${say(one('net/heap growth') / 1e3)} kB on the heap`,
    ].filter((words) => !words.includes('NaN'));
    return { found, said };
  },
  sentence: ({ said }) => sentence(list(said)),
  plots: () => [],
  table: ({ found }) => rowsTable(found),
});
