/**
 * Registers and constants of a virtio network device behind virtio-mmio, as the specification has
 * them.
 *
 * Source: OASIS "Virtual I/O Device (VIRTIO) Version 1.2", sections 2.1 (status), 4.2.2
 * (registers), 5.1 (network device), 6 (reserved feature bits).
 */

import { VirtioNetHeader } from '../../../queues/virtio/net-header.ts';

// 4.2.2 MMIO device register layout: 32 bits each.
export const MAGIC_VALUE = 0x000;
export const VERSION = 0x004;
export const DEVICE_ID = 0x008;
export const DEVICE_FEATURES = 0x010;
export const DEVICE_FEATURES_SEL = 0x014;
export const DRIVER_FEATURES = 0x020;
export const DRIVER_FEATURES_SEL = 0x024;
export const QUEUE_SEL = 0x030;
export const QUEUE_SIZE_MAX = 0x034;
export const QUEUE_SIZE = 0x038;
export const QUEUE_READY = 0x044;
export const QUEUE_NOTIFY = 0x050;
export const INTERRUPT_STATUS = 0x060;
export const INTERRUPT_ACK = 0x064;
export const STATUS = 0x070;
export const QUEUE_DESC_LOW = 0x080;
export const QUEUE_DESC_HIGH = 0x084;
export const QUEUE_DRIVER_LOW = 0x090;
export const QUEUE_DRIVER_HIGH = 0x094;
export const QUEUE_DEVICE_LOW = 0x0a0;
export const QUEUE_DEVICE_HIGH = 0x0a4;
export const CONFIG_GENERATION = 0x0fc;
export const CONFIG = 0x100;

export const MAGIC_VIRT = 0x7472_6976;
export const VERSION_MMIO_V2 = 2;
export const DEVICE_ID_NETWORK = 1;

// InterruptStatus
export const INTERRUPT_USED_BUFFER = 1;
export const INTERRUPT_CONFIG_CHANGE = 2;

// 2.1 Device status field
export const STATUS_ACKNOWLEDGE = 1;
export const STATUS_DRIVER = 2;
export const STATUS_DRIVER_OK = 4;
export const STATUS_FEATURES_OK = 8;
export const STATUS_DEVICE_NEEDS_RESET = 64;
export const STATUS_FAILED = 128;

// 5.1.3 Feature bits, of the low word
export const VIRTIO_NET_F_CSUM = 1 << 0;
export const VIRTIO_NET_F_GUEST_CSUM = 1 << 1;
export const VIRTIO_NET_F_MTU = 1 << 3;
export const VIRTIO_NET_F_MAC = 1 << 5;
export const VIRTIO_NET_F_STATUS = 1 << 16;
// 6 Reserved feature bits: of the low word, and (bit 32) of the high word
export const VIRTIO_F_INDIRECT_DESC = 1 << 28;
export const VIRTIO_F_EVENT_IDX = 1 << 29;
export const VIRTIO_F_VERSION_1_HIGH = 1 << 0;

// 5.1.4 Device configuration layout, from CONFIG on
export const CONFIG_MAC = 0;
export const CONFIG_STATUS = 6;
export const CONFIG_MTU = 10;
export const VIRTIO_NET_S_LINK_UP = 1;

// 5.1.2 Virtqueues
export const RECEIVEQ1 = 0;
export const TRANSMITQ1 = 1;

// 5.1.6 struct virtio_net_hdr
export const VIRTIO_NET_HDR_BYTES = VirtioNetHeader.SIZE;
export const VIRTIO_NET_HDR_NUM_BUFFERS_HALFWORD = VirtioNetHeader.numBuffers.offset >>> 1;
/** `flags` in its low byte. */
export const VIRTIO_NET_HDR_FLAGS_HALFWORD = VirtioNetHeader.flags.offset >>> 1;
export const VIRTIO_NET_HDR_CSUM_START_HALFWORD = VirtioNetHeader.csumStart.offset >>> 1;
export const VIRTIO_NET_HDR_CSUM_OFFSET_HALFWORD = VirtioNetHeader.csumOffset.offset >>> 1;
export {
  VIRTIO_NET_HDR_F_DATA_VALID,
  VIRTIO_NET_HDR_F_NEEDS_CSUM,
} from '../../../queues/virtio/net-header.ts';
