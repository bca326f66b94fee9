/**
 * Route 3: a system call. A protected call of a client to a passive server: capability lookup,
 * rendezvous at the endpoint, donation of the scheduling context, the server's `protected`, its
 * reply, and the caller goes on.
 *
 * The kernel has no hooks for this: the test watches its objects, one property each, from outside.
 * It takes the general path, which is the specification; the fast path does the same in other
 * order.
 */

import { describe, expect, it } from 'vitest';
import type { Kernel } from '../../kernel/boot.ts';
import type { Tcb } from '../../kernel/objects/objects.ts';
import { main as timerDriver } from '../../drivers/timer/goldfish/driver.ts';
import { system } from '../../microkit/builder.ts';
import type { SystemDescription } from '../../microkit/model.ts';
import { messageInfo, type Program } from '../../microkit/pd.ts';
import { timer } from '../../microkit/sddf/timer.ts';
import {
  TIMER_GET_TIME,
  TIMER_SET_TIMEOUT,
  type TimerClientConfig,
} from '../../queues/timer/config.ts';
import { timerDevice } from '../../systems/devices.ts';
import { createTestbed } from '../../systems/testbed.ts';
import { described } from '../support/echo-testbed.ts';
import { traced } from '../support/traced-program.ts';
import { ownCNode, watch, watchReads } from '../support/watched-kernel.ts';

const TIMEOUT_NS = 1_000_000;
/** Microkit's slots. */
const SLOT_INPUT = 1;
const SLOT_REPLY = 4;
const SLOT_OUTPUT_ENDPOINT = 74;

/** Asks for the time whenever its time-out comes, and for the next time-out. */
const client: Program<{ timer: TimerClientConfig }> = (pd) => {
  const { channel } = pd.config.timer;
  const rearm = (): void => {
    pd.setMr(0, TIMEOUT_NS);
    pd.ppcall(channel, messageInfo(TIMER_SET_TIMEOUT, 1));
  };
  rearm();
  return {
    notified: () => {
      pd.ppcall(channel, messageInfo(TIMER_GET_TIME, 0));
      rearm();
    },
  };
};

function clientAndTimer(): SystemDescription {
  const sys = system({ name: 'client and timer' });
  const driver = sys.pd('timer_driver', { program: timerDriver, priority: 102, passive: true });
  const time = timer(sys, { device: timerDevice, driver });
  time.addClient(sys.pd('client', { program: client as unknown as Program, priority: 97 }));
  return described(sys.build());
}

/** Watches what one call does to its two threads. */
function watchCall(
  kernel: Kernel,
  threads: ReadonlyMap<string, Tcb>,
  tell: (line: string) => void,
) {
  const { counters } = kernel;
  watch(counters, 'kernelEntries', () => tell('kernel: entered'));
  for (const [name, tcb] of threads) {
    const cnode = ownCNode(tcb);
    for (const index of [SLOT_INPUT, SLOT_REPLY, SLOT_OUTPUT_ENDPOINT]) {
      watchReads(cnode.slotAt(index), (kind) => {
        tell(`kernel: finds in slot ${index} of ${name}: ${kind}`);
      });
    }
    watch(tcb, 'phase', () => tell(`kernel: ${name} is ${tcb.state}`));
    watch(tcb, 'schedContext', (context) => {
      tell(`kernel: ${name} ${context === null ? 'has no' : 'has a'} scheduling context`);
    });
  }
}

describe('the route of a system call', () => {
  it('goes through lookup, rendezvous and donation to the callee, and back with the reply', () => {
    const steps: string[] = [];
    const threads = new Map<string, Tcb>();
    // The first programs run before the testbed is returned; the second call is the one that is
    // watched.
    let phase: 'boot' | 'warm-up' | 'watched' = 'boot';
    const testbed = createTestbed({
      clock: 'virtual',
      fastPath: 'off',
      system: traced(clientAndTimer(), (line) => {
        const name = line.split(':')[0] as string;
        if (phase === 'warm-up' && / notified | called /.test(line)) {
          threads.set(name, testbed.kernel.state.current);
        }
        if (phase === 'watched') steps.push(line);
      }),
    });
    phase = 'warm-up';
    testbed.runUntil(testbed.now() + 1.5 * TIMEOUT_NS);
    expect([...threads.keys()].toSorted()).toEqual(['client', 'timer_driver']);

    phase = 'watched';
    watchCall(testbed.kernel, threads, (line) => steps.push(line));
    testbed.runUntil(testbed.now() + TIMEOUT_NS);

    const from = steps.indexOf('client: calls timer_driver');
    const to = steps.indexOf('client: has the reply of timer_driver');
    // The kernel may look at a capability more than once while it has it in hand.
    const route = steps
      .slice(from, to + 1)
      .filter((step, index, all) => step !== all[index - 1] && !step.endsWith('is inactive'));
    expect(route).toEqual([
      // The call: one kernel entry, one lookup, and the callee runs on the caller's scheduling
      // context.
      'client: calls timer_driver',
      'kernel: entered',
      `kernel: finds in slot ${SLOT_OUTPUT_ENDPOINT} of client: endpoint`,
      'kernel: client is restart',
      'kernel: client is blockedOnReply',
      'kernel: client has no scheduling context',
      'kernel: timer_driver has a scheduling context',
      'kernel: timer_driver is running',
      'timer_driver: called by client',
      'timer_driver: replies',
      // Reply and next wait: one kernel entry, in two phases.
      'kernel: entered',
      `kernel: finds in slot ${SLOT_REPLY} of timer_driver: reply`,
      'kernel: timer_driver is restart',
      'kernel: timer_driver has no scheduling context',
      'kernel: client has a scheduling context',
      'kernel: client is running',
      'kernel: timer_driver is running',
      `kernel: finds in slot ${SLOT_INPUT} of timer_driver: endpoint`,
      `kernel: finds in slot ${SLOT_REPLY} of timer_driver: reply`,
      'kernel: timer_driver is blockedOnReceive',
      'client: has the reply of timer_driver',
    ]);
  });
});
