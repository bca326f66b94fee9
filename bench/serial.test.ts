// The serial benchmark's figures that are exact, and that the others measure something.

import { describe, expect, it } from 'vitest';
import { lineRate, toMemory } from './serial.ts';

describe('the serial benchmark', () => {
  it.each(['ns16550a', 'pl011'] as const)(
    'finds 11,520 bytes a second at 115200 8N1 on the %s, within one per cent',
    (uart) => {
      const rate = lineRate(uart, 10);

      expect(rate).toBeGreaterThan(11_520 * 0.99);
      expect(rate).toBeLessThan(11_520 * 1.01);
    },
  );

  it.each(['ns16550a', 'pl011', 'virtio'] as const)('moves bytes to memory on the %s', (uart) => {
    const [rate = 0] = toMemory(uart, { repeat: 1, sampleNs: 5_000_000 });

    expect(rate).toBeGreaterThan(0);
  });
});
