/**
 * Transmit virtualiser of the serial class: merges the clients' output into the driver's queue.
 *
 * What a client has put in by the time it is looked at is passed on whole or not at all, so that
 * output is never torn and, with colours, every piece has its own colour around it. A client that
 * does not fit waits in a list, each at most once, and is served in order when the driver has room:
 * nothing is lost, and back-pressure reaches the client through its own full queue.
 */

import { demand } from '../../../memory/misuse.ts';
import type { EntryPoints, ProtectionDomain } from '../../../microkit/pd.ts';
import { Counters } from '../../../queues/counters.ts';
import { joinRestarts } from '../../../queues/restart/member.ts';
import type { SerialVirtTxConfig } from '../../../queues/serial/config.ts';
import { SERIAL_VIRT_TX_COUNTERS as COUNT } from '../../../queues/serial/counters.ts';
import { SerialConsumer, SerialProducer } from '../../../queues/serial/queue.ts';
import { supervisedSerial } from '../../../queues/serial/restart.ts';

const DEFAULT_BEGIN_STRING = 'Begin input\r\n';
/** Foreground colours 31 to 36: red, green, yellow, blue, magenta, cyan. */
const FIRST_COLOUR = 31;
const COLOURS = 6;
const COLOUR_END = ascii('\u001b[0m');

interface Client {
  readonly queue: SerialConsumer;
  readonly channel: number;
  readonly colourBegin: Uint8Array;
  isWaiting: boolean;
}

/** Names of the counters in `stats`, for whoever runs this program from a description. */
export { COUNT as counters };

export function main(pd: ProtectionDomain<SerialVirtTxConfig>): EntryPoints {
  const virtualiser = new SerialVirtTx(pd);
  return supervisedSerial(pd, virtualiser.member, {
    notified: (channel) => virtualiser.notified(channel),
    counters: virtualiser.counters,
  });
}

class SerialVirtTx {
  readonly member: ReturnType<typeof joinRestarts>;
  readonly #pd: ProtectionDomain<SerialVirtTxConfig>;
  readonly #driver: SerialProducer;
  readonly #driverChannel: number;
  readonly #clients: readonly Client[];
  readonly #clientOfChannel = new Int8Array(64).fill(-1);
  /** Clients that wait for room, oldest first: indices in a ring of one place for each client. */
  readonly #waiting: Int32Array;
  #waitingFirst = 0;
  #waitingCount = 0;
  #liesSeen = 0;
  readonly #colourBytes: number;
  readonly counters: Counters<keyof typeof COUNT>;

  constructor(pd: ProtectionDomain<SerialVirtTxConfig>) {
    const { config } = pd;
    this.#pd = pd;
    this.member = joinRestarts(pd, config.restart);
    const { queue, data, capacity, channel } = config.driver;
    this.#driver = new SerialProducer(pd.region(queue), pd.region(data), capacity);
    this.#driverChannel = channel;
    this.#driver.cancelSignal();
    this.#clients = config.clients.map(({ connection }, index) => ({
      queue: new SerialConsumer(
        pd.region(connection.queue),
        pd.readonlyRegion(connection.data),
        connection.capacity,
      ),
      channel: connection.channel,
      colourBegin: ascii(`\u001b[${FIRST_COLOUR + (index % COLOURS)}m`),
      isWaiting: false,
    }));
    this.#waiting = new Int32Array(this.#clients.length);
    this.#colourBytes = config.colour === 'on' ? COLOUR_END.length + ascii('\u001b[31m').length : 0;
    for (const [index, client] of this.#clients.entries()) {
      this.#clientOfChannel[client.channel] = index;
      const most = client.queue.capacity + this.#colourBytes;
      demand(
        capacity >= most,
        `the driver's queue of ${capacity} does not hold the ${most} of a client`,
      );
    }
    const { stats } = config;
    this.counters = new Counters(COUNT, stats === undefined ? undefined : pd.region(stats));
    // Input has begun already when we are started again.
    if (config.input === 'on' && this.member?.isRestarted !== true) {
      this.#driver.write(ascii(config.beginString ?? DEFAULT_BEGIN_STRING));
      if (this.#driver.publish()) pd.notify(channel);
    }
  }

  notified(channel: number): void {
    if (channel === this.#driverChannel) {
      this.#serveWaiting();
    } else {
      const index = this.#clientOfChannel[channel] ?? -1;
      if (index < 0) {
        this.#pd.log(`serial tx virtualiser: notification on unknown channel ${channel}`);
        return;
      }
      // Whoever waits already goes first.
      if (this.#waitingCount > 0) this.#wait(index);
      else if (this.#transfer(index) === 'no room') this.#wait(index);
    }
    if (this.#driver.publish()) this.#pd.notify(this.#driverChannel);
    this.#countLies();
  }

  #countLies(): void {
    let { lies } = this.#driver;
    for (const client of this.#clients) lies += client.queue.lies;
    if (lies === this.#liesSeen) return;
    this.counters.add(COUNT.queueLies, lies - this.#liesSeen);
    this.#liesSeen = lies;
  }

  #serveWaiting(): void {
    while (this.#waitingCount > 0) {
      const index = this.#waiting[this.#waitingFirst] as number;
      if (this.#transfer(index) === 'no room') return;
      this.#waitingFirst = (this.#waitingFirst + 1) % this.#waiting.length;
      this.#waitingCount -= 1;
      this.#client(index).isWaiting = false;
    }
  }

  #wait(index: number): void {
    const client = this.#client(index);
    if (client.isWaiting) return;
    client.isWaiting = true;
    this.#waiting[(this.#waitingFirst + this.#waitingCount) % this.#waiting.length] = index;
    this.#waitingCount += 1;
    this.counters.add(COUNT.clientsMadeToWait, 1);
  }

  /** Passes on all that a client has put in, once it all fits. The client's tail is read once. */
  #transfer(index: number): 'done' | 'no room' {
    const client = this.#client(index);
    const length = client.queue.length();
    if (length > 0) {
      if (!this.#hasRoomFor(length + this.#colourBytes)) return 'no room';
      if (this.#colourBytes > 0) this.#driver.write(client.colourBegin);
      client.queue.moveTo(this.#driver, length);
      if (this.#colourBytes > 0) this.#driver.write(COLOUR_END);
      this.counters.add(COUNT.bytes, length);
      this.counters.add(COUNT.transfers, 1);
    }
    if (client.queue.publish()) this.#pd.notify(client.channel);
    return 'done';
  }

  /**
   * Looks for room in the driver's queue; when there is none, asks for a signal and looks again.
   */
  #hasRoomFor(lengthBytes: number): boolean {
    if (this.#driver.room() >= lengthBytes) return true;
    // The driver can only make room from what it can see.
    if (this.#driver.publish()) this.#pd.notify(this.#driverChannel);
    this.#driver.requestSignal();
    if (this.#driver.room() < lengthBytes) return false;
    this.#driver.cancelSignal();
    return true;
  }

  #client(index: number): Client {
    return this.#clients[index] as Client;
  }
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
