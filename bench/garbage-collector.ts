/** Node gives the collector away only when asked by a flag. */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** @returns what collects all garbage at once */
export function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
