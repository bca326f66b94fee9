/**
 * A strike as a person names it: 'net.irq lose', or a part of it that says which, and `#3` for the
 * third one.
 */

import type { Strike } from '../../sim/points/point.ts';

/** @returns the strike that is meant, the first unless a number stands behind it */
export function namedStrike(text: string, strikes: readonly Strike[]): Strike | undefined {
  const [, name = text, number = '1'] = /^(.*?)\s*#([1-9]\d*)$/.exec(text) ?? [];
  const wanted = name.trim().replace(/\s*[ :]\s*/, ' ');
  const meant = strikes.filter(
    ({ at, fault }) => wanted === `${at} ${fault}` || wanted === at || wanted === fault,
  );
  return meant[Number(number) - 1];
}
