/**
 * `npm run imports`: writes what follows from the import table, and prints for every room how large
 * its files are, and which files of the project most others import, which import most, and which
 * are the longest.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withImportTable } from './docs-table.ts';
import { type Fan, fans, graphOf } from './graph.ts';
import { lintRules } from './lint-rules.ts';
import { allImports, FOLDERS, isTest, ROOT, sourceFiles } from './source-imports.ts';

const LONGEST = 12;

const docs = join(ROOT, 'docs/architecture.md');
writeFileSync(join(ROOT, '.oxlintrc.imports.json'), lintRules());
writeFileSync(docs, withImportTable(readFileSync(docs, 'utf8')));

const files = sourceFiles().filter((file) => !isTest(file));
const all = fans(graphOf(files, allImports(files)));

console.log('room           files  lines  median file');
for (const room of FOLDERS) {
  const lines = files.filter((file) => file.startsWith(`${room}/`)).map(lineCount);
  lines.sort((a, b) => a - b);
  const sum = lines.reduce((total, each) => total + each, 0);
  const median = lines[lines.length >> 1] ?? 0;
  console.log(`${room.padEnd(12)} ${cell(lines.length)} ${cell(sum)} ${cell(median)}`);
}
print('imported by most', (fan) => fan.in);
print('imports most', (fan) => fan.out);
print('longest', ({ file }) => lineCount(file));

function lineCount(file: string): number {
  return readFileSync(join(ROOT, file), 'utf8').split('\n').length - 1;
}

function print(title: string, count: (fan: Fan) => number): void {
  console.log(`\n${title}:`);
  const sorted = all.toSorted((a, b) => count(b) - count(a));
  for (const fan of sorted.slice(0, LONGEST)) console.log(`${cell(count(fan))}  ${fan.file}`);
}

function cell(value: number): string {
  return String(value).padStart(6);
}
