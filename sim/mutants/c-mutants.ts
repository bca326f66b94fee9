/**
 * Planted bugs of the network path in C, as machine code: one domain of the system runs it, the
 * others are as shipped.
 */

import type { Mutant, MutantSystem } from './mutant.ts';

/**
 * @param part the option of `echo` that chooses the language of this program;
 * @param shrunkBy see {@link MutantSystem}
 */
function withPart(part: 'driver' | 'rx' | 'tx' | 'copier', shrunkBy = 1): MutantSystem {
  return { name: 'echo', choices: { [part]: 'c' }, shrunkBy };
}

const DRIVER = 'programs/network/eth_driver.c';
const DEVICE = 'programs/network/virtio_net_device.c';
const VIRTQUEUE = 'programs/network/virtqueue.h';
const QUEUE = 'programs/sddf/network/queue.h';
const VIRT_RX = 'programs/network/network_virt_rx.c';
const VIRT_TX = 'programs/network/network_virt_tx.c';
const COPIER = 'programs/network/network_copy.c';

export const C_MUTANTS: readonly Mutant[] = [
  {
    name: 'c-net-length-of-descriptor',
    what: 'the driver passes on the length of the descriptor instead of that of the used entry',
    file: DRIVER,
    system: withPart('driver'),
    explore: 'none',
    edits: [
      {
        find: 'taken->addr, (uint16_t)len, checked)) {',
        replace: 'taken->addr, len > 0 ? NET_BUFFER_BYTES : 0, checked)) {',
      },
    ],
  },
  {
    name: 'c-net-bad-frame-keeps-buffer',
    what: 'the buffer of a frame that cannot be goes back to nobody',
    file: DRIVER,
    system: withPart('driver'),
    explore: 'none',
    edits: [
      {
        find: 'count(reason, 1);\n    post_for_frame(&device.rx, addr);',
        replace: '(void)addr;\n    count(reason, 1);',
      },
    ],
  },
  {
    name: 'c-net-reset-loses-frames',
    what: 'when the device is reset, the buffers of frames that it had go back to nobody',
    file: DRIVER,
    system: withPart('driver'),
    explore: 'none',
    edits: [{ find: 'give_back(taken.addr, COUNT_TX_LOST_IN_RESET);', replace: '' }],
  },
  {
    name: 'c-net-link-up-unnoticed',
    what: 'the driver notices that the link goes down, and not that it comes up again',
    file: DRIVER,
    system: withPart('driver'),
    explore: 'none',
    edits: [{ find: 'is_link_up = is_up;', replace: 'is_link_up = is_up && is_link_up;' }],
  },
  {
    name: 'c-net-ring-size-forced',
    what: 'the driver takes rings of its own size, whatever the device offers',
    file: DEVICE,
    system: withPart('driver'),
    explore: 'none',
    edits: [
      {
        find: 'entries_for(device, read32(device, QUEUE_SIZE_MAX));',
        replace: 'entries_for(device, read32(device, QUEUE_SIZE_MAX) | VIRTQUEUE_ENTRIES_MAX);',
      },
    ],
  },
  {
    name: 'c-net-used-id-believed',
    what: 'the id in a used element is not checked against what is outstanding',
    file: VIRTQUEUE,
    system: withPart('driver'),
    explore: 'none',
    edits: [
      {
        find: 'if (request->state == VIRTQUEUE_OURS) {',
        replace: 'if (false) {',
      },
    ],
  },
  {
    name: 'c-net-unknown-mac-keeps-buffer',
    what: 'a frame for nobody is dropped, and its buffer with it',
    file: VIRT_RX,
    system: withPart('rx'),
    explore: 'none',
    edits: [
      { find: 'drop(buffer, COUNT_DROP_NO_CLIENT);', replace: 'count(COUNT_DROP_NO_CLIENT, 1);' },
    ],
  },
  {
    name: 'c-net-broadcast-counted-once',
    what: 'a broadcast’s buffer is the driver’s again when the first of its holders has returned it',
    file: VIRT_RX,
    system: withPart('rx', 32),
    explore: 'none',
    edits: [
      { find: 'refs[buffer] = holding;', replace: 'refs[buffer] = holding > 1 ? 1 : holding;' },
    ],
  },
  {
    name: 'c-net-state-never-back',
    what: 'the transmit virtualiser does not write down that a sent buffer is back with its client',
    file: VIRT_TX,
    system: withPart('tx', 128),
    explore: 'none',
    edits: [
      {
        find: '*state = WITH_CLIENT;\n    /* A client that is down',
        replace: '/* A client that is down',
      },
    ],
  },
  {
    name: 'c-net-copies-one-less',
    what: 'the copier leaves out the last byte of frames of an odd length',
    file: COPIER,
    system: withPart('copier'),
    explore: 'none',
    edits: [
      {
        find: 'packet->len);\n        net_enqueue(&client_active,',
        replace: 'packet->len & ~1u);\n        net_enqueue(&client_active,',
      },
    ],
  },
  {
    name: 'c-net-tail-one-behind',
    what: 'a producer publishes its tail without the last entry',
    file: QUEUE,
    system: withPart('copier'),
    explore: 'none',
    edits: [
      {
        find: '__atomic_store_n(&queue->tail, (uint16_t)tail, __ATOMIC_RELEASE);',
        replace: '__atomic_store_n(&queue->tail, (uint16_t)(tail - 1), __ATOMIC_RELEASE);',
      },
    ],
  },
];
