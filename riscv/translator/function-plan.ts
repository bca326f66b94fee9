/** All that is found out about a function before its code is written. */

import { type AccessGroup, accessGroups } from './access-groups.ts';
import { type Charges, chargesOf } from './charges.ts';
import { dominance } from './dominators.ts';
import type { EnterableFunction } from './entry-points.ts';
import { type FlowGraph, flowGraph } from './flow-graph.ts';
import { type GuestFunction, isInterpreted, successors } from './functions.ts';
import { type RegisterFlow, registerFlow } from './register-flow.ts';
import { stronglyConnected } from './strongly-connected.ts';
import type { Structure } from './structure.ts';

export interface FunctionPlan {
  readonly guest: GuestFunction;
  /** Blocks that it is entered at, the first one apart. */
  readonly entries: readonly number[];
  readonly graph: FlowGraph;
  readonly structure: Structure;
  readonly registers: RegisterFlow;
  readonly charges: Charges;
  /** Of each block: the group of each of its instructions that accesses memory. */
  readonly groups: readonly (readonly (AccessGroup | undefined)[])[];
  readonly groupsInLoops: ReadonlySet<AccessGroup>;
}

export function planOf({ guest, entries }: EnterableFunction): FunctionPlan {
  const ways = guest.blocks.map(({ end }) =>
    successors(end).flatMap((pc) => guest.indexOf.get(pc) ?? []),
  );
  const graph = flowGraph(ways, entries);
  const structure = { successors: graph.successors, dominance: dominance(graph.successors) };
  const groups = guest.blocks.map(({ instructions, end }) =>
    accessGroups(isInterpreted(end) ? instructions.slice(0, -1) : instructions),
  );
  return {
    guest,
    entries,
    graph,
    structure,
    registers: registerFlow(guest, entries),
    charges: chargesIn({ guest, entries, graph, structure, ways }),
    groups,
    groupsInLoops: groupsInLoops(groups, ways),
  };
}

interface Flowing {
  readonly guest: GuestFunction;
  readonly entries: readonly number[];
  readonly graph: FlowGraph;
  readonly structure: Structure;
  readonly ways: readonly (readonly number[])[];
}

/** Loops begin where control goes back, or through a dispatch node. */
function chargesIn({ guest, entries, graph, structure, ways }: Flowing): Charges {
  const { order, placeOf } = structure.dominance;
  const checkpoints = new Set([0, ...entries]);
  ways.forEach((targets, from) => {
    for (const to of targets) {
      const node = graph.nodeFor(from, to);
      const isBack = (placeOf[node] as number) <= (placeOf[from + 1] as number);
      if (isBack || graph.nodes[node]?.kind !== 'block') checkpoints.add(to);
    }
  });
  const blocks = guest.blocks.map(({ instructions, end }, index) => ({
    length: instructions.length - (isInterpreted(end) ? 1 : 0),
    ways: ways[index] ?? [],
  }));
  const blockOrder = order.flatMap((node) => {
    const what = graph.nodes[node];
    return what?.kind === 'block' ? [what.block] : [];
  });
  return chargesOf(blocks, blockOrder, checkpoints);
}

function groupsInLoops(
  groups: readonly (readonly (AccessGroup | undefined)[])[],
  ways: readonly (readonly number[])[],
): Set<AccessGroup> {
  const found = new Set<AccessGroup>();
  for (const component of stronglyConnected([...ways.keys()], ways)) {
    const [first] = component;
    if (component.length === 1 && ways[first as number]?.includes(first as number) !== true)
      continue;
    for (const block of component) {
      for (const group of groups[block] ?? []) {
        if (group !== undefined) found.add(group);
      }
    }
  }
  return found;
}
