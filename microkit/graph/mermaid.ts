/** The graph as a Mermaid flowchart, for Markdown pages. */

import type { SystemDescription } from '../model.ts';
import type { GraphLine, Topology } from './topology.ts';
import { describeShared, formatSize, topology } from './topology.ts';

export function renderMermaid(system: SystemDescription): string {
  const graph = topology(system);
  const ids = new Map(graph.pds.map(({ flat }) => [flat.pd.name, `pd${flat.index}`]));
  const id = (pd: string): string => ids.get(pd) ?? 'pd';
  const lines = ['flowchart TB', ...priorityGroups(graph, id)];
  for (const line of graph.lines) lines.push(`  ${edge(line, id)}`);
  for (const { parent, child, id: childId } of graph.children) {
    lines.push(`  ${id(parent)} -.->|"child ${childId}"| ${id(child)}`);
  }
  for (const [index, { name, physAddr, users }] of graph.devices.entries()) {
    lines.push(`  dev${index}[["${text(name)}<br/>0x${physAddr.toString(16)}"]]`);
    for (const { pd } of users) lines.push(`  dev${index} --- ${id(pd)}`);
  }
  for (const irq of graph.irqs) {
    lines.push(`  irq${irq.number}{{"irq ${irq.number}"}} -->|"${irq.id}"| ${id(irq.pd)}`);
  }
  for (const [index, { region, users }] of graph.hubs.entries()) {
    lines.push(`  mem${index}[("${text(region.name)} ${formatSize(region.size)}")]`);
    for (const { pd, permissions } of users) {
      lines.push(`  mem${index} -.-|"${permissions === '' ? 'none' : permissions}"| ${id(pd)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function priorityGroups(graph: Topology, id: (pd: string) => string): string[] {
  const priorities = [...new Set(graph.pds.map(({ flat }) => flat.pd.priority))];
  return priorities
    .toSorted((a, b) => b - a)
    .flatMap((priority) => [
      `  subgraph prio${priority}["priority ${priority}"]`,
      ...graph.pds
        .filter(({ flat }) => flat.pd.priority === priority)
        .map(({ flat: { pd } }) => {
          const passive = pd.passive ? '<br/>passive' : '';
          return `    ${id(pd.name)}["${text(pd.name)}${passive}"]`;
        }),
      '  end',
    ]);
}

function edge(line: GraphLine, id: (pd: string) => string): string {
  const channels = line.channels.map(({ firstId, secondId, calls }) => {
    const call =
      calls === 'none' ? '' : calls === 'first calls second' ? ' calls down' : ' calls up';
    return `${firstId}:${secondId}${call}`;
  });
  const label = [...channels, ...describeShared(line)].map(text).join('<br/>');
  const down = line.channels.some(
    (channel) => channel.firstNotifies || channel.calls === 'first calls second',
  );
  const up = line.channels.some(
    (channel) => channel.secondNotifies || channel.calls === 'second calls first',
  );
  const [from, to] = [id(line.first), id(line.second)];
  if (down && up) return `${from} <-->|"${label}"| ${to}`;
  if (up) return `${to} -->|"${label}"| ${from}`;
  return `${from} ${down ? '-->' : '---'}|"${label}"| ${to}`;
}

/** Mermaid has no backslashes: quotes are entities. */
function text(raw: string): string {
  return raw.replaceAll('&', '#amp;').replaceAll('"', '#quot;').replaceAll('<', '#lt;');
}
