/** Goal: a view shows the words of its buffer, and no index leaves it. */

import { describe, expect, it } from 'vitest';
import { Ram } from '../../memory/ram.ts';
import { Region } from '../../memory/region.ts';
import { BufferReader, BufferWriter } from './buffer-view.ts';

function twoBuffers() {
  const ram = new Ram({ sizeBytes: 65_536 });
  ram.fill(0, 0xa5, 65_536);
  const region = new Region({ ram, at: 8192, sizeBytes: 4096, vaddr: 0 });
  region.fill(0, 0, 4096);
  return { ram, region, reader: new BufferReader(region, 2), writer: new BufferWriter(region, 2) };
}

describe('a view of a buffer', () => {
  it('reads and writes little-endian words and halfwords of the buffer it was moved to', () => {
    const { region, reader, writer } = twoBuffers();
    expect(writer.moveTo(1)).toBe(true);
    writer.setWord(2, 0x8765_4321 | 0);
    writer.setHalf(6, 0xabcd);
    expect(reader.moveTo(1)).toBe(true);

    expect(region.read32(2048 + 8)).toBe(0x8765_4321);
    expect(region.read16(2048 + 12)).toBe(0xabcd);
    expect(reader.word(2)).toBe(0x8765_4321 | 0);
    expect(reader.half(6)).toBe(0xabcd);
    expect(reader.moveTo(0)).toBe(true);
    expect(reader.word(2)).toBe(0);
  });

  it.each([2, -1, 1.5e9, 0x8000_0000])(
    'does not move to buffer %i, which there is not',
    (index) => {
      const { reader, writer, region } = twoBuffers();
      reader.moveTo(1);
      writer.moveTo(1);

      expect(reader.moveTo(index)).toBe(false);
      expect(writer.moveTo(index)).toBe(false);
      writer.setWord(0, 77);
      expect(region.read32(2048)).toBe(77);
      expect(reader.word(0)).toBe(77);
    },
  );

  it('cannot be led out of its buffer by an index', () => {
    const { ram, reader, writer } = twoBuffers();
    writer.moveTo(1);
    reader.moveTo(1);
    for (const index of [512, -1, 1 << 20, 0x7fff_ffff]) {
      writer.setWord(index, -1);
      writer.setHalf(index * 2, 0xffff);
      expect(reader.word(index)).toBe(-1);
    }

    expect(ram.u32.subarray(2048, 2048 + 512).every((word) => word === 0)).toBe(true);
    expect(ram.u8[8191]).toBe(0xa5);
    expect(ram.u8[8192 + 4096]).toBe(0xa5);
  });

  it('is refused for more buffers than the region holds', () => {
    const { region } = twoBuffers();
    expect(() => new BufferReader(region, 3)).toThrow('does not hold');
    expect(() => new BufferWriter(region, 0)).toThrow('does not hold');
  });
});
