/**
 * Configuration space and features of a virtio block device (virtio 1.2 §5.2.3, §5.2.4, §5.2.5).
 */

import type { BlockWire } from '../block-wire.ts';
import {
  BlkConfigSpace,
  VIRTIO_BLK_F_BLK_SIZE,
  VIRTIO_BLK_F_CONFIG_WCE,
  VIRTIO_BLK_F_DISCARD,
  VIRTIO_BLK_F_FLUSH,
  VIRTIO_BLK_F_RO,
  VIRTIO_BLK_F_SEG_MAX,
  VIRTIO_BLK_F_SIZE_MAX,
  VIRTIO_BLK_F_TOPOLOGY,
  VIRTIO_BLK_F_WRITE_ZEROES,
} from './blk-registers.ts';
import {
  type Features,
  features,
  hasFeature,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_VERSION_1,
} from './mmio-registers.ts';

export interface BlkLimits {
  /** Largest data segment in bytes (SIZE_MAX). */
  readonly sizeMax: number;
  /** Most data segments of a request (SEG_MAX). */
  readonly segMax: number;
  /** Logical block in bytes: 512 or 4096 (BLK_SIZE). */
  readonly logicalBlockBytes: 512 | 4096;
  /** Physical block in bytes: a power of two times the logical one (TOPOLOGY). */
  readonly physicalBlockBytes: number;
  /** Most ranges of a DISCARD or WRITE_ZEROES. */
  readonly rangesMax: number;
  /** Most sectors of one such range. */
  readonly rangeSectorsMax: number;
  /** Whether the device has a FLUSH at all; without it, every write is written through. */
  readonly cache: 'flushable' | 'none';
}

const DEFAULT_SIZE_MAX = 4 * 1024 * 1024;
const DEFAULT_RANGES_MAX = 16;
const DEFAULT_RANGE_SECTORS_MAX = 1 << 22;

export class BlkConfig {
  readonly limits: BlkLimits;
  readonly offered: Features;
  readonly #wire: BlockWire;
  readonly #view = new DataView(new ArrayBuffer(64));
  #writeThrough = false;

  constructor(wire: BlockWire, queueSize: number, limits: Partial<BlkLimits>) {
    const logicalBlockBytes = limits.logicalBlockBytes ?? 512;
    this.#wire = wire;
    this.limits = {
      sizeMax: DEFAULT_SIZE_MAX,
      segMax: queueSize - 2,
      logicalBlockBytes,
      physicalBlockBytes: Math.max(4096, logicalBlockBytes),
      rangesMax: DEFAULT_RANGES_MAX,
      rangeSectorsMax: DEFAULT_RANGE_SECTORS_MAX,
      cache: 'flushable',
      ...limits,
    };
    this.offered = this.#features();
    this.reset();
  }

  /** Whether a write must be flushed before it is finished. */
  isWriteThrough(): boolean {
    return this.#writeThrough;
  }

  read(offset: number, width: number): number {
    if (offset + width > BlkConfigSpace.SIZE) return 0;
    if (width === 1) return this.#view.getUint8(offset);
    if (width === 2) return this.#view.getUint16(offset, true);
    return this.#view.getUint32(offset, true);
  }

  /** Only `writeback` can be written, with CONFIG_WCE. */
  write(offset: number, value: number, width: number, accepted: Features): 'ok' | 'refused' {
    const isWriteback = offset === BlkConfigSpace.writeback.offset && width === 1;
    if (!isWriteback || value > 1 || !hasFeature(accepted, VIRTIO_BLK_F_CONFIG_WCE)) {
      return 'refused';
    }
    BlkConfigSpace.writeback.set(this.#view, 0, value);
    this.#writeThrough = value === 0;
    return 'ok';
  }

  /** DRIVER_OK: decides between write-back and write-through (§5.2.6.2). */
  negotiated(accepted: Features): void {
    if (hasFeature(accepted, VIRTIO_BLK_F_CONFIG_WCE)) return;
    this.#writeThrough = !hasFeature(accepted, VIRTIO_BLK_F_FLUSH);
  }

  refreshCapacity(): void {
    const sectors = this.#wire.sectors();
    BlkConfigSpace.capacityLow.set(this.#view, 0, sectors % 0x1_0000_0000);
    BlkConfigSpace.capacityHigh.set(this.#view, 0, Math.floor(sectors / 0x1_0000_0000));
  }

  reset(): void {
    const { limits } = this;
    const view = this.#view;
    const logicalPerPhysical = limits.physicalBlockBytes / limits.logicalBlockBytes;
    this.refreshCapacity();
    BlkConfigSpace.sizeMax.set(view, 0, limits.sizeMax);
    BlkConfigSpace.segMax.set(view, 0, limits.segMax);
    BlkConfigSpace.blkSize.set(view, 0, limits.logicalBlockBytes);
    BlkConfigSpace.physicalBlockExp.set(view, 0, Math.log2(logicalPerPhysical));
    BlkConfigSpace.minIoSize.set(view, 0, logicalPerPhysical);
    BlkConfigSpace.writeback.set(view, 0, limits.cache === 'flushable' ? 1 : 0);
    BlkConfigSpace.numQueues.set(view, 0, 1);
    BlkConfigSpace.maxDiscardSectors.set(view, 0, limits.rangeSectorsMax);
    BlkConfigSpace.maxDiscardSeg.set(view, 0, limits.rangesMax);
    BlkConfigSpace.discardSectorAlignment.set(view, 0, 1);
    BlkConfigSpace.maxWriteZeroesSectors.set(view, 0, limits.rangeSectorsMax);
    BlkConfigSpace.maxWriteZeroesSeg.set(view, 0, limits.rangesMax);
    BlkConfigSpace.writeZeroesMayUnmap.set(view, 0, 0);
    this.#writeThrough = limits.cache !== 'flushable';
  }

  #features(): Features {
    const bits = [
      VIRTIO_BLK_F_SIZE_MAX,
      VIRTIO_BLK_F_SEG_MAX,
      VIRTIO_BLK_F_BLK_SIZE,
      VIRTIO_BLK_F_TOPOLOGY,
      VIRTIO_F_INDIRECT_DESC,
      VIRTIO_F_EVENT_IDX,
      VIRTIO_F_VERSION_1,
    ];
    if (this.limits.cache === 'flushable') bits.push(VIRTIO_BLK_F_FLUSH, VIRTIO_BLK_F_CONFIG_WCE);
    if (this.#wire.isReadOnly()) bits.push(VIRTIO_BLK_F_RO);
    else bits.push(VIRTIO_BLK_F_WRITE_ZEROES);
    if (this.#wire.canDiscard()) bits.push(VIRTIO_BLK_F_DISCARD);
    return features(...bits);
  }
}
