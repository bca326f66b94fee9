/**
 * Receive virtualiser of the serial class: gives what is typed to one client at a time.
 *
 * Input is switched by the switch character (Ctrl-\), the client's number in at most four digits,
 * and Enter; the switch character twice is the character itself. A byte for a client whose queue is
 * full is dropped, the newest first, and counted: the other clients go on.
 */

import type { EntryPoints, ProtectionDomain } from '../../../microkit/pd.ts';
import { Counters } from '../../../queues/counters.ts';
import { joinRestarts } from '../../../queues/restart/member.ts';
import type { SerialVirtRxConfig } from '../../../queues/serial/config.ts';
import { SERIAL_VIRT_RX_COUNTERS as COUNT } from '../../../queues/serial/counters.ts';
import { SerialConsumer, SerialProducer } from '../../../queues/serial/queue.ts';
import { supervisedSerial } from '../../../queues/serial/restart.ts';

const DEFAULT_SWITCH_CHARACTER = 28;
const DEFAULT_TERMINATE_CHARACTER = 13;
const DIGITS_MAX = 4;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;

/**
 * What the next character means.
 *
 *     normal --switch--> switched --digit--> number --terminate--> normal, with input switched
 *                        switched --switch--> normal, with the character itself
 *                        anything else --> normal, nothing switched
 */
type InputState = 'normal' | 'switched' | 'number';

interface Client {
  readonly queue: SerialProducer;
  readonly channel: number;
}

/** Names of the counters in `stats`, for whoever runs this program from a description. */
export { COUNT as counters };

export function main(pd: ProtectionDomain<SerialVirtRxConfig>): EntryPoints {
  const virtualiser = new SerialVirtRx(pd);
  return supervisedSerial(pd, virtualiser.member, {
    notified: (channel) => virtualiser.notified(channel),
    counters: virtualiser.counters,
  });
}

class SerialVirtRx {
  readonly member: ReturnType<typeof joinRestarts>;
  readonly #pd: ProtectionDomain<SerialVirtRxConfig>;
  readonly #driver: SerialConsumer;
  readonly #driverChannel: number;
  readonly #clients: readonly Client[];
  readonly #switchCharacter: number;
  readonly #terminateCharacter: number;
  readonly counters: Counters<keyof typeof COUNT>;
  #state: InputState = 'normal';
  #number = 0;
  #digits = 0;
  #current = 0;
  /** Bytes put in and dropped for the present client since the last count. */
  #passed = 0;
  #dropped = 0;
  #liesSeen = 0;

  constructor(pd: ProtectionDomain<SerialVirtRxConfig>) {
    const { config } = pd;
    this.#pd = pd;
    this.member = joinRestarts(pd, config.restart);
    const { queue, data, capacity, channel } = config.driver;
    this.#driver = new SerialConsumer(pd.region(queue), pd.readonlyRegion(data), capacity);
    this.#driverChannel = channel;
    this.#clients = config.clients.map(({ connection }) => {
      const { queue: clientQueue, data: clientData, capacity: bytes } = connection;
      const producer = new SerialProducer(pd.region(clientQueue), pd.region(clientData), bytes);
      // Room in a client's queue is not waited for: what does not fit is dropped.
      producer.cancelSignal();
      return { queue: producer, channel: connection.channel };
    });
    this.#switchCharacter = config.switchCharacter ?? DEFAULT_SWITCH_CHARACTER;
    this.#terminateCharacter = config.terminateCharacter ?? DEFAULT_TERMINATE_CHARACTER;
    // Who types does not know that we have been started again: input goes where it went.
    this.#current = Math.min(this.member?.note ?? 0, this.#clients.length - 1);
    const { stats } = config;
    this.counters = new Counters(COUNT, stats === undefined ? undefined : pd.region(stats));
  }

  notified(channel: number): void {
    if (channel === this.#driverChannel) this.#receive();
    // A client never has anything for this virtualiser: it asked for no signal.
  }

  #receive(): void {
    const driver = this.#driver;
    for (let byte = driver.dequeue(); byte >= 0; byte = driver.dequeue()) {
      if (this.#state === 'normal' && byte !== this.#switchCharacter) this.#pass(byte);
      else this.#switching(byte);
    }
    this.#endBatch();
    if (driver.publish()) this.#pd.notify(this.#driverChannel);
    this.#countLies();
  }

  #switching(byte: number): void {
    if (this.#state === 'normal') {
      this.#state = 'switched';
      this.#number = 0;
      this.#digits = 0;
      return;
    }
    if (this.#state === 'switched' && byte === this.#switchCharacter) {
      this.#state = 'normal';
      this.#pass(byte);
      return;
    }
    if (byte >= DIGIT_0 && byte <= DIGIT_9 && this.#digits < DIGITS_MAX) {
      this.#state = 'number';
      this.#number = this.#number * 10 + (byte - DIGIT_0);
      this.#digits += 1;
      return;
    }
    const complete = this.#state === 'number' && byte === this.#terminateCharacter;
    this.#state = 'normal';
    if (!complete) this.#refuse('input switch was not a number');
    else if (this.#number < this.#clients.length) this.#switchTo(this.#number);
    else this.#refuse(`no client ${this.#number}`);
  }

  #switchTo(client: number): void {
    this.#endBatch();
    this.#current = client;
    if (this.member !== undefined) this.member.note = client;
    this.counters.add(COUNT.switches, 1);
    this.#pd.log(`VIRT_RX|LOG: switching to client ${client}`);
  }

  #refuse(what: string): void {
    this.counters.add(COUNT.badSwitches, 1);
    this.#pd.log(`VIRT_RX|LOG: ${what}`);
  }

  #pass(byte: number): void {
    const client = this.#clients[this.#current];
    if (client === undefined || !client.queue.enqueue(byte)) this.#dropped += 1;
    else this.#passed += 1;
  }

  /** Publishes what the present client has got, and tells it. */
  #endBatch(): void {
    const client = this.#clients[this.#current];
    if (client !== undefined && client.queue.publish()) this.#pd.notify(client.channel);
    if (this.#passed > 0) this.counters.add(COUNT.bytes, this.#passed);
    if (this.#dropped > 0) this.counters.add(COUNT.droppedClientFull, this.#dropped);
    this.#passed = 0;
    this.#dropped = 0;
  }

  #countLies(): void {
    let { lies } = this.#driver;
    for (const { queue } of this.#clients) lies += queue.lies;
    if (lies === this.#liesSeen) return;
    this.counters.add(COUNT.queueLies, lies - this.#liesSeen);
    this.#liesSeen = lies;
  }
}
