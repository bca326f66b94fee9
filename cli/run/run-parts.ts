/**
 * What the parts of a run come to together: attachments, which bring the host's side, and watches,
 * which look on. Each watch is put around what the ones before it have made.
 */

import type { Program } from '../../microkit/pd.ts';
import type { RunResult } from '../../systems/run-report.ts';
import type { TestbedOptions, WireParts, Wires } from '../../systems/testbed.ts';
import type { Instrument } from '../../systems/trace/observer.ts';
import type { Attachment } from './attachment.ts';
import type { RunWatch } from './part.ts';

/** What watches add to the testbed. */
export function watchOptions(watches: readonly RunWatch[]): Partial<TestbedOptions> {
  const options: Partial<TestbedOptions> = Object.assign(
    {},
    ...watches.map(({ testbed }) => testbed),
  );
  const instrument = watches.reduce(
    (inner: Instrument | undefined, watch) => watch.instrument?.(inner) ?? inner,
    undefined,
  );
  return { ...options, ...(instrument === undefined ? {} : { instrument }) };
}

/** @returns programs by domain, as watches have them run */
export function watchPrograms(
  watches: readonly RunWatch[],
  usual: ReadonlyMap<string, Program>,
): ReadonlyMap<string, Program> {
  return watches.reduce((inner, watch) => watch.programs?.(inner) ?? inner, usual);
}

/** What the system's devices are plugged into. */
export function makeWires(
  of: { readonly attachments: readonly Attachment[]; readonly watches: readonly RunWatch[] },
  parts: WireParts,
): Wires {
  const wires: Wires = Object.assign({}, ...of.attachments.map((each) => each.wires(parts)));
  return of.watches.reduce((inner, watch) => watch.wires?.(inner, parts) ?? inner, wires);
}

/** What the host may still bring. */
export function inputOf(attachments: readonly Attachment[]): 'more' | 'over' | 'none' {
  if (attachments.length === 0) return 'none';
  const isOver =
    attachments.some((attachment) => attachment.input === 'over') &&
    attachments.every((attachment) => attachment.input !== 'coming');
  return isOver ? 'over' : 'more';
}

/** What they have counted, by their names. */
export function countParts(of: {
  readonly attachments: ReadonlyMap<string, Attachment>;
  readonly watches: readonly RunWatch[];
}): Pick<RunResult, 'attachments' | 'packets'> {
  const attachments: Record<string, Record<string, unknown>> = {};
  let packets = 0;
  for (const [name, attachment] of of.attachments) {
    attachments[name] = attachment.counters();
    packets += attachment.packets;
  }
  for (const watch of of.watches) Object.assign(attachments, watch.counters?.());
  return { attachments, packets };
}
