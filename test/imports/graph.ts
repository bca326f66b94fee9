/**
 * What can be asked of imports as a graph: cycles, what is reached, and how many come in and go
 * out.
 */

import type { Import } from './source-imports.ts';

export type Graph = ReadonlyMap<string, readonly string[]>;

export function graphOf(files: readonly string[], imports: readonly Import[]): Graph {
  const graph = new Map<string, string[]>(files.map((file) => [file, []]));
  for (const one of imports) graph.get(one.from)?.push(one.to);
  return graph;
}

export function cycles(graph: Graph): string[][] {
  const found: string[][] = [];
  const state = new Map<string, 'open' | 'done'>();
  const path: string[] = [];
  const visit = (file: string): void => {
    state.set(file, 'open');
    path.push(file);
    for (const next of graph.get(file) ?? []) {
      if (state.get(next) === 'open') found.push([...path.slice(path.indexOf(next)), next]);
      else if (!state.has(next)) visit(next);
    }
    path.pop();
    state.set(file, 'done');
  };
  for (const file of graph.keys()) if (!state.has(file)) visit(file);
  return found;
}

/**
 * @returns the shortest way from one of the files to a module of Node, or undefined when there is
 * none
 */
export function wayToNode(graph: Graph, starts: readonly string[]): string[] | undefined {
  const seen = new Set(starts);
  let ways = starts.map((start) => [start]);
  while (ways.length > 0) {
    const longer: string[][] = [];
    for (const way of ways) {
      for (const next of graph.get(way.at(-1) as string) ?? []) {
        if (next.startsWith('node:')) return [...way, next];
        if (seen.has(next)) continue;
        seen.add(next);
        longer.push([...way, next]);
      }
    }
    ways = longer;
  }
  return undefined;
}

export interface Fan {
  readonly file: string;
  /** How many files import it, tests left out. */
  readonly in: number;
  /** How many files of ours it imports. */
  readonly out: number;
}

export function fans(graph: Graph): Fan[] {
  const counts = new Map([...graph.keys()].map((file) => [file, { file, in: 0, out: 0 }]));
  for (const [file, targets] of graph) {
    for (const target of new Set(targets)) {
      const imported = counts.get(target);
      const importer = counts.get(file);
      if (imported === undefined || importer === undefined) continue;
      imported.in += 1;
      importer.out += 1;
    }
  }
  return [...counts.values()];
}
