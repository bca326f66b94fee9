/**
 * Draws a system as a tree of text. A protection domain hangs below the neighbour whose priority is
 * next above its own: in sDDF, that is the way that data takes from a driver to its clients. Its
 * other channels are named behind it.
 */

import {
  type FlatPd,
  type PdDescription,
  type SystemDescription,
  channelsOf,
  flatten,
} from '../../microkit/model.ts';
import { guestsOf } from '../../systems/guests.ts';

/** @returns lines without line ends */
export function drawTopology(system: SystemDescription): readonly string[] {
  const pds = flatten(system).map((flat: FlatPd) => flat.pd);
  const parents = new Map(pds.map((pd) => [pd.name, parentOf(system, pds, pd)]));
  const rows: { readonly tree: string; readonly pd: PdDescription }[] = [];
  const visit = (pd: PdDescription, lead: string, childLead: string): void => {
    rows.push({ tree: `${lead}${pd.name}`, pd });
    const children = pds.filter((other) => parents.get(other.name) === pd.name);
    children.sort(byPriority);
    children.forEach((child, index) => {
      const isLast = index === children.length - 1;
      visit(
        child,
        `${childLead}${isLast ? '└─ ' : '├─ '}`,
        `${childLead}${isLast ? '   ' : '│  '}`,
      );
    });
  };
  const roots = pds.filter((pd) => parents.get(pd.name) === undefined).toSorted(byPriority);
  for (const root of roots) visit(root, '', '');
  const width = Math.max(...rows.map((row) => row.tree.length));
  return rows.map(({ tree, pd }) => {
    const notes = notesOf(system, pd, parents.get(pd.name));
    return `${tree.padEnd(width)}  priority ${String(pd.priority).padStart(3)}${notes}`;
  });
}

function byPriority(one: PdDescription, other: PdDescription): number {
  return one.priority - other.priority;
}

function neighbours(system: SystemDescription, pd: PdDescription): readonly string[] {
  return [...new Set(channelsOf(system, pd.name).map((channel) => channel.peer.pd))];
}

function parentOf(
  system: SystemDescription,
  pds: readonly PdDescription[],
  pd: PdDescription,
): string | undefined {
  const above = neighbours(system, pd)
    .map((name) => pds.find((other) => other.name === name))
    .filter((other) => other !== undefined && other.priority > pd.priority) as PdDescription[];
  return above.toSorted(byPriority)[0]?.name;
}

function notesOf(system: SystemDescription, pd: PdDescription, parent: string | undefined): string {
  const notes: string[] = [];
  if (pd.passive) notes.push('passive');
  for (const irq of pd.irqs) if (irq.kind === 'conventional') notes.push(`irq ${String(irq.irq)}`);
  const guest = guestsOf(system).find((each) => each.pd === pd.name);
  if (guest !== undefined) notes.push(`${guest.ip}  ${guest.mac}`);
  const above = channelsOf(system, pd.name)
    .map((channel) => channel.peer.pd)
    .filter((name) => name !== parent && priorityOf(system, name) > pd.priority);
  const others = [...new Set(above)];
  if (others.length > 0) notes.push(`→ ${others.join(', ')}`);
  return notes.length === 0 ? '' : `  ${notes.join('  ')}`;
}

function priorityOf(system: SystemDescription, name: string): number {
  return flatten(system).find(({ pd }) => pd.name === name)?.pd.priority ?? 0;
}
