/**
 * A `.system` file with its configuration, as the Microkit tool reads it: each problem is a line.
 */

import { withConfigs } from '../../../microkit/config-file.ts';
import { type Diagnostic, isError } from '../../../microkit/diagnostic.ts';
import type { SystemDescription } from '../../../microkit/model.ts';
import { readSystemText } from '../../../microkit/read/text.ts';
import { checkRecords } from '../../../microkit/sddf/check-records.ts';
import { RISCV64 } from '../../../microkit/target.ts';
import type { OwnSystem } from '../scenario.ts';
import { baseName, fileCalled } from './file-names.ts';
import { SourceProblem } from './source-problem.ts';

/** @throws Error with everything that is wrong, a line each */
export function readDescription(
  { main, files }: OwnSystem,
  binaries: Readonly<Record<string, Uint8Array>>,
): SystemDescription {
  const read = readSystemText(files[main] ?? '', {
    file: main,
    target: RISCV64,
    files: { read: (path) => contentOf(path, files, binaries) ?? 'missing' },
  });
  if (!read.ok) throw new Error(linesOf(main, read.diagnostics));
  const name = baseName(main).replace(/\.system$/, '');
  const system = withConfigFile({ ...read.system, name }, `${name}.config.json`, files);
  const records = checkRecords(system).filter(isError);
  if (records.length > 0) throw new Error(linesOf(main, records));
  return system;
}

function withConfigFile(
  system: SystemDescription,
  path: string,
  files: OwnSystem['files'],
): SystemDescription {
  const file = fileCalled(path, Object.keys(files));
  if (file === undefined) return system;
  const result = withConfigs(system, files[file] ?? '');
  if (result.ok) return result.system;
  throw new SourceProblem(file, 0, result.problem);
}

function contentOf(
  path: string,
  files: OwnSystem['files'],
  binaries: Readonly<Record<string, Uint8Array>>,
): Uint8Array | undefined {
  const binary = fileCalled(path, Object.keys(binaries));
  if (binary !== undefined) return binaries[binary];
  const text = fileCalled(path, Object.keys(files));
  return text === undefined ? undefined : new TextEncoder().encode(files[text]);
}

function linesOf(file: string, diagnostics: readonly Diagnostic[]): string {
  return diagnostics
    .filter(isError)
    .map((each) => lineOf(file, each))
    .join('\n');
}

function lineOf(file: string, { message, span, hint }: Diagnostic): string {
  const where = span === undefined ? file : `${file}:${span.line}:${span.column}`;
  const what = message.split('\n')[0] ?? '';
  return `${where}: ${what}${hint === undefined ? '' : `; ${hint}`}`;
}
