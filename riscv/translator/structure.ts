/**
 * Writes a reducible flow graph as nested blocks and loops of WebAssembly.
 *
 * A node's code stands inside the code of its closest dominator. Where several ways meet, the node
 * follows a `block` that all of them leave; a loop's head opens a `loop`. N. Ramsey, "Beyond
 * Relooper: recursive translation of unstructured control flow to structured control flow", 2022.
 */

import { assert } from '../../memory/assert.ts';
import type { Code, Label } from '../../memory/wasm/code.ts';
import type { Dominance } from './dominators.ts';

export interface NodeWriter {
  /**
   * Writes a node's own code and its end, which goes to each successor by `goTo`, or out of the
   * function. Code behind it is never reached.
   */
  writeNode(node: number, flow: Flow): void;
  /**
   * Whether the successors of a node each need a label: it goes to them by `br_table`, or from
   * several places.
   */
  needsLabels(node: number): boolean;
}

export interface Flow {
  /** Writes what gets from a node to a successor: a branch, or the successor itself. */
  goTo(from: number, to: number): void;
  /**
   * @returns the label of a successor that has one: of a loop's head behind us, of a switch's
   * target
   */
  labelOf(from: number, to: number): Label;
}

/** A reducible graph whose node 0 is where it begins. */
export interface Structure {
  readonly successors: readonly (readonly number[])[];
  readonly dominance: Dominance;
  /** What `loopsOf` finds. */
  readonly loops: ReadonlyMap<number, ReadonlySet<number>>;
}

export function writeStructured(code: Code, structure: Structure, writer: NodeWriter): void {
  new Structurer(code, structure, writer).writeTree(0);
}

class Structurer implements Flow {
  readonly #code: Code;
  readonly #writer: NodeWriter;
  readonly #placeOf: readonly number[];
  readonly #children: readonly (readonly number[])[];
  readonly #loops: ReadonlyMap<number, ReadonlySet<number>>;
  readonly #labelled: ReadonlySet<number>;
  readonly #loopLabels = new Map<number, Label>();
  readonly #blockLabels = new Map<number, Label>();

  constructor(code: Code, { successors, dominance, loops }: Structure, writer: NodeWriter) {
    this.#code = code;
    this.#writer = writer;
    const { order, placeOf, children } = dominance;
    this.#placeOf = placeOf;
    this.#children = children;
    this.#loops = loops;
    this.#labelled = this.#meetingPoints(successors, order);
  }

  /** Writes a node and all that it dominates. */
  writeTree(node: number): void {
    const children = (this.#children[node] ?? []).filter((each) => this.#labelled.has(each));
    // The one that comes last is in the outermost block.
    children.sort((a, b) => (this.#placeOf[b] as number) - (this.#placeOf[a] as number));
    const body = this.#loops.get(node);
    if (body === undefined) {
      this.#inBlocks(children, () => this.#writer.writeNode(node, this));
      return;
    }
    const behind = children.filter((each) => !body.has(each));
    const within = children.filter((each) => body.has(each));
    this.#inBlocks(behind, () => {
      this.#loopLabels.set(node, this.#code.loop());
      this.#inBlocks(within, () => this.#writer.writeNode(node, this));
      this.#code.end();
    });
  }

  goTo(from: number, to: number): void {
    if (this.#isBack(from, to) || this.#labelled.has(to)) this.#code.br(this.labelOf(from, to));
    else this.writeTree(to);
  }

  labelOf(from: number, to: number): Label {
    const label = (this.#isBack(from, to) ? this.#loopLabels : this.#blockLabels).get(to);
    assert(label !== undefined, 'a branch goes back to a loop or out of a block');
    return label;
  }

  #isBack(from: number, to: number): boolean {
    return (this.#placeOf[to] as number) <= (this.#placeOf[from] as number);
  }

  /** Opens a block for each node, writes what leaves them, and each node behind its block. */
  #inBlocks(nodes: readonly number[], inner: () => void): void {
    for (const node of nodes) {
      this.#blockLabels.set(node, this.#code.block());
    }
    inner();
    for (const node of nodes.toReversed()) {
      this.#code.end();
      this.writeTree(node);
    }
  }

  #meetingPoints(
    successors: readonly (readonly number[])[],
    order: readonly number[],
  ): Set<number> {
    const ways = new Map<number, number>();
    for (const from of order) {
      for (const to of successors[from] ?? []) {
        if (this.#isBack(from, to)) continue;
        ways.set(to, (ways.get(to) ?? 0) + (this.#writer.needsLabels(from) ? 2 : 1));
      }
    }
    return new Set([...ways].filter(([, count]) => count > 1).map(([node]) => node));
  }
}

/** The nodes of each loop, by its head. */
export function loopsOf(
  successors: readonly (readonly number[])[],
  { order, placeOf }: Dominance,
): Map<number, Set<number>> {
  const predecessors: number[][] = successors.map(() => []);
  for (const from of order) {
    for (const to of successors[from] ?? []) predecessors[to]?.push(from);
  }
  const loops = new Map<number, Set<number>>();
  for (const from of order) {
    for (const head of successors[from] ?? []) {
      if ((placeOf[head] as number) > (placeOf[from] as number)) continue;
      const body = loops.get(head) ?? new Set([head]);
      loops.set(head, body);
      addAllThatLeadTo(from, body, predecessors);
    }
  }
  return loops;
}

function addAllThatLeadTo(
  node: number,
  body: Set<number>,
  predecessors: readonly (readonly number[])[],
): void {
  const pending = [node];
  for (let each = pending.pop(); each !== undefined; each = pending.pop()) {
    if (body.has(each)) continue;
    body.add(each);
    pending.push(...(predecessors[each] ?? []));
  }
}
