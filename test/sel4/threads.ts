/** threads.c: a thread without a CSpace is not configured. */

import * as abi from '../../kernel/abi.ts';
import * as calls from './driver/calls.ts';
import { refused } from './driver/check.ts';
import { SLOT_VSPACE } from './driver/slots.ts';
import type { Sel4Test } from './driver/test.ts';

export const THREAD_TESTS: readonly Sel4Test[] = [
  {
    name: 'THREADS0004',
    class: 'P',
    description: 'Configure with a null CSpace is refused',
    *run(env) {
      const tcb = yield* env.allocate(abi.OBJECT_TCB);
      const caps = [env.takeSlot(), SLOT_VSPACE, 0];
      const request = calls.invoke(tcb, abi.TCB_CONFIGURE, [0, 0, 0], caps);
      yield* refused(request, abi.ILLEGAL_OPERATION);
    },
  },
  {
    name: 'THREADS0005',
    class: 'P',
    description: 'SetSpace with a null CSpace is refused',
    *run(env) {
      const tcb = yield* env.allocate(abi.OBJECT_TCB);
      const caps = [0, env.takeSlot(), SLOT_VSPACE];
      const request = calls.invoke(tcb, abi.TCB_SET_SPACE, [0, 0], caps);
      yield* refused(request, abi.ILLEGAL_OPERATION);
    },
  },
];
