/**
 * The driver's registers and numbers against the device model's: each was written from the
 * specification by itself.
 */

import { describe, expect, it } from 'vitest';
import * as model from '../../board/virtio/blk-registers.ts';
import * as transport from '../../board/virtio/mmio-registers.ts';
import * as driver from '../../drivers/blk/virtio/regs.ts';

/** `MagicValue` of the model is `REG_MAGIC_VALUE` of the driver. */
function driverName(name: string): string {
  return `REG_${name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase()}`;
}

describe('registers', () => {
  it('lie at the same places for driver and device', () => {
    const both: string[] = [];
    for (const [name, offset] of Object.entries(transport.MMIO)) {
      const value = (driver as Record<string, unknown>)[driverName(name)];
      if (value === undefined) continue;
      expect([name, value]).toEqual([name, offset]);
      both.push(name);
    }
    expect(both.length).toBe(23);
  });

  it('have the same status and feature bits', () => {
    const { STATUS } = transport;
    expect([
      driver.STATUS_ACKNOWLEDGE,
      driver.STATUS_DRIVER,
      driver.STATUS_DRIVER_OK,
      driver.STATUS_FEATURES_OK,
      driver.STATUS_NEEDS_RESET,
      driver.STATUS_FAILED,
    ]).toEqual([
      STATUS.ACKNOWLEDGE,
      STATUS.DRIVER,
      STATUS.DRIVER_OK,
      STATUS.FEATURES_OK,
      STATUS.DEVICE_NEEDS_RESET,
      STATUS.FAILED,
    ]);
    const bits = [
      [driver.F_SIZE_MAX, model.VIRTIO_BLK_F_SIZE_MAX],
      [driver.F_SEG_MAX, model.VIRTIO_BLK_F_SEG_MAX],
      [driver.F_RO, model.VIRTIO_BLK_F_RO],
      [driver.F_BLK_SIZE, model.VIRTIO_BLK_F_BLK_SIZE],
      [driver.F_FLUSH, model.VIRTIO_BLK_F_FLUSH],
      [driver.F_DISCARD, model.VIRTIO_BLK_F_DISCARD],
      [driver.F_WRITE_ZEROES, model.VIRTIO_BLK_F_WRITE_ZEROES],
      [driver.F_INDIRECT_DESC, transport.VIRTIO_F_INDIRECT_DESC],
      [driver.F_EVENT_IDX, transport.VIRTIO_F_EVENT_IDX],
    ] as const;
    for (const [mask, bit] of bits) expect(mask).toBe(1 << bit);
  });

  it('have the same configuration fields, request types and status bytes', () => {
    const config = model.BlkConfigSpace;
    expect([
      driver.CONFIG_CAPACITY_LOW,
      driver.CONFIG_SIZE_MAX,
      driver.CONFIG_SEG_MAX,
      driver.CONFIG_BLK_SIZE,
      driver.CONFIG_MAX_DISCARD_SECTORS,
      driver.CONFIG_MAX_WRITE_ZEROES_SECTORS,
    ]).toEqual(
      [
        config.capacityLow,
        config.sizeMax,
        config.segMax,
        config.blkSize,
        config.maxDiscardSectors,
        config.maxWriteZeroesSectors,
      ].map((field) => transport.MMIO.Config + field.offset),
    );
    expect([
      [driver.T_IN, driver.T_OUT, driver.T_FLUSH, driver.T_GET_ID, driver.T_DISCARD],
      [driver.T_WRITE_ZEROES, driver.S_OK, driver.S_IOERR, driver.S_UNSUPP, driver.ID_BYTES],
    ]).toEqual([
      [
        model.VIRTIO_BLK_T_IN,
        model.VIRTIO_BLK_T_OUT,
        model.VIRTIO_BLK_T_FLUSH,
        model.VIRTIO_BLK_T_GET_ID,
        model.VIRTIO_BLK_T_DISCARD,
      ],
      [
        model.VIRTIO_BLK_T_WRITE_ZEROES,
        model.VIRTIO_BLK_S_OK,
        model.VIRTIO_BLK_S_IOERR,
        model.VIRTIO_BLK_S_UNSUPP,
        model.BLK_ID_BYTES,
      ],
    ]);
  });
});
