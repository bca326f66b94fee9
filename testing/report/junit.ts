/**
 * Results as JUnit XML, in the form that GitHub's reporters and GitLab read: a suite for each file,
 * a case for each test, `file` and `line` where GitLab looks for them.
 */

import { xmlText } from '../../sim/campaign/xml-text.ts';
import type { TestResult } from '../run/run-test.ts';

export interface JunitCase {
  readonly result: TestResult;
  /** Line of the test in its file. */
  readonly line: number;
  /** The failure as a person reads it. */
  readonly text: string;
}

export function junitText(cases: readonly JunitCase[]): string {
  const files = [...new Set(cases.map(({ result }) => result.file))];
  const suites = files.map((file) =>
    suiteOf(
      file,
      cases.filter(({ result }) => result.file === file),
    ),
  );
  const failures = countOf(cases, 'failed');
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    `<testsuites name="sddf test" tests="${cases.length}" failures="${failures}">\n` +
    `${suites.join('')}</testsuites>\n`
  );
}

function suiteOf(file: string, cases: readonly JunitCase[]): string {
  const time = cases.reduce((sum, { result }) => sum + result.timeNs, 0);
  const counts = `tests="${cases.length}" failures="${countOf(cases, 'failed')}" errors="0" skipped="${countOf(cases, 'void')}"`;
  return (
    `  <testsuite name="${xmlText(file)}" ${counts} time="${(time / 1e9).toFixed(3)}">\n` +
    `${cases.map(caseOf).join('')}  </testsuite>\n`
  );
}

function caseOf({ result, line, text }: JunitCase): string {
  const { name, file, seed, verdict, timeNs, failure } = result;
  const head =
    `    <testcase name="${xmlText(name)} (seed ${seed})" classname="${xmlText(classOf(file))}" ` +
    `file="${xmlText(file)}" line="${line}" time="${seconds(timeNs)}"`;
  if (verdict === 'passed') return `${head}/>\n`;
  if (verdict === 'void')
    return `${head}>\n      <skipped message="a planned fault never struck"/>\n    </testcase>\n`;
  const message = xmlText(`expected ${failure?.expected ?? ''}; came ${failure?.came[0] ?? ''}`);
  return `${head}>\n      <failure message="${message}" type="failed">${xmlText(text)}</failure>\n    </testcase>\n`;
}

function classOf(file: string): string {
  return file.replace(/\.ya?ml$/, '').replaceAll('/', '.');
}

/** Virtual time: the same on each machine. */
function seconds(ns: number): string {
  return (ns / 1e9).toFixed(6);
}

function countOf(cases: readonly JunitCase[], verdict: TestResult['verdict']): number {
  return cases.filter(({ result }) => result.verdict === verdict).length;
}
