/** Draws lines with markers: a series each, with the spread of its samples. */

import { short } from '../suite/figure.ts';
import type { Axis, LinePlot, PlotPoint, Series } from './plot.ts';
import { makeScale, type Scale } from './scale.ts';
import { element, line, picture, text, title } from './svg.ts';

interface Frame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Of a letter of an axis, about, in units of the picture. */
const LETTER_WIDTH = 7;
const TOP = 26;
const BOTTOM = 42;
const RIGHT = 18;
const MARKER = 4;
/** Samples closer together than this share of the figure need no line of their own. */
const SPREAD_SHOWN = 0.02;

/** @param width in pixels at which letters are easy to read */
export function drawLines(plot: LinePlot, width: number, label: string): string {
  const height = width < 500 ? 270 : 340;
  const all = plot.series.flatMap((series) => series.points);
  const levels = plot.level === undefined ? [] : [plot.level.y];
  const heights = [...all.flatMap(({ y, low, high }) => [y, low, high]), ...levels];
  const ends = [height - BOTTOM, TOP] as const;
  const y = makeScale(heights, { ...scaleOptions(plot.y), range: ends });
  const names = y.ticks.map(formatOf(plot.y));
  const left = 12 + LETTER_WIDTH * Math.max(...names.map((name) => name.length));
  const frame = { left, right: width - RIGHT, top: TOP, bottom: height - BOTTOM };
  const x = makeScale(
    all.map((point) => point.x),
    { ...scaleOptions(plot.x), range: [frame.left + 6, frame.right - 6] },
  );
  const content = [
    drawYAxis(plot.y, y, frame),
    drawXAxis(plot.x, x, frame),
    drawLevel(plot, y, frame),
    ...plot.series.map((series, index) => drawSeries(series, index, x, y)),
  ];
  return picture(width, height, label, content.join(''));
}

function scaleOptions(axis: Axis): { kind: Axis['scale']; ticks?: readonly number[] } {
  return { kind: axis.scale, ...(axis.ticks === undefined ? {} : { ticks: axis.ticks }) };
}

function formatOf(axis: Axis): (value: number) => string {
  return axis.format ?? short;
}

function drawYAxis(axis: Axis, scale: Scale, frame: Frame): string {
  const format = formatOf(axis);
  const ticks = scale.ticks.map((tick) => {
    const at = scale.place(tick);
    const name = text(frame.left - 6, at + 4, format(tick), { 'text-anchor': 'end' });
    return line([frame.left, at], [frame.right, at], 'grid') + name;
  });
  return ticks.join('') + text(2, 13, axis.label, { class: 'axis' });
}

/** Ticks that would run into the one before them have no name. */
function drawXAxis(axis: Axis, scale: Scale, frame: Frame): string {
  const format = formatOf(axis);
  let free = -Infinity;
  const ticks = scale.ticks.map((tick) => {
    const at = scale.place(tick);
    const name = format(tick);
    const half = (name.length * LETTER_WIDTH) / 2;
    const mark = line([at, frame.bottom], [at, frame.bottom + 4], 'tick');
    if (at - half < free) return mark;
    free = at + half + 5;
    return mark + text(at, frame.bottom + 17, name, { 'text-anchor': 'middle' });
  });
  const middle = (frame.left + frame.right) / 2;
  const label = text(middle, frame.bottom + 36, axis.label, {
    class: 'axis',
    'text-anchor': 'middle',
  });
  return (
    line([frame.left, frame.bottom], [frame.right, frame.bottom], 'tick') + ticks.join('') + label
  );
}

function drawLevel({ level }: LinePlot, y: Scale, frame: Frame): string {
  if (level === undefined) return '';
  const at = y.place(level.y);
  const name = text(frame.right, at - 5, level.label, { 'text-anchor': 'end', class: 'level' });
  return line([frame.left, at], [frame.right, at], 'level') + name;
}

function drawSeries(series: Series, index: number, x: Scale, y: Scale): string {
  const colour = series.colour ?? index;
  const points = series.points.toSorted((one, other) => one.x - other.x);
  const path = points.map((point) => `${at(x.place(point.x))},${at(y.place(point.y))}`).join(' ');
  const parts = [
    element('polyline', { points: path, class: 'line' }),
    ...points.map((point) => drawSpread(point, x, y)),
    ...points.map((point) => drawPoint(series, point, colour, x, y)),
  ];
  const beside = series.style === 'beside' ? ' beside' : '';
  return element('g', { class: `c${colour % COLOURS}${beside}` }, parts.join(''));
}

function drawSpread(point: PlotPoint, x: Scale, y: Scale): string {
  if (point.high - point.low < SPREAD_SHOWN * Math.abs(point.y)) return '';
  const place = x.place(point.x);
  return line([place, y.place(point.low)], [place, y.place(point.high)], 'spread');
}

function drawPoint(series: Series, point: PlotPoint, colour: number, x: Scale, y: Scale): string {
  const said = `${series.name}: ${short(point.y)} at ${short(point.x)}`;
  return marker(colour, x.place(point.x), y.place(point.y), said);
}

/** As many as the page has colours for. */
export const COLOURS = 8;

/** Another form for each colour: whoever cannot tell the colours apart can tell these. */
export function marker(colour: number, x: number, y: number, said: string): string {
  const name = said === '' ? '' : title(said);
  const size = MARKER;
  switch (colour % 4) {
    case 0:
      return element('circle', { cx: x, cy: y, r: size, class: 'mark' }, name);
    case 1:
      return element(
        'rect',
        { x: x - size, y: y - size, width: 2 * size, height: 2 * size, class: 'mark' },
        name,
      );
    case 2:
      return polygon([x, y - size - 1, x + size + 1, y + size, x - size - 1, y + size], name);
    default:
      return polygon(
        [x, y - size - 1.5, x + size + 1.5, y, x, y + size + 1.5, x - size - 1.5, y],
        name,
      );
  }
}

function polygon(places: readonly number[], name: string): string {
  return element('polygon', { points: places.map(at).join(' '), class: 'mark' }, name);
}

function at(place: number): string {
  return String(Math.round(place * 10) / 10);
}
