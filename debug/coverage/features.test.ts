// Goal: features say what a run has executed and nothing of how often, are the same for the same,
// and are told once. Method: ranges as V8 tells them, by hand.

import { expect, it } from 'vitest';
import { Features } from './features.ts';

function featuresOf(count: number, inner: number, url = 'file:///a.ts'): readonly number[] {
  const features = new Features();
  const ranges = [
    { startOffset: 0, endOffset: 90, count },
    { startOffset: 10, endOffset: 20, count: inner },
  ];
  features.addScripts([{ url, functions: [{ functionName: 'f', ranges, isBlockCoverage: true }] }]);
  return features.take();
}

it('are the same however often a block was executed, and others when it was not', () => {
  expect(featuresOf(5, 2)).toEqual(featuresOf(1, 3));
  expect(featuresOf(5, 0)).not.toEqual(featuresOf(5, 2));
  expect(featuresOf(5, 2, 'file:///b.ts')).not.toEqual(featuresOf(5, 2));
});

it('are none of a function that was not called', () => {
  expect(featuresOf(0, 0)).toEqual([]);
});

it('of images are those of the same place in the same image, told once', () => {
  const features = new Features();
  features.addImage('driver', Uint8Array.of(0, 1, 1));
  features.addImage('driver', Uint8Array.of(0, 1, 0));
  const first = features.take();
  features.addImage('virt', Uint8Array.of(0, 1, 1));
  features.addText('irq');

  expect(first).toHaveLength(2);
  expect(features.take().filter((each) => first.includes(each))).toEqual([]);
  expect(features.take()).toEqual([]);
});
