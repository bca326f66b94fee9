/** endpoints.c: cancelling the sends of one badge. */

import * as abi from '../../kernel/abi.ts';
import type { ThreadStep, Word } from '../../kernel/system-call.ts';
import * as calls from './driver/calls.ts';
import { check, equal, ok } from './driver/check.ts';
import type { Environment, Helper } from './driver/environment.ts';
import { OUR_PRIORITY } from './driver/slots.ts';
import type { Sel4Test } from './driver/test.ts';

const BADGES = 4;
const SENDERS_PER_BADGE = 3;

interface Sender {
  readonly badge: number;
  readonly cap: number;
  readonly helper: Helper;
  answers: Word[];
}

/**
 * For each badge a capability, and of it a copy for each of several senders, which call again when
 * they are aborted.
 */
function* makeSenders(
  env: Environment,
  ep: number,
): ThreadStep<{ badged: number[]; senders: Sender[] }> {
  const badged: number[] = [];
  const senders: Sender[] = [];
  for (let b = 0; b < BADGES; b += 1) {
    const badge = b + 200;
    badged.push(yield* env.minted(ep, badge));
    for (let i = 0; i < SENDERS_PER_BADGE; i += 1) {
      const cap = yield* env.copied(badged[b] as number);
      const answers: Word[] = [];
      const helper = yield* env.run({
        priority: OUR_PRIORITY + 1,
        *body() {
          for (;;) {
            const { label } = yield calls.call(cap, [badge]);
            answers.push(label);
            if (label !== 0) return label;
          }
        },
      });
      senders.push({ badge, cap, helper, answers });
    }
  }
  return { badged, senders };
}

/**
 * Two senders, of badges 101 and 102, that have lost their contexts: once cancelled they do not
 * send again.
 *
 * @returns the capability of badge 101
 */
function* blockedSenders(env: Environment, ep: number): ThreadStep<number> {
  const caps = [yield* env.minted(ep, 101), yield* env.minted(ep, 102)] as const;
  for (const cap of caps) {
    const helper = yield* env.run({
      priority: OUR_PRIORITY + 1,
      *body() {
        yield calls.send(cap);
      },
    });
    yield* ok(calls.scUnbind(helper.sc));
  }
  return caps[0];
}

export const CANCEL_BADGED_SENDS_TESTS: readonly Sel4Test[] = [
  {
    name: 'CANCEL_BADGED_SENDS_0001',
    class: 'P',
    description: 'revoke and cancel abort the senders of that badge only; their next call fails',
    *run(env) {
      const ep = yield* env.endpoint();
      const { badged, senders } = yield* makeSenders(env, ep);
      for (let b = 0; b < BADGES; b += 1) {
        const cap = badged[b] as number;
        yield* ok(calls.revoke(cap));
        yield* ok(calls.cancelBadgedSends(cap));
        for (const sender of senders.filter(({ badge }) => badge === b + 200)) {
          equal(yield* env.join(sender.helper), abi.INVALID_CAPABILITY, 'the retried call fails');
        }
        const waiting = yield* drain(env, ep, senders, b);
        equal(waiting, (BADGES - 1 - b) * SENDERS_PER_BADGE, 'others still wait');
      }
      equal((yield calls.nbRecv(ep, yield* env.reply())).badge, 0, 'nobody sends any more');
    },
  },
  {
    name: 'CANCEL_BADGED_SENDS_0002',
    class: 'P',
    description: 'revoking one badge deletes the derived capabilities of that badge only',
    *run(env) {
      const ep = yield* env.endpoint();
      const badges = Array.from({ length: 8 }, (_, i) => i + 1);
      const originals: number[] = [];
      const derived: number[] = [];
      for (const badge of badges) originals.push(yield* env.minted(ep, badge));
      for (const original of originals) derived.push(yield* env.copied(original));
      yield* ok(calls.cancelBadgedSends(yield* blockedSenders(env, ep)));
      const left = yield calls.nbRecv(ep, yield* env.reply());
      equal(left.badge, 102, 'the other badge still sends');
      equal((yield calls.nbRecv(ep, yield* env.reply())).badge, 0, 'this badge does not');
      for (let i = 0; i < badges.length; i += 1) {
        yield* ok(calls.revoke(originals[i] as number));
        for (let j = 0; j < badges.length; j += 1) {
          equal(yield* env.isEmpty(derived[j] as number), j <= i, `copy of badge ${j + 1}`);
          check(!(yield* env.isEmpty(originals[j] as number)), 'the revoked one itself stays');
        }
      }
    },
  },
];

/**
 * Receives from each waiting sender once and answers them all afterwards.
 * @returns how many there were
 */
function* drain(
  env: Environment,
  ep: number,
  senders: readonly Sender[],
  cancelled: number,
): ThreadStep<number> {
  const replies: number[] = [];
  for (;;) {
    const reply = yield* env.reply();
    const answer = yield calls.nbRecv(ep, reply);
    if (answer.badge === 0) break;
    check(answer.badge > cancelled + 200, `badge ${answer.badge} was not cancelled`);
    replies.push(reply);
  }
  for (const reply of replies) yield calls.send(reply);
  const alive = senders.filter(({ badge }) => badge > cancelled + 200);
  for (const { answers } of alive) equal(answers.at(-1), 0, 'an untouched sender was answered');
  return replies.length;
}
