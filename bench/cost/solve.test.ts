// The arithmetic of the fit, against systems whose solutions are known.

import { describe, expect, it } from 'vitest';
import { type Equation, solveNonNegative } from './solve.ts';

function equation(coefficients: number[], target: number, weight = 1): Equation {
  return { coefficients, target, weight };
}

describe('solveNonNegative', () => {
  it('solves as many equations as there are unknowns exactly', () => {
    const found = solveNonNegative([equation([2, 1], 7), equation([1, 3], 11)]);

    expect(found[0]).toBeCloseTo(2, 10);
    expect(found[1]).toBeCloseTo(3, 10);
  });

  it('finds the line of least squares through points that lie on none', () => {
    // y = a x + b through (0, 1), (1, 2), (2, 4): a = 3/2, b = 5/6.
    const points = [
      [0, 1],
      [1, 2],
      [2, 4],
    ] as const;

    const [slope, offset] = solveNonNegative(points.map(([x, y]) => equation([x, 1], y)));

    expect(slope).toBeCloseTo(3 / 2, 10);
    expect(offset).toBeCloseTo(5 / 6, 10);
  });

  it('heeds weights: what counts nothing changes nothing', () => {
    const found = solveNonNegative([
      equation([1], 4, 2),
      equation([1], 8, 1),
      equation([1], 99, 0),
    ]);

    // Errors are weighted before they are squared: (4 * 4 + 8) / (4 + 1).
    expect(found[0]).toBeCloseTo(24 / 5, 10);
  });

  it('gives 0 for an unknown that would be negative, and finds the others without it', () => {
    // Without the bound: 5 and -1.
    const found = solveNonNegative([equation([1, 1], 4), equation([1, 2], 3)]);

    expect(found[0]).toBeCloseTo(3.5, 10);
    expect(found[1]).toBe(0);
  });

  it('refuses equations that do not tell the unknowns apart', () => {
    const same = [equation([1, 1], 4), equation([2, 2], 8)];

    expect(() => solveNonNegative(same)).toThrow('do not tell the unknowns apart');
  });
});
