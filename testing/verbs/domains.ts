/** Domains: what they print, count and signal, and when they fault. */

import { type Matcher, readCount, readForm } from '../frames/matcher.ts';
import { advice, type Given } from '../given/given.ts';
import { pdCounters } from '../../microkit/runtime/observer.ts';
import { channelsOf } from '../../microkit/model.ts';
import type { LogLine, TestRun } from '../run/test-run.ts';
import type { Scene } from '../run/scene.ts';
import { Unmet } from '../run/step.ts';
import { type Verb, withinOf } from './verb.ts';

const SHOWN = 8;

export const DOMAIN_VERBS: readonly Verb[] = [
  {
    name: 'expect log',
    what: 'waits for a line of debug output that holds a text, or has a form; it is then taken',
    example: 'expect log: {from: client0, text: ready}',
    read: (given, scene) => {
      const wanted = readLog(given, scene);
      return { run: (run) => expectLog(run, wanted) };
    },
  },
  {
    name: 'expect no log',
    what: 'waits for rest: no line of debug output that was not taken holds this text',
    example: 'expect no log: {from: client0, text: /error/i}',
    read: (given, scene) => {
      const wanted = readLog(given, scene);
      return { run: (run) => expectNoLog(run, wanted) };
    },
  },
  {
    name: 'expect fault',
    what: 'waits until a domain has faulted; without this step, a fault fails the test',
    example: 'expect fault: client0',
    read: (given, scene) => {
      const pd = readDomain(given.field('of') ?? given, scene);
      const withinNs = withinOf(given);
      return { allows: 'faults', run: (run) => expectFault(run, pd, withinNs) };
    },
  },
  {
    name: 'expect signal',
    what: 'waits until one domain has signalled another, since the start; `times` says how often',
    example: "expect signal: {from: net_virt_rx, to: client0, times: '>= 2'}",
    read: (given, scene) => {
      given.onlyHas(['from', 'to', 'times', 'within']);
      const [from, to] = ['from', 'to'].map((name) => {
        const end = given.field(name);
        if (end === undefined) given.problem(`the field '${name}' names a domain`);
        return end === undefined ? '' : readDomain(end, scene);
      });
      checkChannel(given, scene, from ?? '', to ?? '');
      const times = given.field('times');
      const count = times === undefined ? undefined : readCount(times);
      const wanted = { from: from ?? '', to: to ?? '', count, withinNs: withinOf(given) };
      return { needs: 'signals', run: (run) => expectSignal(run, wanted) };
    },
  },
  {
    name: 'expect counter',
    what: 'waits until counters of programs, and of their domains, are so',
    example: "expect counter: {net_virt_rx.framesIn: 3, client0.notifies: '>= 1'}",
    read: (given, scene) => {
      const wanted = given.entries().flatMap(([name, value]) => {
        if (name === 'within') return [];
        checkCounter(name, value, scene);
        return [{ name, matcher: readCount(value) }];
      });
      const withinNs = withinOf(given);
      return { run: (run) => expectCounters(run, wanted, withinNs) };
    },
  },
  {
    name: 'expect note',
    what: 'waits for a note that a driver has broken a rule of a specification: device, text',
    example: 'expect note: {device: virtio_net, text: status}',
    read: (given) => {
      given.onlyHas(['device', 'text', 'within']);
      const device = given.field('device')?.text();
      const text = given.field('text')?.text();
      const withinNs = withinOf(given);
      return { run: (run) => expectNote(run, { device, text }, withinNs) };
    },
  },
  {
    name: 'expect no note',
    what: 'waits for rest: no driver has broken a rule of a specification',
    example: 'expect no note',
    read: () => ({
      run: (run) => {
        run.rest();
        const notes = notesOf(run);
        if (notes.length > 0) throw new Unmet('no note on a broken rule', notes);
      },
    }),
  },
];

function readDomain(given: Given, { domains }: Scene): string {
  const name = given.text();
  if (!domains.includes(name)) given.problem(`no domain '${name}'; ${advice(name, domains)}`);
  return name;
}

function checkChannel(given: Given, { system, domains }: Scene, from: string, to: string): void {
  if (!domains.includes(from) || !domains.includes(to)) return;
  const peers = channelsOf(system, from).map(({ peer }) => peer.pd);
  if (peers.includes(to)) return;
  given.problem(`${from} has no channel to ${to}, so it can never signal it; ${advice(to, peers)}`);
}

function checkCounter(name: string, given: Given, { counters = {}, domains }: Scene): void {
  const [pd = '', counter = ''] = name.split('.');
  if (!domains.includes(pd)) return given.problem(`no domain '${pd}'; ${advice(pd, domains)}`);
  const known = [...Object.keys(counters[pd] ?? {}), ...Object.keys(pdCounters())];
  if (!known.includes(counter))
    given.problem(`${pd} has no counter '${counter}'; ${advice(counter, known)}`);
}

interface WantedLog {
  readonly from: string | undefined;
  readonly text: string | RegExp;
  readonly withinNs: number;
}

function readLog(given: Given, scene: Scene): WantedLog {
  if (given.isMap) given.onlyHas(['from', 'text', 'within']);
  const from = given.field('from');
  const stated = given.field('text') ?? given;
  if (given.isMap && given.field('text') === undefined)
    given.problem("the field 'text' says what is expected");
  const isMonitor = from?.value === 'monitor';
  return {
    from: from === undefined ? undefined : isMonitor ? 'monitor' : readDomain(from, scene),
    text: readForm(stated) ?? (stated.isMap ? '' : stated.text()),
    withinNs: withinOf(given),
  };
}

function expectLog(run: TestRun, wanted: WantedLog): void {
  const found = (): LogLine | undefined =>
    linesOf(run, wanted).find((line) => fitsLog(line, wanted));
  if (!run.until(() => found() !== undefined, wanted.withinNs)) {
    const came = linesOf(run, wanted).slice(-SHOWN).map(lineWords);
    throw new Unmet(logWords(wanted), [...run.lostLogs, ...came]);
  }
  const met = found();
  if (met !== undefined) met.isTaken = true;
}

function expectNoLog(run: TestRun, wanted: WantedLog): void {
  run.rest();
  const found = linesOf(run, wanted).filter((line) => fitsLog(line, wanted));
  if (found.length > 0)
    throw new Unmet(`not ${logWords(wanted)}`, found.slice(0, SHOWN).map(lineWords));
  // It may be among those.
  if (run.logsDropped > 0) throw new Unmet(`not ${logWords(wanted)}`, run.lostLogs);
}

function linesOf({ logs }: TestRun, { from }: WantedLog): readonly LogLine[] {
  return logs.filter(({ pd, isTaken }) => !isTaken && (from === undefined || pd === from));
}

function fitsLog(line: LogLine, { text }: WantedLog): boolean {
  return typeof text === 'string' ? line.text.includes(text) : text.test(line.text);
}

function lineWords({ pd, text }: LogLine): string {
  return `${pd}: ${text}`;
}

function logWords({ from, text }: WantedLog): string {
  const words = typeof text === 'string' ? JSON.stringify(text) : String(text);
  return `a line${from === undefined ? '' : ` of ${from}`} with ${words}`;
}

function expectFault(run: TestRun, pd: string, withinNs: number): void {
  const found = () => run.faults.find((each) => each.pd === pd && !each.isTaken);
  if (!run.until(() => found() !== undefined, withinNs)) throw new Unmet(`${pd} to fault`, []);
  const met = found();
  if (met !== undefined) met.isTaken = true;
}

interface WantedSignal {
  readonly from: string;
  readonly to: string;
  readonly count: Matcher | undefined;
  readonly withinNs: number;
}

function expectSignal(run: TestRun, { from, to, count, withinNs }: WantedSignal): void {
  const signals = (): number => run.book?.signals(from, to) ?? 0;
  if (run.until(() => count?.fits(signals()) ?? signals() > 0, withinNs)) return;
  const times = count === undefined ? '' : `, ${count.words} times`;
  throw new Unmet(`${from} to signal ${to}${times}`, [`${signals()} signals`]);
}

function expectCounters(
  run: TestRun,
  wanted: readonly { readonly name: string; readonly matcher: Matcher }[],
  withinNs: number,
): void {
  const wrong = () => wanted.filter(({ name, matcher }) => !matcher.fits(counterOf(run, name)));
  if (run.until(() => wrong().length === 0, withinNs)) return;
  const words = wrong().map(({ name, matcher }) => `${name} ${matcher.words}`);
  throw new Unmet(
    words.join(', '),
    wrong().map(({ name }) => `${name} ${counterOf(run, name)}`),
  );
}

function counterOf({ testbed }: TestRun, name: string): number {
  const [pd = '', counter = ''] = name.split('.');
  const { programs, pds } = testbed.counters();
  const own: Readonly<Record<string, number>> = { ...pds[pd], ...programs[pd] };
  return own[counter] ?? 0;
}

function notesOf({ testbed }: TestRun): readonly string[] {
  return testbed.board.lint
    .entries()
    .map(
      ({ device, clause, what, domain }) =>
        `${device}: ${clause}: ${what} (${domain ?? 'unknown'})`,
    );
}

function expectNote(
  run: TestRun,
  { device, text }: { readonly device: string | undefined; readonly text: string | undefined },
  withinNs: number,
): void {
  const found = (): boolean =>
    notesOf(run).some(
      (note) =>
        (device === undefined || note.startsWith(`${device}:`)) &&
        (text === undefined || note.includes(text)),
    );
  if (run.until(found, withinNs)) return;
  const words = [device, text === undefined ? undefined : JSON.stringify(text)];
  throw new Unmet(
    `a note on ${words.filter((each) => each !== undefined).join(' with ')}`,
    notesOf(run),
  );
}
