/**
 * Prints sel4test's table: every upstream test with what became of it, and our own tests of the
 * gaps.
 *
 *     npm run sel4test            one line for each test, then totals; exit 1 if one failed or is missing
 *     npm run sel4test -- --json
 */

import { Runner } from './driver/runner.ts';
import { TESTS } from './registry.ts';
import { UPSTREAM_TESTS } from './upstream.ts';

type Result = 'passed' | 'failed' | 'missing' | 'not applicable';

interface Row {
  readonly name: string;
  readonly file: string;
  readonly class: string;
  readonly result: Result;
  /** What the test shows, why it failed, or why it does not apply. */
  readonly note: string;
}

function makeRows(): Row[] {
  const runner = new Runner();
  const rows: Row[] = [];
  const byName = new Map(TESTS.map((test) => [test.name, test]));
  const rowOf = (name: string, file: string, testClass: string): Row => {
    const test = byName.get(name);
    const common = { name, file, class: testClass };
    if (test === undefined) return { ...common, result: 'missing', note: '' };
    const outcome = runner.run(test);
    if (outcome.kind === 'passed') return { ...common, result: 'passed', note: test.description };
    return { ...common, result: 'failed', note: outcome.message };
  };
  for (const upstream of UPSTREAM_TESTS) {
    const { name, file, class: testClass } = upstream;
    if (upstream.reason === '') rows.push(rowOf(name, file, testClass));
    else {
      const note = upstream.reason;
      rows.push({ name, file, class: testClass, result: 'not applicable', note });
    }
  }
  for (const { name } of TESTS.filter((test) => test.class === 'GAP')) {
    rows.push(rowOf(name, '(not in sel4test)', 'GAP'));
  }
  return rows;
}

function totalsOf(rows: readonly Row[]): Record<Result, number> {
  const totals = { passed: 0, failed: 0, missing: 0, 'not applicable': 0 };
  for (const { result } of rows) totals[result] += 1;
  return totals;
}

function print(rows: readonly Row[]): void {
  for (const row of rows) {
    const columns = [row.name.padEnd(25), row.class.padEnd(4), row.result.padEnd(15), row.note];
    console.log(columns.join(' ').trimEnd());
  }
  const upstream = totalsOf(rows.filter((row) => row.class !== 'GAP'));
  const own = totalsOf(rows.filter((row) => row.class === 'GAP'));
  const shown = (totals: Record<Result, number>): string =>
    Object.entries(totals)
      .map(([result, count]) => `${count} ${result}`)
      .join(', ');
  console.log(`\nsel4test: ${shown(upstream)}`);
  console.log(`own tests of the gaps: ${own.passed} passed, ${own.failed} failed`);
}

const rows = makeRows();
const totals = totalsOf(rows);
if (process.argv.includes('--json')) console.log(JSON.stringify({ rows, totals }, null, 2));
else print(rows);
if (totals.failed + totals.missing > 0) process.exitCode = 1;
