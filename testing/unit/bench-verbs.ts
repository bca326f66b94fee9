/** The verbs of a bench: those of each peer's connections, and of notifications. */

import type { Verb } from '../verbs/verb.ts';
import type { BenchConnection } from './bench.ts';
import { blkVerbs } from './blk-verbs.ts';
import { DEVICE_VERBS } from './device-verbs.ts';
import { i2cVerbs } from './i2c-verbs.ts';
import { netVerbs } from './net-verbs.ts';
import { NOTIFY_VERBS } from './notify-verbs.ts';
import { serialVerbs } from './serial-verbs.ts';
import { timerVerbs } from './timer-verbs.ts';

export function benchVerbs(connections: readonly BenchConnection[]): readonly Verb[] {
  return [...NOTIFY_VERBS, ...DEVICE_VERBS, ...connections.flatMap(connectionVerbs)];
}

function connectionVerbs(connection: BenchConnection): readonly Verb[] {
  switch (connection.class) {
    case 'net':
      return netVerbs(connection);
    case 'serial':
      return serialVerbs(connection);
    case 'blk':
      return blkVerbs(connection);
    case 'timer':
      return timerVerbs(connection);
    case 'i2c':
      return i2cVerbs(connection);
    default:
      return connection.class satisfies never;
  }
}
