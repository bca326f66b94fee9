/**
 * schedcontext.c, second part: scheduling contexts on a chain of calls whose parts are taken away.
 */

import * as abi from '../../kernel/abi.ts';
import type { ThreadStep } from '../../kernel/system-call.ts';
import * as calls from './driver/calls.ts';
import { check, equal, ok, refused } from './driver/check.ts';
import type { Environment, Helper } from './driver/environment.ts';
import { OUR_PRIORITY } from './driver/slots.ts';
import type { Sel4Test } from './driver/test.ts';

const BELOW = OUR_PRIORITY - 1;
const STEP_NS = 100 * calls.NS_PER_US;

/**
 * A client whose call has gone through a passive proxy to a passive server, which counts until it
 * may answer.
 */
interface Chain {
  readonly client: Helper;
  readonly proxy: Helper;
  readonly server: Helper;
  readonly counts: { client: number; proxy: number; server: number };
  /** Lets the server answer. */
  mayAnswer: boolean;
}

function* makeChain(env: Environment): ThreadStep<Chain> {
  const [proxyEp, serverEp] = [yield* env.endpoint(), yield* env.endpoint()];
  const ready = yield* env.endpoint();
  const counts = { client: 0, proxy: 0, server: 0 };
  const server = yield* env.passive(
    {
      priority: BELOW,
      *body(self) {
        yield calls.nbSendRecv(ready, [], serverEp, self.reply);
        while (!chain.mayAnswer) {
          counts.server += 1;
          yield calls.compute(STEP_NS);
        }
        yield calls.replyRecv(serverEp, self.reply);
      },
    },
    ready,
  );
  const proxy = yield* env.passive(
    {
      priority: BELOW,
      *body(self) {
        yield calls.nbSendRecv(ready, [], proxyEp, self.reply);
        yield calls.call(serverEp);
        counts.proxy += 1;
        yield calls.replyRecv(proxyEp, self.reply);
      },
    },
    ready,
  );
  const client = yield* env.run({
    priority: BELOW,
    *body() {
      // Started a second time, it does not call again.
      if (counts.client === 0) {
        counts.client = 1;
        yield calls.call(proxyEp);
      }
      counts.client += 1;
    },
  });
  const chain: Chain = { client, proxy, server, counts, mayAnswer: false };
  yield* env.sleep(20 * calls.NS_PER_MS);
  check(counts.server > 0, "the server runs on the client's context");
  return chain;
}

/** Whether the server's count goes up. */
function* serverRuns(env: Environment, chain: Chain): ThreadStep<boolean> {
  const before = chain.counts.server;
  yield* env.sleep(20 * calls.NS_PER_MS);
  return chain.counts.server > before;
}

export const SCHED_CONTEXT_CHAIN_TESTS: readonly Sel4Test[] = [
  {
    name: 'SCHED_CONTEXT_0009',
    class: 'T',
    description: 'the reply is deleted: the server stops, the context is back with its client',
    *run(env) {
      const [ep, ready] = [yield* env.endpoint(), yield* env.endpoint()];
      let [serverCount, clientStarts] = [0, 0];
      const server = yield* env.passive(
        {
          priority: BELOW,
          *body(self) {
            yield calls.nbSendRecv(ready, [], ep, self.reply);
            for (;;) {
              serverCount += 1;
              yield calls.compute(STEP_NS);
            }
          },
        },
        ready,
      );
      const client = yield* env.run({
        priority: BELOW,
        *body() {
          clientStarts += 1;
          if (clientStarts === 1) yield calls.call(ep);
        },
      });
      yield* env.sleep(20 * calls.NS_PER_MS);
      check(serverCount > 0, 'the server runs');
      yield* ok(calls.remove(server.reply));
      const before = serverCount;
      yield* env.sleep(20 * calls.NS_PER_MS);
      equal(serverCount, before, 'the server has stopped');
      yield* env.start(client);
      yield* env.join(client);
      equal(clientStarts, 2, 'the client has its context again');
    },
  },
  {
    name: 'SCHED_CONTEXT_0010',
    class: 'T',
    description: 'the context is unbound from the server, which stops, and bound to the client',
    *run(env) {
      const chain = yield* makeChain(env);
      yield* ok(calls.scUnbindObject(chain.client.sc, chain.server.tcb));
      check(!(yield* serverRuns(env, chain)), 'the server has stopped');
      yield* ok(calls.scBind(chain.client.sc, chain.client.tcb));
      check(!(yield* serverRuns(env, chain)), "and does not run on the client's");
      yield* env.start(chain.client);
      yield* env.join(chain.client);
      equal(chain.counts.client, 2, 'the client runs');
    },
  },
  {
    name: 'SCHED_CONTEXT_0011',
    class: 'T',
    description: 'replies are deleted from the top: the context goes back along the chain',
    *run(env) {
      const chain = yield* makeChain(env);
      yield* ok(calls.remove(chain.server.reply));
      check(!(yield* serverRuns(env, chain)), 'the server has stopped');
      yield* ok(calls.remove(chain.proxy.reply));
      yield* refused(calls.scUnbindObject(chain.client.sc, chain.proxy.tcb), abi.ILLEGAL_OPERATION);
      yield* env.start(chain.client);
      yield* env.join(chain.client);
      equal(chain.counts.client, 2, 'the client has its context again');
    },
  },
  {
    name: 'SCHED_CONTEXT_0012',
    class: 'T',
    description: 'the middle reply is deleted first: the client does not get its context back',
    *run(env) {
      const chain = yield* makeChain(env);
      yield* ok(calls.remove(chain.proxy.reply));
      check(yield* serverRuns(env, chain), 'the server goes on');
      yield* ok(calls.remove(chain.server.reply));
      check(!(yield* serverRuns(env, chain)), 'the server has stopped');
      yield* env.start(chain.client);
      yield* env.sleep(20 * calls.NS_PER_MS);
      equal(chain.counts.client, 1, 'the client has no context');
      yield* ok(calls.scUnbindObject(chain.client.sc, chain.proxy.tcb));
      yield* ok(calls.scBind(chain.client.sc, chain.client.tcb));
      yield* env.join(chain.client);
    },
  },
  {
    name: 'SCHED_CONTEXT_0013',
    class: 'T',
    description: 'the context of a chain is deleted: all stop; new ones let them finish',
    *run(env) {
      const chain = yield* makeChain(env);
      yield* ok(calls.remove(chain.client.sc));
      check(!(yield* serverRuns(env, chain)), 'the server has stopped');
      chain.mayAnswer = true;
      const sc = yield* env.schedContext();
      yield* ok(calls.scBind(sc, chain.server.tcb));
      yield* env.sleep(20 * calls.NS_PER_MS);
      equal(chain.counts.proxy, 0, 'the proxy is answered but has no context');
      yield* ok(calls.scUnbind(sc));
      yield* ok(calls.scBind(sc, chain.proxy.tcb));
      yield* env.sleep(20 * calls.NS_PER_MS);
      equal(chain.counts.proxy, 1, 'the proxy finishes');
      equal(chain.counts.client, 1, 'the client is answered but has no context');
      yield* ok(calls.scUnbind(sc));
      yield* ok(calls.scBind(sc, chain.client.tcb));
      yield* env.join(chain.client);
      equal(chain.counts.client, 2, 'the client finishes');
    },
  },
];
