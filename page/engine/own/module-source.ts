/**
 * A module of one's own as the linker needs it: types stripped, line for line, and what it imports
 * and exports.
 */

import { type Node, parse, type Pattern } from 'acorn';
import { transform } from 'sucrase';
import { thrownText } from '../../../memory/thrown-text.ts';
import { SourceProblem } from './source-problem.ts';

export interface ModuleImport {
  readonly specifier: string;
  readonly line: number;
  /** Where the specifier stands in the code, with its quotes. */
  readonly start: number;
  readonly end: number;
  /** Names that are imported one by one. */
  readonly names: readonly string[];
}

export interface ModuleSource {
  /** JavaScript: each line is the line of the file. */
  readonly code: string;
  readonly imports: readonly ModuleImport[];
  /** Undefined: it exports all of another module, so its names are not known here. */
  readonly exports: ReadonlySet<string> | undefined;
}

const LATE = 'import(…) does not run in a page; import at the beginning of the file';

/** @throws SourceProblem with what cannot be read, and where */
export function readModule(file: string, text: string): ModuleSource {
  const code = stripped(file, text);
  const imports: ModuleImport[] = [];
  let exports: Set<string> | undefined = new Set();
  const program = parsed(file, code);
  const lateLine = lateImport(program);
  if (lateLine !== undefined) throw new SourceProblem(file, lateLine, LATE);
  for (const node of program.body) {
    if (node.type === 'ImportDeclaration' || node.type === 'ExportAllDeclaration') {
      imports.push(importOf(node.source, node, namesOf(node)));
    }
    if (node.type === 'ExportNamedDeclaration' && node.source) {
      const names = node.specifiers.map(({ local }) => nameOf(local));
      imports.push(importOf(node.source, node, names));
    }
    if (node.type === 'ExportAllDeclaration' && !node.exported) exports = undefined;
    for (const name of exportedBy(node)) exports?.add(name);
  }
  return { code, imports, exports };
}

type Parsed = ReturnType<typeof parse>;
type Statement = Parsed['body'][number];

function stripped(file: string, text: string): string {
  try {
    return transform(text, { transforms: ['typescript'], disableESTransforms: true }).code;
  } catch (error) {
    const message = thrownText(error).replace(/^Error transforming [^:]*: /, '');
    throw syntaxProblem(file, message);
  }
}

function parsed(file: string, code: string): Parsed {
  try {
    return parse(code, { ecmaVersion: 'latest', sourceType: 'module', locations: true });
  } catch (error) {
    throw syntaxProblem(file, thrownText(error));
  }
}

/** @returns the line of an `import(…)`: the linker has no hand in what that loads */
function lateImport(program: Parsed): number | undefined {
  const waiting: unknown[] = [program];
  while (waiting.length > 0) {
    const node = waiting.pop();
    if (typeof node !== 'object' || node === null) continue;
    const { type, loc } = node as Partial<Node>;
    if (type === 'ImportExpression') return loc?.start.line ?? 0;
    for (const part of Object.values(node)) waiting.push(part);
  }
  return undefined;
}

/** Both parsers end their messages with the place: `(line:column)`. */
function syntaxProblem(file: string, message: string): SourceProblem {
  const [, what = message, line = '0'] = /^(.*?)\s*\((\d+):\d+\)$/s.exec(message) ?? [];
  return new SourceProblem(file, Number(line), what.split('\n')[0] ?? '');
}

function importOf(
  source: { readonly value?: unknown; readonly start: number; readonly end: number },
  { loc }: Node,
  names: readonly string[],
): ModuleImport {
  const { start, end, value } = source;
  return { specifier: String(value), line: loc?.start.line ?? 0, start, end, names };
}

function namesOf(node: Statement): readonly string[] {
  if (node.type !== 'ImportDeclaration') return [];
  return node.specifiers.flatMap((each) => {
    if (each.type === 'ImportDefaultSpecifier') return ['default'];
    return each.type === 'ImportSpecifier' ? [nameOf(each.imported)] : [];
  });
}

function exportedBy(node: Statement): readonly string[] {
  if (node.type === 'ExportDefaultDeclaration') return ['default'];
  if (node.type === 'ExportAllDeclaration') return node.exported ? [nameOf(node.exported)] : [];
  if (node.type !== 'ExportNamedDeclaration') return [];
  const listed = node.specifiers.map(({ exported }) => nameOf(exported));
  const { declaration } = node;
  if (!declaration) return listed;
  if (declaration.type !== 'VariableDeclaration') return [...listed, declaration.id.name];
  return [...listed, ...declaration.declarations.flatMap(({ id }) => namesBoundBy(id))];
}

/** @returns the names that `const { a, b: [c = 1], ...d } = …` declares, however deep */
function namesBoundBy(pattern: Pattern | null): readonly string[] {
  switch (pattern?.type) {
    case 'Identifier':
      return [pattern.name];
    case 'ObjectPattern':
      return pattern.properties.flatMap((each) =>
        namesBoundBy(each.type === 'Property' ? each.value : each.argument),
      );
    case 'ArrayPattern':
      return pattern.elements.flatMap(namesBoundBy);
    case 'AssignmentPattern':
      return namesBoundBy(pattern.left);
    case 'RestElement':
      return namesBoundBy(pattern.argument);
    default:
      return [];
  }
}

function nameOf(node: {
  readonly type: string;
  readonly name?: string;
  readonly value?: unknown;
}): string {
  return node.type === 'Identifier' ? (node.name ?? '') : String(node.value);
}
