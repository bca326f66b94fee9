/**
 * What a run has come to, and the same as JSON: one line, which under the virtual clock is the same
 * for the same run, wherever it ran.
 */

import type { Finding } from './diagnosis.ts';
import { jsonText } from './json-text.ts';
import type { RestartReport } from './restarts.ts';
import type { RunCounters } from './testbed.ts';
import type { Traffic } from './traffic.ts';
import type { Ending } from './virtual-slice.ts';

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

/**
 * How much of the time each domain's instructions took, both since power-on: what `init` does is
 * done before the run begins. Undefined under the host clock, where nobody knows.
 */
export function userShare({ after }: RunResult, pd: string): number | undefined {
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
