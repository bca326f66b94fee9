/** cspace.c: lookup through a chain of one-bit CNodes as deep as a cptr is long. */

import * as abi from '../../kernel/abi.ts';
import type { ThreadStep } from '../../kernel/system-call.ts';
import * as calls from './driver/calls.ts';
import { equal, ok } from './driver/check.ts';
import type { Environment } from './driver/environment.ts';
import { DEPTH, OUR_PRIORITY, SLOT_CNODE, SLOT_VSPACE } from './driver/slots.ts';
import type { Sel4Test } from './driver/test.ts';

/** Without an answer: the helper names a slot of the chain in each message, and calls it. */
const PATH = 0xdead_beef_cafe_f00dn;

/** @returns the first CNode of a chain in which `PATH` leads to `target` */
function* makeChain(env: Environment, target: number): ThreadStep<number> {
  let next = target;
  for (let bit = 0; bit < DEPTH; bit += 1) {
    const cnode = yield* env.allocate(abi.OBJECT_CNODE, 1);
    const index = (PATH >> BigInt(bit)) & 1n;
    yield* ok(calls.mintInto(cnode, 1, index, next, 0));
    next = cnode;
  }
  return next;
}

/** The cptrs that must not lead anywhere: `PATH` with one bit changed, and small ones. */
function wrongCptrs(): bigint[] {
  const changed = Array.from({ length: DEPTH }, (_, bit) => PATH ^ (1n << BigInt(bit)));
  const small = Array.from({ length: DEPTH }, (_, i) => BigInt(i));
  return [...changed, ...small];
}

export const CSPACE_TESTS: readonly Sel4Test[] = [
  {
    name: 'CSPACE0001',
    class: 'P',
    description: 'of 64 one-bit CNodes only the exact 64-bit cptr resolves',
    *run(env) {
      const ep = yield* env.endpoint();
      const chain = yield* makeChain(env, ep);
      const cptrs = [PATH, ...wrongCptrs()];
      const labels: (number | bigint)[] = [];
      const helper = yield* env.thread({
        priority: OUR_PRIORITY - 1,
        *body() {
          for (const cptr of cptrs) labels.push((yield calls.call(cptr)).label);
          // Its CSpace has nothing else, so it tells by a message to the same endpoint that it is
          // done.
          yield calls.call(PATH, [1]);
          return 0;
        },
      });
      // The space of a live thread is exchanged: it was configured with ours.
      const spaces = [0, chain, SLOT_VSPACE];
      yield* ok(calls.invoke(helper.tcb, abi.TCB_SET_SPACE, [0, 0], spaces));
      yield* env.start(helper);
      equal((yield calls.recv(ep, helper.reply)).length, 0, 'the exact cptr delivers');
      yield calls.send(helper.reply, [], { label: 77 });
      equal((yield calls.recv(ep, helper.reply)).mrs[0], 1, 'the helper ends');
      equal(labels[0], 77, 'the exact cptr is answered');
      for (let i = 1; i < cptrs.length; i += 1) {
        const what = `cptr 0x${(cptrs[i] as bigint).toString(16)}`;
        equal(labels[i], abi.INVALID_CAPABILITY, what);
      }
      const back = [0, SLOT_CNODE, SLOT_VSPACE];
      yield* ok(calls.invoke(helper.tcb, abi.TCB_SET_SPACE, [0, 0], back));
    },
  },
];
