/** Linear least squares for a handful of unknowns, none of them negative. */

/** One equation: the sum of coefficients times unknowns is to be `target`. */
export interface Equation {
  readonly coefficients: readonly number[];
  readonly target: number;
  /** Its error counts this much, before it is squared. */
  readonly weight: number;
}

/**
 * Finds the unknowns that make the weighted sum of squared errors least. An unknown that would be
 * negative is 0, and the others are found again without it: exact for up to a few unknowns that
 * hardly depend on each other, as here.
 *
 * @returns one number for each coefficient
 */
export function solveNonNegative(equations: readonly Equation[]): readonly number[] {
  const unknowns = equations[0]?.coefficients.length ?? 0;
  let active = Array.from({ length: unknowns }, (_, index) => index);
  while (active.length > 0) {
    const found = solveFor(equations, active);
    const least = Math.min(...found);
    if (least >= 0) return scatter(found, active, unknowns);
    const worst = found.indexOf(least);
    active = active.filter((_, index) => index !== worst);
  }
  return new Array<number>(unknowns).fill(0);
}

function scatter(
  values: readonly number[],
  active: readonly number[],
  unknowns: number,
): readonly number[] {
  const all = new Array<number>(unknowns).fill(0);
  for (const [index, unknown] of active.entries()) all[unknown] = values[index] ?? 0;
  return all;
}

/** The normal equations: each unknown's column times each other's, and times the targets. */
function solveFor(equations: readonly Equation[], active: readonly number[]): number[] {
  const matrix = active.map((row) => [
    ...active.map((column) =>
      weightedSum(
        equations,
        ({ coefficients }) => at(coefficients, row) * at(coefficients, column),
      ),
    ),
    weightedSum(equations, ({ coefficients, target }) => at(coefficients, row) * target),
  ]);
  return eliminate(matrix);
}

function weightedSum(equations: readonly Equation[], term: (equation: Equation) => number): number {
  return equations.reduce((sum, each) => sum + term(each) * each.weight ** 2, 0);
}

/**
 * Gauss's elimination with the largest pivot.
 * @param matrix one row for each unknown, right-hand side last; is changed
 */
function eliminate(matrix: number[][]): number[] {
  const size = matrix.length;
  for (let column = 0; column < size; column += 1) {
    const pivot = largestBelow(matrix, column);
    [matrix[column], matrix[pivot]] = [row(matrix, pivot), row(matrix, column)];
    const pivotRow = row(matrix, column);
    const head = at(pivotRow, column);
    // An unknown that no equation tells apart from the others.
    if (Math.abs(head) < 1e-12)
      throw new RangeError('the equations do not tell the unknowns apart');
    for (let other = 0; other < size; other += 1) {
      if (other === column) continue;
      const factor = at(row(matrix, other), column) / head;
      matrix[other] = row(matrix, other).map(
        (value, index) => value - factor * at(pivotRow, index),
      );
    }
  }
  return matrix.map((line, index) => at(line, size) / at(line, index));
}

function largestBelow(matrix: readonly (readonly number[])[], column: number): number {
  let best = column;
  for (let index = column + 1; index < matrix.length; index += 1) {
    const size = Math.abs(at(row(matrix, index), column));
    if (size > Math.abs(at(row(matrix, best), column))) best = index;
  }
  return best;
}

function row<T>(matrix: readonly T[], index: number): T {
  const found = matrix[index];
  if (found === undefined) throw new RangeError(`no row ${index}`);
  return found;
}

function at(values: readonly number[], index: number): number {
  return values[index] ?? 0;
}
