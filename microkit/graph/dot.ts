/**
 * The graph in Graphviz's language: protection domains as boxes in rows by priority, highest on top; lines between them
 * with channel identifiers at their ends, arrows for notifications, red for protected calls (from the caller); devices
 * and memory that many share as nodes of their own.
 */

import type { SystemDescription } from '../model.ts';
import type { GraphLine, GraphPd, Topology } from './topology.ts';
import { describeShared, formatSize, shortName, topology } from './topology.ts';

/** Boxes in a row; domains of one priority take several rows when they are more. */
const ROW_LENGTH = 8;
const OWN_REGIONS_SHOWN = 4;
/** Above this many domains, what they share is shown when the mouse is over a line, not beside it. */
const LABELLED_PDS_MAX = 20;

const COLOURS = {
  active: '#e8f0fe',
  passive: '#f3e8fd',
  device: '#fef3e2',
  memory: '#eaf6ec',
  call: '#c5221f',
  notify: '#1a56b0',
  share: '#5f6368',
  child: '#9334e6',
} as const;

export function renderDot(system: SystemDescription): string {
  const graph = topology(system);
  const rows = priorityRows(graph.pds);
  const detail = graph.pds.length > LABELLED_PDS_MAX ? 'on demand' : 'shown';
  const lines = [
    `digraph ${quote(graph.name)} {`,
    `  graph [rankdir=TB, nodesep=${detail === 'shown' ? 0.35 : 0.2}, ranksep=${detail === 'shown' ? 0.55 : 0.9}, fontname="Arial", newrank=true,`,
    `         labelloc=t, fontsize=18, label=${quote(`System '${graph.name}'`)}];`,
    '  node [shape=box, style="rounded,filled", fontname="Arial", fontsize=11, margin="0.2,0.08"];',
    '  edge [fontname="Arial", fontsize=9, labeldistance=1.4];',
    ...axis(rows),
    ...graph.pds.map(pdNode),
    ...deviceNodes(graph),
    ...hubNodes(graph),
    ...graph.lines.map((line) => lineEdge(line, detail)),
    ...graph.children.map(
      ({ parent, child, id }) =>
        `  ${quote(parent)} -> ${quote(child)} [label=${quote(`child ${id}`)}, style=dashed, ` +
        `arrowhead=odiamond, color="${COLOURS.child}", fontcolor="${COLOURS.child}", constraint=false];`,
    ),
    '}',
  ];
  return `${lines.join('\n')}\n`;
}

interface Row {
  readonly title: string;
  readonly pds: readonly string[];
}

function priorityRows(pds: readonly GraphPd[]): readonly Row[] {
  const levels = new Map<number, string[]>();
  for (const { flat } of pds) {
    const level = levels.get(flat.pd.priority) ?? [];
    level.push(flat.pd.name);
    levels.set(flat.pd.priority, level);
  }
  const rows: Row[] = [];
  for (const [priority, names] of [...levels].toSorted(([a], [b]) => b - a)) {
    for (let at = 0; at < names.length; at += ROW_LENGTH) {
      const title = at === 0 ? `priority ${priority}` : '';
      rows.push({ title, pds: names.slice(at, at + ROW_LENGTH) });
    }
  }
  return rows;
}

/** A column of titles on the left that keeps the rows in order. */
function axis(rows: readonly Row[]): string[] {
  const lines: string[] = [];
  for (const [index, row] of rows.entries()) {
    const attributes = `shape=plaintext, style="", fontsize=12, label=${quote(row.title)}`;
    lines.push(`  "axis ${index}" [${attributes}];`);
    const names = row.pds.map((name) => `${quote(name)};`).join(' ');
    lines.push(`  { rank=same; "axis ${index}"; ${names} }`);
    if (index > 0) lines.push(`  "axis ${index - 1}" -> "axis ${index}" [style=invis, weight=9];`);
  }
  return lines;
}

function pdNode({ flat, own }: GraphPd): string {
  const { pd } = flat;
  const facts: string[] = [];
  if (pd.passive) facts.push('passive');
  if (pd.budgetUs !== pd.periodUs) facts.push(`${pd.budgetUs}/${pd.periodUs} us`);
  if (pd.domain !== undefined) facts.push(`domain ${pd.domain}`);
  if (pd.cpu !== 0) facts.push(`cpu ${pd.cpu}`);
  if (pd.virtualMachine !== undefined) facts.push(`VM ${pd.virtualMachine.name}`);
  const regions = own
    .slice(0, OWN_REGIONS_SHOWN)
    .map(({ name, size }) => `${shortName(name, [pd.name])} ${formatSize(size)}`);
  if (own.length > OWN_REGIONS_SHOWN) regions.push(`${own.length - OWN_REGIONS_SHOWN} more`);
  const small = [facts.join(', '), ...regions].filter((text) => text !== '');
  const rows = small.map(
    (text) => `<br/><font point-size="9" color="${COLOURS.share}">${escapeHtml(text)}</font>`,
  );
  const label = `<<font point-size="12">${escapeHtml(pd.name)}</font>${rows.join('')}>`;
  const colour = pd.passive ? COLOURS.passive : COLOURS.active;
  return `  ${quote(pd.name)} [label=${label}, fillcolor="${colour}", tooltip=${quote(pd.image.path)}];`;
}

function deviceNodes(graph: Topology): string[] {
  const lines: string[] = [];
  const withIrq = new Set<string>();
  for (const { name, physAddr, size, users } of graph.devices) {
    const address = `0x${physAddr.toString(16)}, ${formatSize(size)}`;
    const node = quote(`device ${name}`);
    lines.push(
      `  ${node} [shape=component, style=filled, fillcolor="${COLOURS.device}", ` +
        `label=${quote(`${name}\n${address}`)}];`,
    );
    for (const { pd, permissions } of users) {
      // A device's interrupts are drawn on the line of the domain that it has to itself.
      const own = graph.devices.filter((device) => device.users.some((user) => user.pd === pd));
      const irqs = own.length === 1 ? graph.irqs.filter((irq) => irq.pd === pd) : [];
      for (const irq of irqs) withIrq.add(`${pd} ${irq.number}`);
      const texts = [permissions, ...irqs.map((irq) => `irq ${irq.number} → ${irq.id}`)];
      lines.push(
        `  ${node} -> ${quote(pd)} [label=${quote(texts.join('\n'))}, ` +
          `color="${COLOURS.share}", arrowhead=${irqs.length > 0 ? 'normal' : 'none'}];`,
      );
    }
  }
  for (const irq of graph.irqs) {
    if (withIrq.has(`${irq.pd} ${irq.number}`)) continue;
    const node = quote(`irq ${irq.number} of ${irq.pd}`);
    const label = quote(`irq ${irq.number}`);
    lines.push(
      `  ${node} [shape=cds, style=filled, fillcolor="${COLOURS.device}", label=${label}];`,
    );
    lines.push(`  ${node} -> ${quote(irq.pd)} [label=${quote(String(irq.id))}];`);
  }
  return lines;
}

function hubNodes(graph: Topology): string[] {
  return graph.hubs.flatMap(({ region, users }) => {
    const node = quote(`region ${region.name}`);
    const text = `${region.name} ${formatSize(region.size)}`;
    return [
      `  ${node} [shape=cylinder, style=filled, fillcolor="${COLOURS.memory}", ` +
        `label=${quote(text)}];`,
      ...users.map(
        ({ pd, permissions }) =>
          `  ${node} -> ${quote(pd)} [label=${quote(permissions || '-')}, arrowhead=none, ` +
          `color="${COLOURS.share}", style=dotted];`,
      ),
    ];
  });
}

function lineEdge(line: GraphLine, detail: 'shown' | 'on demand'): string {
  const calls = line.channels.some((channel) => channel.calls !== 'none');
  const towardsSecond = line.channels.some(
    (channel) => channel.firstNotifies || channel.calls === 'first calls second',
  );
  const towardsFirst = line.channels.some(
    (channel) => channel.secondNotifies || channel.calls === 'second calls first',
  );
  const direction =
    towardsFirst && towardsSecond
      ? 'both'
      : towardsFirst
        ? 'back'
        : towardsSecond
          ? 'forward'
          : 'none';
  const colour = calls ? COLOURS.call : line.channels.length > 0 ? COLOURS.notify : COLOURS.share;
  const callTexts = line.channels.flatMap((channel) => {
    if (channel.calls === 'none') return [];
    return [channel.calls === 'first calls second' ? 'call ▼' : 'call ▲'];
  });
  const shared = describeShared(line);
  const label = [...callTexts, ...(detail === 'shown' ? shared : [])].join('\n');
  const attributes = [
    `dir=${direction}`,
    `color="${colour}"`,
    `fontcolor="${colour}"`,
    `label=${quote(label)}`,
    `tooltip=${quote([...shared, ...line.regions.map((region) => region.name)].join('\n'))}`,
  ];
  if (line.channels.length > 0) {
    const ids = (pick: (channel: GraphLine['channels'][number]) => number): string =>
      quote(line.channels.map(pick).join(','));
    attributes.push(`taillabel=${ids((channel) => channel.firstId)}`);
    attributes.push(`headlabel=${ids((channel) => channel.secondId)}`);
    attributes.push(`penwidth=${calls ? 1.8 : 1.2}`);
  } else {
    attributes.push('style=dotted');
  }
  return `  ${quote(line.first)} -> ${quote(line.second)} [${attributes.join(', ')}];`;
}

function quote(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
  return `"${escaped}"`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
