/** Time: nothing passes but what a step lets pass. */

import { diagnose } from '../../systems/diagnosis.ts';
import { Unmet } from '../run/step.ts';
import type { TestRun } from '../run/test-run.ts';
import type { Verb } from './verb.ts';

export const TIME_VERBS: readonly Verb[] = [
  {
    name: 'wait',
    what: 'lets time pass',
    example: 'wait: 5ms',
    read: (given) => {
      const ns = given.duration();
      return { run: (run) => run.wait(ns) };
    },
  },
  {
    name: 'at rest',
    what: 'waits until nothing is left to happen, and nothing is left undone; `within`: 10 s',
    example: 'at rest',
    read: (given) => {
      const withinNs = given.isMap ? given.field('within')?.duration() : undefined;
      if (given.isMap) given.onlyHas(['within']);
      return { run: (run) => expectRest(run, withinNs) };
    },
  },
];

function expectRest(run: TestRun, withinNs: number | undefined): void {
  if (!run.rest(withinNs)) throw new Unmet('the system to come to rest', [whoIsBusy(run)]);
  const wrong = diagnose(
    run.testbed,
    run.faults.filter(({ isTaken }) => !isTaken).map(({ pd }) => pd),
  );
  if (wrong.length > 0)
    throw new Unmet(
      'nothing to be left undone',
      wrong.map(({ text }) => text),
    );
}

function whoIsBusy({ testbed }: TestRun): string {
  const { name } = testbed.kernel.state.current;
  if (!testbed.isIdle) return `${name} still runs`;
  const nextNs = testbed.nextEventAt();
  return nextNs === Infinity ? 'an interrupt waits' : `something is to happen at ${nextNs} ns`;
}
