/** frames.c: frames of all sizes, and frames as message buffers. */

import * as abi from '../../kernel/abi.ts';
import type { ThreadAnswer, ThreadRequest, ThreadStep } from '../../kernel/system-call.ts';
import * as calls from './driver/calls.ts';
import { equal, ok, refused } from './driver/check.ts';
import type { Environment } from './driver/environment.ts';
import {
  OUR_PRIORITY,
  SLOT_CNODE,
  SLOT_DEVICE_UNTYPED,
  SLOT_REPLY,
  SLOT_SPARE_UNTYPED,
  SLOT_UNTYPED,
  SLOT_VSPACE,
} from './driver/slots.ts';
import type { Sel4Test } from './driver/test.ts';

const SIZES = [
  { type: abi.OBJECT_4K_PAGE, bits: 12, from: SLOT_SPARE_UNTYPED, vaddr: 0x1010_0000 },
  { type: abi.OBJECT_MEGA_PAGE, bits: 21, from: SLOT_SPARE_UNTYPED, vaddr: 0x1060_0000 },
  { type: abi.OBJECT_GIGA_PAGE, bits: 30, from: SLOT_UNTYPED, vaddr: 0x4000_0000 },
] as const;

/** A thread that makes one access. @returns the fault that it raises, or undefined */
export function* faultOf(
  env: Environment,
  request: ThreadRequest,
): ThreadStep<ThreadAnswer | undefined> {
  const faults = yield* env.endpoint();
  let isDone = false;
  const helper = yield* env.run({
    priority: OUR_PRIORITY + 1,
    faultHandler: faults,
    *body() {
      yield request;
      isDone = true;
    },
  });
  if (isDone) {
    yield* env.join(helper);
    return undefined;
  }
  const fault = yield calls.nbRecv(faults, SLOT_REPLY);
  yield* ok(calls.suspend(helper.tcb));
  return fault;
}

function* deviceFrame(env: Environment): ThreadStep<number> {
  const slot = env.takeSlot();
  yield* ok(calls.retype(SLOT_DEVICE_UNTYPED, abi.OBJECT_4K_PAGE, 0, slot));
  return slot;
}

export const FRAME_TESTS: readonly Sel4Test[] = [
  {
    name: 'FRAMEEXPORTS0001',
    class: 'M',
    description: 'frames of 4 KiB, 2 MiB and 1 GiB map, are zero, keep their contents, unmap',
    untypedBits: 30,
    *run(env) {
      for (const { type, bits, from, vaddr } of SIZES) {
        const frame = env.takeSlot();
        yield* ok(calls.retype(from, type, 0, frame));
        const places = [0, 2 ** (bits - 1), 2 ** bits - 4];
        yield* ok(calls.mapPage(frame, SLOT_VSPACE, vaddr));
        for (const place of places) {
          equal((yield calls.load(vaddr + place)).value, 0, `a new frame is zero at ${place}`);
          yield calls.store(vaddr + place, 0x1234_0000 + place / 4);
        }
        yield* ok(calls.invoke(frame, abi.PAGE_UNMAP));
        yield* ok(calls.mapPage(frame, SLOT_VSPACE, vaddr));
        for (const place of places) {
          const due = (0x1234_0000 + place / 4) >>> 0;
          equal((yield calls.load(vaddr + place)).value, due, `contents at ${place}`);
        }
        yield* ok(calls.invoke(frame, abi.PAGE_UNMAP));
        yield* ok(calls.remove(frame));
      }
    },
  },
  {
    name: 'FRAMEDIPC0001',
    class: 'P',
    description: 'Configure with a device frame as message buffer is refused',
    *run(env) {
      const tcb = yield* env.allocate(abi.OBJECT_TCB);
      const caps = [SLOT_CNODE, SLOT_VSPACE, yield* deviceFrame(env)];
      const request = calls.invoke(tcb, abi.TCB_CONFIGURE, [0, 0, 0x2000_0000], caps);
      yield* refused(request, abi.ILLEGAL_OPERATION);
    },
  },
  {
    name: 'FRAMEDIPC0002',
    class: 'P',
    description: 'SetIPCBuffer to a device frame is refused; the thread works on',
    *run(env) {
      const ep = yield* env.endpoint();
      const helper = yield* env.thread({
        priority: OUR_PRIORITY - 1,
        *body() {
          yield calls.send(ep, [1, 2, 3, 4, 5, 6]);
        },
      });
      const frame = yield* deviceFrame(env);
      const request = calls.invoke(helper.tcb, abi.TCB_SET_IPC_BUFFER, [0x2000_0000], [frame]);
      yield* refused(request, abi.ILLEGAL_OPERATION);
      yield* env.start(helper);
      equal((yield calls.recv(ep, SLOT_REPLY)).mrs[5], 6, 'a word that went by the buffer');
      yield* env.join(helper);
    },
  },
  {
    name: 'FRAMEDIPC0003',
    class: 'M',
    description: 'deleting the mapped copy of a frame capability unmaps the frame',
    *run(env) {
      const frame = yield* env.allocate(abi.OBJECT_4K_PAGE);
      const mapped = yield* env.copied(frame);
      const vaddr = env.takeVaddr();
      yield* env.map(mapped, SLOT_VSPACE, vaddr);
      yield calls.store(vaddr, 7);
      yield* ok(calls.remove(frame));
      equal(yield* faultOf(env, calls.load(vaddr)), undefined, 'still mapped by the other');
      yield* ok(calls.remove(mapped));
      const fault = yield* faultOf(env, calls.load(vaddr));
      equal(fault?.label, abi.FAULT_VM, 'unmapped');
      equal(fault?.mrs[1], vaddr, 'address of the fault');
    },
  },
];
