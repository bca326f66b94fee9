/** What a capability becomes when it is copied: seL4's deriveCap. */

import { ILLEGAL_OPERATION, REVOKE_FIRST } from '../abi.ts';
import { refuse } from '../errors.ts';
import { mappedFrame } from './cap.ts';
import { hasChildren } from './mdb.ts';
import { NULL_CAP } from './objects.ts';
import type { Cap, Slot } from './objects.ts';
import type { KernelState } from '../state.ts';

/**
 * @param cap the capability in `slot`, perhaps with fewer rights
 * @returns the capability for the copy: null capability when it cannot be copied, `null` with
 * `k.error` when refused
 */
export function deriveCap(k: KernelState, slot: Slot, cap: Cap): Cap | null {
  switch (cap.kind) {
    case 'zombie':
    case 'irqControl':
      return NULL_CAP;
    case 'untyped':
      if (hasChildren(slot)) {
        refuse(k, REVOKE_FIRST);
        return null;
      }
      return { ...cap };
    case 'frame':
      return cap.mappedAsid === 0 ? cap : mappedFrame(cap, 0, 0);
    case 'pageTable':
      if (!cap.isMapped) {
        refuse(k, ILLEGAL_OPERATION);
        return null;
      }
      return cap;
    default:
      return cap;
  }
}
