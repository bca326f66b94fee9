/** The commands of the shell: each turns what the shell may look at into text. */

import type { ReadonlyRegion } from '../../memory/region.ts';
import { readCounters } from '../../queues/counters.ts';
import { NET_CLASS, queueLevel, queueOf, SERIAL_CLASS } from '../../queues/classes.ts';
import type { PdView, QueueView, SystemView } from './view.ts';

export interface CommandParts {
  readonly view: SystemView;
  region(name: string): ReadonlyRegion;
  /** Nanoseconds since the start, by a call of the timer driver; undefined without a timer. */
  now(): number | undefined;
  /** Asks a clock on an I2C bus; it prints its answer later. @returns what is wrong already */
  date?(): string | undefined;
}

export interface ShellCommand {
  readonly name: string;
  readonly help: string;
  run(parts: CommandParts, args: readonly string[]): string;
}

export const COMMANDS: readonly ShellCommand[] = [
  { name: 'help', help: 'these lines', run: help },
  { name: 'pds', help: 'protection domains; pds NAME: its counters', run: pds },
  { name: 'queues', help: 'how full the queues are', run: queues },
  { name: 'irqs', help: 'interrupts: device, driver, how often', run: irqs },
  { name: 'mem', help: 'memory regions', run: mem },
  {
    name: 'net',
    help: 'what the network class has counted',
    run: (parts) => classOf(parts, 'net'),
  },
  { name: 'blk', help: 'what the block class has counted', run: (parts) => classOf(parts, 'blk') },
  { name: 'time', help: 'nanoseconds since the start', run: time },
  { name: 'uptime', help: 'time since the start', run: uptime },
  { name: 'date', help: 'the time of a clock on the I2C bus', run: date },
  { name: 'clear', help: 'clears the screen', run: () => '\u001b[2J\u001b[H' },
];

/** Runs a line. @returns what to print, with a newline at its end unless it is empty */
export function runLine(parts: CommandParts, line: string): string {
  const [name = '', ...args] = line.trim().split(/\s+/);
  if (name === '') return '';
  const command = COMMANDS.find((each) => each.name === name);
  if (command === undefined) return `${name}: no such command; help lists them\n`;
  return command.run(parts, args);
}

/** @returns what could stand in place of the last word */
export function completions(view: SystemView, before: string): readonly string[] {
  const words = before.trimStart().split(/\s+/);
  const word = words.at(-1) ?? '';
  const known = words.length < 2 ? COMMANDS.map(({ name }) => name) : argumentsOf(view, words[0]);
  return known.filter((each) => each.startsWith(word));
}

function argumentsOf(view: SystemView, command: string | undefined): readonly string[] {
  return command === 'pds' ? view.pds.map(({ name }) => name) : [];
}

function help(): string {
  return table(COMMANDS.map(({ name, help: text }) => [name, text]));
}

function pds(parts: CommandParts, [name]: readonly string[]): string {
  const { view } = parts;
  if (name !== undefined) {
    const pd = view.pds.find((each) => each.name === name);
    return pd === undefined ? `pds: no protection domain ${name}\n` : countersOf(parts, pd);
  }
  const rows = view.pds.map((pd) => [
    pd.name,
    String(pd.priority),
    pd.passive === 'yes' ? 'passive' : '',
  ]);
  return table([['name', 'priority', ''], ...rows]);
}

function countersOf(parts: CommandParts, pd: PdView, which: 'all' | 'moved' = 'all'): string {
  if (pd.counters === undefined) return `${pd.name}: no counters\n`;
  const { region, names } = pd.counters;
  const counters = readCounters(names, parts.region(region));
  const shown = Object.entries(counters).filter(([, value]) => which === 'all' || value !== 0);
  return table(shown.map(([name, value]) => [`${pd.name}.${name}`, String(value)]));
}

function queues(parts: CommandParts): string {
  const rows = parts.view.queues.map((queue) => [
    queue.name,
    String(levelOf(parts, queue)),
    String(queue.capacity),
  ]);
  return rows.length === 0 ? 'no queues\n' : table([['queue', 'used', 'of'], ...rows]);
}

function levelOf(parts: CommandParts, queue: QueueView): number {
  const region = parts.region(queue.region);
  const kind =
    queue.kind === 'serial' ? queueOf(SERIAL_CLASS, 'queue') : queueOf(NET_CLASS, 'activeQueue');
  return Math.min(queueLevel(kind, region), queue.capacity);
}

function irqs(parts: CommandParts): string {
  const rows = parts.view.irqs.map(({ irq, device, pd }) => [
    String(irq),
    device,
    pd,
    String(interruptsOf(parts, pd) ?? '-'),
  ]);
  return rows.length === 0
    ? 'no interrupts\n'
    : table([['irq', 'device', 'driver', 'count'], ...rows]);
}

function interruptsOf(parts: CommandParts, name: string): number | undefined {
  const counters = parts.view.pds.find((pd) => pd.name === name)?.counters;
  if (counters === undefined) return undefined;
  return readCounters(counters.names, parts.region(counters.region))['interrupts'];
}

function mem(parts: CommandParts): string {
  const { regions } = parts.view;
  const rows = regions.map(({ name, sizeBytes, kind }) => [name, kibibytes(sizeBytes), kind]);
  const memory = regions.filter(({ kind }) => kind === 'memory');
  const total = memory.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return `${table(rows)}${memory.length} regions of memory, ${kibibytes(total)}\n`;
}

function classOf(parts: CommandParts, name: 'net' | 'blk'): string {
  const members = parts.view.pds.filter((pd) => parts.view[name].includes(pd.name));
  if (members.length === 0) return `${name}: this system has none, or this shell may not see it\n`;
  // Many counters are of things that should not happen: those that are 0 say nothing here.
  const lines = members.map((pd) => countersOf(parts, pd, 'moved')).join('');
  return lines === '' ? `${name}: nothing yet\n` : lines;
}

function time(parts: CommandParts): string {
  const nowNs = parts.now();
  return nowNs === undefined ? 'time: no timer\n' : `${nowNs} ns\n`;
}

function date(parts: CommandParts): string {
  if (parts.date === undefined) return 'date: no clock\n';
  return parts.date() ?? '';
}

function uptime(parts: CommandParts): string {
  const nowNs = parts.now();
  if (nowNs === undefined) return 'uptime: no timer\n';
  const seconds = Math.floor(nowNs / 1e9);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const clock = [hours, minutes, seconds % 60].map((part) => String(part).padStart(2, '0'));
  return `up ${clock.join(':')}\n`;
}

function kibibytes(bytes: number): string {
  return `${bytes / 1024} KiB`;
}

/** Columns wide enough for their longest entry, two spaces between them. */
function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, text] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, text.length);
    }
  }
  return rows
    .map((row) =>
      row
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}
