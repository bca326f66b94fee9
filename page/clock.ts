/** The host's time in a browser: the only file of the page with timers and a clock. */

const { performance } = globalThis;

/** Milliseconds, from an arbitrary start. */
export function nowMs(): number {
  return performance.now();
}

export interface Timer {
  cancel(): void;
}

export function after(milliseconds: number, action: () => void): Timer {
  const timer = setTimeout(action, milliseconds);
  return { cancel: () => clearTimeout(timer) };
}

export function every(milliseconds: number, action: () => void): Timer {
  const timer = setInterval(action, milliseconds);
  return { cancel: () => clearInterval(timer) };
}
