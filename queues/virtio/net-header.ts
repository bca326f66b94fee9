/**
 * The header of each frame of a virtio network device (virtio 1.2 §5.1.6), as its driver sees it.
 */

import { struct } from '../../memory/struct.ts';

/** `struct virtio_net_hdr` with VIRTIO_F_VERSION_1. */
export const VirtioNetHeader = struct(12, {
  flags: 'u8',
  gsoType: 'u8',
  hdrLen: 'u16',
  gsoSize: 'u16',
  /** Where a checksum begins, and its field behind that. */
  csumStart: 'u16',
  csumOffset: 'u16',
  numBuffers: 'u16',
});

/** Of `flags`: the checksum is left to whoever has the frame next. */
export const VIRTIO_NET_HDR_F_NEEDS_CSUM = 1;
/** Of `flags`: the device has found the checksums right. */
export const VIRTIO_NET_HDR_F_DATA_VALID = 2;
