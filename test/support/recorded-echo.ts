/** Test support: the echo system under a recorder, or with one of its packets followed. */

import type { Board } from '../../board/board.ts';
import type { Program } from '../../microkit/pd.ts';
import { echo } from '../../systems/echo.ts';
import { completeChoices } from '../../systems/system.ts';
import { instrument } from '../../systems/trace/observed-parts.ts';
import { PacketWatch } from '../../systems/trace/packet-watch.ts';
import { type Recording, startRecording } from '../../systems/trace/recording.ts';
import { described, type EchoTestbed, echoTestbed } from './echo-testbed.ts';

function echoSystem(path: string) {
  return described(echo.build(completeChoices(echo, { path })));
}

export interface RecordedEcho extends EchoTestbed {
  readonly recording: Recording;
}

export interface RecordedEchoOptions {
  /** Events that are kept. */
  readonly events?: number;
  readonly replace?: Readonly<Record<string, Program>>;
}

export function recordedEcho({ events, replace = {} }: RecordedEchoOptions = {}): RecordedEcho {
  const system = echoSystem('5pd');
  const kept = events === undefined ? {} : { events };
  const recording = startRecording({ system, clock: 'virtual', ...kept });
  const testbed = echoTestbed({ replace, more: { instrument: recording.instrument } });
  return { ...testbed, recording };
}

export interface FollowedEcho extends EchoTestbed {
  readonly watch: PacketWatch;
}

export function followedEcho(path: string, packet: number): FollowedEcho {
  let board: Board | undefined;
  const now = (): number => board?.now() ?? 0;
  const watch = new PacketWatch({ system: echoSystem(path), packet, now });
  const testbed = echoTestbed({
    path,
    wrap: (wire, parts) => {
      board = parts.board;
      return watch.watch(wire, parts.ram);
    },
    more: { instrument: instrument(watch) },
  });
  return { ...testbed, watch };
}
