/**
 * Features, configuration, header and control commands of virtio-net (virtio 1.2 §5.1), as the
 * device has them.
 */

import { struct } from '../../memory/struct.ts';

export const NET_DEVICE_ID = 1;

/** Feature bits, §5.1.3. */
export const VIRTIO_NET_F_CSUM = 0;
export const VIRTIO_NET_F_GUEST_CSUM = 1;
export const VIRTIO_NET_F_MTU = 3;
export const VIRTIO_NET_F_MAC = 5;
export const VIRTIO_NET_F_MRG_RXBUF = 15;
export const VIRTIO_NET_F_STATUS = 16;
export const VIRTIO_NET_F_CTRL_VQ = 17;
export const VIRTIO_NET_F_CTRL_RX = 18;

/** Queues without VIRTIO_NET_F_MQ, §5.1.2. */
export const RX_QUEUE = 0;
export const TX_QUEUE = 1;
export const CTRL_QUEUE = 2;

/**
 * Configuration space, §5.1.4, as far as its features are offered; the MAC address is its first six
 * bytes.
 */
export const NetConfig = struct(12, {
  mac0: 'u8',
  mac1: 'u8',
  mac2: 'u8',
  mac3: 'u8',
  mac4: 'u8',
  mac5: 'u8',
  status: 'u16',
  maxVirtqueuePairs: 'u16',
  mtu: 'u16',
});
export const VIRTIO_NET_S_LINK_UP = 1;

/** Header before every frame, §5.1.6. */
export const NetHeader = struct(12, {
  flags: 'u8',
  gsoType: 'u8',
  hdrLen: 'u16',
  gsoSize: 'u16',
  csumStart: 'u16',
  csumOffset: 'u16',
  numBuffers: 'u16',
});
/**
 * Without VIRTIO_F_VERSION_1 and without VIRTIO_NET_F_MRG_RXBUF it has no `num_buffers` (§5.1.6.1).
 */
export const SHORT_HEADER_BYTES = 10;
export const VIRTIO_NET_HDR_F_NEEDS_CSUM = 1;
export const VIRTIO_NET_HDR_F_DATA_VALID = 2;
export const VIRTIO_NET_HDR_GSO_NONE = 0;

/** Control commands, §5.1.6.5. */
export const VIRTIO_NET_CTRL_RX = 0;
export const VIRTIO_NET_CTRL_RX_PROMISC = 0;
export const VIRTIO_NET_CTRL_RX_ALLMULTI = 1;
export const VIRTIO_NET_OK = 0;
export const VIRTIO_NET_ERR = 1;
