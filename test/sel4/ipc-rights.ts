/** ipc_rights.c: what an endpoint capability allows. */

import * as abi from '../../kernel/abi.ts';
import type { Word } from '../../kernel/system-call.ts';
import * as calls from './driver/calls.ts';
import { check, equal, ok } from './driver/check.ts';
import { DEPTH, OUR_PRIORITY, SLOT_CNODE, SLOT_REPLY } from './driver/slots.ts';
import type { Sel4Test } from './driver/test.ts';

const ALL_RIGHTS = Array.from({ length: 16 }, (_, rights) => rights);

export const IPC_RIGHTS_TESTS: readonly Sel4Test[] = [
  {
    name: 'IPCRIGHTS0001',
    class: 'P',
    description: 'Send through a capability without write delivers nothing',
    *run(env) {
      for (const rights of ALL_RIGHTS) {
        const ep = yield* env.endpoint();
        const cap = yield* env.copied(ep, rights);
        let received: Word | undefined;
        const helper = yield* env.run({
          priority: OUR_PRIORITY + 1,
          *body(self) {
            received = (yield calls.recv(ep, self.reply)).mrs[0];
          },
        });
        yield calls.nbSend(cap, [77]);
        const isAllowed = (rights & abi.RIGHT_WRITE) !== 0;
        equal(received, isAllowed ? 77 : undefined, `delivered with rights ${rights}`);
        yield* ok(calls.suspend(helper.tcb));
      }
    },
  },
  {
    name: 'IPCRIGHTS0002',
    class: 'P',
    description: 'Recv through a capability without read faults',
    *run(env) {
      for (const rights of ALL_RIGHTS) {
        const [ep, faults] = [yield* env.endpoint(), yield* env.endpoint()];
        const cap = yield* env.copied(ep, rights);
        const helper = yield* env.run({
          priority: OUR_PRIORITY + 1,
          faultHandler: faults,
          *body(self) {
            yield calls.recv(cap, self.reply);
          },
        });
        const fault = yield calls.nbRecv(faults, SLOT_REPLY);
        const isAllowed = (rights & abi.RIGHT_READ) !== 0;
        equal(fault.label, isAllowed ? 0 : abi.FAULT_CAP, `fault with rights ${rights}`);
        if (!isAllowed) {
          equal(fault.mrs[1], cap, 'address of the fault');
          equal(fault.mrs[2], 1, 'it is in the receive phase');
        }
        yield* ok(calls.suspend(helper.tcb));
      }
    },
  },
  {
    name: 'IPCRIGHTS0003',
    class: 'P',
    description: 'a capability goes with the message only if the sending one has grant',
    *run(env) {
      for (const rights of ALL_RIGHTS.filter((each) => (each & abi.RIGHT_WRITE) !== 0)) {
        const [ep, other] = [yield* env.endpoint(), yield* env.endpoint()];
        const cap = yield* env.copied(ep, rights);
        const index = env.takeSlot();
        let extraCaps = -1;
        const helper = yield* env.run({
          priority: OUR_PRIORITY + 1,
          *body(self) {
            const receive = { cnode: SLOT_CNODE, index, depth: DEPTH };
            extraCaps = (yield calls.recv(ep, self.reply, receive)).extraCaps;
          },
        });
        yield calls.send(cap, [], { caps: [other] });
        yield* env.join(helper);
        const isGranted = (rights & abi.RIGHT_GRANT) !== 0;
        equal(extraCaps, isGranted ? 1 : 0, `capabilities received with rights ${rights}`);
        equal(yield* env.isEmpty(index), !isGranted, `the receive slot with rights ${rights}`);
        check(!(yield* env.isEmpty(other)), 'the sender keeps its own');
      }
    },
  },
];
