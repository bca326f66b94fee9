/**
 * ipc.c, first part: a sender and a receiver, at all message lengths, priorities and orders of
 * start.
 */

import type { ThreadStep, Word } from '../../kernel/system-call.ts';
import * as calls from './driver/calls.ts';
import { equal, equalList } from './driver/check.ts';
import type { Environment, Helper } from './driver/environment.ts';
import type { Sel4Test } from './driver/test.ts';

const LENGTH_MAX = 120;
const RECEIVER_PRIORITY = 100;

function messageOf(length: number): Word[] {
  return Array.from({ length }, (_, i) => length * 1000 + i);
}

function replyOf(length: number): Word[] {
  return messageOf(length).map((word) => Number(word) + 7);
}

interface Pair {
  readonly sender: (ep: number) => ThreadStep<void>;
  readonly receiver: (ep: number, reply: number) => ThreadStep<void>;
  readonly senderPriorities: readonly number[];
  readonly orders: readonly ('sender first' | 'receiver first')[];
}

function* runPairs(env: Environment, pair: Pair, spaces: 'shared' | 'own'): ThreadStep<void> {
  for (const priority of pair.senderPriorities) {
    for (const order of pair.orders) {
      const ep = yield* env.endpoint();
      let [sendCap, receiveCap] = [0, 0];
      const sender: Helper = yield* env.thread({
        priority,
        spaces,
        body: () => pair.sender(sendCap),
      });
      const receiver: Helper = yield* env.thread({
        priority: RECEIVER_PRIORITY,
        spaces,
        body: (self) => pair.receiver(receiveCap, self.ownReply),
      });
      sendCap = yield* env.give(sender, ep);
      receiveCap = yield* env.give(receiver, ep);
      // The one of higher priority runs as soon as we wait; at equal priorities the last that was
      // started.
      const starts = order === 'sender first' ? [sender, receiver] : [receiver, sender];
      for (const helper of starts) {
        yield* env.start(helper);
        if (order === 'receiver first') yield* env.sleep(calls.NS_PER_MS);
      }
      yield* env.join(sender);
      yield* env.join(receiver);
    }
  }
}

const SEND_AND_RECEIVE: Pair = {
  *sender(ep) {
    for (let length = 0; length <= LENGTH_MAX; length += 1) {
      yield calls.send(ep, messageOf(length));
    }
  },
  *receiver(ep, reply) {
    for (let length = 0; length <= LENGTH_MAX; length += 1) {
      const answer = yield calls.recv(ep, reply);
      equalList(answer.mrs, messageOf(length), `message of ${length} words`);
    }
  },
  senderPriorities: [98, 99, 100, 101, 102],
  orders: ['sender first', 'receiver first'],
};

function* callAll(ep: number): ThreadStep<void> {
  for (let length = 0; length <= LENGTH_MAX; length += 1) {
    const answer = yield calls.call(ep, messageOf(length));
    equalList(answer.mrs, replyOf(length), `reply of ${length} words`);
    equal(answer.badge, 0, 'a reply has no badge');
  }
}

const CALL_AND_REPLY_RECEIVE: Pair = {
  ...SEND_AND_RECEIVE,
  sender: callAll,
  *receiver(ep, reply) {
    let answer = yield calls.recv(ep, reply);
    for (let length = 0; length <= LENGTH_MAX; length += 1) {
      equalList(answer.mrs, messageOf(length), `request of ${length} words`);
      if (length === LENGTH_MAX) yield calls.send(reply, replyOf(length));
      else answer = yield calls.replyRecv(ep, reply, replyOf(length));
    }
  },
};

const CALL_REPLY_AND_RECEIVE: Pair = {
  ...SEND_AND_RECEIVE,
  sender: callAll,
  *receiver(ep, reply) {
    for (let length = 0; length <= LENGTH_MAX; length += 1) {
      const answer = yield calls.recv(ep, reply);
      equalList(answer.mrs, messageOf(length), `request of ${length} words`);
      yield calls.send(reply, replyOf(length));
    }
  },
};

/** The receiver must be waiting each time, hence only lower senders, started second. */
const NB_SEND_AND_RECEIVE: Pair = {
  *sender(ep) {
    for (let length = 0; length <= LENGTH_MAX; length += 1) {
      yield calls.nbSend(ep, messageOf(length));
    }
  },
  receiver: SEND_AND_RECEIVE.receiver,
  senderPriorities: [97, 98, 99],
  orders: ['receiver first'],
};

const PAIRS: readonly (readonly [string, Pair, string])[] = [
  ['1', SEND_AND_RECEIVE, 'Send and Recv'],
  ['2', CALL_AND_REPLY_RECEIVE, 'Call and ReplyRecv'],
  ['3', CALL_REPLY_AND_RECEIVE, 'Call, Reply and Recv'],
  ['4', NB_SEND_AND_RECEIVE, 'NBSend to a waiting receiver, and Recv'],
];

export const IPC_PAIR_TESTS: readonly Sel4Test[] = [
  ...PAIRS.map(([digit, pair, title]): Sel4Test => ({
    name: `IPC000${digit}`,
    class: 'P',
    description: `${title}, all lengths, priorities and orders`,
    run: (env) => runPairs(env, pair, 'shared'),
  })),
  ...PAIRS.map(([digit, pair, title]): Sel4Test => ({
    name: `IPC100${digit}`,
    class: 'P',
    description: `${title}, across address spaces`,
    run: (env) => runPairs(env, pair, 'own'),
  })),
];
