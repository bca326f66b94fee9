/**
 * `--html`: results as one page that needs nothing else. For each question its answer in a
 * sentence, computed from the rows, a plot, and the table; if asked for, what has changed since an
 * earlier run, and the project's targets: in numbers at the head, each of them at the end.
 */

import { benchmarkLoad, type BenchResults, type BenchRow, runLoad, wasBusy } from '../results.ts';
import { fewerSamples, leftOutQuickly, SAMPLES } from '../suite/benchmark.ts';
import { comparisonLines } from '../suite/compare.ts';
import { besideTable, type OwnFigures } from '../suite/own-figures.ts';
import { figure } from '../suite/figure.ts';
import { BENCHMARKS } from '../suite/table.ts';
import type { Table } from '../suite/fold-table.ts';
import { checkTargets, type Target, type TargetOutcome } from '../suite/targets.ts';
import { figureMarkup, tableMarkup } from './figure-markup.ts';
import { withOwnSeries } from './own-series.ts';
import { SECTIONS } from './questions.ts';
import type { Section, SectionContent } from './section.ts';
import { sharesTable } from './shares.ts';
import { STYLE } from './style.ts';
import { element, escapeMarkup } from './svg.ts';

const TITLES: Readonly<Record<string, string>> = {
  net: 'Network',
  blk: 'Block',
  serial: 'Serial',
  kernel: 'Kernel',
  code: 'Machine code',
  bridge: 'From the host and back',
  sim: 'Simulator',
  ipc: 'Inter-process communication',
  description: 'System descriptions',
};

interface Made {
  readonly section: Section;
  readonly content: SectionContent | undefined;
  /** Whose time it is. */
  readonly shares: Table | undefined;
}

export interface ReportExtras {
  /** Results of an earlier run, and where they stand. */
  readonly compared?: { readonly with: BenchResults; readonly where: string };
  /** Figures from elsewhere: in the plots that show what they have, and in a chapter each. */
  readonly beside?: readonly OwnFigures[];
  /** Those that come with the package: in the plots alone. */
  readonly published?: readonly OwnFigures[];
  /** The project's own targets, and which of them were reached. */
  readonly targets?: 'shown';
}

export function renderReport(results: BenchResults, extras: ReportExtras = {}): string {
  const rows = results.results;
  const own = seriesOf(extras);
  const made = SECTIONS.map((section): Made => ({
    section,
    content: section.make(rows),
    shares: section.shares === undefined ? undefined : sharesTable(rows, section.shares),
  }));
  const outcomes = checkTargets(rows);
  const measured = Object.keys(TITLES).filter((name) => wasMeasured(rows, name));
  const body = [
    '<h1>sDDF testbed: benchmarks</h1>',
    machine(results),
    leftOut(results),
    ...(extras.targets === undefined ? [] : [tally(outcomes)]),
    ...(extras.compared === undefined ? [] : [comparison(results, extras.compared)]),
    contents(made, measured),
    ...measured.map((name) => chapter(name, { results, made, own })),
    ...(extras.beside ?? []).map((each, index) => besideChapter(results, each, index)),
    ...(extras.targets === undefined ? [] : [targets(outcomes)]),
    absent(measured),
  ].join('\n');
  return page(body);
}

/** Each series once, also where somebody names one that comes with the package. */
function seriesOf({ beside = [], published = [] }: ReportExtras): readonly OwnFigures[] {
  const isNamed = ({ series }: OwnFigures): boolean =>
    beside.some((each) => each.series === series);
  return [...published.filter((each) => !isNamed(each)), ...beside];
}

function page(body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>sDDF testbed: benchmarks</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body><main>
${body}
</main></body>
</html>
`;
}

function wasMeasured(rows: readonly BenchRow[], benchmark: string): boolean {
  return rows.some((row) => row.name.startsWith(`${benchmark}/`));
}

/** On what this was measured, and how much of it. */
function machine(results: BenchResults): string {
  const { cpu, cores, os, load = 0, loadBefore = load, node } = results;
  const time = results.results.find((row) => row.name === 'suite/time');
  const facts = [
    cores === undefined ? cpu : `${cpu}, ${cores} ${cores === 1 ? 'core' : 'cores'}`,
    ...(os === undefined ? [] : [os]),
    `Node ${node}`,
    runLoad(results),
    ...(time === undefined ? [] : [`${time['length']} run, ${figure(time.median)} s`]),
  ];
  const remark = wasBusy(results)
    ? ` The machine was busy (load ${Math.max(load, loadBefore)}): trust ratios and counts, not absolute figures.`
    : ' Absolute figures are of this machine: compare ratios.';
  return element('p', { class: 'muted' }, escapeMarkup(`${facts.join(' · ')}.${remark}`));
}

/** Of a quick run: what it has not measured. */
function leftOut(results: BenchResults): string {
  if (results.length !== 'quick') return '';
  const asked = BENCHMARKS.filter(({ name }) => wasMeasured(results.results, name));
  const { samples = SAMPLES.quick.repeat } = results;
  const fewer = fewerSamples('quick', samples);
  const lines = [...leftOutQuickly(asked), ...fewer].map((line) => `${line}.`);
  const text = lines.map((line) => line.charAt(0).toUpperCase() + line.slice(1)).join(' ');
  return text === '' ? '' : element('p', { class: 'muted' }, escapeMarkup(text));
}

function count(outcomes: readonly TargetOutcome[], outcome: TargetOutcome['outcome']): number {
  return outcomes.filter((each) => each.outcome === outcome).length;
}

function tally(outcomes: readonly TargetOutcome[]): string {
  const parts = [
    `<span class="reached">${count(outcomes, 'reached')} targets reached</span>`,
    `<span class="missed">${count(outcomes, 'not reached')} not reached</span>`,
    `<span class="unknown">${count(outcomes, 'not measured')} not measured here</span>`,
    '<a href="#targets">all targets</a>',
  ];
  return element('div', { class: 'tally' }, parts.join(''));
}

function comparison(
  results: BenchResults,
  { with: before, where }: NonNullable<ReportExtras['compared']>,
): string {
  const [title = '', ...lines] = comparisonLines(before, results, where);
  const items = lines.map((line) => element('li', {}, escapeMarkup(line.trim())));
  const heading = element('h2', { id: 'compared' }, escapeMarkup(title.replace(/:$/, '')));
  return heading + element('section', { class: 'question' }, element('ul', {}, items.join('')));
}

function besideChapter({ results }: BenchResults, own: OwnFigures, index: number): string {
  const title = element('h2', {}, escapeMarkup(`Beside ${own.series}`));
  return (
    title +
    element(
      'section',
      { class: 'question' },
      tableMarkup(besideTable(results, own), `beside-${index}`),
    )
  );
}

function contents(made: readonly Made[], measured: readonly string[]): string {
  const links = made
    .filter(({ section, content }) => measured.includes(section.benchmark) && content !== undefined)
    .map(({ section }) =>
      element('li', {}, element('a', { href: `#${section.id}` }, escapeMarkup(section.question))),
    );
  return element('nav', {}, element('ul', {}, links.join('')));
}

function chapter(
  benchmark: string,
  {
    results,
    made,
    own,
  }: {
    readonly results: BenchResults;
    readonly made: readonly Made[];
    readonly own: readonly OwnFigures[];
  },
): string {
  const sections = made.filter(({ section }) => section.benchmark === benchmark);
  const title = element('h2', { id: benchmark }, escapeMarkup(TITLES[benchmark] ?? benchmark));
  const load = benchmarkLoad(results, benchmark);
  const said = load === undefined ? '' : element('p', { class: 'muted' }, `Machine: ${load}.`);
  return [title, said, ...sections.map((each) => question(each, own))].join('\n');
}

function question({ section, content, shares }: Made, own: readonly OwnFigures[]): string {
  const heading = element('h3', {}, escapeMarkup(section.question));
  const inner =
    content === undefined
      ? element('p', { class: 'muted' }, 'Not measured in this run.')
      : [
          element('p', { class: 'answer' }, escapeMarkup(content.answer)),
          ...content.plots.map((plot) => figureMarkup(withOwnSeries(plot, own), section.question)),
          sharesMarkup(shares, section.id),
          tableMarkup(content.table, section.id),
        ].join('\n');
  return element('section', { class: 'question', id: section.id }, heading + inner);
}

function sharesMarkup(shares: Table | undefined, id: string): string {
  if (shares === undefined) return '';
  const title = 'What limits it: whose time it is, sampled in a run of its own';
  return element('h4', {}, title) + tableMarkup(shares, `${id}-shares`);
}

const CLASSES: Readonly<Record<TargetOutcome['outcome'], string>> = {
  reached: 'reached',
  'not reached': 'missed',
  'not measured': 'unknown',
};

function targets(outcomes: readonly TargetOutcome[]): string {
  const head = ['issue', 'what', 'target', 'measured', ''].map((name) => element('th', {}, name));
  const lines = outcomes.map((outcome) => element('tr', {}, targetCells(outcome)));
  const table = element(
    'table',
    { class: 'targets' },
    element('thead', {}, element('tr', {}, head.join(''))) + element('tbody', {}, lines.join('')),
  );
  return `${element('h2', { id: 'targets' }, 'Targets')}${element('section', { class: 'question' }, table)}`;
}

function targetCells({ target, outcome, measured }: TargetOutcome): string {
  const found = measured === undefined ? '–' : `${figure(measured)} ${target.unit}`;
  return [
    element('td', { 'data-label': 'issue' }, String(target.issue)),
    element('td', {}, escapeMarkup(target.what)),
    element('td', { class: 'number', 'data-label': 'target' }, escapeMarkup(limitOf(target))),
    element('td', { class: 'number', 'data-label': 'measured' }, escapeMarkup(found)),
    element('td', { class: CLASSES[outcome] }, outcome),
  ].join('');
}

export function limitOf({ atLeast, atMost, unit }: Target): string {
  if (atLeast !== undefined) return `≥ ${figure(atLeast)} ${unit}`;
  return `≤ ${figure(atMost ?? Number.NaN)} ${unit}`;
}

function absent(measured: readonly string[]): string {
  const names = Object.keys(TITLES).filter((name) => !measured.includes(name));
  if (names.length === 0) return '';
  return element('p', { class: 'muted' }, `Not measured in this run: ${names.join(', ')}.`);
}
