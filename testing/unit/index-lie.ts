/**
 * What a peer that misbehaves does to its queue: `tail+60000`, `head-1`, `free tail=7`, `flag=5`.
 * Only words that this end writes make sense, but nothing keeps a peer from writing the others.
 */

import type { Given } from '../given/given.ts';
import type { TestRun } from '../run/test-run.ts';
import type { QueueView } from './queue-view.ts';

export interface IndexLie {
  readonly queue: string;
  readonly apply: (queue: QueueView) => void;
}

const FORM = /^(?:([a-z]+) )?(tail|head|flag)\s*([+=-])\s*(\d+)$/;

/** @param queues that the connection has, by name; the first unless told */
export function readIndexLie(given: Given, queues: readonly string[]): IndexLie {
  const [, queue = queues[0] ?? '', word = 'tail', sign = '+', digits = '0'] =
    FORM.exec(given.text().trim()) ?? [];
  const amount = Number(digits);
  if (!FORM.test(given.text().trim()) || !queues.includes(queue) || amount > 0xffff_ffff) {
    given.problem(`a lie is such as tail+60000, head-1 or flag=5, of ${queues.join(' or ')}`);
  }
  const field = word as 'tail' | 'head' | 'flag';
  return {
    queue,
    apply: (view) => {
      const before = view[field];
      view[field] = sign === '=' ? amount : sign === '+' ? before + amount : before - amount;
    },
  };
}

/** The verb, for a connection whose queues have these fields. */
export function misbehaviour(
  given: Given,
  queues: Readonly<Record<string, (run: TestRun) => QueueView>>,
): { readonly run: (run: TestRun) => void } {
  const lie = readIndexLie(given, Object.keys(queues));
  return {
    run: (run) => {
      const view = queues[lie.queue]?.(run);
      if (view !== undefined) lie.apply(view);
    },
  };
}
