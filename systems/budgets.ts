/**
 * Budgets of drivers: what an interrupt that never falls silent can cost. A driver has the highest
 * priority of its path, so one that is woken up again whenever it waits would keep everybody else
 * from running; its scheduling context bounds that. All values are microseconds.
 */

/**
 * For drivers above all others. Half of the time is more than any of them needs.
 */
export const DRIVER_BUDGET = { budget: 500, period: 1_000 } as const;

/**
 * For the timer driver, which is above those again: a UART tells of its 8th character, and has room
 * for 8 more, so nobody may keep its driver from running for more than 0.7 ms. Calls are not
 * limited by it: a passive driver serves them on its callers' time.
 */
export const TIMER_BUDGET = { budget: 250, period: 1_000 } as const;

/**
 * For the network driver, through which everything of its system passes. sDDF's example has 100 of
 * 400, which throttles: under the virtual clock the echo of 1500-byte frames, 64 in flight, falls
 * from 14.9 to 13.0 million a second, and of single ones from 0.233 to 0.204.
 */
export const NET_DRIVER_BUDGET = { budget: 15_000, period: 20_000 } as const;
