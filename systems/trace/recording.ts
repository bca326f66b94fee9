/** A recorder, and the instrument that makes a testbed tell it everything. */

import type { SystemDescription } from '../../microkit/model.ts';
import { instrument } from './observed-parts.ts';
import type { Instrument } from './observer.ts';
import { Recorder } from './recorder.ts';
import { Stamps } from './stamps.ts';

export interface RecordingOptions {
  readonly system: SystemDescription;
  readonly clock: 'virtual' | 'host';
  /** Events that are kept, the newest ones; a power of two, {@link EVENTS_KEPT} unless told. */
  readonly events?: number;
  /** Host clock: events that one reading of it serves; 8 unless told. */
  readonly every?: number;
  /** Virtual clock: records the host's time beside virtual time. The trace then differs from run to run. */
  readonly hostTimes?: 'on' | 'off';
  /** Accesses to device registers: counted unless told. */
  readonly registers?: 'count' | 'record';
}

export interface Recording {
  readonly recorder: Recorder;
  readonly instrument: Instrument;
}

export const EVENTS_KEPT = 1 << 18;

export function startRecording(options: RecordingOptions): Recording {
  // The board's own host clock is read once for many calls: too seldom for a trace.
  const stamps = new Stamps(options.every ?? 8);
  const recorder = new Recorder({
    system: options.system,
    capacity: options.events ?? EVENTS_KEPT,
    stamps,
    registers: options.registers ?? 'count',
    ...(options.hostTimes === 'on' ? { hostStamps: new Stamps(1) } : {}),
  });
  const parts = instrument(recorder);
  return {
    recorder,
    instrument: {
      ...parts,
      makeBoard: (boardOptions) => {
        if (boardOptions.clock.kind === 'virtual') stamps.clock = boardOptions.clock;
        return parts.makeBoard(boardOptions);
      },
    },
  };
}
