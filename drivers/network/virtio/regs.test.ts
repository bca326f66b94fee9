/**
 * Goal: driver and device model have read the same specification. Method: each has a table of its
 * own; every number of the driver's is compared with the model's, and with what the specification
 * says, written down a third time.
 */

import { describe, expect, it } from 'vitest';
import * as model from '../../../board/virtio/mmio-registers.ts';
import * as net from '../../../board/virtio/net-registers.ts';
import * as regs from './regs.ts';

/** virtio 1.2, table 4.1: name in the driver, name in the model, offset. */
const REGISTERS = [
  ['MAGIC_VALUE', 'MagicValue', 0x000],
  ['VERSION', 'Version', 0x004],
  ['DEVICE_ID', 'DeviceID', 0x008],
  ['DEVICE_FEATURES', 'DeviceFeatures', 0x010],
  ['DEVICE_FEATURES_SEL', 'DeviceFeaturesSel', 0x014],
  ['DRIVER_FEATURES', 'DriverFeatures', 0x020],
  ['DRIVER_FEATURES_SEL', 'DriverFeaturesSel', 0x024],
  ['QUEUE_SEL', 'QueueSel', 0x030],
  ['QUEUE_SIZE_MAX', 'QueueSizeMax', 0x034],
  ['QUEUE_SIZE', 'QueueSize', 0x038],
  ['QUEUE_READY', 'QueueReady', 0x044],
  ['QUEUE_NOTIFY', 'QueueNotify', 0x050],
  ['INTERRUPT_STATUS', 'InterruptStatus', 0x060],
  ['INTERRUPT_ACK', 'InterruptACK', 0x064],
  ['STATUS', 'Status', 0x070],
  ['QUEUE_DESC_LOW', 'QueueDescLow', 0x080],
  ['QUEUE_DESC_HIGH', 'QueueDescHigh', 0x084],
  ['QUEUE_DRIVER_LOW', 'QueueDriverLow', 0x090],
  ['QUEUE_DRIVER_HIGH', 'QueueDriverHigh', 0x094],
  ['QUEUE_DEVICE_LOW', 'QueueDeviceLow', 0x0a0],
  ['QUEUE_DEVICE_HIGH', 'QueueDeviceHigh', 0x0a4],
  ['CONFIG_GENERATION', 'ConfigGeneration', 0x0fc],
  ['CONFIG', 'Config', 0x100],
] as const;

/** What else the driver has, and what it is in the model and in the specification. */
const VALUES: readonly (readonly [keyof typeof regs, number, number])[] = [
  ['MAGIC_VIRT', model.MAGIC, 0x7472_6976],
  ['VERSION_MMIO_V2', model.VERSION, 2],
  ['DEVICE_ID_NETWORK', net.NET_DEVICE_ID, 1],
  ['INTERRUPT_USED_BUFFER', model.INTERRUPT_USED_BUFFER, 1],
  ['INTERRUPT_CONFIG_CHANGE', model.INTERRUPT_CONFIG_CHANGE, 2],
  ['STATUS_ACKNOWLEDGE', model.STATUS.ACKNOWLEDGE, 1],
  ['STATUS_DRIVER', model.STATUS.DRIVER, 2],
  ['STATUS_DRIVER_OK', model.STATUS.DRIVER_OK, 4],
  ['STATUS_FEATURES_OK', model.STATUS.FEATURES_OK, 8],
  ['STATUS_DEVICE_NEEDS_RESET', model.STATUS.DEVICE_NEEDS_RESET, 64],
  ['STATUS_FAILED', model.STATUS.FAILED, 128],
  ['VIRTIO_NET_F_CSUM', 2 ** net.VIRTIO_NET_F_CSUM, 0x1],
  ['VIRTIO_NET_F_GUEST_CSUM', 2 ** net.VIRTIO_NET_F_GUEST_CSUM, 0x2],
  ['VIRTIO_NET_F_MTU', 2 ** net.VIRTIO_NET_F_MTU, 0x8],
  ['VIRTIO_NET_F_MAC', 2 ** net.VIRTIO_NET_F_MAC, 0x20],
  ['VIRTIO_NET_F_STATUS', 2 ** net.VIRTIO_NET_F_STATUS, 0x1_0000],
  ['VIRTIO_F_INDIRECT_DESC', 2 ** model.VIRTIO_F_INDIRECT_DESC, 0x1000_0000],
  ['VIRTIO_F_EVENT_IDX', 2 ** model.VIRTIO_F_EVENT_IDX, 0x2000_0000],
  ['VIRTIO_F_VERSION_1_HIGH', 2 ** (model.VIRTIO_F_VERSION_1 - 32), 1],
  ['CONFIG_MAC', net.NetConfig.mac0.offset, 0],
  ['CONFIG_STATUS', net.NetConfig.status.offset, 6],
  ['CONFIG_MTU', net.NetConfig.mtu.offset, 10],
  ['VIRTIO_NET_S_LINK_UP', net.VIRTIO_NET_S_LINK_UP, 1],
  ['RECEIVEQ1', net.RX_QUEUE, 0],
  ['TRANSMITQ1', net.TX_QUEUE, 1],
  ['VIRTIO_NET_HDR_BYTES', net.NetHeader.SIZE, 12],
  ['VIRTIO_NET_HDR_NUM_BUFFERS_HALFWORD', net.NetHeader.numBuffers.offset / 2, 5],
  ['VIRTIO_NET_HDR_FLAGS_HALFWORD', net.NetHeader.flags.offset / 2, 0],
  ['VIRTIO_NET_HDR_CSUM_START_HALFWORD', net.NetHeader.csumStart.offset / 2, 3],
  ['VIRTIO_NET_HDR_CSUM_OFFSET_HALFWORD', net.NetHeader.csumOffset.offset / 2, 4],
  ['VIRTIO_NET_HDR_F_NEEDS_CSUM', net.VIRTIO_NET_HDR_F_NEEDS_CSUM, 1],
  ['VIRTIO_NET_HDR_F_DATA_VALID', net.VIRTIO_NET_HDR_F_DATA_VALID, 2],
];

const DRIVER: Readonly<Record<string, number>> = { ...regs };

describe('the register tables', () => {
  it.each(REGISTERS)('have %s (%s) at 0x%s', (name, modelName, offset) => {
    expect(DRIVER[name]).toBe(offset);
    expect(model.MMIO[modelName]).toBe(offset);
  });

  it.each(VALUES)('agree about %s', (name, ofModel, ofSpecification) => {
    expect(DRIVER[name]).toBe(ofSpecification);
    expect(ofModel).toBe(ofSpecification);
  });

  it('leave nothing of the driver’s out', () => {
    const compared = [...REGISTERS.map(([name]) => name), ...VALUES.map(([name]) => name)];

    expect(Object.keys(DRIVER).toSorted()).toEqual(compared.toSorted());
  });
});
