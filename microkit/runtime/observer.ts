/**
 * What the runtime tells the testbed about its protection domains. Nothing that it tells changes
 * what they do.
 */

/** Where debug output and failures of programs go. */
export interface RuntimeObserver {
  /** One line of debug output of a protection domain, or of the runtime about it. */
  log(pd: string, text: string): void;
  /** An entry point has thrown; the kernel makes a fault of it. Once for each exception. */
  exception(pd: string, error: unknown): void;
}

/** What one protection domain has done since it was made. */
export interface PdCounters {
  /** Times that the domain has woken up to signals; one wake-up may carry several of them. */
  wakeUps: number;
  /** Wake-ups after which the program's `progress` was what it had been before. */
  wastedWakeUps: number;
  /** Calls of `notified`. */
  notified: number;
  /** Calls of `protected`. */
  protectedCalls: number;
  /** Signals to peers, at once and deferred. */
  notifies: number;
  ppcalls: number;
  irqAcks: number;
  /** Deferred signals that went out together with a wait: a kernel entry saved each. */
  deferred: number;
  /** Deferred signals that a second one replaced before the wait (Microkit has room for one). */
  deferredLost: number;
  /** Uses of a channel that the description does not give. */
  invalidChannels: number;
  /** Entry points that threw. */
  exceptions: number;
}

/** @returns counters that are all 0 */
export function pdCounters(): PdCounters {
  return {
    wakeUps: 0,
    wastedWakeUps: 0,
    notified: 0,
    protectedCalls: 0,
    notifies: 0,
    ppcalls: 0,
    irqAcks: 0,
    deferred: 0,
    deferredLost: 0,
    invalidChannels: 0,
    exceptions: 0,
  };
}
