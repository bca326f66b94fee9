/**
 * Virtualiser of the i2c class: who may talk to which address, and whose transaction goes next.
 *
 * A client claims an address by a protected call; only its owner's transactions for it are passed
 * on. A transaction is passed on whole, with its addresses of data translated from the client's
 * mapping into the driver's, or refused with an answer. Clients take turns, a transaction each, and
 * few are in the driver's hands at once. What a client waits for is a few transactions of others;
 * how long these are, nobody limits but the queue.
 *
 * A client has its answers in the order of its transactions, refusals among them: an answer says
 * its address and nothing else, so a refusal that overtook would be taken for the answer of
 * another.
 *
 * When the driver dies, what it had has failed; when a client dies, the driver ends what that
 * client had on the bus, and nobody is told: see `docs/restart.md`.
 *
 * An answer for which its client has no room is dropped and counted: a client that collects what it
 * is told of has room, since it cannot have that many transactions ahead.
 */

import type { Channel, EntryPoints, MessageInfo, ProtectionDomain } from '../../microkit/pd.ts';
import { messageInfo, messageLabel } from '../../microkit/pd.ts';
import { counterNames, Counters } from '../../queues/counters.ts';
import type { I2cVirtConfig } from '../../queues/i2c/config.ts';
import { closeI2cEnd, type I2cEnd, openI2cEnd } from '../../queues/i2c/i2c-end.ts';
import {
  I2C_ADDRESS_MAX,
  I2C_CLAIM,
  I2C_ERR_MALFORMED_HEADER,
  I2C_ERR_MALFORMED_TRANSACTION,
  I2C_ERR_OTHER,
  I2C_ERR_UNPERMITTED_ADDRESS,
  I2C_FAILURE,
  I2C_HEADER,
  I2C_OK,
  I2C_RELEASE,
  I2C_SUCCESS,
} from '../../queues/i2c/layout.ts';
import {
  headerOf,
  type I2cCommand,
  I2cRequestConsumer,
  I2cRequestProducer,
  I2cResponseConsumer,
  I2cResponseProducer,
} from '../../queues/i2c/queues.ts';
import { type Connections, joinRestarts, supervised } from '../../queues/restart/member.ts';
import { checkCommand } from './checks.ts';

export const I2C_VIRT_COUNTERS = counterNames(
  'transactions',
  'commands',
  'failed',
  'claims',
  /** Claims of what another client has or of no address, and releases of what is not theirs. */
  'claimsRefused',
  'refusedHeader',
  'refusedAddress',
  'refusedTransaction',
  /** Commands without a header: what is left of a transaction that was refused. */
  'strayCommands',
  'answersDropped',
  /** Answers of the driver's that belong to no transaction. */
  'driverBadAnswer',
  'queueLies',
);
const COUNT = I2C_VIRT_COUNTERS;

/** Transactions in the driver's hands at once, and refusals that wait behind them. */
const IN_FLIGHT_MAX = 4;

/** Names of the counters in `stats`, for whoever runs this program from a description. */
export { I2C_VIRT_COUNTERS as counters };

export function main(pd: ProtectionDomain<I2cVirtConfig>): EntryPoints {
  const virtualiser = new I2cVirt(pd);
  return supervised(virtualiser.member, virtualiser, {
    notified: () => virtualiser.work(),
    protected: (channel, message) => virtualiser.call(channel, message),
    counters: virtualiser.counters,
  });
}

interface Client extends I2cEnd {
  readonly channel: Channel;
  readonly requests: I2cRequestConsumer;
  readonly responses: I2cResponseProducer;
  readonly dataSize: number;
  readonly driverDataVaddr: number;
  readonly clientDataVaddr: number;
}

interface InFlight {
  readonly client: Client;
  /** Whether the client that is told is another one meanwhile, or none. */
  isOrphan: boolean;
  readonly address: number;
  /** Of one that the driver has not been given: the answer that waits for its turn. */
  readonly refusal?: Ending;
}

/** How a transaction ended; see `I2cResponse`. */
interface Ending {
  readonly error: number;
  readonly command: number;
}

class I2cVirt implements Connections {
  readonly counters: Counters<keyof typeof COUNT>;
  readonly member: ReturnType<typeof joinRestarts>;
  readonly #pd: ProtectionDomain<I2cVirtConfig>;
  readonly #clients: readonly Client[];
  readonly #requests: I2cRequestProducer;
  readonly #responses: I2cResponseConsumer;
  readonly #driverEnd: I2cEnd;
  /** By address. */
  readonly #owners: (Client | undefined)[] = [];
  /**
   * Not answered, oldest first: the driver answers in order. The first is in the driver's hands.
   */
  readonly #inFlight: InFlight[] = [];
  readonly #toNotify = new Set<Channel>();
  #turn = 0;
  #liesSeen = 0;

  constructor(pd: ProtectionDomain<I2cVirtConfig>) {
    const { driver, clients, stats } = pd.config;
    this.#pd = pd;
    this.#requests = new I2cRequestProducer(pd.region(driver.requestQueue));
    this.#responses = new I2cResponseConsumer(pd.region(driver.responseQueue));
    this.#driverEnd = { connection: driver, requests: this.#requests, responses: this.#responses };
    this.#clients = clients.map(({ connection, ...data }) => ({
      ...data,
      connection,
      channel: connection.channel,
      requests: new I2cRequestConsumer(pd.region(connection.requestQueue)),
      responses: new I2cResponseProducer(pd.region(connection.responseQueue)),
    }));
    this.counters = new Counters(COUNT, stats === undefined ? undefined : pd.region(stats));
    this.member = joinRestarts(pd, pd.config.restart);
    for (const channel of this.member?.abandoned ?? []) this.#closeEnd(channel);
    this.work();
  }

  work(): void {
    this.#passAnswers();
    if (this.#passTransactions() > 0) this.#pd.notify(this.#pd.config.driver.channel);
    this.#notifyAnswered();
    this.#countLies();
  }

  // ------------------------------------------------------------------------------------ deaths

  close(channel: Channel): void {
    this.#closeEnd(channel);
    if (channel === this.#pd.config.driver.channel) this.#failAll();
    else this.#orphan(channel);
  }

  /** Until then the driver writes to the client's memory what it reads from the bus. */
  isClear(channel: Channel): boolean {
    return this.#inFlight.every(({ client }) => client.channel !== channel);
  }

  open(channel: Channel): void {
    const end = this.#endOf(channel);
    if (end !== undefined) openI2cEnd(end);
    this.work();
  }

  #closeEnd(channel: Channel): void {
    const end = this.#endOf(channel);
    if (end !== undefined) closeI2cEnd(this.#pd, end);
  }

  #endOf(channel: Channel): I2cEnd | undefined {
    if (channel === this.#pd.config.driver.channel) return this.#driverEnd;
    return this.#clients.find((client) => client.channel === channel);
  }

  /** A dead driver moves no bytes: what it had ends here. */
  #failAll(): void {
    for (const each of this.#inFlight.splice(0)) {
      this.#tell(each, each.refusal ?? { error: I2C_ERR_OTHER, command: 0 });
    }
    this.#notifyAnswered();
  }

  /** What the driver still has of a client that is down is nobody's; refusals are forgotten. */
  #orphan(channel: Channel): void {
    const others = this.#inFlight.filter(
      ({ client, refusal }) => client.channel !== channel || refusal === undefined,
    );
    this.#inFlight.splice(0, this.#inFlight.length, ...others);
    for (const each of others) if (each.client.channel === channel) each.isOrphan = true;
  }

  // ----------------------------------------------------------------------------------- claims

  call(channel: Channel, message: MessageInfo): MessageInfo {
    const client = this.#clients.find((each) => each.channel === channel);
    const address = this.#pd.mr(0);
    const isDone = client !== undefined && this.#claim(client, messageLabel(message), address);
    if (!isDone) this.counters.add(COUNT.claimsRefused, 1);
    return messageInfo(isDone ? I2C_SUCCESS : I2C_FAILURE, 0);
  }

  #claim(client: Client, label: number, address: number): boolean {
    if (address > I2C_ADDRESS_MAX) return false;
    const owner = this.#owners[address];
    // A client that was restarted does not know what it has.
    if (label === I2C_CLAIM && owner === client) return true;
    if (label === I2C_CLAIM && owner === undefined) {
      this.#owners[address] = client;
      this.counters.add(COUNT.claims, 1);
      return true;
    }
    if (label !== I2C_RELEASE || owner !== client) return false;
    this.#owners[address] = undefined;
    return true;
  }

  // ----------------------------------------------------------------------------- transactions

  /**
   * One of each client in turn, until nobody has one or the driver has enough.
   *
   * @returns how many the driver was given
   */
  #passTransactions(): number {
    let [idle, passed] = [0, 0];
    while (idle < this.#clients.length && this.#inFlight.length < IN_FLIGHT_MAX) {
      const client = this.#clients[this.#turn] as Client;
      const outcome = this.#passOne(client);
      if (outcome === 'no room') return passed;
      if (outcome === 'passed') passed += 1;
      idle = outcome === 'nothing' ? idle + 1 : 0;
      this.#turn = (this.#turn + 1) % this.#clients.length;
    }
    return passed;
  }

  #passOne(client: Client): 'passed' | 'refused' | 'nothing' | 'no room' {
    const { requests } = client;
    // One look for all that follows: what was found to have room is what is passed on.
    const available = requests.available();
    if (available === 0) return 'nothing';
    // Room for the longest is asked for before a header is taken: it cannot be put back.
    if (this.#requests.free() < available) return 'no room';
    const header = requests.dequeue();
    const outcome = this.#passAfter(client, header, available - 1);
    requests.release();
    return outcome;
  }

  /** @param left commands behind the header */
  #passAfter(client: Client, header: I2cCommand, left: number): 'passed' | 'refused' {
    if ((header.flags & I2C_HEADER) === 0) {
      this.counters.add(COUNT.strayCommands, 1);
      return 'refused';
    }
    const { count, address } = headerOf(header);
    if (header.flags !== I2C_HEADER || count === 0) {
      this.counters.add(COUNT.refusedHeader, 1);
      return this.#refuse(client, address, { error: I2C_ERR_MALFORMED_HEADER, command: 0 });
    }
    if (this.#owners[address] !== client) {
      this.counters.add(COUNT.refusedAddress, 1);
      return this.#refuse(client, address, { error: I2C_ERR_UNPERMITTED_ADDRESS, command: 0 });
    }
    if (count > left) return this.#refuseCommand(client, address, 0);
    return this.#passCommands(client, address, count);
  }

  #passCommands(client: Client, address: number, count: number): 'passed' | 'refused' {
    this.#requests.header(count, address);
    let before: I2cCommand | undefined;
    for (let index = 1; index <= count; index += 1) {
      const command = client.requests.dequeue();
      if (checkCommand(command, before, client) === 'bad') {
        this.#requests.abort();
        return this.#refuseCommand(client, address, index);
      }
      before = command;
      const payload = command.payload - client.clientDataVaddr + client.driverDataVaddr;
      this.#requests.command({ ...command, payload });
    }
    // Published at once: what is refused next must not take this one with it.
    this.#requests.publish();
    this.#inFlight.push({ client, address, isOrphan: false });
    this.counters.add(COUNT.transactions, 1);
    this.counters.add(COUNT.commands, count);
    return 'passed';
  }

  #refuseCommand(client: Client, address: number, command: number): 'refused' {
    this.counters.add(COUNT.refusedTransaction, 1);
    return this.#refuse(client, address, { error: I2C_ERR_MALFORMED_TRANSACTION, command });
  }

  /** At once, or when the client's transactions before this one have been answered. */
  #refuse(client: Client, address: number, refusal: Ending): 'refused' {
    if (this.#inFlight.some((each) => each.client === client)) {
      this.#inFlight.push({ client, address, refusal, isOrphan: false });
    } else {
      this.#answer(client, address, refusal);
    }
    return 'refused';
  }

  // ---------------------------------------------------------------------------------- answers

  #passAnswers(): void {
    let left = this.#responses.available();
    for (; left > 0; left -= 1) {
      const { address, error, command } = this.#responses.dequeue();
      const oldest = this.#inFlight.shift();
      if (oldest === undefined || oldest.address !== address) {
        this.counters.add(COUNT.driverBadAnswer, 1);
        if (oldest !== undefined) this.#inFlight.unshift(oldest);
      } else {
        this.#tell(oldest, { error, command });
        this.#answerRefused();
      }
    }
    this.#responses.release();
  }

  /** Refusals that no transaction is ahead of any more. */
  #answerRefused(): void {
    for (;;) {
      const [oldest] = this.#inFlight;
      if (oldest?.refusal === undefined) return;
      this.#inFlight.shift();
      this.#tell(oldest, oldest.refusal);
    }
  }

  #tell({ client, address, isOrphan }: InFlight, ending: Ending): void {
    if (!isOrphan) this.#answer(client, address, ending);
  }

  #answer(client: Client, address: number, { error, command }: Ending): void {
    if (error !== I2C_OK) this.counters.add(COUNT.failed, 1);
    if (client.responses.free() === 0) {
      this.counters.add(COUNT.answersDropped, 1);
      return;
    }
    client.responses.enqueue({ address, error, command });
    client.responses.publish();
    this.#toNotify.add(client.channel);
  }

  #notifyAnswered(): void {
    for (const channel of this.#toNotify) this.#pd.notify(channel);
    this.#toNotify.clear();
  }

  #countLies(): void {
    let lies = this.#requests.lies + this.#responses.lies;
    for (const { requests, responses } of this.#clients) lies += requests.lies + responses.lies;
    if (lies === this.#liesSeen) return;
    this.counters.add(COUNT.queueLies, lies - this.#liesSeen);
    this.#liesSeen = lies;
  }
}
