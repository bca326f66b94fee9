/**
 * Which checks of memory hold where a block begins: those that all ways there have made, while the
 * base register keeps its value. So what a loop accesses by a register that it does not change is
 * checked once, before it.
 *
 * Control comes to a block from outside through a landing node (`flow-graph.ts`), which makes the
 * checks that the block relies on.
 */

import type { Instruction } from '../decode.ts';
import type { AccessGroup } from './access-group.ts';
import { type Checks, covers, mayJoin, OpenGroups } from './access-groups.ts';
import type { FlowGraph, FlowNode } from './flow-graph.ts';
import { bitOf, writesOf } from './register-flow.ts';

/** A block, for {@link checksOf}. */
export interface CheckedBlock {
  readonly instructions: readonly Instruction[];
  readonly groups: readonly (AccessGroup | undefined)[];
  /** Whether what it has checked holds behind it. */
  readonly passesOn: boolean;
  /** Blocks that it goes to. */
  readonly ways: readonly number[];
}

const NONE: Checks = [];

/** Whether what has been checked by a base register holds for a group by the same one. */
type Holds = (checked: AccessGroup, group: AccessGroup) => boolean;

/**
 * Lets groups be checked for what is accessed behind them, too, if that is no more than is worth
 * it, and tells what then is checked where.
 *
 * @param order numbers of the graph's nodes, loops apart each behind those that lead to it
 * @returns of each block, what is checked where it begins
 */
export function checksOf(
  blocks: readonly CheckedBlock[],
  graph: FlowGraph,
  order: readonly number[],
): readonly Checks[] {
  const likely = availableChecks(blocks, { graph, order, holds: mayJoin });
  for (const node of order) {
    const what = graph.nodes[node] as FlowNode;
    if (what.kind === 'block') {
      behind(blocks[what.block] as CheckedBlock, likely[what.block] as Checks, joins);
    }
  }
  return availableChecks(blocks, { graph, order, holds: covers });
}

/** Lets the checked group hold this one as well. */
function joins(checked: AccessGroup, group: AccessGroup): boolean {
  if (!mayJoin(checked, group)) return false;
  checked.low = Math.min(checked.low, group.low);
  checked.high = Math.max(checked.high, group.high);
  return true;
}

interface Flowing {
  readonly graph: FlowGraph;
  readonly order: readonly number[];
  readonly holds: Holds;
}

function availableChecks(
  blocks: readonly CheckedBlock[],
  { graph, order, holds }: Flowing,
): readonly Checks[] {
  const waysTo = waysInside(graph);
  const needed = neededIn(blocks);
  // Undefined where no way has been followed yet: nothing speaks against any check.
  const before: (Checks | undefined)[] = graph.nodes.map(() => undefined);
  const after: (Checks | undefined)[] = graph.nodes.map(() => undefined);
  for (let hasChanged = true; hasChanged;) {
    hasChanged = false;
    for (const node of order) {
      const ways = waysTo[node] as readonly number[];
      const met = ways.length === 0 ? NONE : meetOf(ways.map((way) => after[way]));
      if (met === undefined) continue;
      const what = graph.nodes[node] as FlowNode;
      const block = what.kind === 'block' ? what.block : -1;
      const known = before[node];
      // What was given up stays so: that ends this loop.
      const all = meetOf([known, met]) ?? NONE;
      const now = block < 0 ? all : only(all, needed[block] as number);
      if (known !== undefined && isSame(known, now)) continue;
      before[node] = now;
      after[node] = block < 0 ? now : behind(blocks[block] as CheckedBlock, now, holds);
      hasChanged = true;
    }
  }
  return blocks.map((_, block) => before[block + 1] ?? NONE);
}

/**
 * Of each node, those that lead to it without an entry from outside. A landing node checks for
 * itself, and by its routes a dispatch node leads to those.
 */
function waysInside({ nodes, successors }: FlowGraph): readonly (readonly number[])[] {
  const ways: number[][] = nodes.map(() => []);
  nodes.forEach((node, from) => {
    if (node.kind === 'dispatch') ways[node.otherwise]?.push(from);
    if (node.kind === 'block') for (const to of successors[from] ?? []) ways[to]?.push(from);
  });
  return ways;
}

/** Of each block: bits of the registers by which is accessed from its beginning on. */
function neededIn(blocks: readonly CheckedBlock[]): Int32Array {
  const own = blocks.map(({ instructions, groups }) => {
    let [used, written] = [0, 0];
    instructions.forEach((instruction, index) => {
      const base = groups[index]?.base;
      if (base !== undefined) used |= bitOf(base) & ~written;
      written |= writesOf(instruction);
    });
    return { used, written };
  });
  const needed = new Int32Array(blocks.length);
  for (let hasChanged = true; hasChanged;) {
    hasChanged = false;
    for (let index = blocks.length - 1; index >= 0; index -= 1) {
      const { passesOn, ways } = blocks[index] as CheckedBlock;
      const { used, written } = own[index] as { used: number; written: number };
      let later = 0;
      if (passesOn) for (const way of ways) later |= needed[way] as number;
      const all = used | (later & ~written);
      if (all === needed[index]) continue;
      needed[index] = all;
      hasChanged = true;
    }
  }
  return needed;
}

/** What is checked behind a block. */
function behind(
  { instructions, groups, passesOn }: CheckedBlock,
  before: Checks,
  holds: Holds,
): Checks {
  const open = new OpenGroups(before);
  instructions.forEach((instruction, index) => {
    const group = groups[index];
    if (group !== undefined && groups.indexOf(group) === index) {
      const checked = open.checks[group.base];
      if (checked === undefined || !holds(checked, group)) open.add(group);
    }
    open.forget(writesOf(instruction));
  });
  return passesOn ? open.checks : NONE;
}

/** @returns what is checked in all of them; undefined when none is known */
function meetOf(all: readonly (Checks | undefined)[]): Checks | undefined {
  const known = all.filter((each) => each !== undefined);
  const [first, ...others] = known;
  if (first === undefined || others.length === 0) return first;
  return first.map((group, base) =>
    others.every((other) => other[base] === group) ? group : undefined,
  );
}

function only(checks: Checks, bases: number): Checks {
  return checks.map((group, base) => ((bases & (1 << base)) === 0 ? undefined : group));
}

function isSame(one: Checks, other: Checks): boolean {
  const length = Math.max(one.length, other.length);
  for (let base = 0; base < length; base += 1) {
    if (one[base] !== other[base]) return false;
  }
  return true;
}
