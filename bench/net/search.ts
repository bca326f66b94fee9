/** Binary search for a rate. */

export interface SearchOptions {
  /** Taken to pass: 0 for a rate. */
  readonly low: number;
  /** Tried first, and raised as long as it passes. */
  readonly high: number;
  /** Halvings. */
  readonly steps: number;
  readonly passes: (rate: number) => boolean;
}

export interface Found {
  /** The highest that has passed; `low` when none has. */
  readonly passed: number;
  /** The lowest that has failed above it. */
  readonly failed: number;
}

/** How often `high` is raised by half, when it passes. */
const RAISES_MAX = 8;

/** @returns the highest rate that passes, to within (high - low) / 2^steps of the last high */
export function searchHighest({ low, high, steps, passes }: SearchOptions): Found {
  let passed = low;
  let failed = high;
  for (let raise = 0; raise < RAISES_MAX && passes(failed); raise += 1) {
    passed = failed;
    failed *= 1.5;
  }
  for (let step = 0; step < steps; step += 1) {
    const middle = (passed + failed) / 2;
    if (passes(middle)) passed = middle;
    else failed = middle;
  }
  return { passed, failed };
}
