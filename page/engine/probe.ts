/**
 * Runs a scenario again, made of programs that say what they begin: who does not return is last.
 */

import { flatten } from '../../microkit/model.ts';
import type { FoundSystem } from './found-system.ts';
import { loadedOf } from './loaded.ts';
import { BETWEEN, EntryProbe } from './probed-program.ts';
import type { Answer, ProbeRequest } from './protocol.ts';
import { runToMoment } from './shown-world.ts';
import { World } from './world.ts';

export function probe(
  { scenario, fromNs, untilNs }: ProbeRequest,
  found: FoundSystem,
  tell: (answer: Answer) => void,
): void {
  const { plan } = loadedOf(found, scenario);
  // Up to there all was well: nothing is said of it, which would take its time.
  let isTold = fromNs === 0;
  const entries = new EntryProbe((what) => {
    if (isTold) tell({ kind: 'begins', what });
  });
  const { target } = found;
  const programs = flatten(target.system).flatMap(({ pd }) => {
    const program = target.programs?.get(pd.name) ?? pd.image.program;
    return program === undefined ? [] : [[pd.name, entries.around(pd.name, program)] as const];
  });
  const listener = { log: (): void => undefined };
  const around = { ...target, programs: new Map(programs) };
  const world = new World({ target: around, scenario, plan, listener });
  const begins = (): void => tell({ kind: 'begins', what: BETWEEN });
  runToMoment(world, { kind: 'time', timeNs: fromNs }, fromNs, begins);
  isTold = true;
  runToMoment(world, { kind: 'time', timeNs: untilNs }, untilNs, begins);
  tell({ kind: 'probed' });
}
