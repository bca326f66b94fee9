/** Configuration records and protocol labels of the timer class (`sddf` timer protocol). */

/** Protected call: answers the time since start in ns in message register 0. */
export const TIMER_GET_TIME = 0;
/**
 * Protected call: message register 0 is a time-out in ns from now; one per client, a new one
 * replaces it.
 */
export const TIMER_SET_TIMEOUT = 1;

/** A timer driver's whole configuration. */
export interface TimerDriverConfig {
  readonly registers: string;
  readonly irq: number;
  /** Channels of the clients. */
  readonly clients: readonly number[];
  /**
   * Those of the clients that are watchdogs: they look now and then and find nothing as a rule, so
   * nobody waits for their time-outs.
   */
  readonly watchdogs?: readonly number[];
  /** Region for the program's counters: see `queues/counters.ts`. Without it they are private. */
  readonly stats?: string;
}

/** A client's record; time-outs come as a notification on the channel. */
export interface TimerClientConfig {
  readonly channel: number;
}
