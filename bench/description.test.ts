// The shape of the rows; how long it takes depends on the machine.

import { expect, it } from 'vitest';
import { benchDescription } from './description.ts';

it('measures reading, booting and a whole check', { timeout: 60_000 }, () => {
  const rows = benchDescription({ repeat: 1, onProgress: () => undefined });

  expect(rows.map(({ name, state }) => `${name} ${String(state)}`)).toEqual([
    'description/parse-62pd cold',
    'description/parse-62pd warm',
    'description/boot-62pd cold',
    'description/boot-62pd warm',
    'description/check-process cold',
  ]);
  for (const { median, unit, pds, regions } of rows) {
    expect(median).toBeGreaterThan(0);
    expect([unit, pds, regions]).toEqual(['ms', 62, 1000]);
  }
});
