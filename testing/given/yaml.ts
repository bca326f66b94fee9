/** YAML 1.2 with the places of its values; what is no YAML is a problem with its line. */

import { isNode, LineCounter, parseDocument } from 'yaml';
import { Given, type Path, type Source } from './given.ts';
import { thrownText } from '../../memory/thrown-text.ts';

/** Larger files are refused unread: tests are written by persons. */
export const TEST_BYTES_MAX = 1_048_576;
/** Aliases may stand for aliases: so few of them that nothing grows out of a small file. */
const ALIASES_MAX = 100;

export interface ReadText {
  readonly given: Given;
  readonly problems: string[];
}

/** @param name of the file, for messages */
export function readYaml(name: string, text: string): ReadText {
  const problems: string[] = [];
  const nowhere = { whereIs: () => name, problems };
  if (text.length > TEST_BYTES_MAX) {
    problems.push(`${name}: is larger than 1 MiB, which no file of tests needs`);
    return { given: new Given(null, nowhere), problems };
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  for (const { pos, message } of [...document.errors, ...document.warnings]) {
    problems.push(`${at(pos[0])}: no YAML: ${oneLine(message)}`);
  }
  const whereIs = (path: Path): string => {
    for (let length = path.length; length >= 0; length -= 1) {
      const node: unknown = document.getIn(path.slice(0, length), true);
      const start = isNode(node) ? node.range?.[0] : undefined;
      if (start !== undefined) return at(start);
    }
    return name;
  };
  const source: Source = { whereIs, problems };
  return {
    given: new Given(
      valueOf(problems, name, () => document.toJS({ maxAliasCount: ALIASES_MAX })),
      source,
    ),
    problems,
  };
}

function valueOf(problems: string[], name: string, read: () => unknown): unknown {
  if (problems.length > 0) return null;
  try {
    return read();
  } catch (error) {
    problems.push(`${name}: no YAML: ${oneLine(thrownText(error))}`);
    return null;
  }
}

function oneLine(message: string): string {
  return message.replaceAll(/\s+/g, ' ').trim();
}
