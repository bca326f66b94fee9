/** Planted bugs of the network classes: driver, queues, virtualisers, copier, client. */

import type { Mutant, MutantSystem } from './mutant.ts';

const ECHO: MutantSystem = { name: 'echo', choices: {}, shrunkBy: 1 };
/** 16 buffers for each client, and as many descriptors. */
const SMALL: MutantSystem = { name: 'echo', choices: {}, shrunkBy: 32 };
/**
 * Four buffers for each client, and as many descriptors: each is used again and again, and at times
 * there is none left.
 */
const TINY: MutantSystem = { name: 'echo', choices: {}, shrunkBy: 128 };
/** Clients return the device's buffers themselves. */
const SMALL_4PD: MutantSystem = { name: 'echo', choices: { path: '4pd' }, shrunkBy: 32 };

const DRIVER = 'drivers/network/virtio/driver.ts';
const QUEUE = 'queues/net/queue.ts';
const SIGNAL = 'queues/signal.ts';
const VIRTQUEUE = 'queues/virtio/virtqueue.ts';
const VIRT_RX = 'virtualisers/network/rx/virt-rx.ts';
const VIRT_TX = 'virtualisers/network/tx/virt-tx.ts';
const COPIER = 'virtualisers/network/copy/copy.ts';
const CLIENT = 'clients/echo/echo.ts';
const SWITCH_SYSTEM: MutantSystem = { name: 'vswitch', choices: {}, shrunkBy: 1 };
const SWITCH = 'virtualisers/network/vswitch/vswitch.ts';
const SWITCH_PORT = 'virtualisers/network/vswitch/port.ts';

export const NET_MUTANTS: readonly Mutant[] = [
  {
    name: 'net-ack-after-drain',
    what: 'the driver acknowledges the interrupt after it has drained the rings',
    file: DRIVER,
    system: ECHO,
    explore: 'random',
    edits: [
      {
        find: 'const reasons = this.device.takeInterrupt();',
        replace: 'const reasons = regs.INTERRUPT_USED_BUFFER;',
      },
      {
        find: 'if (this.#rxFree.hasItems() || this.#needsBuffers()) runFlow(this.#rxProvide);',
        replace:
          'if (this.#rxFree.hasItems() || this.#needsBuffers()) runFlow(this.#rxProvide); this.device.takeInterrupt();',
      },
    ],
  },
  {
    name: 'net-tx-not-taken-up',
    what: 'after completions have freed descriptors, the driver does not take up packets that wait',
    file: DRIVER,
    system: TINY,
    explore: 'none',
    edits: [{ find: 'if (!this.#txActive.isAtRest()) runFlow(this.#txProvide);', replace: '' }],
  },
  {
    name: 'net-length-of-descriptor',
    what: 'the driver passes on the length of the descriptor instead of that of the used entry',
    file: DRIVER,
    system: ECHO,
    explore: 'none',
    edits: [
      {
        find: 'rx.takenHigh, len, oid',
        replace: 'rx.takenHigh, 1514, oid',
      },
    ],
  },
  {
    name: 'net-bad-frame-keeps-buffer',
    what: 'the buffer of a frame that is too short goes back to nobody',
    file: DRIVER,
    system: ECHO,
    explore: 'none',
    edits: [
      {
        find: 'this.device.rx.post(this.device.rx.takenLow, this.device.rx.takenHigh, BUFFER_BYTES);',
        replace: '',
      },
    ],
  },
  {
    name: 'net-spurious-not-acked',
    what: 'an interrupt without a reason is not acknowledged to the kernel',
    file: DRIVER,
    system: ECHO,
    explore: 'none',
    edits: [
      {
        find: 'this.counters.add(reasons === 0 ? COUNT.interruptsSpurious : COUNT.interrupts, 1);',
        replace:
          'if (reasons === 0) { this.#isSpurious = true; return; } this.counters.add(COUNT.interrupts, 1);',
      },
      {
        find: 'this.pd.deferredIrqAck(this.#irq);',
        replace: 'if (!this.#isSpurious) this.pd.deferredIrqAck(this.#irq);',
      },
      {
        find: "#link: 'up' | 'down' = 'down';",
        replace: "#link: 'up' | 'down' = 'down';\n  #isSpurious = false;",
      },
    ],
  },
  {
    name: 'net-link-up-unnoticed',
    what: 'the driver notices that the link goes down, and not that it comes up again',
    file: DRIVER,
    system: ECHO,
    explore: 'none',
    edits: [{ find: 'this.#link = link;', replace: "if (link === 'down') this.#link = link;" }],
  },
  {
    name: 'net-interrupt-one-late',
    what: 'the driver asks for the interrupt at the used buffer behind the next',
    file: VIRTQUEUE,
    system: ECHO,
    explore: 'none',
    edits: [
      {
        find: 'this.#store16(this.#usedEvent << 1, this.#nextUsed);',
        replace: 'this.#store16(this.#usedEvent << 1, (this.#nextUsed + 1) & 0xffff);',
      },
    ],
  },
  {
    name: 'net-kick-one-late',
    what: 'the driver notifies the device when it has passed the event index by two',
    file: VIRTQUEUE,
    system: ECHO,
    explore: 'none',
    edits: [
      {
        find: 'return distance16(now, event + 1) < distance16(now, before);',
        replace: 'return distance16(now, event + 2) < distance16(now, before);',
      },
    ],
  },
  {
    name: 'net-tail-one-behind',
    what: 'a producer publishes its tail without the last entry',
    file: QUEUE,
    system: ECHO,
    explore: 'none',
    edits: [
      {
        find: 'this.#store16(this.#tailIndex << 1, this.#tail);',
        replace: 'this.#store16(this.#tailIndex << 1, (this.#tail - 1) & 0xffff);',
      },
    ],
  },
  {
    name: 'net-no-second-look',
    what: 'a consumer asks to be signalled and does not look once more',
    file: SIGNAL,
    system: ECHO,
    explore: 'random',
    edits: [{ find: 'if (!flow.canMove()) return;', replace: 'return;' }],
  },
  {
    name: 'net-deferred-replaced',
    what: 'a second signal that is due replaces the first: a client is never told',
    file: VIRT_RX,
    system: ECHO,
    explore: 'none',
    edits: [
      {
        find: 'if (due !== NO_CHANNEL) this.pd.notify(due);\n      due = client.channel;',
        replace: 'due = client.channel;',
      },
    ],
  },
  {
    name: 'net-unknown-mac-keeps-buffer',
    what: 'a frame for nobody is dropped, and its buffer with it',
    file: VIRT_RX,
    system: ECHO,
    explore: 'none',
    edits: [
      {
        find: 'this.counters.add(reason, 1);\n    this.#toDriver(index);',
        replace: 'this.counters.add(reason, 1);',
      },
    ],
  },
  {
    name: 'net-flag-never-asked',
    what: 'the receive virtualiser never asks its clients for empty buffers',
    file: VIRT_RX,
    system: SMALL_4PD,
    explore: 'none',
    edits: [{ find: 'free.requestSignal();\n    return', replace: 'return' }],
  },
  {
    name: 'net-not-held-any-more',
    what: 'who holds a buffer is not written down when it is the only one of its batch',
    file: VIRT_RX,
    system: ECHO,
    explore: 'none',
    edits: [
      {
        find: 'client.holds.set(index, 1);',
        replace: 'client.holds.set(index, index === 0 ? 0 : 1);',
      },
    ],
  },
  {
    name: 'net-state-never-back',
    what: 'the transmit virtualiser does not write down that a sent buffer is back with its client',
    file: VIRT_TX,
    system: TINY,
    explore: 'none',
    edits: [
      {
        find: 'states.set(index, WITH_CLIENT);\n    // One that is down begins',
        replace: '// One that is down begins',
      },
    ],
  },
  {
    name: 'net-given-back-twice',
    what: 'a sent buffer of an odd number goes back to its client twice',
    file: VIRT_TX,
    system: TINY,
    explore: 'none',
    edits: [
      {
        find: 'client.withDriver -= 1;\n    states.set(index',
        replace:
          'client.withDriver -= 1;\n    if ((index & 1) === 1) client.free.enqueue(translated.offsetOf(index), 0, 0, oid);\n    states.set(index',
      },
    ],
  },
  {
    name: 'net-returns-never-asked',
    what: 'the transmit virtualiser never asks for sent buffers while its clients wait for theirs',
    file: VIRT_TX,
    system: TINY,
    explore: 'none',
    edits: [
      {
        find: "if (!this.#needsReturns()) return 'content';\n    this.#driverFree.requestSignal();",
        replace: "if (!this.#needsReturns()) return 'content';",
      },
    ],
  },
  {
    name: 'net-owner-by-first-client',
    what: 'sent buffers of all clients go to the first',
    file: VIRT_TX,
    system: ECHO,
    explore: 'none',
    edits: [
      {
        find: 'if (!isWanted || client.free.enqueue(',
        replace: 'if (!isWanted || (this.#clients[0] as Client).free.enqueue(',
      },
    ],
  },
  {
    name: 'net-copier-keeps-when-short',
    what: 'the copier keeps the device’s buffer when its client has none',
    file: COPIER,
    system: SMALL,
    explore: 'random',
    edits: [
      {
        find: 'if (this.#copy(target, low, high, len)) this.#count(1, len);\n    if',
        replace:
          'if (!this.#copy(target, low, high, len)) return true;\n    this.#count(1, len);\n    if',
      },
    ],
  },
  {
    name: 'net-copies-one-less',
    what: 'the copier leaves out the last byte of frames of an odd length',
    file: COPIER,
    system: ECHO,
    explore: 'none',
    edits: [
      {
        find: 'target.copyFrom(this.#source, low, free.low, len);\n      this',
        replace: 'target.copyFrom(this.#source, low, free.low, len & ~1);\n      this',
      },
    ],
  },
  {
    name: 'net-client-stalls-without-buffer',
    what: 'a client without a free transmit buffer does not ask to be told when one comes back',
    file: CLIENT,
    system: TINY,
    explore: 'random',
    edits: [
      {
        find: 'if (this.#txBuffer === NO_BUFFER && !this.#txFree.hasItems()) this.#txFree.requestSignal();',
        replace: '',
      },
    ],
  },
  {
    name: 'net-client-keeps-bad-frame',
    what: 'a client does not give back the buffer of a frame that it does not answer',
    file: CLIENT,
    system: ECHO,
    explore: 'none',
    edits: [
      {
        find: 'this.#answer(\n      offset',
        replace: 'const answered = this.#answer(\n      offset',
      },
      { find: 'if (!isAnswer(done)) return;', replace: 'if (!isAnswer(done)) return false;' },
      {
        find: 'if (!this.#rxFree.enqueue(low, high, 0, 0)) counters.add(COUNT.queueFull, 1);',
        replace:
          'if (answered !== false && !this.#rxFree.enqueue(low, high, 0, 0)) counters.add(COUNT.queueFull, 1);',
      },
    ],
  },
  {
    name: 'vswitch-dropped-keeps-buffer',
    what: 'the switch keeps the buffer of a frame that nobody is to have',
    file: SWITCH,
    system: SWITCH_SYSTEM,
    explore: 'none',
    edits: [
      {
        find: 'if (!from.sentFree.enqueue(index << 11, 0, 0, 0)) this.counters.add(COUNT.returnLost, 1);',
        replace: '',
      },
    ],
  },
  {
    name: 'vswitch-broadcast-back-at-once',
    what: 'the buffer of a broadcast goes back when the first receiver has returned it',
    file: SWITCH_PORT,
    system: SWITCH_SYSTEM,
    explore: 'none',
    edits: [{ find: "if (refs > 0) return 'held by others';", replace: '' }],
  },
];
