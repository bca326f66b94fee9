/**
 * Coverage of modules in TypeScript and JavaScript: V8's ranges of what was executed become lines,
 * functions and branches of the sources, by `ast-v8-to-istanbul`, which asks the syntax tree what
 * is a statement. Source: istanbul's coverage object.
 */

import type { ExecutedScript } from '../../host/script-coverage.ts';
import { addBranch, addFunction, addLine, sourceOf, type Sources } from './source-coverage.ts';

export async function addScripts(
  sources: Sources,
  scripts: readonly ExecutedScript[],
): Promise<void> {
  if (scripts.length === 0) return;
  const [{ parse }, { convert }] = await Promise.all([
    import('acorn'),
    import('ast-v8-to-istanbul'),
  ]);
  for (const { url, functions, code } of scripts) {
    const ast = parse(code, { ecmaVersion: 'latest', sourceType: 'module' });
    const coverage = { url, functions: [...functions] };
    const files = await convert<object, typeof ast>({ code, ast, coverage });
    for (const [path, file] of Object.entries(files)) addFile(sources, path, file as IstanbulFile);
  }
}

/** Statements, functions and branches are numbered in the order of the source. */
interface IstanbulFile {
  readonly statementMap: Readonly<Record<string, IstanbulRange>>;
  readonly s: Readonly<Record<string, number>>;
  readonly fnMap: Readonly<Record<string, { readonly name: string; readonly decl: IstanbulRange }>>;
  readonly f: Readonly<Record<string, number>>;
  readonly branchMap: Readonly<Record<string, { readonly loc: IstanbulRange }>>;
  readonly b: Readonly<Record<string, readonly number[]>>;
}

interface IstanbulRange {
  readonly start: { readonly line: number };
}

function addFile(sources: Sources, path: string, file: IstanbulFile): void {
  const source = sourceOf(sources, path);
  for (const [id, { start }] of Object.entries(file.statementMap)) {
    addLine(source, start.line, (file.s[id] ?? 0) > 0);
  }
  const names = new Set<string>();
  for (const [id, { name, decl }] of Object.entries(file.fnMap)) {
    const { line } = decl.start;
    // Classes of one module may have methods of one name.
    const unique = names.has(name) ? `${name}@${line}.${id}` : name;
    names.add(unique);
    addFunction(source, unique, { line, isExecuted: (file.f[id] ?? 0) > 0 });
  }
  for (const [id, { loc }] of Object.entries(file.branchMap)) {
    const outcomes = (file.b[id] ?? []).map((count) => count > 0);
    // Keys are compared as texts.
    const key = id.padStart(6, '0');
    addBranch(source, loc.start.line, key, { isReached: outcomes.some(Boolean), outcomes });
  }
}
