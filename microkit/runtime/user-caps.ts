/** What a domain does with the extra capabilities that its description gives it (`cspace`). */

import { TCB_RESUME, TCB_SUSPEND } from '../../kernel/abi.ts';
import type { UserThread } from '../../kernel/user.ts';
import type { UserTcb } from '../pd.ts';
import { IPC_BUFFER_VADDR, PD_ROOT_CNODE_RADIX } from '../slots.ts';
import { SystemCalls } from '../system-calls.ts';

/** Slot s of the root CNode has the capability address s << 58. */
const SLOT_UNIT = 2 ** (64 - PD_ROOT_CNODE_RADIX);
const SLOT_COUNT = 1 << PD_ROOT_CNODE_RADIX;

/** @throws RangeError when there is no such slot; whether it holds a TCB, the kernel says */
export function userTcb(thread: UserThread, slot: number): UserTcb {
  if (!(Number.isInteger(slot) && slot > 0 && slot < SLOT_COUNT)) {
    throw new RangeError(`slot ${slot} is not one of 1..${SLOT_COUNT - 1}`);
  }
  const calls = new SystemCalls(thread, IPC_BUFFER_VADDR);
  const cptr = slot * SLOT_UNIT;
  return {
    suspend: () => calls.invoke(cptr, TCB_SUSPEND, 0, 0),
    resume: () => calls.invoke(cptr, TCB_RESUME, 0, 0),
  };
}
