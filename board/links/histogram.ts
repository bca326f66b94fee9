/**
 * A histogram of durations whose buckets grow with the value: 32 to each power of two, so a
 * percentile is too large by at most one part in 32. All of it is allocated at the start.
 */

const SUB_BITS = 5;
const SUB_BUCKETS = 1 << SUB_BITS;
/** Up to 2^47 ns, a day and a half. */
const POWERS = 43;
/** 2^-shift: exact, and many times faster than a power for each value. */
const SCALE = Float64Array.from({ length: 64 }, (_, shift) => 2 ** -shift);

export class Histogram {
  readonly #counts = new Uint32Array(POWERS * SUB_BUCKETS);
  min = Infinity;
  max = 0;
  #count = 0;
  #sum = 0;
  /** The value that was added last, and how often it has come in a row and is not entered yet. */
  #last = -1;
  #run = 0;

  get count(): number {
    return this.#count + this.#run;
  }

  get sum(): number {
    return this.#sum + this.#run * this.#last;
  }

  /** @param value not negative; its fraction is ignored */
  add(value: number): void {
    // Packets of a batch have mostly taken equally long.
    if (value !== this.#last) this.#begin(value);
    this.#run += 1;
  }

  #begin(value: number): void {
    this.#enter();
    this.#last = value;
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
  }

  /** Enters the values that have come in a row. */
  #enter(): void {
    if (this.#run === 0) return;
    const bucket = bucketOf(this.#last);
    this.#counts[bucket] = (this.#counts[bucket] as number) + this.#run;
    this.#count += this.#run;
    this.#sum += this.#run * this.#last;
    this.#run = 0;
  }

  /**
   * @param share such as 0.99
   * @returns the largest value that the bucket of this share holds, at most {@link Histogram.max};
   * 0 without values
   */
  percentile(share: number): number {
    if (this.count === 0) return 0;
    this.#enter();
    const wanted = Math.max(1, Math.ceil(share * this.count));
    let seen = 0;
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      seen += this.#counts[bucket] as number;
      if (seen >= wanted) return Math.min(bucketEnd(bucket), this.max);
    }
    return this.max;
  }

  /** In the unit of the values; all 0 without values. */
  summary(): Readonly<Record<'count' | 'min' | 'mean' | 'p50' | 'p90' | 'p99' | 'max', number>> {
    if (this.count === 0) return { count: 0, min: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0 };
    return {
      count: this.count,
      min: this.min,
      mean: this.sum / this.count,
      p50: this.percentile(0.5),
      p90: this.percentile(0.9),
      p99: this.percentile(0.99),
      max: this.max,
    };
  }

  clear(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#sum = 0;
    this.#run = 0;
    this.#last = -1;
    this.min = Infinity;
    this.max = 0;
  }
}

function bucketOf(value: number): number {
  if (value < 0x8000_0000) return bucketOfInteger(value | 0);
  // The exponent of the leading bit, beyond 32 bits too.
  const high = Math.floor(value / 0x1_0000_0000);
  const power = high > 0 ? 63 - Math.clz32(high) : 31 - Math.clz32(value >>> 0);
  if (power - SUB_BITS + 2 > POWERS) return POWERS * SUB_BUCKETS - 1;
  const shift = power - SUB_BITS;
  const sub = Math.floor(value * (SCALE[shift] as number)) - SUB_BUCKETS;
  return (shift + 1) * SUB_BUCKETS + sub;
}

/** Below 2^31, in integers: the rule for each packet that is measured. */
function bucketOfInteger(value: number): number {
  if (value < SUB_BUCKETS) return value;
  const shift = 31 - Math.clz32(value) - SUB_BITS;
  return (shift << SUB_BITS) + (value >>> shift);
}

/** @returns the largest integer in a bucket */
function bucketEnd(bucket: number): number {
  if (bucket < SUB_BUCKETS) return bucket;
  const shift = (bucket >>> SUB_BITS) - 1;
  return (SUB_BUCKETS + (bucket & (SUB_BUCKETS - 1)) + 1) * 2 ** shift - 1;
}
