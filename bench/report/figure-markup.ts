/**
 * A plot as markup: its legend, and the picture twice, for a wide and for a narrow screen; the
 * style sheet shows one.
 */

import { foldTable } from '../suite/fold-table.ts';
import type { Table } from '../suite/fold-table.ts';

import { drawBars } from './bar-plot.ts';
import { COLOURS, drawLines, marker } from './line-plot.ts';
import type { Plot } from './plot.ts';
import type { TitledPlot } from './section.ts';
import { element, escapeMarkup, line } from './svg.ts';

const WIDE = 714;
const NARROW = 348;
/** Of tables: fits the page where it is wide, and in small letters a sheet of A4. */
const TABLE = 940;
/** A longer table is folded. */
const LINES_OPEN = 10;
/** Of the table's letters, and between its columns, in pixels. */
const CELL_LETTER = 7.6;
const HEADING_LETTER = 8.8;
const CELL_PADDING = 18;

export function figureMarkup({ plot, title }: TitledPlot, label: string): string {
  const heading = title === undefined ? '' : element('h4', {}, escapeMarkup(title));
  const said = title === undefined ? label : `${label} ${title}`;
  const wide = element('div', { class: 'wide' }, draw(plot, WIDE, said));
  const narrow = element('div', { class: 'narrow' }, draw(plot, NARROW, said));
  return `${heading}${legend(plot)}${element('figure', {}, wide + narrow)}`;
}

function draw(plot: Plot, width: number, label: string): string {
  return plot.kind === 'lines' ? drawLines(plot, width, label) : drawBars(plot, width, label);
}

/** Nothing where there is but one series. */
function legend(plot: Plot): string {
  const entries =
    plot.kind === 'lines'
      ? plot.series.map(({ name, style, colour }, index) => ({
          name,
          colour: colour ?? index,
          style: style === undefined ? 'line' : 'line beside',
        }))
      : plot.series.map((name, colour) => ({ name, colour, style: 'bar' }));
  if (entries.length < 2) return '';
  const items = entries.map(({ name, colour, style }) => {
    const key =
      style === 'bar'
        ? element('rect', { x: 4, y: 1, width: 18, height: 12, rx: 2, class: 'bar' })
        : line([0, 7], [26, 7], 'line') + marker(colour, 13, 7, '');
    const classes = `c${colour % COLOURS} ${style === 'line beside' ? 'beside' : ''}`.trim();
    const picture = element(
      'svg',
      { viewBox: '0 0 26 14', 'aria-hidden': 'true' },
      element('g', { class: classes }, key),
    );
    return element('li', {}, picture + escapeMarkup(name));
  });
  return element('ul', { class: 'legend' }, items.join(''));
}

/**
 * A long table is folded behind a line that says how long it is, except on paper; a wide one below
 * itself.
 *
 * @param id of the page, for the line that unfolds it
 */
export function tableMarkup(table: Table, id: string): string {
  const common = table.common ?? [];
  const said =
    common.length === 0
      ? ''
      : element('p', { class: 'muted' }, escapeMarkup(`All with ${common.join(', ')}.`));
  const parts = foldTable(table, TABLE, columnWidth).map(partMarkup).join('');
  const markup = element('div', { class: 'scroll' }, said + parts);
  if (table.lines.length <= LINES_OPEN) return markup;
  const box = element('input', { type: 'checkbox', id: `rows-${id}` }, '');
  const label = element('label', { for: `rows-${id}` }, `Table, ${table.lines.length} rows`);
  return element('div', { class: 'folded' }, box + label + markup);
}

/** In pixels, about: headings wrap at blanks, figures do not. */
function columnWidth([heading = '', ...cells]: readonly string[]): number {
  const word = Math.max(...heading.split(' ').map((each) => each.length));
  const cell = Math.max(0, ...cells.map((each) => each.length));
  return Math.max(word * HEADING_LETTER, cell * CELL_LETTER) + CELL_PADDING;
}

function partMarkup(table: Table): string {
  const numeric = table.header.map((_, column) =>
    table.lines.every((cells) => /^[\d.,\s−-]*$/.test(cells[column] ?? '')),
  );
  const cells = (tag: string, line_: readonly string[]): string =>
    line_
      .map((cell, column) =>
        element(tag, numeric[column] === true ? {} : { class: 'text' }, escapeMarkup(cell)),
      )
      .join('');
  const head = element('thead', {}, element('tr', {}, cells('th', table.header)));
  const body = table.lines.map((each) => element('tr', {}, cells('td', each))).join('');
  return element('table', {}, head + element('tbody', {}, body));
}
