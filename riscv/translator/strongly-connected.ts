/**
 * Strongly connected components by Tarjan's algorithm, with a stack of its own: control flow may be
 * thousands of blocks deep. R. Tarjan, "Depth-first search and linear graph algorithms", 1972.
 */

/**
 * @param members the nodes of the part of the graph that is looked at; edges that leave it are
 * ignored
 * @returns the components, each before those that lead to it
 */
export function stronglyConnected(
  members: readonly number[],
  successors: readonly (readonly number[])[],
): number[][] {
  const search = new Search(new Set(members), successors);
  for (const node of members) {
    search.from(node);
  }
  return search.components;
}

class Search {
  readonly components: number[][] = [];
  readonly #members: ReadonlySet<number>;
  readonly #successors: readonly (readonly number[])[];
  readonly #order = new Map<number, number>();
  /** The lowest order that a node's subtree leads back to. */
  readonly #lowest = new Map<number, number>();
  readonly #open: number[] = [];
  readonly #isOpen = new Set<number>();

  constructor(members: ReadonlySet<number>, successors: readonly (readonly number[])[]) {
    this.#members = members;
    this.#successors = successors;
  }

  from(root: number): void {
    if (this.#order.has(root)) return;
    const path = [this.#enter(root)];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const target = top.targets[top.next];
      top.next += 1;
      if (target === undefined) {
        path.pop();
        this.#leave(top.node, path.at(-1)?.node);
      } else if (!this.#order.has(target)) {
        path.push(this.#enter(target));
      } else if (this.#isOpen.has(target)) {
        this.#lower(top.node, this.#order.get(target) as number);
      }
    }
  }

  #enter(node: number): { node: number; targets: number[]; next: number } {
    const order = this.#order.size;
    this.#order.set(node, order);
    this.#lowest.set(node, order);
    this.#open.push(node);
    this.#isOpen.add(node);
    const targets = (this.#successors[node] ?? []).filter((each) => this.#members.has(each));
    return { node, targets, next: 0 };
  }

  #leave(node: number, parent: number | undefined): void {
    const lowest = this.#lowest.get(node) as number;
    if (parent !== undefined) this.#lower(parent, lowest);
    if (lowest !== this.#order.get(node)) return;
    const component = this.#open.splice(this.#open.indexOf(node));
    for (const each of component) {
      this.#isOpen.delete(each);
    }
    this.components.push(component);
  }

  #lower(node: number, order: number): void {
    this.#lowest.set(node, Math.min(this.#lowest.get(node) as number, order));
  }
}
