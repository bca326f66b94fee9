/** `<domains>`: the domain scheduler's domains and its cyclic table. */

import type { DomainScheduleEntry, DomainsDescription } from '../model.ts';
import type { Element } from '../xml/element.ts';
import { Attributes, present } from './attributes.ts';
import type { Reading } from './draft.ts';
import { parseNumber } from './number.ts';

interface NamedDomain {
  readonly name: string;
  readonly id: number | undefined;
}

/** The domains that have been read so far. */
interface Declared {
  readonly byName: Map<string, NamedDomain>;
  readonly ids: Set<number>;
}

export function readDomains(reading: Reading, element: Element): DomainsDescription {
  const { report, target } = reading;
  if (target.cores > 1) {
    const message = 'Error: The domain scheduler is not supported in multicore builds of seL4';
    report.exactly(message, element);
  }
  new Attributes(element, report, []);
  const named: Declared = { byName: new Map(), ids: new Set() };
  const schedules: Element[] = [];
  for (const child of element.children) {
    if (child.tag === 'domain') readDomain(reading, child, named);
    else if (child.tag === 'domain_schedule') schedules.push(child);
    else if (child.tag !== '#text') {
      const hint = report.didYouMean(child.tag, ['domain', 'domain_schedule']);
      report.colon(`invalid XML element '${child.tag}'`, child, { hint });
    }
  }
  const domains = numberDomains(reading, element, [...named.byName.values()]);
  const [schedule, second] = schedules;
  if (second !== undefined) {
    report.onElement('The <domain_schedule> element can only appear once', second);
  }
  if (schedule === undefined) {
    report.onElement('The <domain_schedule> element must appear once', element);
    return { domains, schedule: [], startIndex: 0 };
  }
  return { domains, ...readSchedule(reading, schedule, domains) };
}

function readDomain(reading: Reading, element: Element, named: Declared): void {
  const attributes = new Attributes(element, reading.report, ['name', 'id']);
  const name = attributes.required('name');
  const id = attributes.number('id');
  if (id !== undefined && id >= BigInt(reading.target.domains)) {
    attributes.refuse('id', `domain id must be < ${reading.target.domains}`);
    return;
  }
  if (name === undefined) return;
  if (named.byName.has(name)) {
    attributes.refuse('name', `duplicate domain name '${name}'`);
    return;
  }
  if (id !== undefined && named.ids.has(Number(id))) {
    attributes.refuse('id', `duplicate domain id '${id}'`);
    return;
  }
  if (id !== undefined) named.ids.add(Number(id));
  named.byName.set(name, { name, id: id === undefined ? undefined : Number(id) });
}

/** A domain without a number gets the lowest free one, in the order of the file. */
function numberDomains(
  { report, target }: Reading,
  element: Element,
  named: readonly NamedDomain[],
): { name: string; id: number }[] {
  if (named.length > target.domains) {
    report.onElement(`Number of domains exceeds ${target.domains}`, element);
  }
  const taken = new Set(named.map((domain) => domain.id).filter((id) => id !== undefined));
  let next = 0;
  return named.map(({ name, id }) => {
    if (id !== undefined) return { name, id };
    while (taken.has(next)) next += 1;
    taken.add(next);
    return { name, id: next };
  });
}

function readSchedule(
  reading: Reading,
  element: Element,
  domains: DomainsDescription['domains'],
): Omit<DomainsDescription, 'domains'> {
  const { report, target } = reading;
  const attributes = new Attributes(element, report, ['start_index', 'index_shift']);
  const startIndex = attributes.number('start_index') ?? 0n;
  const indexShift = attributes.number('index_shift');
  const schedule: DomainScheduleEntry[] = [];
  const names = new Set(domains.map(({ name }) => name));
  let count = 0;
  for (const child of element.children) {
    if (child.tag === '#text') continue;
    const entry = readEntry(reading, child, names);
    count += 1;
    if (entry !== undefined) schedule.push(entry);
  }
  const limit = target.domainScheduleEntries;
  if (count >= limit) {
    const message = `Error: More than configured KernelNumDomainSchedules ${limit} number of <schedule_entry> elements found`;
    report.exactly(message, element);
  }
  if (startIndex >= BigInt(count)) {
    const message = `schedule_start_index '${startIndex}' is greater than the length of the schedule '${count}'`;
    attributes.refuse('start_index', message);
  }
  if (indexShift !== undefined && indexShift + BigInt(count) >= BigInt(limit)) {
    // The tool prints the start index here, not the shift.
    const message = `schedule_index_shift '${startIndex}' on top of the schedule length '${count}' would exceed than the configured KernelNumDomainSchedules ${limit}`;
    attributes.refuse('index_shift', message, `the shift is ${indexShift}`);
  }
  warnAboutDomainZero(reading, element, domains, schedule);
  const shift = indexShift === undefined || indexShift > 0xffffn ? undefined : Number(indexShift);
  return {
    schedule,
    startIndex: startIndex < BigInt(count) ? Number(startIndex) : 0,
    ...present('indexShift', shift),
  };
}

function readEntry(
  reading: Reading,
  element: Element,
  names: ReadonlySet<string>,
): DomainScheduleEntry | undefined {
  const { report } = reading;
  if (element.tag === 'schedule_end_marker') {
    new Attributes(element, report, []);
    return { kind: 'end' };
  }
  if (element.tag !== 'schedule_entry') {
    const hint = report.didYouMean(element.tag, ['schedule_entry', 'schedule_end_marker']);
    report.colon(`invalid XML element '${element.tag}'`, element, { hint });
    return undefined;
  }
  const attributes = new Attributes(element, report, ['domain', 'duration']);
  const domain = attributes.required('domain');
  const duration = attributes.required('duration');
  const parsed = duration === undefined ? undefined : readDuration(attributes, duration);
  if (domain !== undefined && !names.has(domain)) {
    const hint = report.didYouMean(domain, names);
    return attributes.refuse('domain', `domain '${domain}' does not exist,`, hint);
  }
  if (domain === undefined || parsed === undefined) return undefined;
  return { kind: 'run', domain, ...parsed };
}

function readDuration(
  attributes: Attributes,
  raw: string,
): { duration: bigint; unit: 'us' | 'ticks' } | undefined {
  const refuse = (what: string): undefined =>
    attributes.refuse('duration', `The duration '${raw}' ${what}`);
  const [value, unit, ...rest] = raw.split(' ');
  if (value === undefined || unit === undefined || rest.length > 0) {
    return refuse("must contain a value and a unit, e.g. '1000 us'");
  }
  const parsed = parseNumber(value);
  if (!parsed.ok) return refuse(`must contain a value and a unit, e.g. '1000 us'`);
  if (parsed.value === 0n) return refuse('must be non-zero');
  if (unit !== 'ticks' && unit !== 'us') return refuse("must be in either 'ticks' or 'us'");
  return { duration: parsed.value, unit };
}

/**
 * The monitor runs in domain 0: without a turn for it, faults are not printed and nothing becomes
 * passive.
 */
function warnAboutDomainZero(
  { report }: Reading,
  element: Element,
  domains: DomainsDescription['domains'],
  schedule: readonly DomainScheduleEntry[],
): void {
  const zero = domains.find(({ id }) => id === 0)?.name;
  if (schedule.some((entry) => entry.kind === 'run' && entry.domain === zero)) return;
  const message = 'the schedule never runs domain 0, so the monitor never runs';
  const hint = 'faults will not be printed, and passive domains will keep their own time';
  report.warn(message, element, { hint });
}
