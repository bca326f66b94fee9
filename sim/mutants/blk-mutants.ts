/** Planted bugs of the block class: driver, queues, virtualiser. */

import type { Mutant, MutantSystem } from './mutant.ts';

const BLK: MutantSystem = { name: 'blk', choices: {}, shrunkBy: 1 };
/** Four slots in each queue, and as many requests with the device. */
const SMALL: MutantSystem = { name: 'blk', choices: {}, shrunkBy: 32 };

const DRIVER = 'drivers/blk/virtio/driver.ts';
const DEVICE = 'drivers/blk/virtio/device.ts';
const REQUESTS = 'drivers/blk/virtio/requests.ts';
const VIRTQUEUE = 'queues/blk/virtqueue.ts';
const VIRT = 'virtualisers/blk/virt.ts';
const VIRT_CLIENT = 'virtualisers/blk/client.ts';

export const BLK_MUTANTS: readonly Mutant[] = [
  {
    name: 'blk-ack-after-drain',
    what: 'the driver acknowledges the interrupt after it has drained the used ring',
    file: DRIVER,
    system: BLK,
    explore: 'random',
    edits: [
      { find: 'this.#registers.write32(R.REG_INTERRUPT_ACK, cause);\n', replace: '' },
      {
        find: 'this.#return();\n    this.#provide();\n  }\n\n  #handleConfigChange',
        replace:
          'this.#return();\n    this.#registers.write32(R.REG_INTERRUPT_ACK, cause);\n    this.#provide();\n  }\n\n  #handleConfigChange',
      },
    ],
  },
  {
    name: 'blk-no-second-look',
    what: 'the driver asks for the next interrupt and does not look once more',
    file: DRIVER,
    system: BLK,
    explore: 'random',
    edits: [{ find: '} while (queue.hasUsed());', replace: '} while (false);' }],
  },
  {
    name: 'blk-ring-size-forced',
    what: 'the driver asks for a ring of its own size, whatever the device offers',
    file: DEVICE,
    system: BLK,
    explore: 'none',
    edits: [{ find: 'while (entries > offered) entries >>>= 1;', replace: '' }],
  },
  {
    name: 'blk-status-of-first',
    what: 'the status of a request is taken from the chain of another',
    file: VIRTQUEUE,
    system: BLK,
    explore: 'none',
    edits: [
      {
        find: 'return this.#u8[this.#chainsAt + chain * CHAIN_STRIDE + STATUS_AT] as number;',
        replace: 'return this.#u8[this.#chainsAt + STATUS_AT + chain * 0] as number;',
      },
    ],
  },
  {
    name: 'blk-lost-in-reset',
    what: 'after a reset, what the device had in flight is answered to nobody',
    file: DRIVER,
    system: BLK,
    explore: 'none',
    edits: [
      {
        find: 'this.#answer(BLK_ERR_IO, flights.get(chain, FLIGHT.done), flights.get(chain, FLIGHT.id));\n    }',
        replace: 'void flights;\n    }',
      },
    ],
  },
  {
    name: 'blk-done-not-counted',
    what: 'a request that goes on after an error answers the blocks of its last piece only',
    file: DRIVER,
    system: BLK,
    explore: 'none',
    edits: [
      {
        find: 'const done = flights.get(chain, FLIGHT.done) + flights.get(chain, FLIGHT.piece);',
        replace: 'const done = flights.get(chain, FLIGHT.piece);',
      },
    ],
  },
  {
    name: 'blk-retry-keeps-place',
    what: 'a piece that is tried again begins at the first block of its request',
    file: DRIVER,
    system: BLK,
    explore: 'none',
    edits: [
      {
        find: 'const block = flights.block(chain) + done;',
        replace: 'const block = flights.block(chain);',
      },
    ],
  },
  {
    name: 'blk-no-watchdog',
    what: 'a request that the device never finishes is waited for without end',
    file: REQUESTS,
    system: BLK,
    explore: 'none',
    edits: [{ find: 'if (age > WATCHDOG_TICKS) stuck += 1;', replace: '' }],
  },
  {
    name: 'blk-flush-too-early',
    what: 'a flush does not wait for the writes before it',
    file: VIRT_CLIENT,
    system: BLK,
    explore: 'none',
    edits: [
      {
        find: 'if (code === BLK_FLUSH) return this.inFlightChanges === 0 ? BLK_TRANSFER_BYTES : 0;',
        replace: 'if (code === BLK_FLUSH) return BLK_TRANSFER_BYTES;',
      },
    ],
  },
  {
    name: 'blk-flush-ends-nowhere',
    what: 'the virtualiser answers a flush itself and does not pass it on',
    file: VIRT,
    system: BLK,
    explore: 'none',
    edits: [
      {
        find: 'return this.#requests.enqueue(BLK_FLUSH, 0, 0, 0, driverId);',
        replace:
          'this.#inFlight.release(driverId);\n      client.finished(code);\n      this.#flushesInFlight -= 1;\n      return client.answer(BLK_OK, 0, id);',
      },
    ],
  },
  {
    name: 'blk-refused-unanswered',
    what: 'the virtualiser drops a request that the driver answers with an error, and tells nobody',
    file: VIRT,
    system: BLK,
    explore: 'none',
    edits: [
      {
        find: 'client.answer(honest, successCount, clientId);',
        replace: 'if (honest === BLK_OK) client.answer(honest, successCount, clientId);',
      },
    ],
  },
  {
    name: 'blk-window-full-forgotten',
    what: 'a request that found the driver’s window full is not taken up when there is room',
    file: VIRT,
    system: SMALL,
    explore: 'none',
    edits: [
      {
        find: "if (this.#state.kind !== 'scanning') this.#serve();\n    this.#tell();\n    this.#countLies();",
        replace:
          "if (this.#state.kind !== 'scanning' && channel !== this.#config.driver.channel) this.#serve();\n    this.#tell();\n    this.#countLies();",
      },
    ],
  },
];
