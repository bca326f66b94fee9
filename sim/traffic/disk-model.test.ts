/**
 * Goal: the model allows what a correct disk may hold, and nothing else. Method: one sector, its
 * requests and answers by hand.
 */

import { describe, expect, it } from 'vitest';
import { DiskModel } from './disk-model.ts';

const SECTOR = 7;
const OWN = { first: 0, count: 64 };
const OTHER = { first: 64, count: 64 };

function written(model: DiskModel, version: number, ok = true): void {
  model.writeAnswered(SECTOR, model.writeAsked(SECTOR, version), ok);
}

function flushed(model: DiskModel): void {
  model.flushAnswered(model.flushAsked(OTHER));
}

const readable = (model: DiskModel): number[] =>
  [0, 1, 2, 3].filter((version) => model.mayRead(SECTOR, version));
const remaining = (model: DiskModel): number[] =>
  [0, 1, 2, 3].filter((version) => model.mayRemain(SECTOR, version));

describe('a sector', () => {
  it('reads as what was written last, and may lose what was not flushed', () => {
    const model = new DiskModel();
    written(model, 1);
    written(model, 2);
    expect(readable(model)).toEqual([2]);
    expect(remaining(model)).toEqual([0, 1, 2]);
    flushed(model);
    expect(remaining(model)).toEqual([2]);
    expect(model.mayRemain(SECTOR, undefined)).toBe(false);
  });

  it('whose write failed holds the old or the new', () => {
    const model = new DiskModel();
    written(model, 1);
    written(model, 2, false);
    expect(readable(model)).toEqual([1, 2]);
    flushed(model);
    expect(remaining(model)).toEqual([1, 2]);
  });

  it('keeps what a flush was asked for, not what came after', () => {
    const model = new DiskModel();
    written(model, 1);
    const flush = model.flushAsked(OTHER);
    written(model, 2);
    model.flushAnswered(flush);
    expect(remaining(model)).toEqual([1, 2]);
  });

  it('keeps what its own client wrote before it asked for a flush, although that was answered later', () => {
    for (const [area, left] of [
      [OWN, [1]],
      [OTHER, [0, 1]],
    ] as const) {
      const model = new DiskModel();
      const ticket = model.writeAsked(SECTOR, 1);
      const flush = model.flushAsked(area);
      model.writeAnswered(SECTOR, ticket, true);
      model.flushAnswered(flush);
      expect(remaining(model)).toEqual(left);
    }
  });

  it('keeps what its own client wrote before a flush, although the flush is answered first', () => {
    const model = new DiskModel();
    const ticket = model.writeAsked(SECTOR, 1);
    model.flushAnswered(model.flushAsked(OWN));
    model.writeAnswered(SECTOR, ticket, true);
    expect(remaining(model)).toEqual([1]);
  });

  it('holds any of what was not flushed after a power cut, also when a flush ends behind it', () => {
    const model = new DiskModel();
    written(model, 1);
    flushed(model);
    written(model, 2);
    const flush = model.flushAsked(OTHER);
    model.powerCut();
    model.flushAnswered(flush);
    expect(readable(model)).toEqual([1, 2]);
    expect(remaining(model)).toEqual([1, 2]);
  });

  it('that is damaged may hold anything until it is written, and be left so until that is flushed', () => {
    const model = new DiskModel();
    written(model, 1);
    model.damaged(SECTOR, 1);
    expect(model.mayRead(SECTOR, undefined)).toBe(true);
    written(model, 2);
    expect(readable(model)).toEqual([2]);
    expect(model.mayRemain(SECTOR, undefined)).toBe(true);
    flushed(model);
    expect(model.mayRemain(SECTOR, undefined)).toBe(false);
  });

  it('whose damage was written over may be damaged again after a power cut', () => {
    const model = new DiskModel();
    model.damaged(SECTOR, 1);
    written(model, 1);
    flushed(model);
    model.damaged(SECTOR, 1);
    written(model, 2);
    model.powerCut();
    expect(model.mayRead(SECTOR, 0)).toBe(true);
    written(model, 3);
    expect(readable(model)).toEqual([3]);
  });
});
