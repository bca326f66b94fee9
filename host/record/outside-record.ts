/**
 * What the outside has done to a world under the virtual clock, and between which of its turns: a
 * world that is made anew has the same done to it again, without anybody outside.
 *
 *     first time   turn to 3 ms │ frame, bytes typed │ turn to 4 ms │ output taken │ turn to 5 ms …
 *     again        the same, from the record; bridges wait, and what goes out goes nowhere
 *     at its end   bridges go on where they had stopped
 *
 * It is a log of bytes in pieces of a mebibyte, so that a million small frames are no million
 * objects. It has a limit: a record that is full is thrown away, and there is no going back.
 */

import { assert } from '../../memory/assert.ts';

/** Does to the world again what was noted with these bytes. */
export type Redo = (bytes: Uint8Array) => void;

/** What runs a world up to a time, and nothing else. */
export type RunUntil = (atNs: number) => void;

export interface OutsideRecordOptions {
  /** Bytes that are kept at most; {@link RECORD_BYTES_MAX} unless told. */
  readonly limitBytes?: number;
  /** It is full: from now on no world can be run again. Called once. */
  readonly onFull: () => void;
}

export const RECORD_BYTES_MAX = 256 * 1024 * 1024;

const PIECE_BYTES = 1024 * 1024;
/** Of each entry: whose it is, and how many bytes follow. */
const HEAD_BYTES = 8;
const TURN = 0;
const TURN_BYTES = 8;
const ACTION = 1;
/** What an action takes beside its entry: a closure, and what it holds. */
const ACTION_BYTES = 200;

interface Piece {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  used: number;
}

export class OutsideRecord {
  readonly limitBytes: number;
  readonly #onFull: () => void;
  readonly #redos: Redo[] = [];
  readonly #actions: (() => void)[] = [];
  #pieces: Piece[] = [];
  /** Of what is kept beside the log. */
  #otherBytes = 0;
  /** What was to be done while a world was run again: it is done when that has come to its end. */
  readonly #postponed: { readonly action: () => void; readonly heldBytes: number }[] = [];
  #isReplaying = false;
  #isFull = false;

  constructor({ limitBytes = RECORD_BYTES_MAX, onFull }: OutsideRecordOptions) {
    this.limitBytes = limitBytes;
    this.#onFull = onFull;
  }

  /** Whether the outside has to wait: a world comes to where another one has been already. */
  get isReplaying(): boolean {
    return this.#isReplaying;
  }

  /** @returns a number for {@link note} */
  register(redo: Redo): number {
    return ACTION + this.#redos.push(redo);
  }

  /** The world is about to run up to a time. */
  turn(untilNs: number): void {
    const at = this.#reserve(TURN, TURN_BYTES);
    at?.view.setFloat64(at.used - TURN_BYTES, untilNs, true);
  }

  /**
   * The outside has done something to the world.
   *
   * @param who is told again, with a copy of these bytes
   */
  note(who: number, bytes: Uint8Array): void {
    const at = this.#reserve(who, bytes.length);
    at?.bytes.set(bytes, at.used - bytes.length);
  }

  /**
   * Does something seldom to the world, now or when the outside has its turn again.
   *
   * @param heldBytes what the action holds, beside the little that any does
   */
  perform(action: () => void, heldBytes = 0): void {
    if (this.#isReplaying) {
      this.#postponed.push({ action, heldBytes });
      return;
    }
    action();
    if (!this.mayKeep(ACTION_BYTES + heldBytes) || this.#reserve(ACTION, 0) === undefined) return;
    this.#actions.push(action);
  }

  /** @returns whether somebody else may keep so many bytes, for the same purpose */
  mayKeep(bytes: number): boolean {
    if (this.#isFull) return false;
    this.#otherBytes += bytes;
    return this.#isWithin(0);
  }

  /** Another world is about to be made, which is to be the same. */
  rewind(): void {
    if (!this.#isFull) this.#isReplaying = true;
  }

  /**
   * Has the same done to the world again, turn by turn, up to the end of the record: also of one
   * that becomes full meanwhile, because another world writes to other blocks of a disk.
   */
  *replay(runUntil: RunUntil): Generator<void> {
    if (!this.#isReplaying) return;
    let action = 0;
    for (const { bytes, view, used } of this.#pieces) {
      for (let at = 0; at < used;) {
        const who = view.getUint32(at, true);
        const length = view.getUint32(at + 4, true);
        at += HEAD_BYTES + length;
        if (who === TURN) {
          runUntil(view.getFloat64(at - length, true));
          yield;
        } else if (who === ACTION) {
          this.#actions[action]?.();
          action += 1;
        } else {
          this.#redos[who - ACTION - 1]?.(bytes.subarray(at - length, at));
        }
      }
    }
    this.#isReplaying = false;
    if (this.#isFull) this.#throwAway();
    for (const { action: postponed, heldBytes } of this.#postponed.splice(0)) {
      this.perform(postponed, heldBytes);
    }
  }

  /** @returns the piece, whose used bytes end with those that were asked for */
  #reserve(who: number, length: number): Piece | undefined {
    if (this.#isFull) return undefined;
    assert(!this.#isReplaying, 'nothing is recorded while a record is run again');
    const needed = HEAD_BYTES + length;
    let piece = this.#pieces.at(-1);
    if (piece === undefined || piece.used + needed > piece.bytes.length) {
      const bytes = Math.max(PIECE_BYTES, needed);
      if (!this.#isWithin(bytes)) return undefined;
      piece = newPiece(bytes);
      this.#pieces.push(piece);
    }
    piece.view.setUint32(piece.used, who, true);
    piece.view.setUint32(piece.used + 4, length, true);
    piece.used += needed;
    return piece;
  }

  /** @returns whether there is room for so many bytes more; if not, it is full from now on */
  #isWithin(bytes: number): boolean {
    const kept = this.#pieces.length * PIECE_BYTES + this.#otherBytes;
    if (kept + bytes <= this.limitBytes) return true;
    this.#isFull = true;
    // What has begun to be done again is done to its end: the outside waits for that.
    if (!this.#isReplaying) this.#throwAway();
    this.#onFull();
    return false;
  }

  #throwAway(): void {
    this.#pieces = [];
    this.#actions.length = 0;
  }
}

function newPiece(sizeBytes: number): Piece {
  const bytes = new Uint8Array(sizeBytes);
  return { bytes, view: new DataView(bytes.buffer), used: 0 };
}
