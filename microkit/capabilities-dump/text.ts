/**
 * The dump as text, in the manner of capDL. Frames that lie one behind the other are one line: a
 * run of pages has as many capabilities as pages.
 */

import { hex } from '../../memory/hex.ts';
import type { AddressSpace } from './address-spaces.ts';
import type { CapabilityDump, DumpedCap, DumpedIrq, DumpedObject } from './dump.ts';

const INDENT = '  ';

/** @returns lines without line ends */
export function dumpText(dump: CapabilityDump): readonly string[] {
  return [
    `-- system ${dump.system}: ${dump.objects.length} objects, ${dump.caps.length} capabilities`,
    'arch riscv',
    '',
    ...section('objects', runsOf(dump.objects, objectFollows).map(objectLine)),
    ...section('caps', capLines(dump.caps)),
    ...section('cdt', treeLines(dump.caps)),
    ...section('irqs', dump.irqs.map(irqLine)),
    ...section('address spaces', dump.addressSpaces.flatMap(spaceLines)),
  ];
}

function section(title: string, lines: readonly string[]): string[] {
  return [`${title} {`, ...lines.map((line) => INDENT + line), '}', ''];
}

// -------------------------------------------------------------------------------------------- runs

/** Neighbours of which each follows on the one before. */
function runsOf<Item>(
  items: readonly Item[],
  follows: (last: Item, next: Item) => boolean,
): readonly (readonly [Item, ...Item[]])[] {
  const runs: [Item, ...Item[]][] = [];
  for (const item of items) {
    const run = runs.at(-1);
    const last = run?.at(-1);
    if (run !== undefined && last !== undefined && follows(last, item)) run.push(item);
    else runs.push([item]);
  }
  return runs;
}

function objectFollows(last: DumpedObject, next: DumpedObject): boolean {
  return (
    last.type === 'frame' &&
    next.type === 'frame' &&
    last.sizeBytes === next.sizeBytes &&
    last.name.startsWith('device_') === next.name.startsWith('device_') &&
    next.paddr === (last.paddr ?? 0) + (last.sizeBytes ?? 0)
  );
}

function capFollows(last: DumpedCap, next: DumpedCap): boolean {
  return (
    next.slot === last.slot + 1 &&
    isLikeFrame(last, next) &&
    next.paddr === (last.paddr ?? 0) + (last.sizeBytes ?? 0) &&
    next.vaddr === (last.vaddr === undefined ? undefined : last.vaddr + (last.sizeBytes ?? 0))
  );
}

function isLikeFrame(one: DumpedCap, other: DumpedCap): boolean {
  return (
    one.type === 'frame' &&
    other.type === 'frame' &&
    one.holder === other.holder &&
    one.sizeBytes === other.sizeBytes &&
    one.rights === other.rights &&
    one.asid === other.asid
  );
}

// ----------------------------------------------------------------------------------------- objects

function objectLine(run: readonly [DumpedObject, ...DumpedObject[]]): string {
  const [first] = run;
  const last = run.at(-1) ?? first;
  const facts = [
    ...(first.sizeBytes === undefined ? [] : [formatBytes(first.sizeBytes)]),
    ...(first.paddr === undefined ? [] : [`paddr: ${hex(first.paddr)}`]),
    ...Object.entries(first.properties).map(([name, value]) => `${name}: ${value}`),
  ];
  const name = run.length === 1 ? first.name : `${first.name} .. ${last.name}`;
  const count = run.length === 1 ? '' : ` * ${run.length}`;
  return `${name} = ${first.type}${count}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}`;
}

// ------------------------------------------------------------------------------------ capabilities

/** @returns capabilities by who holds them, in the manner of capDL */
export function capLines(caps: readonly DumpedCap[]): string[] {
  const holders = new Map<string, DumpedCap[]>();
  for (const cap of caps) {
    const held = holders.get(cap.holder);
    if (held === undefined) holders.set(cap.holder, [cap]);
    else held.push(cap);
  }
  const lines: string[] = [];
  for (const [holder, held] of [...holders].toSorted(([a], [b]) => a.localeCompare(b))) {
    const bySlot = held.toSorted((one, other) => one.slot - other.slot);
    const runs = runsOf(bySlot, capFollows);
    lines.push(`${holder} {`, ...runs.map((run) => INDENT + capLine(run)), '}');
  }
  return lines;
}

function capLine(run: readonly [DumpedCap, ...DumpedCap[]]): string {
  return `${slotsOf(run)}: ${describe(run)}`;
}

function slotsOf(run: readonly [DumpedCap, ...DumpedCap[]]): string {
  const [first] = run;
  const last = run.at(-1) ?? first;
  if (first.slotName !== undefined) return first.slotName;
  return run.length === 1 ? hex(first.slot) : `${hex(first.slot)}..${hex(last.slot)}`;
}

function describe(run: readonly [DumpedCap, ...DumpedCap[]]): string {
  const [first] = run;
  const last = run.at(-1) ?? first;
  const facts = factsOf(first);
  const name =
    run.length === 1 ? first.object : `${first.object} .. ${last.object} * ${run.length}`;
  return `${name}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}`;
}

function factsOf(cap: DumpedCap): string[] {
  const facts: string[] = [];
  if (cap.rights !== undefined) facts.push(cap.rights === '' ? 'no rights' : cap.rights);
  if (cap.badge !== undefined) facts.push(`badge: ${cap.badge}`);
  if (cap.guardSize !== undefined) {
    facts.push(`guard: ${cap.guard ?? '0x0'}`, `guard_size: ${cap.guardSize}`);
  }
  if (cap.freeBytes !== undefined) facts.push(`free: ${formatBytes(cap.freeBytes)}`);
  if (cap.asid !== undefined) facts.push(`mapping: asid ${cap.asid}, ${hex(cap.vaddr ?? 0)}`);
  return facts;
}

// -------------------------------------------------------------------------------------- derivation

interface Node {
  readonly cap: DumpedCap;
  readonly children: Node[];
}

function treeLines(caps: readonly DumpedCap[]): string[] {
  const nodes = caps.map((cap): Node => ({ cap, children: [] }));
  const roots: Node[] = [];
  for (const node of nodes) {
    const parent = node.cap.parent === undefined ? undefined : nodes[node.cap.parent];
    (parent?.children ?? roots).push(node);
  }
  return branchLines(roots, '');
}

function branchLines(siblings: readonly Node[], lead: string): string[] {
  return runsOf(siblings, nodeFollows).flatMap((run) => runLines(run, lead));
}

/**
 * One line for the run, and below it what was derived from each: the first children together, then
 * the second ones.
 */
function runLines(run: readonly [Node, ...Node[]], lead: string): string[] {
  const [first] = run;
  const last = run.at(-1) ?? first;
  const [low, high] =
    (first.cap.paddr ?? 0) <= (last.cap.paddr ?? 0) ? [first, last] : [last, first];
  const caps: readonly [DumpedCap, DumpedCap] = [low.cap, high.cap];
  const name = run.length === 1 ? low.cap.object : `${low.cap.object} .. ${high.cap.object}`;
  const count = run.length === 1 ? '' : ` * ${run.length}`;
  const facts = factsOf(low.cap);
  const shown = facts.length === 0 ? '' : ` (${facts.join(', ')})`;
  const line = `${lead}${name}${count}${shown} in ${placeOf(run.length === 1 ? [low.cap] : caps)}`;
  if (run.length === 1) return [line, ...branchLines(first.children, lead + INDENT)];
  const columns = first.children.flatMap((_, at) => {
    const column = run.map(({ children }) => children[at] as Node);
    return runLines(column as [Node, ...Node[]], lead + INDENT);
  });
  return [line, ...columns];
}

function placeOf(caps: readonly [DumpedCap, ...DumpedCap[]]): string {
  const [first] = caps;
  const slots = caps.map(({ slot }) => slot);
  const slot = first.slotName ?? (caps.length === 1 ? hex(first.slot) : slots.map(hex).join('..'));
  return `${first.holder}[${slot}]`;
}

/** Frames side by side, up or down, whose descendants are side by side, too. */
function nodeFollows(last: Node, next: Node): boolean {
  const size = last.cap.sizeBytes ?? 0;
  const step = (next.cap.paddr ?? 0) - (last.cap.paddr ?? 0);
  return (
    isLikeFrame(last.cap, next.cap) &&
    Math.abs(step) === size &&
    Math.abs(next.cap.slot - last.cap.slot) === 1 &&
    Math.sign(next.cap.slot - last.cap.slot) === Math.sign(step) &&
    last.children.length === next.children.length &&
    last.children.every((child, at) => nodeFollows(child, next.children[at] as Node))
  );
}

// ---------------------------------------------------------------------------------------- the rest

function irqLine({ irq, notification, badge }: DumpedIrq): string {
  return `irq_${irq} -> ${notification === undefined ? 'nobody' : `${notification} (badge: ${badge})`}`;
}

function spaceLines({ vspace, asid, mappings }: AddressSpace): string[] {
  const lines = mappings.map((run) => {
    const pages = `${formatBytes(run.sizeBytes)} in pages of ${formatBytes(run.pageBytes)}`;
    const what = run.region ?? (run.device ? 'device' : '');
    const target = `${hex(run.paddr)}, ${pages}`;
    return `${INDENT}${hex(run.vaddr)} ${run.rights} -> ${target}${what === '' ? '' : `  ${what}`}`;
  });
  return [`${vspace} (asid ${asid}) {`, ...lines, '}'];
}

/** @returns such as "16 B", "4 KiB", "1.5 MiB" */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  let value = bytes;
  for (; value >= 1024 && unit < units.length - 1; unit += 1) value /= 1024;
  return `${Number(value.toFixed(2))} ${units[unit] ?? ''}`;
}
