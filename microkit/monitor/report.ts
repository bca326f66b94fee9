/** Words for a fault message: what happened, where, and at which address. */

import {
  FAULT_CAP,
  FAULT_TIMEOUT,
  FAULT_UNKNOWN_SYSCALL,
  FAULT_USER_EXCEPTION,
  FAULT_VM,
} from '../../kernel/abi.ts';
import { USER_EXCEPTION_FRAME_LOST, USER_EXCEPTION_PROGRAM } from '../../kernel/user.ts';
import { hex } from '../../memory/hex.ts';
import type { ChildFault } from '../pd.ts';

/** Fault status of a VM fault (RISC-V exception codes). */
const VM_FAULT_KINDS: Readonly<Record<number, string>> = {
  1: 'instruction access fault',
  5: 'load access fault',
  7: 'store access fault',
  12: 'instruction page fault',
  13: 'load page fault',
  15: 'store page fault',
};

/** Lookup failures of a capability fault, as the message encodes them. */
const LOOKUP_FAILURES: Readonly<Record<number, string>> = {
  0: 'seL4_NoFailure',
  1: 'seL4_InvalidRoot',
  2: 'seL4_MissingCapability',
  3: 'seL4_DepthMismatch',
  4: 'seL4_GuardMismatch',
};

/** @returns one or more lines, the first with the kind of fault and its address */
export function describeFault(fault: ChildFault): readonly string[] {
  const word = (index: number): number => fault.words[index] ?? 0;
  switch (fault.label) {
    case FAULT_VM: {
      const side = word(2) === 0 ? 'data' : 'instruction';
      const kind = VM_FAULT_KINDS[word(3)] ?? `status ${word(3)}`;
      return [
        `VMFault: ip=${hex(word(0))}  fault_addr=${hex(word(1))}  fsr=${hex(word(3))}  (${side} fault)`,
        `description of fault: ${kind}`,
      ];
    }
    case FAULT_CAP: {
      const phase = word(2) === 0 ? 'false' : 'true';
      const type = LOOKUP_FAILURES[word(3)] ?? `type ${word(3)}`;
      return [
        `CapFault: ip=${hex(word(0))}  fault_addr=${hex(word(1))}  in_recv_phase=${phase}` +
          `  lookup_failure_type=${type}  bits_left=${hex(word(4))}`,
      ];
    }
    case FAULT_USER_EXCEPTION:
      return [`UserException: ip=${hex(word(0))}  ${describeException(word(2), word(3))}`];
    case FAULT_UNKNOWN_SYSCALL:
      return [`UnknownSyscall: ip=${hex(word(0))}  number=${word(10)}`];
    case FAULT_TIMEOUT:
      return [`Timeout: badge=${hex(word(0))}  consumed=${word(1)} us`];
    default:
      return [`Unknown fault ${fault.label}`];
  }
}

function describeException(number: number, code: number): string {
  switch (number) {
    case USER_EXCEPTION_PROGRAM:
      return 'an entry point threw an error (its message stands above)';
    case USER_EXCEPTION_FRAME_LOST:
      return 'the handler was unwound while it waited';
    default:
      return `number=${hex(number)}  code=${hex(code)}`;
  }
}
