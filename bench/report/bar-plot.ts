/** Draws bars that lie: their labels have a line of their own, so that they fit a narrow screen. */

import { figure, short } from '../suite/figure.ts';
import { COLOURS } from './line-plot.ts';
import type { Bar, BarPlot } from './plot.ts';
import { makeScale, type Scale } from './scale.ts';
import { element, line, picture, text, title } from './svg.ts';

const LABEL_HEIGHT = 19;
const BAR_HEIGHT = 15;
const BAR_GAP = 3;
const GROUP_GAP = 9;
const AXIS_HEIGHT = 42;
/** For the figure at the end of the longest bar. */
const RIGHT = 64;
const LEFT = 4;
const TOP = 4;

/** @param width in pixels at which letters are easy to read */
export function drawBars(plot: BarPlot, width: number, label: string): string {
  const { axis, groups } = plot;
  const values = groups.flatMap(({ bars }) => bars.flatMap((bar) => [bar.value, bar.high]));
  const scale = makeScale(values, {
    kind: axis.scale,
    range: [LEFT, width - RIGHT],
    ...(axis.ticks === undefined ? {} : { ticks: axis.ticks }),
  });
  const base = axis.scale === 'log' ? LEFT : scale.place(0);
  const drawn: string[] = [];
  let y = TOP;
  for (const group of groups) {
    drawn.push(text(LEFT, y + LABEL_HEIGHT - 6, group.label, { class: 'label' }));
    y += LABEL_HEIGHT;
    for (const bar of group.bars) {
      drawn.push(drawBar(plot, group.label, bar, scale, base, y));
      y += BAR_HEIGHT + BAR_GAP;
    }
    y += GROUP_GAP;
  }
  const height = y + AXIS_HEIGHT;
  return picture(width, height, label, drawAxis(plot, scale, y) + drawn.join(''));
}

function drawBar(
  plot: BarPlot,
  group: string,
  bar: Bar,
  scale: Scale,
  base: number,
  y: number,
): string {
  const end = scale.place(bar.value);
  const said = `${group}, ${plot.series[bar.series] ?? ''}: ${figure(bar.value)}`;
  const size = { x: base, y, width: Math.max(1, end - base), height: BAR_HEIGHT };
  const middle = y + BAR_HEIGHT / 2;
  const spread =
    bar.high > bar.low
      ? line([scale.place(bar.low), middle], [scale.place(bar.high), middle], 'spread')
      : '';
  const format = plot.axis.format ?? short;
  const beside = Math.max(end, bar.high > bar.low ? scale.place(bar.high) : 0) + 5;
  return element(
    'g',
    { class: `c${bar.series % COLOURS}` },
    element('rect', { ...size, rx: 2, class: 'bar' }, title(said)) +
      spread +
      text(beside, middle + 4, format(bar.value), { class: 'value' }),
  );
}

function drawAxis(plot: BarPlot, scale: Scale, bottom: number): string {
  const { axis } = plot;
  const format = axis.format ?? short;
  let free = -Infinity;
  const ticks = scale.ticks.map((tick) => {
    const at = scale.place(tick);
    const name = format(tick);
    const half = name.length * 3.5;
    const grid = line([at, TOP], [at, bottom], 'grid');
    if (at - half < free) return grid;
    free = at + half + 5;
    const anchor = at - half < 0 ? 'start' : 'middle';
    return grid + text(Math.max(at, 1), bottom + 15, name, { 'text-anchor': anchor });
  });
  return ticks.join('') + text(LEFT, bottom + 34, axis.label, { class: 'axis' });
}
