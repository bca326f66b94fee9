/** A failed test for a person: the step, what was expected, what came, and how to see it again. */

import type { BookedEvent } from '../../systems/trace/event-book.ts';
import type { TestResult } from '../run/run-test.ts';

const SHOWN = 8;

/** @param again commands that show it again, a line each */
export function failureText(result: TestResult, again: readonly string[]): string {
  const { name, seed, failure, verdict, neverStruck = [] } = result;
  const lines = [`${verdict === 'void' ? 'VOID' : 'FAILED'}  ${name}  (seed ${seed})`];
  if (verdict === 'void') {
    lines.push('  these faults of the plan never struck, so the test has not tried them:');
    lines.push(...neverStruck.map((rule) => `    ${rule}`));
  }
  if (failure !== undefined) {
    lines.push(`  ${failure.where}: ${failure.step}`);
    lines.push(`    expected  ${failure.expected}`);
    const came = failure.came.slice(0, SHOWN);
    lines.push(
      ...came.map((each, index) => `    ${index === 0 ? 'came    ' : '        '}  ${each}`),
    );
    if (failure.came.length > SHOWN)
      lines.push(`              … ${failure.came.length - SHOWN} more`);
    if (failure.events.length > 0) lines.push('    before that:', ...failure.events.map(eventLine));
  }
  return [...lines, ...again.map((command) => `    ${command}`)].join('\n');
}

function eventLine({ timeNs, text }: BookedEvent): string {
  return `      ${(timeNs / 1e6).toFixed(6).padStart(12)} ms  ${text}`;
}
