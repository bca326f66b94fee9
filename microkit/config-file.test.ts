/** Goal: what JSON cannot say of a configuration is found, with its place. Method: by hand. */

import { expect, it } from 'vitest';
import { system } from './builder.ts';
import { misfitOf, renderConfigs } from './config-file.ts';
import type { SystemDescription } from './model.ts';

function configured(config: object): SystemDescription {
  const sys = system({ name: 'mine' });
  sys.pd('a', { image: 'a.ts', config });
  const built = sys.build();
  if (!built.ok) throw new Error(built.errors.map(({ message }) => message).join('\n'));
  return built.system;
}

it.each([
  ['a number of any size', { n: 5n }, "a's config.n is of the type bigint"],
  ['a function', { list: [1, () => 1] }, "a's config.list[1] is of the type function"],
  ['a hole in a list', { list: [undefined] }, "a's config.list[0] is of the type undefined"],
  ['no number', { deep: { n: Number.NaN } }, "a's config.deep.n is NaN"],
  ['a map', { map: new Map() }, "a's config.map is no plain object"],
])('has no place for %s', (_what, config, misfit) => {
  expect(misfitOf(configured(config))).toBe(misfit);
});

it('has a place for everything else', () => {
  const twice = { n: 1 };
  const config = { text: 'x', list: [1, null, true], one: twice, other: twice, none: undefined };
  const described = configured(config);

  expect(misfitOf(described)).toBeUndefined();
  expect(JSON.parse(renderConfigs(described))).toEqual({ a: config });
});

it('has an end: what lies in itself is refused by build()', () => {
  const loop: Record<string, unknown> = {};
  loop['list'] = [1, loop];

  expect(() => configured(loop)).toThrow(
    "Error: the configuration of 'a' has no end: config.list[1].list is what it lies in",
  );
});
