/** stub */
import type { BenchResults } from '../results.ts';
export function renderReport(results: BenchResults): string {
  return JSON.stringify(results);
}
