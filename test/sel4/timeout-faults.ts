/** faults.c, second part: handlers for budgets that are used up. */

import * as abi from '../../kernel/abi.ts';
import type { ThreadStep, Word } from '../../kernel/system-call.ts';
import * as calls from './driver/calls.ts';
import { check, equal, ok } from './driver/check.ts';
import type { Environment, Helper } from './driver/environment.ts';
import { OUR_PRIORITY, SLOT_REPLY } from './driver/slots.ts';
import type { Sel4Test } from './driver/test.ts';

const SC_BADGE = 0x7_7777;
/** What a client gets whose request took too long: -1. */
const TIMED_OUT = 2n ** 64n - 1n;
const FAULTS = 100;
const BELOW = OUR_PRIORITY - 1;

function setTimeoutEndpoint(tcb: number, ep: Word) {
  return calls.invoke(tcb, abi.TCB_SET_TIMEOUT_ENDPOINT, [], [ep]);
}

function* spin(): ThreadStep<void> {
  for (;;) yield calls.compute(calls.NS_PER_MS);
}

/** A passive server, and what is needed to start it afresh when it has timed out. */
interface Server {
  readonly helper: Helper;
  readonly ep: number;
  readonly ready: number;
}

/** @param handle what it does for a client before it answers */
function* makeServer(
  env: Environment,
  timeouts: number,
  handle: () => ThreadStep<Word[]>,
): ThreadStep<Server> {
  const [ep, ready] = [yield* env.endpoint(), yield* env.endpoint()];
  const helper = yield* env.passive(
    {
      priority: BELOW,
      *body(self) {
        yield calls.nbSendRecv(ready, [], ep, self.reply);
        for (;;) yield calls.replyRecv(ep, self.reply, yield* handle());
      },
    },
    ready,
  );
  yield* ok(setTimeoutEndpoint(helper.tcb, timeouts));
  return { helper, ep, ready };
}

/** Tells the server's caller that it took too long, and sets the server back to its start. */
function* recover(server: Server): ThreadStep<void> {
  const { helper } = server;
  yield calls.send(helper.reply, [TIMED_OUT]);
  yield* ok(calls.scBind(helper.sc, helper.tcb));
  const registers = [...(yield* ok(calls.readRegisters(helper.tcb))).mrs];
  registers[abi.REG_PC] = helper.entry;
  yield calls.send(SLOT_REPLY, registers);
  yield calls.wait(server.ready);
  yield* ok(calls.scUnbind(helper.sc));
}

function* makeClient(env: Environment, ep: number): ThreadStep<Helper> {
  return yield* env.run({
    priority: BELOW,
    budget: { budgetUs: 1_000, periodUs: 10_000, badge: SC_BADGE },
    *body() {
      for (let i = 0; i < 3; i += 1) {
        equal((yield calls.call(ep)).mrs[0], TIMED_OUT, 'what the client is told');
      }
    },
  });
}

export const TIMEOUT_FAULT_TESTS: readonly Sel4Test[] = [
  {
    name: 'TIMEOUTFAULT0001',
    class: 'T',
    description: 'a thread that spins with 1 ms in 2 ms raises a hundred timeout faults',
    *run(env) {
      const timeouts = yield* env.endpoint();
      const helper = yield* env.thread({
        priority: BELOW,
        budget: { budgetUs: 1_000, periodUs: 2_000, badge: SC_BADGE },
        body: spin,
      });
      yield* ok(setTimeoutEndpoint(helper.tcb, yield* env.minted(timeouts, 9)));
      const start = env.now();
      yield* env.start(helper);
      for (let i = 0; i < FAULTS; i += 1) {
        const fault = yield calls.recv(timeouts, SLOT_REPLY);
        equal(fault.label, abi.FAULT_TIMEOUT, 'type of the fault');
        equal(fault.badge, 9, "badge of the handler's capability");
        equal(fault.length, 2, 'length of the message');
        equal(fault.mrs[0], SC_BADGE, "the context's badge");
        const used = Number(fault.mrs[1]);
        check(used > 900 && used < 1_100, `${used} us consumed`);
        yield calls.send(SLOT_REPLY);
      }
      const took = env.now() - start;
      const due = FAULTS * 2 * calls.NS_PER_MS;
      check(Math.abs(took - due) < due / 20, `the faults took ${took} ns of ${due}`);
    },
  },
  {
    name: 'TIMEOUTFAULT0002',
    class: 'T',
    description: "a passive server times out on its client's budget and is set back",
    *run(env) {
      const timeouts = yield* env.endpoint();
      const server = yield* makeServer(env, timeouts, function* () {
        yield* spin();
        return [];
      });
      const client = yield* makeClient(env, server.ep);
      for (let i = 0; i < 3; i += 1) {
        const fault = yield calls.recv(timeouts, SLOT_REPLY);
        equal(fault.label, abi.FAULT_TIMEOUT, 'type of the fault');
        equal(fault.mrs[0], SC_BADGE, "badge of the client's context");
        yield* recover(server);
      }
      yield* env.join(client);
    },
  },
  {
    name: 'TIMEOUTFAULT0003',
    class: 'T',
    description: 'a server behind a proxy times out, then the proxy, and both are set back',
    *run(env) {
      const timeouts = yield* env.endpoint();
      const [ofServer, ofProxy] = [yield* env.minted(timeouts, 1), yield* env.minted(timeouts, 2)];
      const server = yield* makeServer(env, ofServer, function* () {
        yield* spin();
        return [];
      });
      const proxy = yield* makeServer(env, ofProxy, function* () {
        return [...(yield calls.call(server.ep)).mrs];
      });
      const client = yield* makeClient(env, proxy.ep);
      for (let i = 0; i < 3; i += 1) {
        for (const [badge, stage] of [
          [1, server],
          [2, proxy],
        ] as const) {
          const fault = yield calls.recv(timeouts, SLOT_REPLY);
          equal(fault.label, abi.FAULT_TIMEOUT, 'type of the fault');
          equal(fault.badge, badge, 'who has timed out');
          equal(fault.mrs[0], SC_BADGE, "badge of the client's context");
          yield* recover(stage);
        }
      }
      yield* env.join(client);
    },
  },
];
