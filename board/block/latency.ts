/**
 * Takes time for each operation, as a model says, so that requests complete out of order: without
 * it a driver never meets the case. An operation moves its bytes when its time has come.
 */

import type { Clock, ClockEvent } from '../clock.ts';
import type { BlockStatus, BlockWire } from '../block-wire.ts';
import { BLOCK_PENDING, BlockWrapper } from '../block-wire.ts';

export type BlockOperationKind = 'read' | 'write' | 'flush' | 'discard' | 'write-zeroes';

/** @returns nanoseconds that an operation takes; `Infinity`: it never completes */
export type LatencyModel = (
  kind: BlockOperationKind,
  sector: number,
  lengthBytes: number,
) => number;

class Operation implements ClockEvent {
  readonly #wire: LatencyWire;
  kind: BlockOperationKind = 'read';
  tag = 0;
  sector = 0;
  at = 0;
  /** Bytes, or sectors of a discard or write-zeroes. */
  length = 0;

  constructor(wire: LatencyWire) {
    this.#wire = wire;
  }

  fire(_nowNs: number): void {
    this.#wire.begin(this);
  }
}

export class LatencyWire extends BlockWrapper {
  readonly #clock: Clock;
  readonly #model: LatencyModel;
  readonly #idle: Operation[] = [];
  readonly #pending = new Set<Operation>();
  /** Operations that the model has swallowed. */
  stuck = 0;

  constructor(inner: BlockWire, clock: Clock, model: LatencyModel) {
    super(inner);
    this.#clock = clock;
    this.#model = model;
  }

  override read(tag: number, sector: number, at: number, lengthBytes: number): BlockStatus {
    return this.#later('read', tag, sector, at, lengthBytes);
  }

  override write(tag: number, sector: number, at: number, lengthBytes: number): BlockStatus {
    return this.#later('write', tag, sector, at, lengthBytes);
  }

  override flush(tag: number): BlockStatus {
    return this.#later('flush', tag, 0, 0, 0);
  }

  override discard(tag: number, sector: number, sectors: number): BlockStatus {
    return this.#later('discard', tag, sector, 0, sectors);
  }

  override writeZeroes(tag: number, sector: number, sectors: number): BlockStatus {
    return this.#later('write-zeroes', tag, sector, 0, sectors);
  }

  override abandon(): void {
    for (const operation of this.#pending) {
      this.#clock.cancel(operation);
      this.#idle.push(operation);
    }
    this.#pending.clear();
    super.abandon();
  }

  /** The time of an operation has come: for {@link Operation} only. */
  begin(operation: Operation): void {
    const status = this.#perform(operation);
    this.inner.submit();
    this.#pending.delete(operation);
    this.#idle.push(operation);
    if (status !== BLOCK_PENDING) this.end?.completed(operation.tag, status);
  }

  #later(
    kind: BlockOperationKind,
    tag: number,
    sector: number,
    at: number,
    length: number,
  ): BlockStatus {
    const delayNs = this.#model(kind, sector, length);
    if (delayNs === Infinity) {
      this.stuck += 1;
      return BLOCK_PENDING;
    }
    const operation = this.#idle.pop() ?? new Operation(this);
    operation.kind = kind;
    operation.tag = tag;
    operation.sector = sector;
    operation.at = at;
    operation.length = length;
    this.#pending.add(operation);
    this.#clock.schedule(operation, this.#clock.now() + delayNs);
    return BLOCK_PENDING;
  }

  #perform({ kind, tag, sector, at, length }: Operation): BlockStatus {
    switch (kind) {
      case 'read':
        return this.inner.read(tag, sector, at, length);
      case 'write':
        return this.inner.write(tag, sector, at, length);
      case 'flush':
        return this.inner.flush(tag);
      case 'discard':
        return this.inner.discard(tag, sector, length);
      case 'write-zeroes':
        return this.inner.writeZeroes(tag, sector, length);
    }
  }
}
