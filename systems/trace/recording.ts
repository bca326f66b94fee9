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
  /**
   * Host clock: events that one reading of it serves at most; see `Stamps` for what it is unless
   * told.
   */
  readonly every?: number;
  /**
   * Virtual clock: records the host's time beside virtual time. The trace then differs from run to
   * run.
   */
  readonly hostTimes?: 'on' | 'off';
  /** Accesses to device registers: counted unless told. */
  readonly registers?: 'count' | 'record';
}

export interface Recording {
  readonly recorder: Recorder;
  readonly instrument: Instrument;
  /** The same for a testbed that is made of other parts than plain ones. */
  readonly around: (inner: Instrument | undefined) => Instrument;
}

export const EVENTS_KEPT = 1 << 18;

export function startRecording(options: RecordingOptions): Recording {
  const { system, clock, events, every, hostTimes, registers } = options;
  const recorder = new Recorder({
    system,
    capacity: events ?? EVENTS_KEPT,
    stamps: new Stamps(every),
    // Under the host clock there is no other time than the host's.
    hostTimes: clock === 'virtual' ? (hostTimes ?? 'off') : 'off',
    registers: registers ?? 'count',
  });
  const around = (inner: Instrument | undefined): Instrument => {
    const parts = instrument(recorder, inner);
    return {
      ...parts,
      makeBoard: (boardOptions) => {
        recorder.attach(boardOptions.clock, boardOptions.ram);
        return parts.makeBoard(boardOptions);
      },
    };
  };
  return { recorder, instrument: around(undefined), around };
}
