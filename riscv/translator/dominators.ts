/**
 * The dominator tree of a flow graph. A node dominates another when every way from the beginning to
 * that one goes through it. K. Cooper, T. Harvey, K. Kennedy, "A simple, fast dominance algorithm",
 * 2001.
 */

export interface Dominance {
  /** Nodes that can be reached, so that each comes before those that it leads to, loops apart. */
  readonly order: readonly number[];
  /** Place of each node in `order`; -1 for one that cannot be reached. */
  readonly placeOf: readonly number[];
  /** Nodes whose closest dominator a node is. */
  readonly children: readonly (readonly number[])[];
}

/** @param successors of each node; node 0 is where the graph begins */
export function dominance(successors: readonly (readonly number[])[]): Dominance {
  const order = reversePostorder(successors);
  const placeOf = new Array<number>(successors.length).fill(-1);
  order.forEach((node, place) => {
    placeOf[node] = place;
  });
  const closest = closestDominators(successors, order, placeOf);
  const children: number[][] = successors.map(() => []);
  closest.forEach((dominatorPlace, place) => {
    if (place > 0) children[order[dominatorPlace] as number]?.push(order[place] as number);
  });
  return { order, placeOf, children };
}

function reversePostorder(successors: readonly (readonly number[])[]): number[] {
  const postorder: number[] = [];
  const isSeen = new Set([0]);
  const path = [{ node: 0, next: 0 }];
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    const target = successors[top.node]?.[top.next];
    top.next += 1;
    if (target === undefined) {
      postorder.push(top.node);
      path.pop();
    } else if (!isSeen.has(target)) {
      isSeen.add(target);
      path.push({ node: target, next: 0 });
    }
  }
  return postorder.toReversed();
}

/** @returns for each place in the order, the place of the closest dominator */
function closestDominators(
  successors: readonly (readonly number[])[],
  order: readonly number[],
  placeOf: readonly number[],
): number[] {
  const predecessors: number[][] = order.map(() => []);
  order.forEach((node, place) => {
    for (const target of successors[node] ?? []) {
      predecessors[placeOf[target] as number]?.push(place);
    }
  });
  const closest = new Array<number>(order.length).fill(-1);
  closest[0] = 0;
  for (let hasChanged = true; hasChanged;) {
    hasChanged = false;
    for (let place = 1; place < order.length; place += 1) {
      const known = predecessors[place]?.filter((each) => closest[each] !== -1) ?? [];
      const common = known.reduce((a, b) => meet(closest, a, b));
      if (common === closest[place]) continue;
      closest[place] = common;
      hasChanged = true;
    }
  }
  return closest;
}

function meet(closest: readonly number[], first: number, second: number): number {
  let a = first;
  let b = second;
  while (a !== b) {
    if (a > b) a = closest[a] as number;
    else b = closest[b] as number;
  }
  return a;
}
