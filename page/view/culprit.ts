/**
 * Finds the program that does not return. An engine that hangs says nothing any more; but the same
 * run hangs at the same place, so another engine runs it again, made of programs that say what they
 * begin. The last thing that was begun is it.
 */

import { every, nowMs, type Timer } from '../clock.ts';
import type { ProbeRequest } from '../engine/protocol.ts';
import { ON_TOP } from '../engine/probed-program.ts';
import { readAnswer } from '../share/read-answer.ts';
import { startEngine } from './engine-worker.ts';

/** So long nothing new begins. */
const SILENCE_MS = 4000;
/** A loop that makes system calls has others run for ever: the program below them all is it. */
const RESTLESS_MS = 20_000;
const LOOK_MS = 500;

export interface Search {
  close(): void;
}

/**
 * @param found told once: who it is, such as `driver, in notified(0)`; undefined when all has
 * returned this time
 */
export function findCulprit(
  request: ProbeRequest,
  found: (culprit: string | undefined) => void,
): Search {
  const worker = startEngine();
  let last: string | undefined;
  let heardMs = nowMs();
  const beganMs = nowMs();
  const looks: Timer = every(LOOK_MS, () => {
    const parts = last?.split(ON_TOP);
    if (nowMs() - heardMs > SILENCE_MS) end(parts?.at(-1));
    else if (nowMs() - beganMs > RESTLESS_MS) end(parts?.[0]);
  });
  const close = (): void => {
    looks.cancel();
    worker.terminate();
  };
  const end = (culprit: string | undefined): void => {
    close();
    found(culprit);
  };
  worker.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    heardMs = nowMs();
    const answer = readAnswer(data);
    if (answer?.kind === 'begins' && answer.what !== '') last = answer.what;
    if (answer?.kind === 'probed' || answer?.kind === 'failed') end(undefined);
  });
  worker.addEventListener('error', () => end(last?.split(ON_TOP).at(-1)));
  worker.postMessage(request);
  return { close };
}
