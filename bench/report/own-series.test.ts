// Figures from elsewhere in the report's plots: drawn where they belong, under their own name, and
// nowhere else.

import { describe, expect, it } from 'vitest';
import { sampleResults } from '../../test/support/sample-results.ts';
import type { BenchRow } from '../results.ts';
import { readAllOwnFigures, publishedFigures } from '../suite/files.ts';
import type { OwnFigures } from '../suite/own-figures.ts';
import { withOwnSeries } from './own-series.ts';
import { SECTIONS } from './questions.ts';
import { renderReport } from './report.ts';

function own(name: string, unit: string, more: object): OwnFigures {
  const row = { name, unit, median: 7, min: 6, max: 8, ratioToNative: null, ...more };
  return { series: 'my board', rows: [row as BenchRow] };
}

/** @returns the ids of the questions whose plots show a series of this name */
function shownIn(figures: OwnFigures): readonly string[] {
  const { results } = sampleResults();
  return SECTIONS.flatMap(({ id, make }) => {
    const plots = make(results)?.plots.map((plot) => withOwnSeries(plot, [figures]).plot) ?? [];
    const names = plots.flatMap((plot) =>
      plot.kind === 'lines' ? plot.series.map(({ name }) => name) : plot.series,
    );
    return names.some((name) => name.startsWith('my board')) ? [id] : [];
  });
}

describe('a series from elsewhere', () => {
  it.each<[string, string, object, readonly string[]]>([
    ['net/echo', 'packets/s', { frame: 64 }, ['net-frame']],
    ['net/echo', 'packets/s', { frame: 64, batch: 8 }, ['net-frame', 'net-batch']],
    ['net/udp', 'packets/s', { frame: 1514 }, ['net-frame']],
    ['net/echo', 'packets/s', { frame: 64, path: '2pd' }, []],
    ['net/echo', 'Mb/s', { frame: 64 }, []],
    ['net/cpu-use', '% of a core', { offered: 100 }, ['net-cpu']],
    ['blk/randread', 'IOPS', { block: 4096, depth: 32 }, ['blk-depth']],
    ['blk/randread', 'IOPS', { block: 8192, depth: 32 }, []],
    ['kernel/call-reply', 'µs', {}, ['kernel-operations']],
    ['bridge/datagrams', '1/s', { window: 1, bytes: 64 }, ['bridge-rate']],
    ['anything', 's', { frame: 64 }, []],
  ])('%s, %s, %j', (name, unit, more, ids) => {
    expect(shownIn(own(name, unit, more))).toEqual(ids);
  });

  it('has a line for each combination of its other parameters, and its points', () => {
    const rows = [8, 64].flatMap((batch) =>
      [64, 128].flatMap((frame) => own('net/echo', 'packets/s', { frame, batch }).rows),
    );
    const section = SECTIONS.find(({ id }) => id === 'net-frame');
    const [plot] = section?.make(sampleResults().results)?.plots ?? [];
    const taken = plot && withOwnSeries(plot, [{ series: 'my board', rows }]).plot;
    const added = taken?.kind === 'lines' ? taken.series.filter(({ style }) => style) : [];

    expect(added.slice(-2)).toMatchObject([
      // Of the same colour as ours with this batch.
      {
        name: 'my board: batch 8',
        colour: 1,
        points: [{ x: 64, y: 7, low: 6, high: 8 }, { x: 128 }],
      },
      { name: 'my board: batch 64', colour: 3, points: [{ x: 64 }, { x: 128 }] },
    ]);
  });

  it('is one group of bars where ours has none of that kind', () => {
    const figures = own('kernel/call-reply', 'µs', {});
    const page = renderReport(sampleResults(), { beside: [figures] });

    expect(page).toContain('call-reply, my board: 7');
    expect(page).toContain('Beside my board');
  });
});

describe('what is published', () => {
  it('comes with the package, and is drawn behind what a cost table predicts', () => {
    const page = renderReport(sampleResults(), { published: publishedFigures() });

    expect(page).toContain('sDDF as published: 5pd');
    expect(page).not.toContain('Beside sDDF');
  });

  it('is drawn once where it is named, too', () => {
    const beside = readAllOwnFigures(['sddf', 'linux']);
    const named = renderReport(sampleResults(), { published: publishedFigures(), beside });
    const count = (text: string): number => named.split(text).length - 1;

    // CPU use, and round trips.
    expect(count('>sDDF as published: 5pd<')).toBe(2);
    expect(named).toContain('Linux as published by sDDF');
    expect(named).toContain('Beside sDDF as published');
  });
});
