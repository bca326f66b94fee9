/**
 * Goal: a loop in WebAssembly is made once, when it is called first or worth it. Method: a memory
 * that counts how often it is asked for the module.
 */

import { expect, test } from 'vitest';
import { LazyLoop } from './lazy-loop.ts';
import type { Ram } from './ram.ts';

/** @returns a loop, and how often its module has been made */
function watchedLoop(): { loop: LazyLoop; made: () => number } {
  let made = 0;
  const functions = (): Record<string, unknown> => {
    made += 1;
    return { double: (value: number) => 2 * value };
  };
  const ram = { functions } as unknown as Ram;
  return { loop: new LazyLoop(ram, () => new Uint8Array(), 'double'), made: () => made };
}

test('is made when it is called first, and once', () => {
  const { loop, made } = watchedLoop();
  expect(made()).toBe(0);
  expect([loop.run(4), loop.run(5)]).toEqual([8, 10]);
  expect(made()).toBe(1);
});

test('is worth a batch at once, and single entries when a hundred have gone without it', () => {
  const { loop, made } = watchedLoop();
  expect(loop.isWorth(3)).toBe(true);
  const worth = Array.from({ length: 102 }, () => loop.isWorth(1));
  expect(worth.indexOf(true)).toBe(100);
  expect(made()).toBe(0);
});

test('is worth any number once it is made', () => {
  const { loop } = watchedLoop();
  expect(loop.isWorth(2)).toBe(false);
  loop.run(1);
  expect(loop.isWorth(1)).toBe(true);
});
