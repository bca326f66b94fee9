/**
 * The rule that every device class shares: what serves has a higher priority than what it serves.
 */

import type { PdBuilder, SystemBuilder } from '../builder.ts';

/**
 * @param chain protection domains from the client to the driver; each must have a higher priority
 * than the one before
 */
export function checkPriorities(sys: SystemBuilder, chain: readonly PdBuilder[]): void {
  for (const [index, lower] of chain.entries()) {
    const higher = chain[index + 1];
    if (higher === undefined || higher.priority > lower.priority) continue;
    sys.problem({
      message:
        `Error: '${lower.name}' (priority: ${lower.priority}) must have a lower priority than ` +
        `'${higher.name}' (priority: ${higher.priority}), which serves it`,
      path: `protection_domain '${lower.name}'`,
      hint: 'priorities rise from the client over the copier and the virtualisers to the driver',
    });
  }
}

/** @returns whether `pd` is new to this class; a second time is reported */
export function checkNewClient(
  sys: SystemBuilder,
  known: readonly PdBuilder[],
  pd: PdBuilder,
  what: string,
): boolean {
  if (!known.includes(pd)) return true;
  sys.problem({
    message: `Error: '${pd.name}' is already part of ${what}`,
    path: `protection_domain '${pd.name}'`,
  });
  return false;
}
