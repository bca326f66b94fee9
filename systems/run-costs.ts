/**
 * What work costs under the virtual clock, kernel's and programs', and the file that it is read
 * from.
 *
 * Without a cost table only the kernel's work takes virtual time (`kernel/cost.ts`). With one,
 * programs' work does too: it is charged at their next kernel entry, from what has been counted
 * since the one before (`work-meter.ts`). Nothing is measured inside a program, so its code is the
 * same with and without a table.
 */

import { type CostTable, DEFAULT_COSTS } from '../kernel/cost.ts';
import { DEFAULT_MACHINE_COSTS, type MachineCosts } from '../microkit/runtime/machine-costs.ts';
import { thrownText } from '../memory/thrown-text.ts';

/** Nanoseconds for each piece of work of a program. */
export interface WorkCosts {
  /** A program wakes up, or is called: its caches, and the way into its handler. */
  readonly wakeUp: number;
  /**
   * An entry put into or taken out of a network or block queue; a publication of bytes in a serial
   * one.
   */
  readonly queueOperation: number;
  /** A load from or store to a device register. */
  readonly mmio: number;
  /** A copy of a packet or of blocks, and each byte of it. */
  readonly copy: number;
  readonly copyPerByte: number;
  /** Each byte that is summed by a program; which are, {@link EventCost.checksumBytes} tells. */
  readonly checksumPerByte: number;
}

/**
 * What an event that a program counts stands for, beside what is seen of it in queues and
 * registers: work on a protocol, on a hardware ring.
 */
export interface EventCost {
  /** Name of a protection domain, or the beginning of several names and a star. */
  readonly domain: string;
  /** One of the counters in its `stats` region. */
  readonly counter: string;
  /** Nanoseconds. */
  readonly cost: number;
  readonly queueOperations: number;
  readonly checksumBytes: number;
}

export interface RunCosts {
  readonly name: string;
  readonly kernel: CostTable;
  readonly work: WorkCosts;
  /**
   * Of programs that are machine code, to which `work` applies as well: a table that prices both
   * counts twice.
   */
  readonly machineCode: MachineCosts;
  /**
   * Between a device being marked due and its work: what a NIC's interrupt moderation is on
   * hardware. Above 0.
   */
  readonly deviceLatencyNs: number;
  readonly events: readonly EventCost[];
}

const NO_WORK: WorkCosts = {
  wakeUp: 0,
  queueOperation: 0,
  mmio: 0,
  copy: 0,
  copyPerByte: 0,
  checksumPerByte: 0,
};
/** A device's registers have their price in `work.mmio` already. */
const STANDARD_MACHINE: MachineCosts = { ...DEFAULT_MACHINE_COSTS, deviceAccess: 0 };
const NO_EVENT = { cost: 0, queueOperations: 0, checksumBytes: 0 };
const DEVICE_LATENCY_NS = 1_000;
const SCHEMA = 1;
/** A second: nothing that a table prices takes as long. */
const COST_MAX = 1e9;

export type CostsResult =
  | { readonly ok: true; readonly costs: RunCosts }
  /** One line: what is wrong, and where. */
  | { readonly ok: false; readonly problem: string };

/**
 * Reads a cost table. Whatever it leaves out is the standard cost of the kernel, and 0 for
 * programs.
 *
 * @param text JSON; see docs/benchmarks.md, "Cost tables"
 */
export function parseCosts(text: string): CostsResult {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = thrownText(error);
    return { ok: false, problem: `no JSON: ${reason.split('\n')[0] ?? ''}` };
  }
  const problems: string[] = [];
  const costs = readCosts(value, problems);
  const [problem] = problems;
  return problem === undefined ? { ok: true, costs } : { ok: false, problem };
}

type JsonObject = Readonly<Record<string, unknown>>;

const TOP_FIELDS = [
  'schema',
  'name',
  'about',
  'unit',
  'kernel',
  'work',
  'machineCode',
  'deviceLatencyNs',
  'events',
];

function readCosts(value: unknown, problems: string[]): RunCosts {
  const top = readObject(value, 'the table', problems);
  rejectUnknown(top, TOP_FIELDS, 'the table', problems);
  if (top['schema'] !== SCHEMA)
    problems.push(`schema is not ${SCHEMA}: a table of another version`);
  if (top['unit'] !== undefined && top['unit'] !== 'ns') problems.push("unit is not 'ns'");
  const name = readName(top['name'], 'name is missing', problems);
  const deviceLatencyNs = readCost(top, 'deviceLatencyNs', DEVICE_LATENCY_NS, '', problems);
  if (deviceLatencyNs <= 0) problems.push('deviceLatencyNs is not above 0');
  return {
    name,
    kernel: readTable(top['kernel'], DEFAULT_COSTS, 'kernel', problems),
    work: readTable(top['work'], NO_WORK, 'work', problems),
    machineCode: readTable(top['machineCode'], STANDARD_MACHINE, 'machineCode', problems),
    deviceLatencyNs,
    events: readEvents(top['events'], problems),
  };
}

function readEvents(value: unknown, problems: string[]): readonly EventCost[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) {
    problems.push('events is no list');
    return [];
  }
  return value.map((each: unknown, index) => {
    const where = `events[${index}]`;
    const event = readObject(each, where, problems);
    const { domain, counter, ...amounts } = event;
    return {
      domain: readName(domain, `${where}.domain is no name`, problems),
      counter: readName(counter, `${where}.counter is no name`, problems),
      ...readTable(amounts, NO_EVENT, where, problems),
    };
  });
}

function readName(value: unknown, problem: string, problems: string[]): string {
  if (typeof value === 'string' && value !== '') return value;
  problems.push(problem);
  return '';
}

/** Costs by name, with those of `standard` where the file has none. */
function readTable<T extends { readonly [K in keyof T]: number }>(
  value: unknown,
  standard: T,
  where: string,
  problems: string[],
): T {
  const object = readObject(value ?? {}, where, problems);
  rejectUnknown(object, Object.keys(standard), where, problems);
  const read = Object.entries<number>(standard).map(([field, cost]) => [
    field,
    readCost(object, field, cost, `${where}.`, problems),
  ]);
  return Object.fromEntries(read) as T;
}

function readCost(
  object: JsonObject,
  field: string,
  standard: number,
  prefix: string,
  problems: string[],
): number {
  const value = object[field] ?? standard;
  if (typeof value === 'number' && value >= 0 && value <= COST_MAX) return value;
  problems.push(`${prefix}${field} is no number from 0 to ${COST_MAX}`);
  return standard;
}

function readObject(value: unknown, where: string, problems: string[]): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as JsonObject;
  }
  problems.push(`${where} is no object`);
  return {};
}

function rejectUnknown(
  object: JsonObject,
  known: readonly string[],
  where: string,
  problems: string[],
): void {
  const unknown = Object.keys(object).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  problems.push(`${where} has no field '${unknown}'; it has ${known.join(', ')}`);
}
