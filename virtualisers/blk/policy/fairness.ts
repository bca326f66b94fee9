/**
 * Jain's fairness index: 1 when all shares are equal, 1/n when one has everything.
 *
 * @param amounts what each has been given, divided by what it is entitled to
 */
export function jainIndex(amounts: readonly number[]): number {
  const sum = amounts.reduce((total, one) => total + one, 0);
  const squares = amounts.reduce((total, one) => total + one * one, 0);
  return squares === 0 ? 1 : (sum * sum) / (amounts.length * squares);
}
