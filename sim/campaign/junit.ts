/**
 * The result of a campaign as JUnit XML, as GitLab and GitHub's reporters read it: a test case for
 * each way to fail.
 */

import type { Tally } from './campaign.ts';

export function junitOf(system: string, tally: Tally): string {
  const distinct = tally.distinct();
  const cases = distinct.map(({ signature, seed, count, failure }) => {
    const lines = failure.violations.map(
      ({ where, what, timeNs }) => `${timeNs} ns ${where}: ${what}`,
    );
    return (
      `    <testcase classname="${escaped(system)}" name="${escaped(signature)}">\n` +
      `      <failure message="${count} worlds, first with seed ${seed}">${escaped(lines.join('\n'))}</failure>\n` +
      '    </testcase>\n'
    );
  });
  const held = `    <testcase classname="${escaped(system)}" name="${tally.worlds - tally.failed} worlds held"/>\n`;
  const tests = distinct.length + 1;
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    `<testsuites tests="${tests}" failures="${distinct.length}">\n` +
    `  <testsuite name="sddf sim ${escaped(system)}" tests="${tests}" failures="${distinct.length}" errors="0">\n` +
    `${held}${cases.join('')}  </testsuite>\n</testsuites>\n`
  );
}

function escaped(text: string): string {
  // Control characters are no XML, whatever they are escaped to.
  const printable = Array.from(text, (letter) => (isControl(letter) ? '?' : letter)).join('');
  return printable
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

function isControl(letter: string): boolean {
  return letter < ' ' && letter !== '\n' && letter !== '\t';
}
