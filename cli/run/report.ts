/** What a run prints at its end for people; as JSON, `systems/run-report.ts` says it. */

import type { Finding } from '../../systems/diagnosis.ts';
import { groupDigits, seconds } from '../../systems/figures.ts';
import type { RestartReport } from '../../systems/restarts.ts';
import { type PerPacket, perPacket, type RunResult, userShare } from '../../systems/run-report.ts';
import { countedOf, domainLines, trafficLines } from './counter-lines.ts';

function quietText(findings: readonly Finding[]): string {
  return findings.length === 0 ? 'all was quiet' : 'nothing went on';
}

export function reportText(result: RunResult): readonly string[] {
  const { before, after, packets } = result;
  const timeNs = after.timeNs - before.timeNs;
  const clock = result.clock === 'virtual' ? ' of virtual time' : '';
  const sent =
    'net' in result.attachments ? `, ${groupDigits(packets)} packets sent by the board` : '';
  const { findings = [] } = result;
  const quiet = result.ending === 'quiet' ? `, then ${quietText(findings)}` : '';
  const lines = [`${result.system}: ${seconds(timeNs)}${clock}${sent}${quiet}`];
  const work = perPacket(before, after, packets);
  const unit = 'net' in result.attachments ? 'per packet' : 'per request';
  if (work !== undefined) lines.push(`  ${unit.padEnd(12)} ${workText(work)}`);
  if (before.busyNs !== undefined && after.busyNs !== undefined && timeNs > 0) {
    const busy = (after.busyNs - before.busyNs) / timeNs;
    lines.push(`  CPU use      ${(busy * 100).toFixed(1)} % of a core`);
  }
  for (const line of trafficLines(result.traffic, timeNs / 1e9)) lines.push(`  ${line}`);
  lines.push(...hartLines(result));
  for (const [kind, counters] of Object.entries(result.attachments)) {
    for (const line of countedLines(kind, counters)) lines.push(`  ${line}`);
  }
  lines.push(...restartLines(result.restarted));
  lines.push(...findings.map(({ text }) => `  wrong        ${text}`));
  const exceptions = Object.entries(after.pds).filter(([, pd]) => pd.exceptions > 0);
  for (const [name, pd] of exceptions) {
    lines.push(`  ${name}: ${String(pd.exceptions)} ${pd.exceptions === 1 ? 'fault' : 'faults'}`);
  }
  for (const line of domainLines(after)) lines.push(`  ${line}`);
  return lines;
}

function hartLines(result: RunResult): readonly string[] {
  const { harts = {} } = result.after;
  const width = Math.max(12, ...Object.keys(harts).map((pd) => pd.length));
  return Object.entries(harts).map(([pd, { instructions }]) => {
    const share = userShare(result, pd);
    const use =
      share === undefined ? '' : ` · ${(share * 100).toFixed(1)} % of the time since power-on`;
    return `  ${pd.padEnd(width)} instructions ${groupDigits(instructions)}${use}`;
  });
}

export function workText(work: PerPacket): string {
  return [
    `copies ${String(work.copies)}`,
    `bytes copied ${String(work.bytesCopied)}`,
    `kernel entries ${String(work.kernelEntries)}`,
    `notifications ${String(work.notifications)}`,
    `context switches ${String(work.contextSwitches)}`,
  ].join(' · ');
}

/** What has died and come back, and what that has cost. */
function restartLines(report: RestartReport | undefined): readonly string[] {
  if (report === undefined) return [];
  const { restarts, takenBack, refused } = report;
  const took = Object.entries(takenBack).map(([pd, buffers]) => `${pd} ${groupDigits(buffers)}`);
  const doubted = Object.entries(refused).map(([pd, epochs]) => `${pd} ${groupDigits(epochs)}`);
  return [
    ...restarts.map(({ domain, times, state, downNs }) => {
      const often = times === 1 ? 'once' : `${times} times`;
      const now = state === 'down' ? ', and is down now' : '';
      return `  restarted    ${domain} ${often}, down for ${downNs / 1000} us${now}`;
    }),
    ...(took.length === 0 ? [] : [`  taken back   ${took.join(' · ')} buffers`]),
    ...(doubted.length === 0 ? [] : [`  refused      ${doubted.join(' · ')} epochs`]),
  ];
}

/**
 * The counters that are not zero: a line for the attachment's own, and a line for each of its
 * parts.
 */
function countedLines(
  kind: string,
  attachment: Readonly<Record<string, unknown>>,
): readonly string[] {
  return [
    ...countedLine(kind, attachment),
    ...partsOf(attachment).flatMap(([part, counters]) => [
      ...countedLine(part, counters),
      // Of several devices, each has parts.
      ...partsOf(counters).flatMap(([inner, each]) => countedLine(`${part} ${inner}`, each)),
    ]),
  ];
}

type Counted = Readonly<Record<string, unknown>>;

function partsOf(counters: Counted): readonly (readonly [string, Counted])[] {
  return Object.entries(counters).flatMap(([part, value]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? [[part, value as Counted] as const]
      : [],
  );
}

function countedLine(label: string, counters: Counted): readonly string[] {
  const counted = countedOf(counters);
  return counted.length === 0 ? [] : [`${label.padEnd(12)} ${counted.join(' · ')}`];
}
