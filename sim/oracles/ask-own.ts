/**
 * Asks an oracle that a system has brought. Whoever wrote it is to blame for what it throws or
 * returns: a world in which it cannot tell has failed, under its name.
 */

import { AssertionFailure } from '../../memory/assert.ts';
import { thrownText } from '../../memory/thrown-text.ts';
import { userFrame } from '../../systems/exception-text.ts';
import type { Finding, Oracle } from '../../systems/oracle.ts';
import type { Testbed } from '../../systems/testbed.ts';

const FOUND_MAX = 100;
/** Characters: some lines of a terminal. */
const TEXT_MAX = 2_000;
const FORM = 'has to return a list of { where, what }, two texts';

/** @throws AssertionFailure of what it has called */
export function askOwn(oracle: Oracle, testbed: Testbed): readonly Finding[] {
  let found: unknown;
  try {
    found = oracle.check(testbed);
  } catch (error) {
    if (error instanceof AssertionFailure) throw error;
    const place = userFrame(error);
    return mistake(
      oracle,
      `throws${place === undefined ? '' : ` at ${place}`}: ${thrownText(error)}`,
    );
  }
  if (found instanceof Promise) {
    // That it is one is the mistake, whatever becomes of it.
    found.catch(() => undefined);
    return mistake(oracle, `is async, and nobody waits for it; it ${FORM}`);
  }
  return areFindings(found) ? bounded(oracle, found) : mistake(oracle, FORM);
}

/** What would not fit a failure file is left out, and counted. */
function bounded({ name }: Oracle, found: readonly Finding[]): readonly Finding[] {
  const kept = found
    .slice(0, FOUND_MAX)
    .map(({ where, what }) => ({ where: shortened(where), what: shortened(what) }));
  const more = found.length - kept.length;
  return more === 0 ? kept : [...kept, { where: name, what: `has found ${more} more` }];
}

function shortened(text: string): string {
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text;
}

function mistake({ name }: Oracle, what: string): readonly Finding[] {
  return [{ where: name, what: `its check() ${what}` }];
}

function areFindings(value: unknown): value is readonly Finding[] {
  return Array.isArray(value) && value.every(isFinding);
}

function isFinding(value: unknown): boolean {
  const { where, what } = (value ?? {}) as Partial<Record<keyof Finding, unknown>>;
  return typeof where === 'string' && typeof what === 'string';
}
