/**
 * The dump as a graph in Graphviz's language. Each thread is a table: its capabilities, by slot,
 * and its memory, by address. A line goes from a right to send or signal to the thread that
 * receives. Capabilities to the monitor have no line, since everybody has one. The initial thread's
 * table says what has been derived from each untyped.
 */

import type { MappedRun } from './address-spaces.ts';
import type { CapabilityDump, DumpedCap, DumpedObject } from './dump.ts';
import { formatBytes } from './text.ts';

const COLOURS = {
  title: '#1a56b0',
  ep: '#c5221f',
  notification: '#1a56b0',
  irq: '#b06000',
  memory: '#137333',
  own: '#5f6368',
} as const;
const ROOT = 'root_task';
const MONITOR = 'monitor';
/** Types of objects that the row of an untyped names. */
const ORIGIN_KINDS_SHOWN = 4;

interface Row {
  /** Where in the CSpace, or at which address. */
  readonly place: string;
  readonly text: string;
  /** Rights and badge. */
  readonly facts: string;
  readonly kind: keyof typeof COLOURS;
  /** The object that the row sends to. */
  readonly sendsTo?: string;
  /** The object that the row receives from. */
  readonly receivesFrom?: string;
}

interface Owner {
  readonly name: string;
  readonly tcb: DumpedObject;
  readonly rows: readonly Row[];
}

export function dumpDot(dump: CapabilityDump): string {
  const owners = ownersOf(dump);
  const lines = [
    `digraph ${quote(dump.system)} {`,
    '  graph [rankdir=LR, nodesep=0.3, ranksep=1.2, fontname="Arial", labelloc=t, fontsize=22,',
    `         label=${quote(`Capabilities of '${dump.system}'`)}];`,
    '  node [fontname="Arial", fontsize=11, shape=plain];',
    '  edge [arrowsize=0.7];',
    ...owners.map(ownerNode),
    rootNode(dump),
    ...edges(owners),
    '}',
  ];
  return `${lines.join('\n')}\n`;
}

// ----------------------------------------------------------------------------------------- threads

function ownersOf(dump: CapabilityDump): readonly Owner[] {
  const signalled = new Map(dump.irqs.map(({ irq, notification }) => [`irq_${irq}`, notification]));
  const owners: Owner[] = [];
  for (const tcb of dump.objects) {
    const name = tcb.name.replace(/^tcb_/, '');
    if (tcb.type !== 'tcb' || name === ROOT) continue;
    const caps = dump.caps.filter(({ holder }) =>
      [`cnode_${name}`, `cspace_${name}`, tcb.name].includes(holder),
    );
    const rows = caps.toSorted(bySlot).flatMap((cap) => capRow(cap, signalled));
    const bound = tcb.properties['notification'];
    if (typeof bound === 'string' && rows.every(({ receivesFrom }) => receivesFrom !== bound)) {
      rows.push({
        place: 'bound',
        text: bound,
        facts: 'R',
        kind: 'notification',
        receivesFrom: bound,
      });
    }
    const space = dump.addressSpaces.find(({ vspace }) => vspace === `vspace_${name}`);
    owners.push({ name, tcb, rows: [...rows, ...(space?.mappings ?? []).map(memoryRow)] });
  }
  return owners;
}

function bySlot(one: DumpedCap, other: DumpedCap): number {
  return one.holder.localeCompare(other.holder) || one.slot - other.slot;
}

function capRow(cap: DumpedCap, signalled: ReadonlyMap<string, string | undefined>): Row[] {
  // What a TCB's own slots hold is in the thread's CSpace, too, but for the handlers of its faults.
  if (cap.slotName !== undefined && !cap.slotName.endsWith('handler')) return [];
  const badge = cap.badge === undefined ? '' : `badge ${cap.badge}`;
  const facts = [cap.rights ?? '', badge].filter((text) => text !== '').join(', ');
  const isRoot = cap.holder.startsWith('cspace_');
  const row = {
    place: cap.slotName ?? `${isRoot ? 'root ' : ''}${cap.slot}`,
    text: cap.object,
    facts,
  };
  if (cap.type === 'irq') {
    return [{ ...row, kind: 'irq', facts: `signals ${signalled.get(cap.object) ?? 'nobody'}` }];
  }
  if (cap.type !== 'ep' && cap.type !== 'notification') return [{ ...row, kind: 'own' }];
  const receives = cap.rights?.includes('R') === true && cap.slotName === undefined;
  const sends = cap.rights?.includes('W') === true;
  return [
    {
      ...row,
      kind: cap.type,
      ...(receives ? { receivesFrom: cap.object } : {}),
      ...(sends ? { sendsTo: cap.object } : {}),
    },
  ];
}

function memoryRow(run: MappedRun): Row {
  return {
    place: `0x${run.vaddr.toString(16)}`,
    text: run.region ?? (run.device ? `device 0x${run.paddr.toString(16)}` : 'own memory'),
    facts: `${run.rights} ${formatBytes(run.sizeBytes)}`,
    kind: 'memory',
  };
}

function ownerNode({ name, tcb, rows }: Owner): string {
  const { priority, sc } = tcb.properties;
  const facts = `priority ${priority ?? '?'}${sc === undefined ? ', passive' : ''}`;
  const body = rows.map(({ place, text, facts: right, kind }, at) => {
    const colour = COLOURS[kind];
    return `<tr>${cell(place, colour, ` port="i${at}"`)}${cell(text, colour)}${cell(right, colour, ` port="o${at}"`)}</tr>`;
  });
  const title =
    `<tr><td colspan="3" bgcolor="${COLOURS.title}"><font color="white"><b>${escape(name)}</b>` +
    `<br/><font point-size="9">${escape(facts)}</font></font></td></tr>`;
  return `  ${quote(name)} [label=<${table(title + body.join(''))}>];`;
}

// ------------------------------------------------------------------------------------------- lines

/** A row of a thread's table. */
interface End {
  readonly owner: Owner;
  readonly at: number;
}

/**
 * From the right to send to the row that receives; to a node of its own where nobody receives.
 * Threads of high priority stand on the left, so a line to a higher priority is drawn from its end.
 */
function edges(owners: readonly Owner[]): string[] {
  const receivers = receiversOf(owners);
  const lines: string[] = [];
  const alone = new Set<string>();
  for (const owner of owners) {
    if (owner.name === MONITOR) continue;
    owner.rows.forEach(({ sendsTo, kind }, at) => {
      if (sendsTo === undefined || sendsTo === `endpoint_${MONITOR}`) return;
      const colour = `color="${COLOURS[kind]}"`;
      const receiver = receivers.get(sendsTo);
      if (receiver === undefined) {
        alone.add(sendsTo);
        lines.push(`  ${right({ owner, at })} -> ${quote(sendsTo)} [${colour}];`);
      } else if (priorityOf(owner) < priorityOf(receiver.owner)) {
        lines.push(`  ${right(receiver)} -> ${left({ owner, at })} [${colour}, dir=back];`);
      } else {
        lines.push(`  ${right({ owner, at })} -> ${left(receiver)} [${colour}];`);
      }
    });
  }
  const nodes = [...alone].map((name) => `  ${quote(name)} [shape=ellipse];`);
  return [...nodes, ...lines];
}

function priorityOf({ tcb }: Owner): number {
  return Number(tcb.properties['priority'] ?? 0);
}

function left({ owner, at }: End): string {
  return `${quote(owner.name)}:i${at}:w`;
}

function right({ owner, at }: End): string {
  return `${quote(owner.name)}:o${at}:e`;
}

/**
 * @returns by object the row of the one thread that receives; the thread that it is called after
 * goes before others
 */
function receiversOf(owners: readonly Owner[]): ReadonlyMap<string, End> {
  const receivers = new Map<string, End>();
  for (const owner of owners) {
    owner.rows.forEach(({ receivesFrom }, at) => {
      if (receivesFrom === undefined) return;
      if (receivers.has(receivesFrom) && !receivesFrom.endsWith(`_${owner.name}`)) return;
      receivers.set(receivesFrom, { owner, at });
    });
  }
  return receivers;
}

// ---------------------------------------------------------------------------------------- untypeds

/** The untypeds of boot: what is in use, and what was derived from each. */
function rootNode({ caps }: CapabilityDump): string {
  const rows = caps.flatMap(({ object, type, parent, sizeBytes = 0, freeBytes = 0 }, at) => {
    if (type !== 'ut' || parent !== undefined) return [];
    const used = `${formatBytes(sizeBytes - freeBytes)} of ${formatBytes(sizeBytes)}`;
    const made = madeOf(caps, at);
    return [
      `<tr>${cell(object, COLOURS.own)}${cell(used, COLOURS.own)}${cell(made, COLOURS.own)}</tr>`,
    ];
  });
  const title = `<tr><td colspan="3" bgcolor="${COLOURS.own}"><font color="white"><b>root task</b><br/><font point-size="9">untyped memory, and what was made of it</font></font></td></tr>`;
  return `  ${quote('root task')} [label=<${table(title + rows.join(''))}>];`;
}

/** @returns such as "1378 frame, 10 tcb": the objects that were made of an untyped */
function madeOf(caps: readonly DumpedCap[], root: number): string {
  const inside = new Set([root]);
  const objects = new Map<string, Set<string>>();
  caps.forEach(({ parent, type, object }, at) => {
    if (parent === undefined || !inside.has(parent)) return;
    inside.add(at);
    objects.set(type, (objects.get(type) ?? new Set()).add(object));
  });
  const counts = [...objects].map(([type, names]) => ({ type, count: names.size }));
  const sorted = counts.toSorted((one, other) => other.count - one.count);
  const shown = sorted.slice(0, ORIGIN_KINDS_SHOWN).map(({ type, count }) => `${count} ${type}`);
  const rest = sorted.length - shown.length;
  return shown.join(', ') + (rest > 0 ? `, ${rest} more types` : '');
}

// ---------------------------------------------------------------------------------------- language

function table(rows: string): string {
  return `<table border="1" cellborder="0" cellspacing="0" cellpadding="2">${rows}</table>`;
}

/** An empty element is a mistake to Graphviz. */
function cell(text: string, colour: string, attributes = ''): string {
  const shown = text === '' ? '&#160;' : escape(text);
  return `<td align="left"${attributes}><font point-size="10" color="${colour}">${shown}</font></td>`;
}

function quote(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
