/** Machine code, the way from the host's sockets to a program, and the simulator's worlds. */

import type { BenchRow } from '../results.ts';
import { rowsTable } from '../suite/rows-table.ts';
import type { BarGroup } from './plot.ts';
import { answer, best, groupsOf, numberOf, select, valuesOf } from './section.ts';
import { list, percent, say, sayNs, sentence, times } from './words.ts';

/** What no kernel is: rows of whole systems, and what is computed of the kernels'. */
const NO_KERNELS = ['mean', 'slowest', 'echo', 'start', 'memory', 'typed', 'shares'];
const BESIDE: readonly (readonly [engine: string, figure: string, name: string])[] = [
  ['translator', 'ratioToNative', 'translated, of C'],
  ['translator', 'ratioToQemu', 'translated, of QEMU'],
  ['interpreter', 'ratioToQemu', 'interpreted, of QEMU'],
];

export const kernelsOfCode = answer({
  rows(rows: readonly BenchRow[]) {
    const found = rows.filter(
      ({ name }) => name.startsWith('code/') && !NO_KERNELS.includes(kernelOf(name)),
    );
    const groups = [...new Set(found.map(({ name }) => name))]
      .map((name) => kernelGroup(kernelOf(name), select(found, name)))
      .filter(({ bars }) => bars.length > 0);
    const [slowest] = select(rows, 'code/slowest');
    const [mean] = select(rows, 'code/mean');
    const top = found.find((row) => row['engine'] === 'translator');
    if (top === undefined) return undefined;
    return {
      found: [...found, ...[mean, slowest].filter((row) => row !== undefined)],
      groups,
      slowest,
      mean,
      top,
    };
  },
  sentence({ top, mean, slowest }) {
    const said = [
      `${kernelOf(top.name)}, translated, executes ${say(top.median)} million instructions/s`,
    ];
    if (top.ratioToNative !== null)
      said.push(`that is ${percent(top.ratioToNative)} of the same in C`);
    if (mean !== undefined) said.push(`beside QEMU the geometric mean is ${times(mean.median)}`);
    if (slowest !== undefined) {
      said.push(
        `the interpreter's slowest, ${slowest['kernel']}, has ${say(slowest.median)} million`,
      );
    }
    return sentence(list(said));
  },
  plots: ({ groups }) => [
    {
      plot: {
        kind: 'bars',
        axis: { label: 'of the speed of the other', scale: 'linear' },
        series: BESIDE.map(([, , name]) => name),
        groups,
      },
    },
  ],
  table: ({ found }) => rowsTable(found),
});

function kernelOf(name: string): string {
  return name.slice('code/'.length);
}

function kernelGroup(label: string, rows: readonly BenchRow[]): BarGroup {
  const bars = BESIDE.flatMap(([engine, figure], series) => {
    const row = rows.find((each) => each['engine'] === engine);
    const value = row === undefined ? Number.NaN : numberOf(row, figure);
    return Number.isFinite(value) ? [{ series, value, low: value, high: value }] : [];
  });
  return { label, bars };
}

export const systemsOfCode = answer({
  shares: 'code/shares',
  rows(rows: readonly BenchRow[]) {
    const found = ['echo', 'start', 'memory', 'typed'].flatMap((name) =>
      select(rows, `code/${name}`),
    );
    if (found.length === 0) return undefined;
    const [echo] = select(found, 'code/echo');
    const [start] = select(found, 'code/start');
    const [memory] = select(found, 'code/memory');
    const [typed] = select(found, 'code/typed', { beside: 'loop' });
    const said = [
      ...(echo === undefined
        ? []
        : [
            `echo of images carries ${say(echo.median)} packets/s of processor time` +
              `, ${percent(numberOf(echo, 'ratioToTypeScript'))} of the one in TypeScript`,
          ]),
      ...(start === undefined
        ? []
        : [`the first packet of ${start['images']} images comes after ${say(start.median)} ms`]),
      ...(memory === undefined ? [] : [`they take ${say(memory.median / 1e6)} MB`]),
      ...(typed === undefined
        ? []
        : [
            `a character typed beside an endless loop is back after ${say(typed.median)} ms` +
              `, 99 of 100 are within ${say(numberOf(typed, 'p99Us') / 1000)}`,
          ]),
    ];
    return { found, said };
  },
  sentence: ({ said }) => sentence(list(said)),
  plots: () => [],
  table: ({ found }) => rowsTable(found),
});

export const bridgeRates = answer({
  shares: 'bridge/shares',
  rows(rows: readonly BenchRow[]) {
    const found = select(rows, 'bridge/datagrams');
    if (found.length === 0) return undefined;
    const series = valuesOf(found, 'over').map(String);
    const cpu = select(rows, 'bridge/processor time');
    const others = [...cpu, ...select(rows, 'bridge/lost'), ...idleRows(rows)];
    return { found, series, top: best(found), idle: idleRows(rows), others };
  },
  sentence({ top, idle }) {
    const rest = idle.map((row) => `${row['over']} ${say(row.median)} %`);
    const still =
      rest.length === 0 ? '' : `; with nothing under way the process takes ${list(rest)} of a core`;
    return `At most ${say(top.median)} datagrams a second, of ${top['bytes']} bytes over ${top['over']}${still}.`;
  },
  plots: ({ found, series }) => [
    {
      plot: {
        kind: 'bars',
        axis: { label: 'datagrams a second, there and back', scale: 'log' },
        series,
        groups: groupsOf(found, { group: underWay, series, bar: (row) => String(row['over']) }),
      },
      takes: { names: ['bridge/datagrams'], unit: '1/s', group: underWay },
    },
  ],
  table: ({ found, others }) => rowsTable([...found, ...others]),
});

function idleRows(rows: readonly BenchRow[]): readonly BenchRow[] {
  return select(rows, 'bridge/idle processor time');
}

function underWay(row: BenchRow): string {
  return `${row['bytes']} bytes, ${row['window']} under way`;
}

const PERCENTILES = ['p50', 'p99'];

export const bridgeRoundTrips = answer({
  rows(rows: readonly BenchRow[]) {
    const found = PERCENTILES.flatMap((name) => select(rows, `bridge/round trip ${name}`));
    const alone = found.filter((row) => row['window'] === 1);
    if (alone.length === 0) return undefined;
    const said = valuesOf(alone, 'over').map((over) => {
      const times_ = alone.filter((row) => row['over'] === over).map((row) => sayNs(row.median));
      return `${over} ${times_.join(' to ')}`;
    });
    return { found, said };
  },
  sentence: ({ said }) => `From p50 to p99, one under way: ${list(said)}.`,
  plots: ({ found }) => [
    {
      plot: {
        kind: 'bars',
        axis: { label: 'µs there and back', scale: 'log' },
        series: PERCENTILES,
        groups: groupsOf(found, {
          group: (row) => `${row['over']}, ${underWay(row)}`,
          series: PERCENTILES,
          bar: (row) => row.name.slice('bridge/round trip '.length),
          scale: 1e-3,
        }),
      },
    },
  ],
  table: ({ found }) => rowsTable(found),
});

const ORDERS: Readonly<Record<string, string>> = {
  none: 'orders as they come',
  random: 'orders explored',
};

export const worlds = answer({
  shares: 'sim/shares',
  rows(rows: readonly BenchRow[]) {
    const found = select(rows, 'sim/worlds');
    if (found.length === 0) return undefined;
    const series = Object.values(ORDERS);
    const costs = select(rows, 'sim/cost of exploring');
    const plain = found.filter((row) => row['explore'] === 'none');
    return { found, series, costs, plain };
  },
  sentence({ plain, costs }) {
    const rates = plain.map((row) => `${say(row.median)} of ${row['system']}`);
    const most = costs.length === 0 ? undefined : best(costs);
    const cost =
      most === undefined ? '' : `; exploring orders costs at most ${times(most.median)} as much`;
    return `In a second of one core: ${rates.length === 0 ? 'see the table' : list(rates)}${cost}.`;
  },
  plots: ({ found, series }) => [
    {
      plot: {
        kind: 'bars',
        axis: { label: 'worlds in a second of one core', scale: 'linear' },
        series,
        groups: groupsOf(found, {
          group: (row) => String(row['system']),
          series,
          bar: (row) => ORDERS[String(row['explore'])] ?? '',
        }),
      },
    },
  ],
  table: ({ found, costs }) => rowsTable([...found, ...costs]),
});
