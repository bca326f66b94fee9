/** What moves with each picture of the screen: of a view, or of a pulse between two views. */

import type { Pulse } from '../engine/protocol.ts';
import type { WorldView } from '../engine/world-view.ts';
import type { Activity } from './live-picture.ts';

export interface Now extends Activity, Pick<Pulse, 'timeNs' | 'counts'> {}

const MONITOR = 'monitor';

/** @returns the names by which a system's domains are numbered, the monitor's last */
export function numberedNames(domains: readonly { readonly name: string }[]): readonly string[] {
  return [...domains.map(({ name }) => name), MONITOR];
}

export function nowOfView({ timeNs, counts, domains, signals, underWay }: WorldView): Now {
  const names = numberedNames(domains);
  const numbers = new Map(names.map((name, number) => [name, number]));
  const flown = new Float64Array(names.length ** 2);
  for (const { from, to, count } of signals) {
    flown[(numbers.get(from) ?? 0) * names.length + (numbers.get(to) ?? 0)] = count;
  }
  return {
    timeNs,
    counts,
    entries: domains.map(({ entries }) => entries),
    signals: flown,
    underWay: underWay?.pd,
    faulted: domains.flatMap(({ name, faults }) => (faults > 0 ? [name] : [])),
  };
}

/** @param before the last one: what a pulse does not say has not changed */
export function nowOfPulse(pulse: Pulse, before: Now | undefined): Now {
  return { ...pulse, underWay: undefined, faulted: before?.faulted ?? [] };
}
