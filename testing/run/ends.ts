/** The outer ends of a system's devices: what a test sends and what it sees there. */

import { type BlockEnd, BlockWrapper } from '../../board/block-wire.ts';
import { MemoryDisk } from '../../board/block/memory-disk.ts';
import type { Clock } from '../../board/clock.ts';
import { StagedLink } from '../../board/links/staged-link.ts';
import { SerialLine } from '../../board/uart/serial-line.ts';
import type { Ram } from '../../memory/ram.ts';
import { decodeFrame } from '../frames/decode.ts';
import type { FrameFacts } from '../frames/fields.ts';

/** A frame that the system has sent. */
export interface SeenFrame {
  readonly timeNs: number;
  readonly facts: FrameFacts;
  /** An expectation has used it already. */
  isTaken: boolean;
}

export class NetEnd {
  readonly link: StagedLink;
  readonly frames: SeenFrame[] = [];

  constructor(ram: Ram, clock: Clock) {
    const far = {
      transmit: (frame: Uint8Array) => {
        const facts = decodeFrame(frame.slice());
        this.frames.push({ timeNs: clock.now(), facts, isTaken: false });
      },
    };
    this.link = new StagedLink({ ram, onTransmit: () => this.link.drain(far) });
  }
}

export class UartEnd {
  readonly line: SerialLine;
  /** All that was printed, a character for each byte. */
  text = '';
  /** Expectations have used the characters up to here. */
  takenTo = 0;
  readonly #bytes = new Uint8Array(256);

  constructor(clock: Clock, rate: 'fast' | 'real') {
    this.line = new SerialLine({ clock, rate });
    this.line.setFarEnd({
      outputArrived: () => this.#read(),
      inputRoom: () => undefined,
      formatChanged: () => undefined,
      breakChanged: () => undefined,
      outputsChanged: () => undefined,
    });
  }

  #read(): void {
    const { line } = this;
    const bytes = this.#bytes;
    for (let length = line.takeOutput(bytes); length > 0; length = line.takeOutput(bytes)) {
      this.text += String.fromCharCode(...bytes.subarray(0, length));
    }
  }
}

export type DiskOperationKind = 'read' | 'write' | 'flush' | 'discard' | 'zero';

/** What the device has asked of a disk; sectors have 512 bytes. */
export interface DiskOperation {
  readonly timeNs: number;
  readonly op: DiskOperationKind;
  readonly sector: number;
  readonly sectors: number;
  isTaken: boolean;
}

const SECTOR_BYTES = 512;

export class DiskEnd extends BlockWrapper {
  readonly operations: DiskOperation[] = [];
  readonly #disk: MemoryDisk;
  readonly #clock: Clock;

  constructor(parts: { readonly ram: Ram; readonly clock: Clock; readonly sizeBytes: number }) {
    const disk = new MemoryDisk(parts.ram, parts.sizeBytes);
    super(disk);
    this.#disk = disk;
    this.#clock = parts.clock;
  }

  override attach(end: BlockEnd): void {
    super.attach(end);
  }

  put(bytes: Uint8Array, at: number): void {
    this.#disk.load(bytes, at);
  }

  contents(at: number, lengthBytes: number): Uint8Array {
    return this.#disk.image().subarray(at, at + lengthBytes);
  }

  override read(tag: number, sector: number, at: number, lengthBytes: number): number {
    this.#note('read', sector, lengthBytes / SECTOR_BYTES);
    return super.read(tag, sector, at, lengthBytes);
  }

  override write(tag: number, sector: number, at: number, lengthBytes: number): number {
    this.#note('write', sector, lengthBytes / SECTOR_BYTES);
    return super.write(tag, sector, at, lengthBytes);
  }

  override flush(tag: number): number {
    this.#note('flush', 0, 0);
    return super.flush(tag);
  }

  override discard(tag: number, sector: number, sectors: number): number {
    this.#note('discard', sector, sectors);
    return super.discard(tag, sector, sectors);
  }

  override writeZeroes(tag: number, sector: number, sectors: number): number {
    this.#note('zero', sector, sectors);
    return super.writeZeroes(tag, sector, sectors);
  }

  #note(op: DiskOperationKind, sector: number, sectors: number): void {
    this.operations.push({ timeNs: this.#clock.now(), op, sector, sectors, isTaken: false });
  }
}
