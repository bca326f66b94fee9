/** Packets that let the world go on: c, s, bc, bs, vCont. */

import type { Resume } from '../debugger.ts';
import type { ClientThreads } from './client-threads.ts';
import { BAD, UNKNOWN } from './replies.ts';

/** @returns how the world is to go on, or an answer that says that it does not */
export function resumeOf(data: string, threads: ClientThreads): Resume | string {
  if (data.startsWith('vCont;')) return resumeOfVCont(data.slice('vCont;'.length), threads);
  const pd = threads.names.pdOf(threads.resumed) ?? '';
  switch (data) {
    case 'c':
      return { kind: 'continue' };
    case 's':
      return { kind: 'step', pd, alone: false };
    case 'bc':
      return { kind: 'back' };
    case 'bs':
      return { kind: 'back-step', pd };
    default:
      return UNKNOWN;
  }
}

/** Actions with threads, the first that fits a thread counts: `s:1;c`. */
function resumeOfVCont(text: string, threads: ClientThreads): Resume | string {
  const actions = text.split(';').map((each) => {
    const [action = '', thread] = each.split(':');
    return {
      action: action[0] ?? '',
      id: thread === undefined ? 'all' : threads.names.read(thread),
    };
  });
  if (actions.some(({ action, id }) => id === undefined || !'cCsSt'.includes(action))) return BAD;
  if (actions.every(({ action }) => action === 't' || action === '')) return BAD;
  const step = actions.find(({ action }) => action === 's' || action === 'S');
  if (step === undefined) return { kind: 'continue' };
  const pd = threads.names.pdOf(threads.one(step.id)) ?? '';
  const alone = !actions.some(({ action }) => action === 'c' || action === 'C');
  return { kind: 'step', pd, alone };
}
