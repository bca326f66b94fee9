/**
 * What nobody can be blamed for where there is a supervisor (`docs/restart.md`): a domain that died
 * too often is given up, and one whose neighbour sleeps is started without that one's answer.
 */

import type { Excuse, PointKind, Strike } from '../points/point.ts';
import type { Testbed } from '../../systems/testbed.ts';

/** More deaths than this, and a supervisor of the shipped systems gives a domain up. */
const DEATHS_MAX = 5;

/** What has struck, and where it can. */
export interface Struck {
  readonly strikes: readonly Strike[];
  readonly points: readonly PointKind[];
}

/** @returns whether what a supervisor has had to do without is an excuse of this kind there */
export function isForgiven(
  excuse: Excuse,
  where: string,
  { strikes, points }: Struck,
  testbed: Testbed,
): boolean {
  if (excuse !== 'ledger' && excuse !== 'progress') return false;
  const lost = diedTooOften(strikes).some((at) => concerns(at, where, points));
  // A domain that sleeps has missed that it was to let go of what it shares with the dead one.
  const hasMissed = excuse === 'ledger' && strikes.some(({ fault }) => fault === 'sleep');
  if (!lost && !hasMissed) return false;
  const { unanswered = 0, givenUp = 0 } = testbed.counters().programs['supervisor'] ?? {};
  return (lost && givenUp > 0) || (hasMissed && unanswered > 0);
}

/** @returns the points of the domains that did */
function diedTooOften(strikes: readonly Strike[]): readonly string[] {
  const deaths = new Map<string, number>();
  for (const { at, fault } of strikes) {
    if (fault !== 'kill') continue;
    const domain = at.replace(/\.entry$/, '');
    deaths.set(domain, (deaths.get(domain) ?? 0) + 1);
  }
  return [...deaths].filter(([, count]) => count > DEATHS_MAX).map(([at]) => at);
}

/** Who depends on nobody but itself concerns nobody else. */
function concerns(at: string, where: string, points: readonly PointKind[]): boolean {
  const only = points.find(({ name }) => name === at)?.only;
  return only === undefined || only === where;
}
