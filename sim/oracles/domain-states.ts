/**
 * What each domain's thread is doing at a moment, read from the kernel: for whoever stops a world
 * and looks.
 */

import type { Tcb } from '../../kernel/objects/objects.ts';
import type { KernelState } from '../../kernel/state.ts';

/**
 * @param domains by name, in the order in which they are told
 * @returns a sentence for each state that some are in
 */
export function domainStates(
  k: KernelState,
  threads: readonly Tcb[],
  domains: readonly string[],
): readonly string[] {
  const byName = new Map(threads.map((tcb) => [tcb.name, tcb]));
  const byState = new Map<string, string[]>();
  for (const name of domains) {
    const tcb = byName.get(name);
    if (tcb === undefined) continue;
    const state = threadState(k, tcb);
    byState.set(state, [...(byState.get(state) ?? []), name]);
  }
  return [...byState].map(([state, names]) => `${state}: ${names.join(', ')}`);
}

/** @returns what a thread is doing, as words */
export function threadState(k: KernelState, tcb: Tcb): string {
  if (k.current === tcb) return 'on the processor';
  if (tcb.fault !== null) return 'faulted';
  switch (tcb.state) {
    case 'running':
    case 'restart':
      return tcb.isInReleaseQueue
        ? 'without budget until the next period'
        : `ready to run at priority ${tcb.priority}`;
    case 'blockedOnReceive':
    case 'blockedOnNotification':
      return 'waiting to be woken up';
    case 'blockedOnSend':
      return 'waiting for somebody to take a call';
    case 'blockedOnReply':
      return 'waiting for the answer to a call';
    default:
      return 'stopped';
  }
}
