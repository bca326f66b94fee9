/** ipc.c, second part: chains of passive servers, and budgets that go along with calls. */

import type { ThreadStep, Word } from '../../kernel/system-call.ts';
import * as calls from './driver/calls.ts';
import { check, equal, ok } from './driver/check.ts';
import type { Environment, Helper } from './driver/environment.ts';
import { OUR_PRIORITY } from './driver/slots.ts';
import type { Sel4Test } from './driver/test.ts';

const PROXIES = 5;
const CLIENTS = 4;
const CLIENT_PRIORITY = OUR_PRIORITY - 2;
const ROUNDS = 3;
const WORK_NS = 200 * calls.NS_PER_US;

/** Answers each request with its first word plus one, from wherever that comes. */
function* serve(
  ready: number,
  ep: number,
  reply: number,
  answer: (mrs: readonly Word[]) => ThreadStep<Word[]>,
): ThreadStep<void> {
  let request = yield calls.nbSendRecv(ready, [], ep, reply);
  for (;;) request = yield calls.replyRecv(ep, reply, yield* answer(request.mrs));
}

/** Client, five proxies and a server, of which only the client has a scheduling context. */
function* chain(env: Environment, serverPriority: number, length: number): ThreadStep<void> {
  const [ready, serverEp] = [yield* env.endpoint(), yield* env.endpoint()];
  const pad = Array.from({ length: length - 1 }, (_, i) => i);
  yield* env.passive(
    {
      priority: serverPriority,
      body: (self) =>
        serve(ready, serverEp, self.reply, function* (mrs) {
          yield calls.compute(WORK_NS);
          return [Number(mrs[0]) + 1, ...pad];
        }),
    },
    ready,
  );
  let next = serverEp;
  for (let i = 0; i < PROXIES; i += 1) {
    const [ep, target] = [yield* env.endpoint(), next];
    yield* env.passive(
      {
        priority: CLIENT_PRIORITY,
        body: (self) =>
          serve(ready, ep, self.reply, function* (mrs) {
            const answer = yield calls.call(target, [Number(mrs[0]) + 1, ...pad]);
            return [Number(answer.mrs[0]) + 1, ...pad];
          }),
      },
      ready,
    );
    next = ep;
  }
  yield* clientsOf(env, next, length);
}

function* clientsOf(env: Environment, ep: number, length: number): ThreadStep<void> {
  const pad = Array.from({ length: length - 1 }, (_, i) => i);
  const clients: Helper[] = [];
  for (let i = 0; i < CLIENTS; i += 1) {
    const client = yield* env.run({
      priority: CLIENT_PRIORITY,
      *body() {
        for (let round = 0; round < ROUNDS; round += 1) {
          const answer = yield calls.call(ep, [100 * round, ...pad]);
          equal(answer.mrs[0], 100 * round + 2 * PROXIES + 1, 'each station has added its part');
          equal(answer.length, length, 'length of the answer');
        }
      },
    });
    clients.push(client);
  }
  for (const client of clients) {
    yield* env.join(client);
    const { mrs } = yield* ok(calls.scConsumed(client.sc));
    const dueUs = (ROUNDS * WORK_NS) / calls.NS_PER_US;
    const message = `the server's work is on the client's account: ${mrs[0]} us of ${dueUs}`;
    check(Number(mrs[0]) >= dueUs, message);
  }
}

/** Two threads pass one scheduling context to and fro by NBSendRecv. */
function* pingPong(env: Environment): ThreadStep<void> {
  const [a, b] = [yield* env.endpoint(), yield* env.endpoint()];
  const ready = yield* env.endpoint();
  const rounds = 100;
  const pong = yield* env.passive(
    {
      priority: CLIENT_PRIORITY,
      *body(self) {
        let answer = yield calls.nbSendRecv(ready, [], b, self.reply);
        for (let i = 0; i < rounds; i += 1) {
          equal(answer.mrs[0], i, 'count that arrives');
          answer = yield calls.nbSendRecv(a, [i], b, self.reply);
        }
      },
    },
    ready,
  );
  const ping = yield* env.run({
    priority: CLIENT_PRIORITY,
    *body(self) {
      for (let i = 0; i < rounds; i += 1) {
        const answer = yield calls.nbSendRecv(b, [i], a, self.reply);
        equal(answer.mrs[0], i, 'count that comes back');
      }
      // Pong needs a context to end: it gets it with this message.
      yield calls.nbSendWait(b, [rounds], a);
    },
  });
  yield* env.join(pong);
  yield* ok(calls.suspend(ping.tcb));
}

/** A client above a passive server calls before, or after, the server waits. */
function* lowServer(env: Environment, order: 'client first' | 'server first'): ThreadStep<void> {
  const [ready, ep] = [yield* env.endpoint(), yield* env.endpoint()];
  let served = 0;
  const client = yield* env.thread({
    priority: 11,
    *body() {
      for (let i = 0; i < 10; i += 1) {
        equal((yield calls.call(ep, [i])).mrs[0], i + 1, 'answer');
      }
    },
  });
  const server = yield* env.thread({
    priority: 10,
    body: (self) =>
      serve(ready, ep, self.reply, function* (mrs) {
        served += 1;
        yield calls.compute(WORK_NS);
        return [Number(mrs[0]) + 1];
      }),
  });
  if (order === 'client first') yield* env.start(client);
  yield* env.start(server);
  yield calls.wait(ready);
  yield* ok(calls.scUnbind(server.sc));
  if (order === 'server first') yield* env.start(client);
  else if (served === 0) {
    // It has not taken the client's call, and never will by itself.
    yield* ok(calls.scBind(server.sc, server.tcb));
  }
  yield* env.join(client);
  equal(served, 10, 'requests served');
}

const CHAINS: readonly (readonly [string, number, number, string])[] = [
  ['IPC0011', CLIENT_PRIORITY, 10, 'slow path, server at the same priority'],
  ['IPC0012', CLIENT_PRIORITY + 1, 10, 'slow path, server above'],
  ['IPC0013', CLIENT_PRIORITY - 1, 10, 'slow path, server below'],
  ['IPC0014', CLIENT_PRIORITY + 1, 1, 'fast path, server above'],
  ['IPC0015', CLIENT_PRIORITY, 1, 'fast path, server at the same priority'],
];

export const IPC_CHAIN_TESTS: readonly Sel4Test[] = [
  ...CHAINS.map(([name, priority, length, what]): Sel4Test => ({
    name,
    class: 'P',
    description: `five passive proxies and a passive server on the clients' budgets: ${what}`,
    run: (env) => chain(env, priority, length),
  })),
  {
    name: 'IPC0025',
    class: 'P',
    description: 'two threads play ping-pong by NBSendRecv with one scheduling context',
    run: pingPong,
  },
  {
    name: 'IPC0026',
    class: 'P',
    description: 'the same again, as upstream has it',
    run: pingPong,
  },
  {
    name: 'IPC0027',
    class: 'P',
    description: 'a passive server of low priority gets a donation, whoever starts first',
    *run(env) {
      yield* lowServer(env, 'client first');
      yield* lowServer(env, 'server first');
    },
  },
];
