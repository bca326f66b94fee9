// The framing of QEMU's stream link, split at every byte, and refused lengths.

import { describe, expect, it } from 'vitest';
import { StreamDecoder, StreamEncoder } from './stream-framing.ts';

function framesOf(decoder: StreamDecoder): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (;;) {
    const frame = decoder.next();
    if (frame === undefined) return frames;
    if (frame === 'badLength') throw new Error('bad length');
    frames.push(Uint8Array.from(frame));
  }
}

const first = Uint8Array.from({ length: 60 }, (_, index) => index);
const second = Uint8Array.from({ length: 14 }, (_, index) => 200 + index);

function encoded(): Buffer {
  const encoder = new StreamEncoder();
  encoder.add(first);
  encoder.add(second);
  return encoder.take();
}

describe('stream framing', () => {
  it('puts a 32-bit big-endian length before each frame', () => {
    const bytes = encoded();

    expect(bytes.length).toBe(4 + 60 + 4 + 14);
    expect([...bytes.subarray(0, 4)]).toEqual([0, 0, 0, 60]);
    expect([...bytes.subarray(64, 68)]).toEqual([0, 0, 0, 14]);
  });

  it('gives the same frames wherever the stream is split in two', () => {
    const bytes = encoded();
    for (let split = 0; split <= bytes.length; split += 1) {
      const decoder = new StreamDecoder();
      decoder.push(bytes.subarray(0, split));
      const frames = framesOf(decoder);
      decoder.push(bytes.subarray(split));
      frames.push(...framesOf(decoder));

      expect(frames).toEqual([first, second]);
    }
  });

  it('gives the same frames byte by byte', () => {
    const decoder = new StreamDecoder();
    const frames: Uint8Array[] = [];
    for (const byte of encoded()) {
      decoder.push(Uint8Array.of(byte));
      frames.push(...framesOf(decoder));
    }

    expect(frames).toEqual([first, second]);
  });

  it('refuses a length of zero and one that no frame has', () => {
    for (const length of [
      [0, 0, 0, 0],
      [0, 1, 0x10, 1],
      [0xff, 0xff, 0xff, 0xff],
    ]) {
      const decoder = new StreamDecoder();
      decoder.push(Uint8Array.from(length));
      expect(decoder.next()).toBe('badLength');
    }
  });

  it('accepts the longest frame that QEMU sends', () => {
    const decoder = new StreamDecoder();
    decoder.push(Uint8Array.of(0, 1, 0x10, 0));
    expect(decoder.next()).toBeUndefined();
    decoder.push(new Uint8Array(69_632));
    expect(decoder.next()).toHaveLength(69_632);
  });

  it('grows for a frame larger than its buffer', () => {
    const encoder = new StreamEncoder();
    for (let index = 0; index < 100; index += 1) encoder.add(new Uint8Array(1514).fill(index));
    const decoder = new StreamDecoder();
    decoder.push(encoder.take());

    const frames = framesOf(decoder);
    expect(frames).toHaveLength(100);
    expect(frames[99]?.[1513]).toBe(99);
  });

  it('copies each byte once, however small the pieces are', () => {
    const encoder = new StreamEncoder();
    for (let frame = 0; frame < 3; frame += 1) encoder.add(new Uint8Array(65_000).fill(frame));
    const bytes = encoder.take();
    const decoder = new StreamDecoder();
    let copied = 0;
    const set = Uint8Array.prototype.set;
    Uint8Array.prototype.set = function (this: Uint8Array, from, at) {
      copied += from.length;
      set.call(this, from, at);
    };
    try {
      let frames = 0;
      for (let at = 0; at < bytes.length; at += 1) {
        decoder.push(bytes.subarray(at, at + 1));
        for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) frames += 1;
      }
      expect(frames).toBe(3);
      expect(copied).toBeLessThanOrEqual(bytes.length);
    } finally {
      Uint8Array.prototype.set = set;
    }
  });
});
