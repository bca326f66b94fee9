/** A disk that tells what its device does with it: see `request-watch.ts`. */

import {
  BLOCK_PENDING,
  type BlockStatus,
  type BlockWire,
  BlockWrapper,
} from '../../board/block-wire.ts';

/** What the device does for a request. */
export interface DiskWork {
  readonly what: 'read' | 'wrote' | 'finished';
  /** Position in RAM; -1 when no bytes are moved. */
  readonly at: number;
  readonly lengthBytes: number;
  readonly beganNs: number;
}

export interface DiskListener {
  now(): number;
  /** It is done. */
  worked(work: DiskWork): void;
}

export class WatchedDisk extends BlockWrapper {
  readonly #listener: DiskListener;
  /** What the disk has under way, by tag. */
  readonly #pending = new Map<number, DiskWork[]>();

  constructor(inner: BlockWire, listener: DiskListener) {
    super(inner);
    this.#listener = listener;
  }

  override read(tag: number, sector: number, at: number, lengthBytes: number): BlockStatus {
    const work = this.#work('read', at, lengthBytes);
    return this.#started(tag, work, super.read(tag, sector, at, lengthBytes));
  }

  override write(tag: number, sector: number, at: number, lengthBytes: number): BlockStatus {
    const work = this.#work('wrote', at, lengthBytes);
    return this.#started(tag, work, super.write(tag, sector, at, lengthBytes));
  }

  override flush(tag: number): BlockStatus {
    return this.#started(tag, this.#work('finished', -1, 0), super.flush(tag));
  }

  override discard(tag: number, sector: number, sectors: number): BlockStatus {
    const work = this.#work('finished', -1, 0);
    return this.#started(tag, work, super.discard(tag, sector, sectors));
  }

  override writeZeroes(tag: number, sector: number, sectors: number): BlockStatus {
    const work = this.#work('finished', -1, 0);
    return this.#started(tag, work, super.writeZeroes(tag, sector, sectors));
  }

  override completed(tag: number, status: BlockStatus): void {
    const [work, ...others] = this.#pending.get(tag) ?? [];
    if (work !== undefined) this.#listener.worked(work);
    this.#pending.set(tag, others);
    super.completed(tag, status);
  }

  override abandon(): void {
    this.#pending.clear();
    super.abandon();
  }

  #work(what: DiskWork['what'], at: number, lengthBytes: number): DiskWork {
    return { what, at, lengthBytes, beganNs: this.#listener.now() };
  }

  #started(tag: number, work: DiskWork, status: BlockStatus): BlockStatus {
    if (status === BLOCK_PENDING) {
      this.#pending.set(tag, [...(this.#pending.get(tag) ?? []), work]);
    } else {
      this.#listener.worked(work);
    }
    return status;
  }
}
