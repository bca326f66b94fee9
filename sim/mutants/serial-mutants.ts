/** Planted bugs of the serial class: drivers, queues, virtualisers. */

import type { Mutant, MutantSystem } from './mutant.ts';

const NS16550A: MutantSystem = { name: 'serial', choices: {}, shrunkBy: 1 };
/** Queues of 32 and 64 bytes. */
const SMALL: MutantSystem = { name: 'serial', choices: {}, shrunkBy: 2048 };
const PL011: MutantSystem = { name: 'serial', choices: { uart: 'pl011' }, shrunkBy: 1 };
const VIRTIO: MutantSystem = { name: 'serial', choices: { uart: 'virtio' }, shrunkBy: 1 };

const DRIVER_END = 'queues/serial/driver-end.ts';
const NS16550A_DRIVER = 'drivers/serial/ns16550a/driver.ts';
const PL011_DRIVER = 'drivers/serial/pl011/driver.ts';
const VIRTIO_DRIVER = 'drivers/serial/virtio/driver.ts';
const VIRT_RX = 'virtualisers/serial/rx/virt-rx.ts';
const VIRT_TX = 'virtualisers/serial/tx/virt-tx.ts';
const QUEUE = 'queues/serial/queue.ts';

export const SERIAL_MUTANTS: readonly Mutant[] = [
  {
    name: 'serial-spurious-not-acked',
    what: 'an interrupt without a cause is not acknowledged to the kernel',
    file: NS16550A_DRIVER,
    system: NS16550A,
    explore: 'none',
    edits: [
      {
        find: 'notified: (channel) => end.notified(channel, driver),',
        replace:
          'notified: (channel) => {\n      if (channel !== pd.config.irq || !driver.isSpurious()) return end.notified(channel, driver);\n      driver.handleIrq();\n      end.sendNotifications();\n    },',
      },
      {
        find: '  handleIrq(): void {',
        replace:
          '  isSpurious(): boolean {\n    return (this.#regs.read8(r.IIR) & r.IIR_NONE) !== 0;\n  }\n\n  handleIrq(): void {',
      },
    ],
  },
  {
    name: 'serial-tx-not-primed',
    what: 'what does not fit into the FIFO is left behind: the transmit interrupt is never asked for',
    file: NS16550A_DRIVER,
    system: NS16550A,
    explore: 'none',
    edits: [
      {
        find: 'this.#setIer(left > 0 ? this.#ier | r.IER_ETBEI : this.#ier & ~r.IER_ETBEI);',
        replace: '',
      },
    ],
  },
  {
    name: 'serial-lost-on-error',
    what: 'the driver takes nothing more from the FIFO behind a character with an error',
    file: NS16550A_DRIVER,
    system: NS16550A,
    explore: 'none',
    edits: [
      {
        find: 'if (errors !== 0) this.#countLineError(errors);',
        replace:
          'if (errors !== 0) {\n        this.#countLineError(errors);\n        this.#setIer(0);\n      }',
      },
    ],
  },
  {
    name: 'serial-switch-not-published',
    what: 'when input is switched, what the client before has got is not published',
    file: VIRT_RX,
    system: NS16550A,
    explore: 'none',
    edits: [
      {
        find: 'this.#endBatch();\n    this.#current = client;',
        replace: 'this.#current = client;',
      },
    ],
  },
  {
    name: 'serial-switch-keeps-digits',
    what: 'the digits of a client’s number are added to those of the number before',
    file: VIRT_RX,
    system: NS16550A,
    explore: 'none',
    edits: [{ find: 'this.#number = 0;\n      this.#digits = 0;', replace: 'this.#digits = 0;' }],
  },
  {
    name: 'serial-torn-at-wrap',
    what: 'a run of bytes that goes round the end of its queue is cut there',
    file: QUEUE,
    system: SMALL,
    explore: 'none',
    edits: [
      {
        find: 'if (first < lengthBytes) this.#ram.copy(this.#place.dataAt, from + first, lengthBytes - first);',
        replace: '',
      },
    ],
  },
  {
    name: 'serial-room-not-told',
    what: 'the driver makes room in its queue and does not tell who waits for it',
    file: DRIVER_END,
    system: SMALL,
    explore: 'none',
    edits: [{ find: 'if (this.tx.publish()) this.#owesTx = true;', replace: 'this.tx.publish();' }],
  },
  {
    name: 'serial-room-never-asked',
    what: 'the virtualiser finds no room and does not ask to be told when there is',
    file: VIRT_TX,
    system: SMALL,
    explore: 'none',
    edits: [{ find: 'this.#driver.requestSignal();', replace: '' }],
  },
  {
    name: 'serial-waiting-without-wrap',
    what: 'the ring of clients that wait runs on without wrapping',
    file: VIRT_TX,
    system: SMALL,
    explore: 'none',
    edits: [
      {
        find: 'this.#waitingFirst = (this.#waitingFirst + 1) % this.#waiting.length;',
        replace: 'this.#waitingFirst += 1;',
      },
    ],
  },
  {
    name: 'serial-pl011-never-primed',
    what: 'the driver asks for the transmit interrupt only when nothing is left',
    file: PL011_DRIVER,
    system: PL011,
    explore: 'none',
    edits: [
      {
        find: 'this.#setImsc(left > 0 ? this.#imsc | r.INT_TX : this.#imsc & ~r.INT_TX);',
        replace: 'this.#setImsc(left > 0 ? this.#imsc & ~r.INT_TX : this.#imsc | r.INT_TX);',
      },
    ],
  },
  {
    name: 'serial-virtio-ack-after-drain',
    what: 'the driver acknowledges the interrupt after it has drained the rings',
    file: VIRTIO_DRIVER,
    system: VIRTIO,
    explore: 'random',
    edits: [
      { find: 'else regs.write32(r.INTERRUPT_ACK, status);', replace: '' },
      {
        find: 'this.#rxReturn();\n    this.#txReturn();',
        replace:
          'this.#rxReturn();\n    this.#txReturn();\n    regs.write32(r.INTERRUPT_ACK, status);',
      },
    ],
  },
  {
    name: 'serial-virtio-ring-size-forced',
    what: 'the driver asks for queues of its own size, whatever the device offers',
    file: VIRTIO_DRIVER,
    system: VIRTIO,
    explore: 'none',
    edits: [{ find: 'while (entries > sizeMax) entries >>>= 1;', replace: '' }],
  },
  {
    name: 'serial-virtio-buffers-kept',
    what: 'the driver gives the device no receive buffers beyond the first',
    file: VIRTIO_DRIVER,
    system: VIRTIO,
    explore: 'none',
    edits: [
      {
        find: 'this.#txReturn();\n    this.#rxProvide();\n    this.txProvide();',
        replace: 'this.#txReturn();\n    this.txProvide();',
      },
    ],
  },
];
