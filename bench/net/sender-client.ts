/**
 * A client that sends frames of one size without end: every buffer that comes back goes out again.
 */

import type { EchoConfig } from '../../clients/echo/echo.ts';
import type { EntryPoints, Program, ProtectionDomain } from '../../microkit/pd.ts';
import { NET_BUFFER_BYTES, NetConsumer, NetProducer } from '../../queues/net/queue.ts';

/** Where a frame has its sender's address, and which byte of that tells the clients apart. */
export const SENDER_BYTE_AT = 6 + 5;

export function senderClient(frameBytes: number): Program<EchoConfig> {
  return (pd) => new SenderClient(pd, frameBytes).entryPoints();
}

class SenderClient {
  readonly #pd: ProtectionDomain<EchoConfig>;
  readonly #frameBytes: number;
  readonly #active: NetProducer;
  readonly #free: NetConsumer;

  constructor(pd: ProtectionDomain<EchoConfig>, frameBytes: number) {
    const { tx, txData, mac } = pd.config.net;
    this.#pd = pd;
    this.#frameBytes = frameBytes;
    this.#active = new NetProducer(pd.region(tx.activeQueue), tx.capacity);
    this.#free = new NetConsumer(pd.region(tx.freeQueue), tx.capacity);
    const data = pd.region(txData.region);
    const last = Number.parseInt(mac.slice(-2), 16);
    for (let index = 0; index < txData.buffers; index += 1) {
      data.write8(index * NET_BUFFER_BYTES + SENDER_BYTE_AT, last);
      this.#active.enqueue(index * NET_BUFFER_BYTES, 0, frameBytes, 0);
    }
  }

  entryPoints(): EntryPoints {
    this.#send();
    return { notified: () => this.#send() };
  }

  #send(): void {
    while (this.#free.dequeue()) {
      this.#active.enqueue(this.#free.low, 0, this.#frameBytes, 0);
    }
    this.#free.publish();
    this.#free.requestSignal();
    if (this.#active.publish()) this.#pd.notify(this.#pd.config.net.tx.channel);
  }
}
