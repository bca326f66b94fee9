/**
 * A live run that stands still says so while it goes on: what `systems/diagnosis.ts` finds twice, a
 * second apart and with nothing done about it in between, is told once.
 */

import { diagnose, type Finding } from '../../systems/diagnosis.ts';
import type { Testbed } from '../../systems/testbed.ts';

/** Between two looks. */
export const STALL_PERIOD_MS = 1000;
/** These are told when they happen, by the monitor and by the runtime. */
const TOLD_ALREADY: readonly Finding['what'][] = ['fault', 'no-such-channel'];

/** @param tell is given one line @returns looks, once each {@link STALL_PERIOD_MS} */
export function stallLook(testbed: Testbed, tell: (line: string) => void): () => void {
  const told = new Set<string>();
  let before = new Set<string>();
  return () => {
    const found = diagnose(testbed, []).filter(({ what }) => !TOLD_ALREADY.includes(what));
    for (const finding of found) {
      const { what, about, text } = finding;
      const name = `${what} ${about}`;
      if (told.has(name) || !before.has(sameAs(finding))) continue;
      told.add(name);
      tell(`it stands still: ${text}`);
    }
    before = new Set(found.map(sameAs));
  };
}

/** Of a storm the text has a count, which grows. */
function sameAs({ what, about, text }: Finding): string {
  return what === 'interrupt-storm' ? `${what} ${about}` : `${what} ${about} ${text}`;
}
