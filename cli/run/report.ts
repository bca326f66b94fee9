/** What a run prints at its end: counters as JSON, or a summary for people. */

import type { Finding } from '../../systems/diagnosis.ts';
import type { RestartReport } from '../../systems/restarts.ts';
import type { RunCounters } from '../../systems/testbed.ts';
import type { Traffic } from '../../systems/traffic.ts';
import type { Ending } from './drive.ts';
import { groupDigits, seconds } from '../figures.ts';
import { jsonText } from '../json-text.ts';
import { countedOf, domainLines, trafficLines } from './counter-lines.ts';

export interface RunResult {
  readonly system: string;
  readonly clock: 'virtual' | 'host';
  readonly seed: number;
  readonly ending: Ending;
  /** Counters when the system had booted, and at the end. */
  readonly before: RunCounters;
  readonly after: RunCounters;
  /** What wires and bridges have counted, by kind of attachment. */
  readonly attachments: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Every device's visible state. */
  readonly board: Readonly<Record<string, unknown>>;
  /** Packets that went all the way: what is divided by. */
  readonly packets: number;
  /** What devices have moved in the run proper. */
  readonly traffic: readonly Traffic[];
  /** What is wrong; nothing when all is well. */
  readonly findings?: readonly Finding[];
  /** Who has been started again; nothing when nobody has. */
  readonly restarted?: RestartReport;
}

/** Work for each packet, from counters at two times. */
export interface PerPacket {
  readonly copies: number;
  readonly bytesCopied: number;
  readonly kernelEntries: number;
  readonly notifications: number;
  readonly contextSwitches: number;
}

/** @returns undefined when there were no packets */
export function perPacket(
  before: RunCounters,
  after: RunCounters,
  packets: number,
): PerPacket | undefined {
  if (packets === 0) return undefined;
  const each = (from: number, to: number): number => round((to - from) / packets);
  return {
    copies: each(before.copies, after.copies),
    bytesCopied: each(before.bytesCopied, after.bytesCopied),
    kernelEntries: each(before.kernel.kernelEntries, after.kernel.kernelEntries),
    notifications: each(before.kernel.notificationsSent, after.kernel.notificationsSent),
    contextSwitches: each(before.kernel.contextSwitches, after.kernel.contextSwitches),
  };
}

/** Three digits behind the point: the same text on every machine. */
function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** One line. Under the virtual clock, the same run gives the same text. */
export function reportJson(result: RunResult): string {
  const { before, after, ...rest } = result;
  return jsonText({
    schema: 1,
    system: rest.system,
    clock: rest.clock,
    seed: rest.seed,
    ending: rest.ending,
    bootNs: before.timeNs,
    timeNs: after.timeNs,
    packets: rest.packets,
    perPacket: perPacket(before, after, rest.packets) ?? null,
    copies: after.copies,
    bytesCopied: after.bytesCopied,
    ...(after.busyNs === undefined ? {} : { busyNs: after.busyNs, work: after.work }),
    kernel: after.kernel,
    pds: after.pds,
    ...(after.harts === undefined ? {} : { harts: hartsJson(result) }),
    programs: after.programs,
    traffic: Object.fromEntries(rest.traffic.map(({ name, counts }) => [name, counts])),
    ...rest.attachments,
    board: rest.board,
    ...(rest.restarted === undefined ? {} : { restarted: rest.restarted }),
    ...(rest.findings === undefined || rest.findings.length === 0
      ? {}
      : { diagnosis: rest.findings }),
  });
}

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

/**
 * How much of the time each domain's instructions took, both since power-on: what `init` does is
 * done before the run begins. Undefined under the host clock, where nobody knows.
 */
function userShare({ after }: RunResult, pd: string): number | undefined {
  const userNs = after.harts?.[pd]?.userNs ?? 0;
  return userNs === 0 ? undefined : userNs / after.timeNs;
}

function hartsJson(result: RunResult): Record<string, unknown> {
  const harts = Object.entries(result.after.harts ?? {});
  return Object.fromEntries(
    harts.map(([pd, hart]) => {
      const share = userShare(result, pd);
      return [pd, { ...hart, cpuUse: share === undefined ? null : round(share) }];
    }),
  );
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
