/**
 * The control flow of one function as a graph that structured code can be made of.
 *
 * WebAssembly has no jumps, only loops and blocks that are left. Two things stand in the way. A
 * function is entered not only at its first block, but wherever the interpreter or the kernel hands
 * over again: behind a call, in the middle of loops. And some loops have several blocks that are
 * entered from outside (irreducible flow). Both are solved by *dispatch nodes*: where a loop needs
 * one, it becomes the loop's only head and goes on to the block that the variable `entry` names. A
 * loop that is entered at its head alone has none and pays nothing.
 *
 * For what a dispatch node leads to there is a *landing node* in between, which sets `entry` back
 * to 0.
 */

import { stronglyConnected } from './strongly-connected.ts';

export type FlowNode =
  | { readonly kind: 'block'; readonly block: number }
  /** Goes to `routes.get(entry)`; without such an entry to `otherwise`. */
  | { readonly kind: 'dispatch'; otherwise: number; readonly routes: Map<number, number> }
  | { readonly kind: 'landing'; readonly target: number }
  /** Sets `entry` and goes to a dispatch node. */
  | { readonly kind: 'choice'; readonly entry: number; readonly dispatch: number };

export interface FlowGraph {
  /** Node 0 is where the function begins: a dispatch node. */
  readonly nodes: readonly FlowNode[];
  readonly successors: readonly (readonly number[])[];
  /** For a block and one of its successors (both as blocks): the node to go to. */
  nodeFor(from: number, to: number): number;
}

/** A block that is to be reached when `entry` has this number. */
interface Route {
  readonly entry: number;
  readonly target: number;
}

/**
 * Steps that a graph may take, for each of its blocks. Compiled code takes tens; bytes that are no
 * code may take any number.
 */
const MOST_STEPS = 10_000;
/** Ways out of dispatch nodes that there may be, for each block: each is a label in the code. */
const MOST_ROUTES = 60;

/**
 * @param successors of each block, as indices of blocks; block 0 is the first
 * @param entries blocks that are entered from outside besides block 0: the first one by `entry` 1,
 * and so on
 * @returns undefined when loops are entwined so much that the graph is not worth its size
 */
export function flowGraph(
  successors: readonly (readonly number[])[],
  entries: readonly number[],
): FlowGraph | undefined {
  return new GraphMaker(successors, entries).make();
}

/** A way from a block to another one, and the node that it leads to now. */
interface Edge {
  readonly to: number;
  node: number;
}

class GraphMaker {
  readonly #nodes: FlowNode[] = [{ kind: 'dispatch', otherwise: 1, routes: new Map() }];
  /** Nodes that a node leads to, by number; a block's node is its index + 1. */
  readonly #successors: number[][] = [[1]];
  readonly #edges: (readonly Edge[])[] = [[]];
  readonly #entries: readonly number[];
  #nextEntry = 1;
  #stepsLeft: number;

  constructor(successors: readonly (readonly number[])[], entries: readonly number[]) {
    successors.forEach((targets, block) => {
      this.#nodes.push({ kind: 'block', block });
      this.#edges.push(targets.map((to) => ({ to, node: to + 1 })));
      this.#successors.push(targets.map((target) => target + 1));
    });
    this.#entries = entries;
    this.#stepsLeft = MOST_STEPS * successors.length;
  }

  make(): FlowGraph | undefined {
    const blocks = this.#successors.slice(1).map((_, block) => block + 1);
    const routes = this.#entries.map((block) => ({ entry: this.#nextEntry++, target: block + 1 }));
    this.#region(blocks, 0, routes);
    if (this.#stepsLeft < 0 || this.#routes() > MOST_ROUTES * blocks.length) return undefined;
    this.#connectDispatches();
    return {
      nodes: this.#nodes,
      successors: this.#successors,
      nodeFor: (from, to) => this.#edges[from + 1]?.find((edge) => edge.to === to)?.node ?? -1,
    };
  }

  /**
   * Makes the loops among some nodes enterable at one node each, from the outermost inwards.
   *
   * @param dispatch the dispatch node by which the routes get here
   */
  #region(members: readonly number[], dispatch: number, routes: readonly Route[]): void {
    this.#stepsLeft -= members.length;
    if (this.#stepsLeft < 0) return;
    const components = stronglyConnected(members, this.#successors);
    for (const component of components) {
      const inside = new Set(component);
      const wanted = routes.filter(({ target }) => inside.has(target));
      const first = component[0] as number;
      const isLoop = component.length > 1 || this.#successors[first]?.includes(first) === true;
      if (isLoop) this.#loop(component, dispatch, wanted);
      else this.#land(dispatch, wanted);
    }
  }

  #loop(component: readonly number[], dispatch: number, wanted: readonly Route[]): void {
    const heads = this.#headsOf(component);
    const head = heads[0] ?? wanted[0]?.target ?? (component[0] as number);
    if (heads.length <= 1 && wanted.every(({ target }) => target === head)) {
      this.#land(dispatch, wanted);
      this.#region(
        component.filter((node) => node !== head),
        dispatch,
        [],
      );
      return;
    }
    const inside = new Set(component);
    const own = this.#add({ kind: 'dispatch', otherwise: head, routes: new Map() });
    this.#redirect(head, own, () => true);
    const inner = wanted.filter(({ target }) => target !== head);
    for (const { entry, target } of wanted) {
      this.#route(dispatch, entry, own);
      if (target === head) this.#route(own, entry, this.#landing(head));
    }
    for (const other of heads.slice(1)) {
      const entry = this.#nextEntry++;
      // One for the ways into the loop and one for those inside, which go back.
      for (const isWithin of [true, false]) {
        const choice = this.#add({ kind: 'choice', entry, dispatch: own });
        this.#redirect(other, choice, (from) => inside.has(from) === isWithin);
      }
      inner.push({ entry, target: other });
    }
    this.#connect(own);
    this.#region(component, own, inner);
  }

  /** Members that something outside leads to. */
  #headsOf(component: readonly number[]): number[] {
    const inside = new Set(component);
    const entered = new Set<number>();
    this.#stepsLeft -= this.#nodes.length;
    this.#successors.forEach((targets, node) => {
      if (inside.has(node)) return;
      for (const target of targets) {
        if (inside.has(target)) entered.add(target);
      }
    });
    return component.filter((node) => entered.has(node));
  }

  /**
   * Leads edges to a node elsewhere: those from some nodes, but not from the one that stands in for
   * it. Nor from the node itself: a loop of one block stays one.
   */
  #redirect(target: number, standIn: number, isMeant: (from: number) => boolean): void {
    this.#stepsLeft -= this.#nodes.length;
    if (this.#stepsLeft < 0) return;
    this.#nodes.forEach((node, from) => {
      if (from === standIn || from === target || !isMeant(from)) return;
      if (node.kind === 'dispatch' && node.otherwise === target) node.otherwise = standIn;
      for (const edge of this.#edges[from] ?? []) {
        if (edge.node === target) edge.node = standIn;
      }
      const targets = this.#successors[from] as number[];
      this.#successors[from] = targets.map((each) => (each === target ? standIn : each));
    });
  }

  /**
   * Labels of all dispatch nodes: they have one for each number between their first entry and their
   * last.
   */
  #routes(): number {
    return this.#nodes.reduce((sum, node) => {
      if (node.kind !== 'dispatch' || node.routes.size === 0) return sum;
      const entries = [...node.routes.keys()];
      return sum + Math.max(...entries) - Math.min(...entries) + 1;
    }, 0);
  }

  #land(dispatch: number, wanted: readonly Route[]): void {
    for (const { entry, target } of wanted) {
      this.#route(dispatch, entry, this.#landing(target));
    }
  }

  #landing(target: number): number {
    return this.#add({ kind: 'landing', target });
  }

  #route(dispatch: number, entry: number, to: number): void {
    const node = this.#nodes[dispatch];
    if (node?.kind === 'dispatch') node.routes.set(entry, to);
  }

  #add(node: FlowNode): number {
    this.#nodes.push(node);
    this.#successors.push([]);
    this.#connect(this.#nodes.length - 1);
    return this.#nodes.length - 1;
  }

  /** Sets a synthetic node's successors from what it is. */
  #connect(index: number): void {
    const node = this.#nodes[index];
    if (node === undefined || node.kind === 'block') return;
    this.#successors[index] = successorsOf(node);
  }

  #connectDispatches(): void {
    this.#nodes.forEach((node, index) => {
      if (node.kind === 'dispatch') this.#connect(index);
    });
  }
}

function successorsOf(node: Exclude<FlowNode, { kind: 'block' }>): number[] {
  switch (node.kind) {
    case 'dispatch':
      return [...new Set([node.otherwise, ...node.routes.values()])];
    case 'landing':
      return [node.target];
    case 'choice':
      return [node.dispatch];
  }
}
