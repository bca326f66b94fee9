/**
 * A bridge over a descriptor that carries a frame in each read and write: a TAP device, or the
 * socket of a virtual switch.
 *
 * While the board has no room, the descriptor is not read: frames wait in the host's own queue, as
 * long as that is, and what no longer fits there the host drops and counts.
 */

import { hostNow } from '../host-time.ts';
import { FRAMES_PER_LOOK, Ingress, READ_NS } from './bridge.ts';
import type { BoardPort, Bridge, DropListener, NoticeListener } from './bridge.ts';
import type { CLibrary, DescriptorWatch } from './c-library.ts';

/** More than a frame with two tags: a longer one is seen to be too long. */
const RECEIVE_BYTES = 4096;

/** A descriptor that does not block, and how frames pass it. */
export interface FrameDescriptor {
  /** For messages, such as `tap0`. */
  readonly name: string;
  readonly descriptor: number;
  /** A second descriptor, where the end of the other side shows on that alone. */
  readonly lifeline?: { readonly descriptor: number; hasEnded(): boolean };
  /** @returns bytes of the frame, 0 when none is there, -1 when the other side is gone for good */
  receive(into: Uint8Array): number;
  /** Frames that the host has lost because nobody had read those before them; where it says so. */
  hostDropped?(): number;
  /** 'refused': the host does not take it now. */
  send(frame: Uint8Array): 'sent' | 'refused';
  close(): void;
}

export interface DescriptorBridgeOptions {
  readonly library: CLibrary;
  readonly frames: FrameDescriptor;
  readonly port: BoardPort;
  readonly wake: () => void;
  readonly onNotice: NoticeListener;
  readonly onDrop?: DropListener;
}

export class DescriptorBridge implements Bridge {
  readonly #options: DescriptorBridgeOptions;
  readonly #ingress: Ingress;
  readonly #watch: DescriptorWatch;
  readonly #lifeline: DescriptorWatch | undefined;
  readonly #buffer = new Uint8Array(RECEIVE_BYTES);
  /** Bytes of a frame in the buffer for which the board had no room; nothing is read meanwhile. */
  #heldBytes = 0;
  #state: 'open' | 'gone' | 'closed' = 'open';
  readonly #count = { framesOut: 0, bytesOut: 0, refusedDropped: 0, goneDropped: 0, holds: 0 };
  #hostDropped = 0;

  constructor(options: DescriptorBridgeOptions) {
    this.#options = options;
    this.#ingress = new Ingress(options.port, options.onDrop);
    const { descriptor, lifeline } = options.frames;
    this.#watch = options.library.watch(descriptor, () => this.#receive());
    if (lifeline === undefined) return;
    this.#lifeline = options.library.watch(lifeline.descriptor, () => {
      if (lifeline.hasEnded()) this.#lose();
    });
  }

  #receive(): void {
    const endNs = hostNow() + READ_NS;
    while (this.#receiveSome() === 'more' && hostNow() < endNs);
    this.#options.wake();
  }

  /** @returns whether there may be more */
  #receiveSome(): 'more' | 'none' {
    const { frames } = this.#options;
    for (let taken = 0; taken < FRAMES_PER_LOOK; taken += 1) {
      const bytes = frames.receive(this.#buffer);
      if (bytes < 0) this.#lose();
      if (bytes <= 0) return 'none';
      this.#offer(bytes);
      if (this.#heldBytes > 0) return 'none';
    }
    return 'more';
  }

  #offer(bytes: number): void {
    if (this.#ingress.offer(this.#buffer.subarray(0, bytes)) !== 'full') return;
    this.#heldBytes = bytes;
    this.#count.holds += 1;
    this.#watch.pause();
  }

  /** The device was deleted, the switch has ended. */
  #lose(): void {
    if (this.#state !== 'open') return;
    this.#state = 'gone';
    this.#watch.pause();
    this.#lifeline?.pause();
    const { onNotice, frames } = this.#options;
    onNotice(`${frames.name} is gone; what the board sends is dropped from now on`);
  }

  transmit(frame: Uint8Array): void {
    if (this.#state !== 'open') {
      this.#count.goneDropped += 1;
    } else if (this.#options.frames.send(frame) === 'refused') {
      this.#count.refusedDropped += 1;
    } else {
      this.#count.framesOut += 1;
      this.#count.bytesOut += frame.length;
    }
  }

  flush(): void {
    const held = this.#heldBytes;
    if (held === 0) return;
    this.#heldBytes = 0;
    if (this.#ingress.offer(this.#buffer.subarray(0, held)) === 'full') {
      this.#heldBytes = held;
      return;
    }
    if (this.#state === 'open') this.#watch.resume();
    this.#options.wake();
  }

  close(): Promise<void> {
    if (this.#state !== 'closed') {
      this.#lookAtHost();
      this.#state = 'closed';
      this.#watch.close();
      this.#lifeline?.close();
      this.#options.frames.close();
    }
    return Promise.resolve();
  }

  /** While there is a device that can be asked. */
  #lookAtHost(): void {
    if (this.#state === 'open') this.#hostDropped = this.#options.frames.hostDropped?.() ?? 0;
  }

  counters(): Record<string, number> {
    this.#lookAtHost();
    const hostDropped = this.#hostDropped;
    return { ...this.#ingress.counters(), ...this.#count, hostDropped };
  }
}
