// The models' memory: kernel heap, frames with their counts, address spaces.

import { describe, expect, it } from 'vitest';
import { Ram } from '../memory/ram.ts';
import { AddressSpace, COPY_ON_WRITE, READ_ONLY } from './address-space.ts';
import { newCounters } from './counters.ts';
import { FramePool, PAGE_BYTES } from './frames.ts';
import { KernelHeap } from './heap.ts';

function ramOf(pages: number): { ram: Ram; frames: FramePool } {
  const ram = new Ram({ sizeBytes: 2 * 65_536 });
  return { ram, frames: new FramePool({ ram, at: PAGE_BYTES, sizeBytes: pages * PAGE_BYTES }) };
}

describe('the kernel heap', () => {
  it('gives freed blocks out again, by size, and knows what is in use and what was at most', () => {
    const heap = new KernelHeap({ ram: new Ram({ sizeBytes: 65_536 }), at: 32, sizeBytes: 1024 });

    const small = heap.allocate(30);
    const large = heap.allocate(100);
    heap.free(small, 30);
    expect(heap.allocate(100)).not.toBe(small);
    expect(heap.allocate(32)).toBe(small);
    heap.free(large, 100);

    expect([heap.allocatedBytes, heap.liveBytes, heap.peakBytes]).toEqual([262, 132, 232]);
  });

  it('says so when there is no memory left', () => {
    const heap = new KernelHeap({ ram: new Ram({ sizeBytes: 65_536 }), at: 32, sizeBytes: 256 });

    expect(heap.allocate(256)).toBe(32);
    expect(heap.allocate(1)).toBe(0);
  });
});

describe('frames', () => {
  it('are free when the last mapping has gone', () => {
    const { frames } = ramOf(1);

    const frame = frames.take();
    frames.share(frame);
    frames.release(frame);
    expect(() => frames.take()).toThrow('enough frames');
    frames.release(frame);

    expect(frames.take()).toBe(frame);
  });
});

describe('an address space', () => {
  function spaces() {
    const { ram, frames } = ramOf(8);
    const counters = newCounters();
    let faults = 0;
    const options = { frames, counters, onWriteFault: () => (faults += 1) };
    return { ram, frames, counters, options, faults: () => faults };
  }

  it('copies across pages that do not lie side by side', () => {
    const { options } = spaces();
    const one = new AddressSpace(options);
    const two = new AddressSpace(options);
    one.allocateAt(0x1000, PAGE_BYTES);
    two.allocateAt(0x1000, PAGE_BYTES);
    one.allocateAt(0x2000, PAGE_BYTES);
    two.allocateAt(0x2000, PAGE_BYTES);
    const bytes = Uint8Array.from({ length: 200 }, (_, i) => i);
    one.write(0x1f9c, bytes);

    expect(two.copyFrom(one, 0x1f9c, 0x1fce, 200)).toBe(true);
    expect(two.read(0x1fce, 200)).toEqual(bytes);
    expect(two.copyFrom(one, 0x1f9c, 0x2fce, 200)).toBe(false);
  });

  it('copies a shared page when it is written to, by a program or by the kernel, and no other', () => {
    const { options, counters, faults, frames } = spaces();
    const one = new AddressSpace(options);
    const two = new AddressSpace(options);
    one.allocateAt(0x1000, 2 * PAGE_BYTES);
    one.store32(0x1000, 7);
    for (const page of [1, 2]) {
      const frame = one.frameAt(page);
      frames.share(frame);
      one.protectPage(page, COPY_ON_WRITE);
      two.mapPage(page, frame, COPY_ON_WRITE);
    }

    two.store32(0x1000, 8);
    expect(two.copyFrom(one, 0x1000, 0x2000, 4)).toBe(true);

    expect([one.load32(0x1000), two.load32(0x1000), two.load32(0x2000)]).toEqual([7, 8, 7]);
    expect([counters.copies, faults()]).toEqual([2, 1]);
  });

  it('keeps what is read-only, or not there, from being written', () => {
    const { options } = spaces();
    const space = new AddressSpace(options);
    space.allocateAt(0x1000, PAGE_BYTES);
    space.protectPage(1, READ_ONLY);

    expect(() => space.store32(0x1000, 1)).toThrow('write at 0x1000');
    expect(() => space.load32(0x3000)).toThrow('read at 0x3000');
    expect(space.copyOut(0, 0x1000, 1)).toBe(false);
  });
});
