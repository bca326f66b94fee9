/** All that is found out about a function before its code is written. */

import type { AccessGroup } from './access-group.ts';
import { accessGroups, type Checks } from './access-groups.ts';
import { checksOf } from './available-checks.ts';
import { type AffineLoop, affineLoopOf } from './affine-loops.ts';
import { type Charges, chargesOf } from './charges.ts';
import { dominance } from './dominators.ts';
import type { EnterableFunction } from './entry-points.ts';
import { type DeviceSites, sitesIn } from './device-sites.ts';
import type { BlockEnd } from './flow.ts';
import { type FlowGraph, flowGraph } from './flow-graph.ts';
import { type GuestFunction, isInterpreted, successors } from './functions.ts';
import { type RegisterFlow, registerFlow } from './register-flow.ts';
import { loopsOf, type Structure } from './structure.ts';

export interface FunctionPlan {
  readonly guest: GuestFunction;
  /** Blocks that it is entered at, the first one apart. */
  readonly entries: readonly number[];
  readonly graph: FlowGraph;
  readonly structure: Structure;
  readonly registers: RegisterFlow;
  readonly charges: Charges;
  /** Of each block: what is checked where it begins. */
  readonly checks: readonly Checks[];
  /** Of each block: how it walks through memory, when it goes back to itself. */
  readonly affineLoops: readonly (AffineLoop | undefined)[];
  /** Of each block: the group of each of its instructions that accesses memory. */
  readonly groups: readonly (readonly (AccessGroup | undefined)[])[];
  /** Of each block: places of instructions that access devices, which are in no group. */
  readonly deviceSites: readonly ReadonlySet<number>[];
}

/** @returns undefined for a function that the interpreter is to execute: see `flowGraph` */
export function planOf(
  { guest, entries }: EnterableFunction,
  sites: DeviceSites,
): FunctionPlan | undefined {
  const ways = guest.blocks.map(({ end }) =>
    successors(end).flatMap((pc) => guest.indexOf.get(pc) ?? []),
  );
  const graph = flowGraph(ways, entries);
  if (graph === undefined) return undefined;
  const dominators = dominance(graph.successors);
  const structure = {
    successors: graph.successors,
    dominance: dominators,
    loops: loopsOf(graph.successors, dominators),
  };
  const deviceSites = guest.blocks.map((block) => sitesIn(block, sites));
  const groups = guest.blocks.map(({ instructions, end }, block) =>
    accessGroups(
      isInterpreted(end) ? instructions.slice(0, -1) : instructions,
      (place) => deviceSites[block]?.has(place) ?? false,
    ),
  );
  const affineLoops = guest.blocks.map((block, index) =>
    deviceSites[index]?.size === 0 ? affineLoopOf(block) : undefined,
  );
  const checked = guest.blocks.map(({ instructions, end }, block) => ({
    instructions,
    groups: groups[block] ?? [],
    passesOn: affineLoops[block] === undefined && PASSES_ON.has(end.kind),
    ways: ways[block] ?? [],
  }));
  return {
    guest,
    entries,
    graph,
    structure,
    registers: registerFlow(guest, entries),
    charges: chargesIn({ guest, entries, graph, structure, ways }),
    checks: checksOf(checked, graph, dominators.order),
    affineLoops,
    groups,
    deviceSites,
  };
}

/** Behind these, registers have the values that they had. */
const PASSES_ON: ReadonlySet<BlockEnd['kind']> = new Set(['branch', 'jump', 'fall', 'bulkCall']);

interface Flowing {
  readonly guest: GuestFunction;
  readonly entries: readonly number[];
  readonly graph: FlowGraph;
  readonly structure: Structure;
  readonly ways: readonly (readonly number[])[];
}

/**
 * Loops begin where control goes back, or through a dispatch node. What follows a loop is counted
 * for itself, not in each round.
 */
function chargesIn({ guest, entries, graph, structure, ways }: Flowing): Charges {
  const { order, placeOf } = structure.dominance;
  const checkpoints = new Set([0, ...entries]);
  ways.forEach((targets, from) => {
    // A loop of one block may share its head with a loop around it: what follows is in that one,
    // and behind this one.
    const isLoop = targets.includes(from);
    for (const to of targets) {
      if (isLoop) checkpoints.add(to);
      const node = graph.nodeFor(from, to);
      const isBack = (placeOf[node] as number) <= (placeOf[from + 1] as number);
      if (isBack || graph.nodes[node]?.kind !== 'block') checkpoints.add(to);
    }
  });
  for (const body of structure.loops.values()) {
    for (const node of body) {
      for (const to of graph.successors[node] ?? []) {
        const what = graph.nodes[to];
        if (!body.has(to) && what?.kind === 'block') checkpoints.add(what.block);
      }
    }
  }
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
