/** ipc.c, third part: calls whose threads, replies and scheduling contexts are taken away. */

import * as abi from '../../kernel/abi.ts';
import type { ThreadStep } from '../../kernel/system-call.ts';
import * as calls from './driver/calls.ts';
import { check, equal, ok } from './driver/check.ts';
import type { Environment, Helper } from './driver/environment.ts';
import { OUR_PRIORITY, SLOT_REPLY, SLOT_VSPACE } from './driver/slots.ts';
import type { Sel4Test } from './driver/test.ts';

const ABOVE = OUR_PRIORITY + 1;

/**
 * A thread of priority above ours, so that it does at once what it can.
 * @returns it and how far it has come
 */
function* stepper(
  env: Environment,
  body: (self: Helper, step: () => void) => ThreadStep<void>,
): ThreadStep<{ helper: Helper; steps: () => number }> {
  let count = 0;
  const helper = yield* env.run({
    priority: ABOVE,
    *body(self) {
      yield* body(self, () => (count += 1));
    },
  });
  return { helper, steps: () => count };
}

interface WaitingCaller {
  readonly ep: number;
  readonly reply: number;
  readonly helper: Helper;
  readonly steps: () => number;
}

/** A caller that waits for its reply in this reply object, which the test holds. */
function* waitingCaller(env: Environment): ThreadStep<WaitingCaller> {
  const [ep, reply] = [yield* env.endpoint(), yield* env.reply()];
  const { helper, steps } = yield* stepper(env, function* (_, step) {
    yield calls.call(ep, [1]);
    step();
  });
  equal((yield calls.recv(ep, reply)).mrs[0], 1, 'the call arrives');
  return { ep, reply, helper, steps };
}

export const IPC_TESTS: readonly Sel4Test[] = [
  {
    name: 'IPC0010',
    class: 'P',
    description: 'a thread that waits for a reply is suspended, resumed, suspended and deleted',
    *run(env) {
      const { ep, reply, helper, steps } = yield* waitingCaller(env);
      yield* ok(calls.suspend(helper.tcb));
      yield calls.send(reply);
      equal(steps(), 0, 'a suspended caller is not answered');
      yield* ok(calls.resume(helper.tcb));
      equal((yield calls.recv(ep, reply)).mrs[0], 1, 'resumed, it calls again');
      yield* ok(calls.suspend(helper.tcb));
      yield* ok(calls.remove(helper.tcb));
      yield calls.send(reply);
      equal(steps(), 0, 'it never got an answer');
    },
  },
  {
    name: 'IPC0016',
    class: 'P',
    description: 'a passive server that answers by Send and then waits loses the context it had',
    *run(env) {
      const [ep, ready] = [yield* env.endpoint(), yield* env.endpoint()];
      const states: string[] = [];
      yield* env.passive(
        {
          priority: OUR_PRIORITY,
          *body(self) {
            yield calls.nbSendRecv(ready, [], ep, self.reply);
            states.push('server has the call');
            yield calls.send(self.reply);
            states.push('server goes on');
            yield calls.wait(ep);
          },
        },
        ready,
      );
      const client = yield* env.run({
        priority: OUR_PRIORITY,
        *body() {
          yield calls.call(ep);
          states.push('client has its answer');
          yield calls.call(ep);
          states.push('client has a second answer');
        },
      });
      yield* env.sleep(10 * calls.NS_PER_MS);
      equal(states.join(', '), 'server has the call, client has its answer', 'what happened');
      yield* ok(calls.suspend(client.tcb));
    },
  },
  {
    name: 'IPC0017',
    class: 'P',
    description: 'messages to a server without a scheduling context wait until it has one',
    *run(env) {
      const [ep, ready] = [yield* env.endpoint(), yield* env.endpoint()];
      let received = 0;
      const server = yield* env.passive(
        {
          priority: OUR_PRIORITY,
          *body(self) {
            yield calls.nbSendRecv(ready, [], ep, self.reply);
            for (;;) {
              received += 1;
              yield calls.recv(ep, self.reply);
            }
          },
        },
        ready,
      );
      yield calls.nbSend(ep, [1]);
      yield calls.nbSend(ep, [2]);
      equal(received, 0, 'NBSend does not make it run');
      const clients: { helper: Helper; steps: () => number }[] = [];
      for (let i = 0; i < 3; i += 1) {
        clients.push(
          yield* stepper(env, function* (_, step) {
            yield calls.send(ep, [3]);
            step();
          }),
        );
      }
      for (const { steps } of clients) equal(steps(), 0, 'the client blocks');
      yield* ok(calls.scBind(server.sc, server.tcb));
      for (const { helper } of clients) yield* env.join(helper);
      yield* env.sleep(calls.NS_PER_MS);
      // The first NBSend found it waiting, the second found nobody.
      equal(received, 1 + clients.length, 'messages received');
    },
  },
  {
    name: 'IPC0018',
    class: 'P',
    description: 'a message of a sender that has lost its context arrives; the sender does not run',
    *run(env) {
      const ep = yield* env.endpoint();
      const { helper, steps } = yield* stepper(env, function* (_, step) {
        yield calls.send(ep, [5]);
        step();
      });
      yield* ok(calls.scUnbind(helper.sc));
      equal((yield calls.recv(ep, SLOT_REPLY)).mrs[0], 5, 'message');
      equal(steps(), 0, 'the sender does not run');
      yield* ok(calls.scBind(helper.sc, helper.tcb));
      equal(steps(), 1, 'it runs with its context');
    },
  },
  {
    name: 'IPC0019',
    class: 'P',
    description: 'the context of a queued sender is deleted: its message stays, it does not run',
    *run(env) {
      const ep = yield* env.endpoint();
      const { helper, steps } = yield* stepper(env, function* (_, step) {
        yield calls.send(ep, [6]);
        step();
      });
      yield* ok(calls.remove(helper.sc));
      equal((yield calls.recv(ep, SLOT_REPLY)).mrs[0], 6, 'message');
      yield* env.sleep(calls.NS_PER_MS);
      equal(steps(), 0, 'the sender does not run');
    },
  },
  {
    name: 'IPC0020',
    class: 'P',
    description: 'the context of a receiver is deleted: it runs only with a new one',
    *run(env) {
      const ep = yield* env.endpoint();
      let word: number | bigint = 0;
      const { helper, steps } = yield* stepper(env, function* (self, step) {
        word = (yield calls.recv(ep, self.reply)).mrs[0] ?? 0;
        step();
      });
      yield* ok(calls.remove(helper.sc));
      yield calls.send(ep, [7]);
      yield* env.sleep(calls.NS_PER_MS);
      equal(steps(), 0, 'the receiver does not run');
      yield* ok(calls.scBind(yield* env.schedContext(), helper.tcb));
      equal(steps(), 1, 'it runs with a new context');
      equal(word, 7, 'message');
    },
  },
  {
    name: 'IPC0021',
    class: 'M',
    description: "a passive fault handler runs on the faulter's context and maps the missing page",
    *run(env) {
      const [faults, ready] = [yield* env.endpoint(), yield* env.endpoint()];
      const vaddr = env.takeVaddr();
      const frame = yield* env.allocate(abi.OBJECT_4K_PAGE);
      const handler = yield* env.passive(
        {
          priority: OUR_PRIORITY,
          *body(self) {
            const fault = yield calls.nbSendRecv(ready, [], faults, self.reply);
            equal(fault.label, abi.FAULT_VM, 'type of the fault');
            equal(fault.mrs[1], vaddr, 'address of the fault');
            yield* ok(calls.mapPage(frame, SLOT_VSPACE, vaddr));
            yield calls.replyRecv(faults, self.reply);
          },
        },
        ready,
      );
      const faulter = yield* env.run({
        priority: OUR_PRIORITY - 1,
        faultHandler: faults,
        *body() {
          yield calls.store(vaddr, 0x1234);
          equal((yield calls.load(vaddr)).value, 0x1234, 'the page is there');
        },
      });
      yield* env.join(faulter);
      yield* ok(calls.suspend(handler.tcb));
    },
  },
  {
    name: 'IPC0022',
    class: 'P',
    description: 'a server hands each client to a new passive server with the reply object',
    run: stackSpawning,
  },
  {
    name: 'IPC0023',
    class: 'P',
    description:
      'a context that a reply object tracks is deleted: the reply does not run the client',
    *run(env) {
      const { helper, steps } = yield* trackedCaller(env);
      yield* ok(calls.remove(helper.sc));
      yield calls.send(helper.reply);
      yield* env.sleep(calls.NS_PER_MS);
      equal(steps(), 0, 'the client does not run');
      yield* ok(calls.scBind(yield* env.schedContext(), helper.tcb));
      equal(steps(), 1, 'it has been answered and runs with a new context');
    },
  },
  {
    name: 'IPC0024',
    class: 'P',
    description: 'the reply object is deleted, then the context: the caller does not run',
    *run(env) {
      const { helper, steps } = yield* trackedCaller(env);
      yield* ok(calls.remove(helper.reply));
      yield* ok(calls.remove(helper.sc));
      yield* env.sleep(calls.NS_PER_MS);
      equal(steps(), 0, 'the caller does not run');
      check(!(yield* env.isEmpty(helper.tcb)), 'the caller still exists');
    },
  },
];

/**
 * A client on whose context a passive server runs without end; the server's reply object is
 * `helper.reply`.
 */
function* trackedCaller(env: Environment): ThreadStep<{ helper: Helper; steps: () => number }> {
  const [ep, ready] = [yield* env.endpoint(), yield* env.endpoint()];
  const never = yield* env.notification();
  const server = yield* env.passive(
    {
      priority: OUR_PRIORITY,
      *body(self) {
        yield calls.nbSendRecv(ready, [], ep, self.reply);
        yield calls.wait(never);
      },
    },
    ready,
  );
  const caller = yield* stepper(env, function* (_, step) {
    yield calls.call(ep);
    step();
  });
  yield* env.sleep(calls.NS_PER_MS);
  return { helper: { ...caller.helper, reply: server.reply }, steps: caller.steps };
}

function* stackSpawning(env: Environment): ThreadStep<void> {
  const clientsCount = 10;
  const [ep, ready] = [yield* env.endpoint(), yield* env.endpoint()];
  const replies: number[] = [];
  const forwards: number[] = [];
  for (let i = 0; i <= clientsCount; i += 1) replies.push(yield* env.reply());
  for (let i = 0; i < clientsCount; i += 1) {
    const forward = yield* env.endpoint();
    forwards.push(forward);
    yield* env.passive(
      {
        priority: OUR_PRIORITY - 1,
        *body(self) {
          const request = yield calls.nbSendRecv(ready, [], forward, self.reply);
          yield calls.compute(calls.NS_PER_MS);
          yield calls.send(replies[i] as number, [Number(request.mrs[0]) + 1]);
        },
      },
      ready,
    );
  }
  yield* env.passive(
    {
      priority: OUR_PRIORITY - 1,
      *body() {
        let request = yield calls.nbSendRecv(ready, [], ep, replies[0] as number);
        for (let i = 0; i < clientsCount; i += 1) {
          const to = forwards[i] as number;
          request = yield calls.nbSendRecv(to, request.mrs, ep, replies[i + 1] as number);
        }
      },
    },
    ready,
  );
  const clients: Helper[] = [];
  for (let i = 0; i < clientsCount; i += 1) {
    const client = yield* env.run({
      priority: OUR_PRIORITY - 1,
      *body() {
        equal((yield calls.call(ep, [i])).mrs[0], i + 1, 'answer');
      },
    });
    clients.push(client);
  }
  for (const client of clients) yield* env.join(client);
}
