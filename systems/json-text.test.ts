/** Goal: values are told from each other, whatever is in them. Method: by hand. */

import { expect, it } from 'vitest';
import { textOfAny } from './json-text.ts';

it('says of any value what it is', () => {
  const same = { n: 5n };
  const loop: Record<string, unknown> = { beside: [same, same] };
  loop['self'] = { loop };

  expect(textOfAny(loop)).toBe(
    '{"beside":[{"n":"0x5"},{"n":"0x5"}],"self":{"loop":"(what it lies in)"}}',
  );
  expect(textOfAny(undefined)).toBe('');
});
