/**
 * The result of a campaign as JUnit XML, as GitLab and GitHub's reporters read it: a test case for
 * each way to fail, one for the worlds that held, and one for those that prove nothing.
 */

import type { Tally } from './campaign.ts';
import { xmlText } from './xml-text.ts';

export function junitOf(system: string, tally: Tally): string {
  const failures = tally.distinct().map(({ signature, seed, count, failure }) => {
    const lines = failure.violations.map(
      ({ where, what, timeNs }) => `${timeNs} ns ${where}: ${what}`,
    );
    const message = `${count} worlds, first with seed ${seed}`;
    const inner = `<failure message="${message}">${xmlText(lines.join('\n'))}</failure>`;
    return caseOf(system, signature, inner);
  });
  const held = tally.worlds - tally.failed - tally.void;
  const proveNothing = tally.void > 0 ? [voidCase(system, tally)] : [];
  // There is always one case: a reporter takes none for a mistake.
  const holds = held > 0 || tally.void === 0 ? [caseOf(system, `${held} worlds held`)] : [];
  const cases = [...holds, ...proveNothing, ...failures];
  const counts = `tests="${cases.length}" failures="${failures.length}"`;
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    `<testsuites ${counts}>\n` +
    `  <testsuite name="sddf sim ${xmlText(system)}" ${counts} errors="0" skipped="${proveNothing.length}">\n` +
    `${cases.join('')}  </testsuite>\n</testsuites>\n`
  );
}

function voidCase(system: string, { void: count, unasked }: Tally): string {
  const why = unasked > 0 ? 'there is no traffic for this system' : 'a planned fault never struck';
  return caseOf(system, `${count} worlds are void`, `<skipped message="${why}"/>`);
}

function caseOf(system: string, name: string, inner?: string): string {
  const head = `    <testcase classname="${xmlText(system)}" name="${xmlText(name)}"`;
  return inner === undefined ? `${head}/>\n` : `${head}>\n      ${inner}\n    </testcase>\n`;
}
