/** The host's clock. No other file of the room reads one. */

// Looked up once: the global is a getter. The same in Node and in a browser.
const { performance } = globalThis;

/** Host time in nanoseconds, from an arbitrary start; never goes back. A number below 2^53. */
export function hostNow(): number {
  return Math.round(performance.now() * 1e6);
}

/**
 * Wall-clock time of `hostNow() === 0`, in nanoseconds since 1970: what a capture stamps live
 * frames with.
 */
export function hostEpoch(): bigint {
  return BigInt(Math.round(performance.timeOrigin * 1000)) * 1000n;
}
