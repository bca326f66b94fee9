/**
 * The graph in Graphviz's language: protection domains as boxes in rows by priority, highest on
 * top; lines between them with channel identifiers at their ends, arrows for notifications, red for
 * protected calls (from the caller); devices and memory that many share as nodes of their own.
 */

import type { SystemDescription } from '../model.ts';
import type { GraphLine, GraphPd, Topology } from './topology.ts';
import { describeShared, formatSize, shortName, topology } from './topology.ts';

/**
 * Boxes in a row; domains of one priority take several rows when they are more. Short rows: lines
 * pass between boxes.
 */
const ROW_LENGTH = { shown: 8, 'on demand': 14 } as const;
const OWN_REGIONS_SHOWN = 4;
/**
 * Above this many domains, what they share is shown when the mouse is over a line, not beside it.
 */
const LABELLED_PDS_MAX = 20;
/**
 * In such a picture, a domain that has more callers than this, or memory with more users, is
 * described in words.
 */
const DRAWN_USERS_MAX = 8;
const WORDS_PER_LINE = 48;
const WORD_LINES_MAX = 5;

/** How much is drawn and how much said. */
type Detail = 'shown' | 'on demand';

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
  const detail: Detail = graph.pds.length > LABELLED_PDS_MAX ? 'on demand' : 'shown';
  const rows = priorityRows(graph.pds, ROW_LENGTH[detail]);
  const told = detail === 'shown' ? [] : manyCallers(graph.lines);
  const drawn = graph.lines.filter((line) => !told.includes(line));
  const crowded = detail === 'shown' ? [] : crowdedPds(drawn);
  const lines = [
    `digraph ${quote(graph.name)} {`,
    `  graph [rankdir=TB, nodesep=${detail === 'shown' ? 0.35 : 0.2}, ranksep=${detail === 'shown' ? 0.55 : 0.9}, fontname="Arial", newrank=true,`,
    `         labelloc=t, fontsize=18, label=${quote(`System '${graph.name}'`)}];`,
    '  node [shape=box, style="rounded,filled", fontname="Arial", fontsize=11, margin="0.2,0.08"];',
    '  edge [fontname="Arial", fontsize=9, labeldistance=1.4];',
    ...axis(rows),
    ...graph.pds.map((each) => pdNode(each, wordsAbout(each.flat.pd.name, told))),
    ...deviceNodes(graph),
    ...hubNodes(graph, detail),
    ...drawn.map((line) => lineEdge(line, detail, crowded)),
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

/**
 * Lines of calls to a domain that many call: a timer's, for instance. Drawn, they would cover
 * everything else.
 */
function manyCallers(lines: readonly GraphLine[]): readonly GraphLine[] {
  const calls = lines.filter(
    ({ channels, regions }) =>
      regions.length === 0 && channels.length === 1 && channels[0]?.calls === 'second calls first',
  );
  return calls.filter(
    ({ first }) => calls.filter((other) => other.first === first).length > DRAWN_USERS_MAX,
  );
}

/**
 * Domains at which so many lines end that identifiers there would lie on each other: the mouse
 * shows them.
 */
function crowdedPds(lines: readonly GraphLine[]): readonly string[] {
  const ends = lines.flatMap(({ first, second }) => [first, second]);
  return [...new Set(ends)].filter(
    (pd) => ends.filter((end) => end === pd).length > DRAWN_USERS_MAX,
  );
}

/** What the box of a domain says instead of these lines. */
function wordsAbout(pd: string, told: readonly GraphLine[]): readonly string[] {
  const callers = told.filter(({ first }) => first === pd);
  const calls = told
    .filter(({ second }) => second === pd)
    .map(({ first, channels }) => `calls ${first} on ${channels[0]?.secondId ?? ''}`);
  return callers.length === 0 ? calls : [`called by ${callers.length} domains`, ...calls];
}

function priorityRows(pds: readonly GraphPd[], rowLength: number): readonly Row[] {
  const levels = new Map<number, string[]>();
  for (const { flat } of pds) {
    const level = levels.get(flat.pd.priority) ?? [];
    level.push(flat.pd.name);
    levels.set(flat.pd.priority, level);
  }
  const rows: Row[] = [];
  for (const [priority, names] of [...levels].toSorted(([a], [b]) => b - a)) {
    for (let at = 0; at < names.length; at += rowLength) {
      const title = at === 0 ? `priority ${priority}` : '';
      rows.push({ title, pds: names.slice(at, at + rowLength) });
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

function pdNode({ flat, own }: GraphPd, words: readonly string[]): string {
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
  const small = [facts.join(', '), ...regions, ...words].filter((text) => text !== '');
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
        `  ${node} -> ${quote(pd)} [label=${edgeLabel(texts, 'black')}, ` +
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

function hubNodes(graph: Topology, detail: Detail): string[] {
  return graph.hubs.flatMap(({ region, users }) => {
    const node = quote(`region ${region.name}`);
    const inWords = detail === 'on demand' && users.length > DRAWN_USERS_MAX;
    const title = `${region.name} ${formatSize(region.size)}`;
    const text = inWords ? [title, ...sharedInWords(users)].join('\n') : title;
    const shape = `shape=cylinder, style=filled, fillcolor="${COLOURS.memory}"`;
    const drawn = inWords
      ? []
      : users.map(
          ({ pd, permissions }) =>
            `  ${node} -> ${quote(pd)} [label=${edgeLabel([permissions || '-'], COLOURS.share)}, ` +
            `arrowhead=none, color="${COLOURS.share}", style=dotted];`,
        );
    return [`  ${node} [${shape}, label=${quote(text)}];`, ...drawn];
  });
}

/** Who maps a region, by permissions: "r: virt_rx, copier0, …", in lines of a box's width. */
function sharedInWords(users: Topology['hubs'][number]['users']): readonly string[] {
  const kinds = new Map<string, string[]>();
  for (const { pd, permissions } of users) {
    kinds.set(permissions, [...(kinds.get(permissions) ?? []), pd]);
  }
  return [...kinds].flatMap(([permissions, pds]) => {
    const lines = [`${permissions || '-'}:`];
    for (const pd of pds) {
      const line = lines.at(-1) ?? '';
      if (line.length + pd.length + 1 > WORDS_PER_LINE) lines.push(pd);
      else lines[lines.length - 1] = `${line} ${pd}`;
    }
    const shown = lines.slice(0, WORD_LINES_MAX);
    return lines.length > shown.length ? [...shown, `… ${pds.length} domains`] : shown;
  });
}

/** Text beside a line, on white: else the line goes through it. */
function edgeLabel(texts: readonly string[], colour: string): string {
  const lines = texts.filter((text) => text !== '');
  if (lines.length === 0) return '""';
  const rows = lines.map(
    (text) => `<tr><td><font color="${colour}">${escapeHtml(text)}</font></td></tr>`,
  );
  const table = 'border="0" cellborder="0" cellspacing="0" cellpadding="2" bgcolor="white"';
  return `<<table ${table}>${rows.join('')}</table>>`;
}

function lineEdge(line: GraphLine, detail: Detail, crowded: readonly string[]): string {
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
  const label = [...callTexts, ...(detail === 'shown' ? shared : [])];
  const texts = [...channelTexts(line), ...shared, ...line.regions.map(({ name }) => name)];
  const attributes = [
    `dir=${direction}`,
    `color="${colour}"`,
    `fontcolor="${colour}"`,
    `label=${edgeLabel(label, colour)}`,
    `tooltip=${quote(texts.join('\n'))}`,
  ];
  if (line.channels.length > 0) {
    const ids = (pd: string, pick: (channel: GraphLine['channels'][number]) => number): string =>
      quote(crowded.includes(pd) ? '' : line.channels.map(pick).join(','));
    attributes.push(`taillabel=${ids(line.first, (channel) => channel.firstId)}`);
    attributes.push(`headlabel=${ids(line.second, (channel) => channel.secondId)}`);
    attributes.push(`penwidth=${calls ? 1.8 : 1.2}`);
  } else {
    attributes.push('style=dotted');
  }
  return `  ${quote(line.first)} -> ${quote(line.second)} [${attributes.join(', ')}];`;
}

function channelTexts({ first, second, channels }: GraphLine): readonly string[] {
  return channels.map(({ firstId, secondId }) => `${first} ${firstId} – ${second} ${secondId}`);
}

function quote(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
  return `"${escaped}"`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
