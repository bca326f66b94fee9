// Figures from elsewhere: what is read of each format, what is refused and where, and that no text
// does anything else than be refused in one line.

import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UserMistake } from '../../host/problem.ts';
import { PUBLISHED } from '../cost/published.ts';
import type { BenchRow } from '../results.ts';
import { besideTable, readOwnFigures } from './own-figures.ts';

const OWN = `{
  "figures": 1,
  "series": "my board",
  "rows": [
    { "name": "net/echo", "frame": 64, "batch": 64, "unit": "packets/s", "median": 900000 },
    { "name": "mine", "unit": "s", "median": 2, "min": 1, "max": 3, "kind": "x" }
  ]
}`;

const FIO = {
  'fio version': 'fio-3.33',
  'global options': { bs: '8k' },
  jobs: [
    {
      'job options': { rw: 'randread', iodepth: '32' },
      read: { iops: 5000, bw_bytes: 40_960_000 },
      write: { iops: 0, bw_bytes: 0 },
    },
    {
      'job options': { rw: 'write', bs: '1m' },
      read: { iops: 0, bw_bytes: 0 },
      write: { iops: 200, bw_bytes: 209_715_200 },
    },
  ],
};

/** As sDDF's script leaves it: one line is there twice. */
const IPBENCH = `client vb01
Requested_Throughput,Receive_Throughput,Send_Throughput,Packet_Size,Minimum_RTT,Average_RTT,Maximum_RTT,Stdev_RTT,Median_RTT,Bad_Packets,Idle_Cycles,Total_Cycles
100000000,99900000,99999164,1472,91,267,586,108.16,227,0,250,1000
Result Summary:
100000000,99900000,99999164,1472,91,267,586,108.16,227,0,250,1000
`;

const IPERF = {
  start: { test_start: { protocol: 'UDP', blksize: 1472 } },
  end: { sum: { bits_per_second: 49e6, packets: 4200, lost_packets: 200, seconds: 2 } },
};

describe('figures from elsewhere', () => {
  it('are rows of a series of their own', () => {
    const { series, rows } = readOwnFigures(OWN, 'f');

    expect(series).toBe('my board');
    expect(rows[0]).toMatchObject({ name: 'net/echo', frame: 64, median: 9e5, min: 9e5, max: 9e5 });
    expect(rows[1]).toMatchObject({ kind: 'x', min: 1, max: 3 });
  });

  it('of fio are rows of blk', () => {
    expect(readOwnFigures(JSON.stringify(FIO), 'f')).toMatchObject({
      series: 'fio-3.33',
      rows: [
        { name: 'blk/randread', block: 8192, depth: 32, unit: 'IOPS', median: 5000 },
        { name: 'blk/seqwrite', block: 1_048_576, depth: 1, unit: 'MB/s', median: 209.7152 },
      ],
    });
  });

  it('of iperf3 are datagrams that came, by frame', () => {
    expect(readOwnFigures(JSON.stringify(IPERF), 'f')).toMatchObject({
      series: 'iperf3',
      rows: [
        { name: 'net/udp', frame: 1514, unit: 'packets/s', median: 2000 },
        { name: 'net/udp', unit: 'Mb/s', median: 49 },
      ],
    });
  });

  it('of ipbench are received rates, round trips and CPU use, by load', () => {
    const row = (name: string, offered: number, unit: string, median: number, more = {}) => ({
      ...{ name, path: '5pd', offered, unit, median, min: median, max: median, ...more },
      ratioToNative: null,
    });
    const expected = [
      row('net/received', 100, 'Mb/s', 99.9),
      row('net/round-trip', 100, 'µs', 227, { min: 91, max: 586 }),
      row('net/cpu-use', 100, '% of a core', 75),
    ];

    expect(readOwnFigures(IPBENCH, 'dir/board.log')).toEqual({
      series: 'board.log',
      rows: expected,
    });
    // ipbench's own line, without the heading that a script writes, and without a target's cycles.
    const [line = ''] = IPBENCH.split('\n').filter((each) => each.startsWith('1'));
    expect(readOwnFigures(line, 'b').rows).toEqual(expected);
    const alone = line.split(',').slice(0, 9).join(',');
    expect(readOwnFigures(alone, 'b').rows).toEqual(expected.slice(0, 2));
  });

  it.each([
    ['', 'f:1:1: is no JSON'],
    ['Requested_Throughput,Median_RTT', 'f:1:1: the column Receive_Throughput of ipbench is'],
    [IPBENCH.split('\n').slice(0, 2).join('\n'), "f:1:1: names ipbench's columns, and has no line"],
    [`${IPBENCH}1,2,3,4,5,6,7,8,9\n`, 'f:6:1: has 9 figures, and ipbench 12'],
    ['1,2,3,4,5,6,7,8,9,1,2,3,4', 'f:1:1: has 13 figures, and ipbench 9, 10, 11, 12'],
    ['[1]', 'f:1:1: is no JSON object'],
    ['{"figures": 1,\n "series": }', 'f:2:12: is no JSON from here on'],
    ['{"figures": 2}', 'f:1:1: figures of version 2; this program reads 1'],
    [OWN.replace('"my board"', '""'), "f:1:1: 'series' is empty: give it a name"],
    [OWN.replace('"median": 900000', '"median": "9"'), "f:5:84: 'median' is no number"],
    [OWN.replace('"name": "mine", ', ''), "f:6:5: 'name' is missing"],
    [OWN.replace('"kind": "x"', '"kind": [1]'), "f:6:77: 'kind' is neither a text nor a number"],
    [JSON.stringify({ 'fio version': '3', jobs: [{}] }), "f:1:28: 'read' is missing"],
    ['{"start": {}, "end": {}}', "f:1:11: 'test_start' is missing"],
  ])('are refused by their places: %j', (text, message) => {
    expect(() => readOwnFigures(text, 'f')).toThrow(UserMistake);
    expect(() => readOwnFigures(text, 'f')).toThrow(message);
  });

  it('are read or refused, whatever was done to them', () => {
    const texts = [OWN, JSON.stringify(FIO, undefined, 1), JSON.stringify(IPERF), IPBENCH];
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '0',
      '-1',
      '1e999',
      'null',
      '\n',
    );
    const changed = fc
      .tuple(fc.constantFrom(...texts), fc.nat(600), fc.nat(12), fc.array(piece, { maxLength: 3 }))
      .map(([text, at, cut, pieces]) => text.slice(0, at) + pieces.join('') + text.slice(at + cut));
    let refused = 0;
    fc.assert(
      fc.property(changed, (text) => {
        try {
          const { rows } = readOwnFigures(text, 'f');
          for (const { median } of rows) expect(Number.isFinite(median)).toBe(true);
        } catch (error) {
          refused += 1;
          expect(error).toBeInstanceOf(UserMistake);
          expect((error as Error).message).toMatch(/^f:\d+:\d+: [^\n]+$/);
        }
      }),
      { numRuns: 3000 },
    );
    expect(refused).toBeGreaterThan(1000);
  });

  it('stand beside the row that has all of their parameters', () => {
    const figures = { unit: 'packets/s', min: 0, max: 0, ratioToNative: null };
    const echo = (batch: number, median: number): BenchRow => ({
      ...{ name: 'net/echo', path: '5pd', frame: 64, batch, median, ...figures },
    });
    const ours = [echo(1, 1000), echo(64, 4_500_000)];

    expect(besideTable(ours, readOwnFigures(OWN, 'f'))).toEqual({
      header: ['what', 'unit', 'there', 'here', 'quotient'],
      lines: [
        ['net/echo frame=64 batch=64', 'packets/s', '900,000', '4,500,000', '5'],
        ['mine kind=x', 's', '2', '-', '-'],
      ],
    });
  });
});

it('what is published of sDDF is such a file', () => {
  const path = 'bench/published/sddf.json';
  const { rows } = readOwnFigures(readFileSync(path, 'utf8'), path);

  const use = rows.filter(({ name }) => name === 'net/cpu-use');
  expect(use.map((row) => [row['path'], row['offered'], row.median])).toEqual(
    PUBLISHED.map((row) => [row.path, row.megabits, Math.round(row.cpu * 100)]),
  );
});
