/**
 * The network data path under load: rates without loss, latency, loss, CPU use, and who gets how
 * much.
 */

import type { BenchRow } from '../results.ts';
import { rowsTable } from '../suite/rows-table.ts';
import { short } from '../suite/figure.ts';
import { median } from '../statistics.ts';
import {
  groupsOf,
  numberOf,
  pointOf,
  type Section,
  type SectionContent,
  select,
  seriesOf,
  valuesOf,
} from './section.ts';
import { frameAxis } from './sections-net.ts';
import { list, percent, say } from './words.ts';

export const LOAD_SECTIONS: readonly Section[] = [
  {
    id: 'net-ndr',
    benchmark: 'net',
    question: 'What is the highest rate without loss (NDR), and with 0.5 % loss (PDR)?',
    make: highestRates,
  },
  {
    id: 'net-latency',
    benchmark: 'net',
    question: 'How long does a packet take at 10, 50 and 90 % of PDR?',
    make: latency,
  },
  {
    id: 'net-loss',
    benchmark: 'net',
    question: 'How does loss grow when more is offered than can be carried?',
    make: loss,
  },
  {
    id: 'net-burst',
    benchmark: 'net',
    question: 'How many frames back to back are taken without loss?',
    make: burst,
  },
  {
    id: 'net-cpu',
    benchmark: 'net',
    question: 'CPU use against offered load: does the cost table predict what sDDF publishes?',
    make: cpuUse,
  },
  {
    id: 'net-isolation',
    benchmark: 'net',
    question: 'Does a slow or hostile client take from a good one?',
    make: isolation,
  },
  {
    id: 'net-policy',
    benchmark: 'net',
    question: 'Who sends how much under each transmit policy?',
    make: transmitPolicies,
  },
];

function highestRates(rows: readonly BenchRow[]): SectionContent | undefined {
  const found = [...select(rows, 'net/ndr'), ...select(rows, 'net/pdr')];
  const series = [
    { name: 'NDR: no loss', rows: select(rows, 'net/ndr') },
    { name: 'PDR: 0.5 % loss', rows: select(rows, 'net/pdr') },
  ].flatMap(({ name, rows: each }) =>
    each.length === 0 ? [] : [{ name, points: each.flatMap((row) => pointOf(row, 'frame')) }],
  );
  const [smallest] = valuesOf(found, 'frame');
  if (smallest === undefined) return undefined;
  const said = found
    .filter((row) => row['frame'] === smallest)
    .map((row) => `${row.name === 'net/ndr' ? 'NDR' : 'PDR'} ${say(row.median)} packets/s`);
  return {
    answer: `With frames of ${smallest} bytes: ${list(said)}.`,
    plots: [
      {
        plot: {
          kind: 'lines',
          x: frameAxis(found),
          y: { label: 'packets/s', scale: 'linear' },
          series,
        },
      },
    ],
    table: rowsTable(found),
  };
}

function latency(rows: readonly BenchRow[]): SectionContent | undefined {
  const found = select(rows, 'net/latency');
  if (found.length === 0) return undefined;
  const series = valuesOf(found, 'percentile').map(String);
  const frames = valuesOf(found, 'frame');
  const [frame] = frames;
  const said = valuesOf(found, 'load').flatMap((load) => {
    const of = (percentile: string): BenchRow | undefined =>
      found.find(
        (row) =>
          row['load'] === load &&
          row['percentile'] === percentile &&
          (frame === undefined || row['frame'] === frame),
      );
    const [half, most] = [of('p50'), of('p99')];
    if (half === undefined || most === undefined) return [];
    return [`${say(half.median)} to ${say(most.median)} µs at ${load} %`];
  });
  const size = frame === undefined ? '' : ` of frames of ${frame} bytes`;
  return {
    answer: `From p50 to p99${size}: ${list(said)}.`,
    plots: [
      {
        plot: {
          kind: 'bars',
          axis: { label: 'µs, there and back', scale: 'log' },
          series,
          groups: groupsOf(found, {
            group: (row) =>
              `${frames.length > 1 ? `${row['frame']} bytes, ` : ''}at ${row['load']} % of PDR`,
            series,
            bar: (row) => String(row['percentile']),
            // Of all packets, not of samples.
            spread: 'none',
          }),
        },
      },
    ],
    table: rowsTable(found),
  };
}

function loss(rows: readonly BenchRow[]): SectionContent | undefined {
  const found = select(rows, 'net/loss').toSorted(
    (a, b) => numberOf(a, 'offered') - numberOf(b, 'offered'),
  );
  const [frame] = valuesOf(found, 'frame');
  const ofFrame = found.filter((row) => frame === undefined || row['frame'] === frame);
  const first = ofFrame.find((row) => row.median > 0);
  const most = ofFrame.at(-1);
  if (most === undefined) return undefined;
  const size = frame === undefined ? '' : `, of frames of ${frame} bytes,`;
  const beginning =
    first === undefined
      ? `Nothing is lost up to ${say(numberOf(most, 'offered'))} packets/s offered`
      : `Loss begins at ${say(numberOf(first, 'offered'))} packets/s${size} offered`;
  const name = (each: string | number): string => `${each} bytes`;
  const series =
    frame === undefined
      ? [{ name: 'lost', points: found.flatMap((row) => pointOf(row, 'offered')) }]
      : seriesOf(found, { x: 'offered', by: 'frame', name });
  return {
    answer: `${beginning}; at ${say(numberOf(most, 'offered'))} it is ${percent(most.median)}.`,
    plots: [
      {
        plot: {
          kind: 'lines',
          x: { label: 'packets/s offered', scale: 'linear' },
          y: { label: 'share lost', scale: 'linear', format: percent },
          series,
        },
      },
    ],
    table: rowsTable(found),
  };
}

function burst(rows: readonly BenchRow[]): SectionContent | undefined {
  const found = select(rows, 'net/burst');
  const [first] = found;
  if (first === undefined) return undefined;
  const least = found.reduce((few, row) => (row.median < few.median ? row : few));
  const atLimit = least['limit'] === least.median ? ', the longest that was tried' : '';
  return {
    answer: `At least ${say(least.median)} frames${atLimit}, of ${least['frame']} bytes.`,
    plots: [
      {
        plot: {
          kind: 'bars',
          axis: { label: 'frames', scale: 'linear' },
          series: ['frames'],
          groups: groupsOf(found, {
            group: (row) => `${row['frame']} bytes`,
            series: ['frames'],
            bar: () => 'frames',
          }),
        },
      },
    ],
    table: rowsTable(found),
  };
}

function cpuUse(rows: readonly BenchRow[]): SectionContent | undefined {
  const found = select(rows, 'net/cpu-use');
  if (found.length === 0) return undefined;
  const predicted = seriesOf(found, { x: 'offered', by: 'path', name: String });
  const published = seriesOf(found, {
    x: 'offered',
    y: 'published',
    by: 'path',
    name: (path) => `${path}, published`,
  });
  const series = [
    ...predicted.map((each, colour) => ({ ...each, colour })),
    ...published.map((each, colour) => ({ ...each, colour, style: 'beside' as const })),
  ].filter(({ points }) => points.length > 0);
  const errors = found.map((row) => Math.abs(numberOf(row, 'error'))).filter(Number.isFinite);
  const said = select(rows, 'net/cpu-error').map(
    (row) => `${row['path']} ${percent(asShare(row.median))}`,
  );
  const byPath = said.length === 0 ? '' : ` (median by path: ${list(said)})`;
  return {
    answer:
      errors.length === 0
        ? `CPU use is predicted for ${found.length} points; there is none to hold them against.`
        : `The median error is ${percent(asShare(median(errors)))}, the greatest ${percent(asShare(Math.max(...errors)))}, over ${errors.length} published points that the table was not fitted on${byPath}.`,
    plots: [
      {
        plot: {
          kind: 'lines',
          x: { label: 'Mb/s offered', scale: 'linear', format: String },
          y: { label: 'CPU use, % of a core', scale: 'linear', format: short },
          series,
        },
      },
    ],
    table: rowsTable(found),
  };
}

/** Errors are in per cent. */
function asShare(error: number): number {
  return error / 100;
}

function isolation(rows: readonly BenchRow[]): SectionContent | undefined {
  const found = select(rows, 'net/isolation');
  if (found.length === 0) return undefined;
  const said = found
    .filter((row) => row['neighbour'] !== 'none')
    .map((row) => `${percent(row.median)} beside a neighbour that is ${row['neighbour']}`);
  return {
    answer: `Of what it is sent, the good client answers ${list(said)}.`,
    plots: [
      {
        plot: {
          kind: 'bars',
          axis: {
            label: 'share of its packets that the good client answers',
            scale: 'linear',
            format: percent,
          },
          series: ['share'],
          groups: groupsOf(found, {
            group: (row) =>
              row['neighbour'] === 'none' ? 'alone' : `beside one that is ${row['neighbour']}`,
            series: ['share'],
            bar: () => 'share',
          }),
        },
      },
    ],
    table: rowsTable(found),
  };
}

function transmitPolicies(rows: readonly BenchRow[]): SectionContent | undefined {
  const found = select(rows, 'net/tx-policy');
  return found.length === 0 ? undefined : shares(found, 'policy');
}

/** Shares of clients under policies: a group for each policy. */
export function shares(found: readonly BenchRow[], key: string): SectionContent {
  const series = valuesOf(found, 'client').map((client) => String(client));
  const said = valuesOf(found, key).map((policy) => {
    const each = found.filter((row) => row[key] === policy).map((row) => percent(row.median));
    return `${policy} ${each.join(' / ')}`;
  });
  return {
    answer: `Shares of ${list(series)}: ${said.join('; ')}.`,
    plots: [
      {
        plot: {
          kind: 'bars',
          axis: { label: 'share', scale: 'linear', format: percent },
          series,
          groups: groupsOf(found, {
            group: (row) => String(row[key]),
            series,
            bar: (row) => String(row['client']),
          }),
        },
      },
    ],
    table: rowsTable(found),
  };
}
