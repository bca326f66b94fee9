/** nbwait.c: receiving without blocking, on endpoints and notifications, bound and not. */

import * as calls from './driver/calls.ts';
import { equal, ok } from './driver/check.ts';
import { OUR_PRIORITY, SLOT_REPLY, SLOT_TCB } from './driver/slots.ts';
import type { Sel4Test } from './driver/test.ts';

export const NB_WAIT_TESTS: readonly Sel4Test[] = [
  {
    name: 'NBWAIT0001',
    class: 'P',
    description: 'NBWait and NBRecv find nothing, a signal exactly once, and a message',
    *run(env) {
      const ep = yield* env.endpoint();
      const notification = yield* env.notification();
      const badged = yield* env.minted(notification, 0xb0);
      const badgedEp = yield* env.minted(ep, 0xe0);
      equal((yield calls.poll(notification)).badge, 0, 'an idle notification');
      equal((yield calls.nbRecv(ep, SLOT_REPLY)).badge, 0, 'an idle endpoint');

      yield calls.signal(badged);
      equal((yield calls.poll(notification)).badge, 0xb0, 'the signal is seen');
      equal((yield calls.poll(notification)).badge, 0, 'once only');

      yield calls.signal(badged);
      yield calls.signal(yield* env.minted(notification, 0x0f));
      equal((yield calls.poll(notification)).badge, 0xbf, 'the badges of two signals');

      yield* ok(calls.bindNotification(SLOT_TCB, notification));
      equal((yield calls.nbRecv(ep, SLOT_REPLY)).badge, 0, 'bound, without a signal');
      yield calls.signal(badged);
      equal((yield calls.nbRecv(ep, SLOT_REPLY)).badge, 0xb0, 'the signal comes by the endpoint');
      equal((yield calls.nbRecv(ep, SLOT_REPLY)).badge, 0, 'once only');
      yield calls.signal(badged);
      equal((yield calls.poll(notification)).badge, 0xb0, 'and still by the notification');
      equal((yield calls.nbRecv(ep, SLOT_REPLY)).badge, 0, 'then not by the endpoint');

      const sender = yield* env.run({
        priority: OUR_PRIORITY + 1,
        *body() {
          yield calls.send(badgedEp, [0x99]);
        },
      });
      const message = yield calls.nbRecv(ep, SLOT_REPLY);
      equal(message.badge, 0xe0, 'badge of the message');
      equal(message.mrs[0], 0x99, 'word of the message');
      yield* env.join(sender);
      yield* ok(calls.unbindNotification(SLOT_TCB));
    },
  },
];
