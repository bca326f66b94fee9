/** sel4test-driver: system calls keep the registers that they do not own; the timer rings. */

import * as abi from '../../kernel/abi.ts';
import type { SystemCallRequest } from '../../kernel/system-call.ts';
import type { UserThread } from '../../kernel/user.ts';
import * as calls from './driver/calls.ts';
import { check, equal } from './driver/check.ts';
import { OUR_PRIORITY, SLOT_CNODE, SLOT_REPLY } from './driver/slots.ts';
import type { Sel4Test } from './driver/test.ts';

const ROUNDS = 10;
/** All that is neither argument nor result: ra, sp, gp, s0 to s11, t1 to t6. */
const KEPT = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 25, 26, 27, 28, 29, 30];

function fillRegisters(thread: UserThread, round: number): void {
  for (const r of KEPT) {
    thread.regs[r << 1] = (0xa5a5_0000 + r * 256 + round) >>> 0;
    thread.regs[(r << 1) + 1] = 0x5a00 + r;
  }
}

function checkRegisters(thread: UserThread, round: number): void {
  for (const r of KEPT) {
    equal(thread.regs[r << 1], (0xa5a5_0000 + r * 256 + round) >>> 0, `low half of register ${r}`);
    equal(thread.regs[(r << 1) + 1], 0x5a00 + r, `high half of register ${r}`);
  }
}

/**
 * @param makeRequest of a notification that is signalled before each call when `signals` is
 * 'before'
 */
function preservation(
  name: string,
  description: string,
  signals: 'before' | 'never',
  makeRequest: (notification: number) => SystemCallRequest,
): Sel4Test {
  return {
    name,
    class: 'P',
    description: `${description} keeps the callee's registers`,
    *run(env) {
      const notification = yield* env.notification();
      const badged = yield* env.minted(notification, 0x55);
      let rounds = 0;
      const helper = yield* env.run({
        priority: OUR_PRIORITY,
        *body(_, thread) {
          for (let round = 0; round < ROUNDS; round += 1) {
            if (signals === 'before') yield calls.signal(badged);
            fillRegisters(thread, round);
            const answer = yield makeRequest(notification);
            checkRegisters(thread, round);
            if (signals === 'before') equal(answer.badge, 0x55, 'the badge of the signal');
            rounds += 1;
          }
        },
      });
      yield* env.join(helper);
      equal(rounds, ROUNDS, 'rounds made');
    },
  };
}

const MESSAGE = [10, 11, 12, 13];

export const BOOTSTRAP_TESTS: readonly Sel4Test[] = [
  preservation('SYSCALL0000', 'Yield', 'never', () => calls.yieldCpu()),
  preservation('SYSCALL0001', 'Send to a CNode', 'never', () => calls.send(SLOT_CNODE)),
  preservation('SYSCALL0002', 'NBSend', 'never', () => calls.nbSend(SLOT_CNODE)),
  preservation('SYSCALL0004', 'Signal', 'never', (ntfn) => calls.signal(ntfn)),
  preservation('SYSCALL0005', 'Call', 'never', () => calls.call(SLOT_CNODE)),
  preservation('SYSCALL0006', 'DebugPutChar', 'never', () => ({
    kind: 'call',
    sys: abi.SYS_DEBUG_PUT_CHAR,
    cptr: 0x20,
  })),
  preservation('SYSCALL0010', 'Recv', 'before', (ntfn) => calls.recv(ntfn, SLOT_REPLY)),
  preservation('SYSCALL0011', 'ReplyRecv', 'before', (ntfn) => calls.replyRecv(ntfn, SLOT_REPLY)),
  preservation('SYSCALL0012', 'NBRecv', 'before', (ntfn) => calls.nbRecv(ntfn, SLOT_REPLY)),
  preservation('SYSCALL0013', 'Wait', 'before', (ntfn) => calls.wait(ntfn)),
  preservation('SYSCALL0014', 'SendWithMRs', 'never', () => calls.send(SLOT_CNODE, MESSAGE)),
  preservation('SYSCALL0015', 'NBSendWithMRs', 'never', () => calls.nbSend(SLOT_CNODE, MESSAGE)),
  preservation('SYSCALL0017', 'CallWithMRs', 'never', () => calls.call(SLOT_CNODE, MESSAGE)),
  preservation('SYSCALL0018', 'NBSendRecv', 'before', (ntfn) =>
    calls.nbSendRecv(SLOT_CNODE, MESSAGE, ntfn, SLOT_REPLY),
  ),
  {
    name: 'TIMER0001',
    class: 'T',
    description: 'a periodic timer of 100 ms rings three times',
    *run(env) {
      const period = 100 * calls.NS_PER_MS;
      const start = env.now();
      yield* env.startTimer(period);
      for (let i = 1; i <= 3; i += 1) {
        yield* env.waitForTimer();
        const late = env.now() - start - i * period;
        check(late >= 0 && late < calls.NS_PER_MS, `ring ${i} is ${late} ns late`);
      }
      env.stopTimer();
    },
  },
  {
    name: 'TIMER0002',
    class: 'T',
    description: 'time goes on from timeout to timeout',
    *run(env) {
      let last = env.now();
      for (let i = 1; i <= 5; i += 1) {
        yield* env.sleep(i * calls.NS_PER_MS);
        check(env.now() - last >= i * calls.NS_PER_MS, 'time has advanced by the timeout');
        last = env.now();
      }
    },
  },
];
