/**
 * The block wire: what a block device model has behind it. Memory, files, overlays, caches, latency
 * models and fault plans all implement the same interface, and most are wrappers around another
 * wire, so any of them fits any device.
 *
 * Bytes are moved straight between the backend and RAM: positions are offsets in the board's `Ram`.
 * Sectors are always of 512 bytes here, whatever the device's logical block size is.
 */

export const SECTOR_BYTES = 512;

/** Answer of an operation. */
export type BlockStatus = number;
export const BLOCK_OK = 0;
export const BLOCK_IO_ERROR = 1;
export const BLOCK_UNSUPPORTED = 2;
/** The operation is under way: {@link BlockEnd.completed} will tell. */
export const BLOCK_PENDING = 3;

/** What a wire tells the device at its end. */
export interface BlockEnd {
  /**
   * An operation that answered `BLOCK_PENDING` is over. Called once for each, never inside the call
   * that started it.
   */
  completed(tag: number, status: BlockStatus): void;
  /** The size has changed, or the medium has become read-only or writable. */
  geometryChanged(): void;
}

/**
 * Operations may overlap in time and finish in any order. Several may carry the same tag. The
 * caller keeps ranges within {@link sectors} and lengths multiples of 512. Each sector is written
 * wholly or not at all.
 */
export interface BlockWire {
  /** Plugs in the device; one at a time. */
  attach(end: BlockEnd): void;
  /** Size in sectors of 512 bytes. */
  sectors(): number;
  isReadOnly(): boolean;
  /** Whether {@link discard} does anything. */
  canDiscard(): boolean;
  /** At most 20 ASCII characters. */
  serialNumber(): string;

  read(tag: number, sector: number, at: number, lengthBytes: number): BlockStatus;
  write(tag: number, sector: number, at: number, lengthBytes: number): BlockStatus;
  /** Makes every write that is complete at this moment durable. */
  flush(tag: number): BlockStatus;
  /** The sectors are no longer needed; what they read as afterwards is undefined. */
  discard(tag: number, sector: number, sectors: number): BlockStatus;
  writeZeroes(tag: number, sector: number, sectors: number): BlockStatus;
  /**
   * Where its sectors lie in RAM, one behind the other, if both reading and writing them is copying
   * them, at once, and a flush has nothing to do: the device then may copy them itself.
   */
  contentsAt?(): number;
  /** End of a batch of operations: a wire that hands work to somebody else does it now. */
  submit(): void;
  /**
   * Forgets every pending operation: from now on none of them moves a byte or completes. The device
   * is being reset.
   */
  abandon(): void;
}

/** A wrapper that changes nothing: the base of those that change something. */
export class BlockWrapper implements BlockWire, BlockEnd {
  protected readonly inner: BlockWire;
  protected end: BlockEnd | undefined;

  constructor(inner: BlockWire) {
    this.inner = inner;
  }

  attach(end: BlockEnd): void {
    this.end = end;
    this.inner.attach(this);
  }

  sectors(): number {
    return this.inner.sectors();
  }

  isReadOnly(): boolean {
    return this.inner.isReadOnly();
  }

  canDiscard(): boolean {
    return this.inner.canDiscard();
  }

  serialNumber(): string {
    return this.inner.serialNumber();
  }

  read(tag: number, sector: number, at: number, lengthBytes: number): BlockStatus {
    return this.inner.read(tag, sector, at, lengthBytes);
  }

  write(tag: number, sector: number, at: number, lengthBytes: number): BlockStatus {
    return this.inner.write(tag, sector, at, lengthBytes);
  }

  flush(tag: number): BlockStatus {
    return this.inner.flush(tag);
  }

  discard(tag: number, sector: number, sectors: number): BlockStatus {
    return this.inner.discard(tag, sector, sectors);
  }

  writeZeroes(tag: number, sector: number, sectors: number): BlockStatus {
    return this.inner.writeZeroes(tag, sector, sectors);
  }

  submit(): void {
    this.inner.submit();
  }

  abandon(): void {
    this.inner.abandon();
  }

  completed(tag: number, status: BlockStatus): void {
    this.end?.completed(tag, status);
  }

  geometryChanged(): void {
    this.end?.geometryChanged();
  }
}
