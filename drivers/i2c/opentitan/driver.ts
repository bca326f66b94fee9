/**
 * Driver of OpenTitan's I2C controller.
 *
 * One transaction at a time: its commands become entries of the FMT FIFO, which is filled as it
 * empties; what comes back is drained into the commands' buffers. It is answered when its stop
 * condition has been made, or at the first error: not acknowledged, SCL held for too long, SDA low
 * where it should be high. After the last of these the bus is cleared by nine clocks.
 *
 * Source: OpenTitan I2C, programmer's guide; sDDF 0.7 i2c protocol (`queues/i2c/layout.ts`); bus
 * clear: UM10204, 3.1.16.
 */

import type { DeviceRegion, Region } from '../../../memory/region.ts';
import type { Channel, EntryPoints, ProtectionDomain } from '../../../microkit/pd.ts';
import { counterNames, Counters } from '../../../queues/counters.ts';
import type { I2cDriverConfig } from '../../../queues/i2c/config.ts';
import {
  I2C_ERR_MALFORMED_HEADER,
  I2C_ERR_MALFORMED_TRANSACTION,
  I2C_ERR_NACK,
  I2C_ERR_OTHER,
  I2C_ERR_TIMEOUT,
  I2C_HEADER,
  I2C_OK,
  I2C_WRITE_READ,
} from '../../../queues/i2c/layout.ts';
import { closeI2cEnd, type I2cEnd, openI2cEnd } from '../../../queues/i2c/i2c-end.ts';
import {
  headerOf,
  type I2cCommand,
  I2cRequestConsumer,
  I2cResponseProducer,
} from '../../../queues/i2c/queues.ts';
import { type Connections, joinRestarts, supervised } from '../../../queues/restart/member.ts';
import { type Command, Entries, isRead } from './entries.ts';
import * as r from './regs.ts';
import { timingOf } from './timing.ts';

export const I2C_DRIVER_COUNTERS = counterNames(
  'transactions',
  'bytesRead',
  'bytesWritten',
  'interrupts',
  'notAcknowledged',
  'stretchTimeouts',
  'disturbed',
  /** SDA was low, and nine clocks freed it; or did not. */
  'busCleared',
  'busStuck',
  /** What our virtualiser never sends: commands without a header, buffers that are nowhere. */
  'malformed',
  'queueLies',
);
const COUNT = I2C_DRIVER_COUNTERS;
const CLOCK_NS = 20;
const STRETCH_MAX_US = 25_000;
/** UM10204, 3.1.16: after nine clocks every target has let SDA go. */
const CLEARING_CLOCKS = 9;

/** Names of the counters in `stats`, for whoever runs this program from a description. */
export { I2C_DRIVER_COUNTERS as counters };

export function main(pd: ProtectionDomain<I2cDriverConfig>): EntryPoints {
  const driver = new OpenTitanI2cDriver(pd);
  return supervised(driver.member, driver, {
    notified: (channel) => driver.notified(channel),
    progress: () => driver.answered,
    awaitsTime: () => driver.isBusy,
    counters: driver.counters,
  });
}

/** The transaction on the bus. */
interface Active {
  readonly address: number;
  readonly commands: readonly Command[];
  readonly entries: Entries;
  /** Where the next byte that comes back goes: a command, and a place in it. */
  readTo: number;
  readAt: number;
  /** Bytes that the controller has been told to read and that have not come yet. */
  awaited: number;
  /** Of each entry that the controller has been given: the index of its command. */
  readonly given: number[];
}

class OpenTitanI2cDriver implements Connections {
  /** Transactions answered so far. */
  answered = 0;
  readonly counters: Counters<keyof typeof COUNT>;
  readonly member: ReturnType<typeof joinRestarts>;
  readonly #pd: ProtectionDomain<I2cDriverConfig>;
  readonly #regs: DeviceRegion;
  readonly #requests: I2cRequestConsumer;
  readonly #responses: I2cResponseProducer;
  readonly #end: I2cEnd;
  readonly #data: readonly Region[];
  #active: Active | undefined;
  #liesSeen = 0;

  constructor(pd: ProtectionDomain<I2cDriverConfig>) {
    const { registers, virt, data, stats } = pd.config;
    this.#pd = pd;
    this.#regs = pd.deviceRegion(registers);
    this.#requests = new I2cRequestConsumer(pd.region(virt.requestQueue));
    this.#responses = new I2cResponseProducer(pd.region(virt.responseQueue));
    this.#end = { connection: virt, requests: this.#requests, responses: this.#responses };
    this.member = joinRestarts(pd, pd.config.restart);
    if (this.member !== undefined && this.member.abandoned.length > 0) closeI2cEnd(pd, this.#end);
    this.#data = data.map(({ region }) => pd.region(region));
    this.counters = new Counters(COUNT, stats === undefined ? undefined : pd.region(stats));
    this.#init();
    this.#work();
  }

  get isBusy(): boolean {
    return this.#active !== undefined;
  }

  notified(channel: Channel): void {
    const { config } = this.#pd;
    if (channel !== config.virt.channel) {
      this.counters.add(COUNT.interrupts, 1);
      this.#handleIrq();
      this.#pd.deferredIrqAck(channel);
    }
    this.#work();
  }

  /** The virtualiser is down: its transaction ends where it is, and nobody is told how. */
  close(): void {
    if (this.#active !== undefined) this.#letBusGo();
    this.#active = undefined;
    closeI2cEnd(this.#pd, this.#end);
  }

  open(): void {
    openI2cEnd(this.#end);
    this.#work();
  }

  // ---------------------------------------------------------------------------------- device

  #init(): void {
    const regs = this.#regs;
    const { speed = 400_000, stretchMaxUs = STRETCH_MAX_US } = this.#pd.config;
    const timing = timingOf(speed, CLOCK_NS);
    regs.write32(r.CTRL, 0);
    regs.write32(r.TIMING0, (timing.low << 16) | timing.high);
    regs.write32(r.TIMING1, (timing.fall << 16) | timing.rise);
    regs.write32(r.TIMING2, (timing.holdStart << 16) | timing.setUpStart);
    regs.write32(r.TIMING3, (timing.holdData << 16) | timing.setUpData);
    regs.write32(r.TIMING4, (timing.busFree << 16) | timing.setUpStop);
    const limit = Math.ceil((stretchMaxUs * 1000) / CLOCK_NS);
    regs.write32(r.TIMEOUT_CTRL, (r.TIMEOUT_CTRL_EN | limit) >>> 0);
    this.#resetFifos();
    regs.write32(r.INTR_STATE, r.INTR_ALL);
    regs.write32(
      r.INTR_ENABLE,
      r.INTR_FMT_THRESHOLD |
        r.INTR_RX_THRESHOLD |
        r.INTR_NAK |
        r.INTR_STRETCH_TIMEOUT |
        r.INTR_CMD_COMPLETE,
    );
    // Somebody may have been cut off in the middle of a byte before us.
    this.#clearBus();
    const { irq, moreIrqs } = this.#pd.config;
    for (const channel of [irq, ...moreIrqs]) this.#pd.irqAck(channel);
  }

  #resetFifos(): void {
    const resets = r.FIFO_CTRL_RXRST | r.FIFO_CTRL_FMTRST;
    this.#regs.write32(r.FIFO_CTRL, r.FIFO_CTRL_LEVELS_LOWEST | resets);
  }

  /** Whatever line it was: the state register says what has happened. */
  #handleIrq(): void {
    const regs = this.#regs;
    const state = regs.read32(r.INTR_STATE);
    regs.write32(r.INTR_STATE, state);
    const active = this.#active;
    if (active === undefined) return;
    this.#drain(active);
    if ((state & r.INTR_SDA_INTERFERENCE) !== 0) {
      this.counters.add(COUNT.disturbed, 1);
      return this.#fail(active, I2C_ERR_OTHER);
    }
    if ((state & r.INTR_STRETCH_TIMEOUT) !== 0) {
      this.counters.add(COUNT.stretchTimeouts, 1);
      return this.#fail(active, I2C_ERR_TIMEOUT);
    }
    if ((state & r.INTR_NAK) !== 0) {
      this.counters.add(COUNT.notAcknowledged, 1);
      return this.#fail(active, I2C_ERR_NACK);
    }
    this.#fill(active);
    // Repeated starts and stops between commands complete, too: it is over when nothing is left.
    if (active.entries.isDone && active.awaited === 0 && this.#isAtRest()) {
      const written = active.commands.filter((command) => !isRead(command));
      const bytes = written.reduce((sum, { length }) => sum + length, 0);
      this.counters.add(COUNT.bytesWritten, bytes);
      this.#answer(active.address, I2C_OK, 0);
    }
  }

  #isAtRest(): boolean {
    const atRest = r.STATUS_FMTEMPTY | r.STATUS_HOSTIDLE;
    return (this.#regs.read32(r.STATUS) & atRest) === atRest;
  }

  #fill(active: Active): void {
    const regs = this.#regs;
    const { entries } = active;
    while (!entries.isDone && (regs.read32(r.STATUS) & r.STATUS_FMTFULL) === 0) {
      // What is read must have room: the RX FIFO does not hold the bus up when it is full.
      if (active.awaited + entries.reads > r.FIFO_DEPTH) return;
      active.awaited += entries.reads;
      const { word, command } = entries.take();
      active.given.push(command);
      regs.write32(r.FDATA, word);
    }
  }

  #drain(active: Active): void {
    const regs = this.#regs;
    while (active.awaited > 0 && (regs.read32(r.STATUS) & r.STATUS_RXEMPTY) === 0) {
      const byte = regs.read32(r.RDATA) & 0xff;
      active.awaited -= 1;
      const command = this.#nextRead(active);
      if (command === undefined) return;
      command.data.write8(command.at + active.readAt, byte);
      active.readAt += 1;
      this.counters.add(COUNT.bytesRead, 1);
    }
  }

  /** @returns the command to which the next byte that comes belongs */
  #nextRead(active: Active): Command | undefined {
    for (;;) {
      const command = active.commands[active.readTo];
      if (command === undefined) return undefined;
      if (isRead(command) && active.readAt < command.length) return command;
      active.readTo += 1;
      active.readAt = 0;
    }
  }

  /** Gives the transaction up: the bus is let go, and what was ahead of it in the FIFOs is gone. */
  #fail(active: Active, error: number): void {
    this.#regs.write32(r.CTRL, 0);
    const command = this.#commandOnBus(active);
    this.#letBusGo();
    this.#answer(active.address, error, command + 1);
  }

  #letBusGo(): void {
    const regs = this.#regs;
    regs.write32(r.CTRL, 0);
    this.#resetFifos();
    regs.write32(r.INTR_STATE, r.INTR_ALL);
    this.#clearBus();
  }

  /** @returns the command whose entry the controller has taken last */
  #commandOnBus({ given }: Active): number {
    const ahead = this.#regs.read32(r.FIFO_STATUS) & r.FIFO_STATUS_FMTLVL;
    return given[given.length - ahead - 1] ?? 0;
  }

  /** Nine clocks by hand, where SDA is low although nobody sends. */
  #clearBus(): void {
    const regs = this.#regs;
    if (this.#isSdaHigh()) return;
    const free = r.OVRD_TXOVRDEN | r.OVRD_SDAVAL;
    for (let clock = 0; clock < CLEARING_CLOCKS && !this.#isSdaHigh(); clock += 1) {
      regs.write32(r.OVRD, free);
      regs.write32(r.OVRD, free | r.OVRD_SCLVAL);
    }
    regs.write32(r.OVRD, 0);
    this.counters.add(this.#isSdaHigh() ? COUNT.busCleared : COUNT.busStuck, 1);
  }

  #isSdaHigh(): boolean {
    return (this.#regs.read32(r.VAL) & r.VAL_SDA) !== 0;
  }

  // ----------------------------------------------------------------------------------- queues

  /** Begins the next transaction, unless one is under way. */
  #work(): void {
    while (this.#active === undefined && this.#responses.free() > 0) {
      if (this.#requests.available() === 0) break;
      this.#take(this.#requests.dequeue());
    }
    this.#countLies();
  }

  #take(first: I2cCommand): void {
    const { count, address } = headerOf(first);
    // Left over from a transaction that was malformed: sDDF's virtualiser sends such ones.
    if (first.flags !== I2C_HEADER) {
      this.counters.add(COUNT.malformed, 1);
      this.#requests.release();
      return;
    }
    if (count === 0 || count > this.#requests.available()) {
      return this.#refuse(address, I2C_ERR_MALFORMED_HEADER, 0);
    }
    const commands: Command[] = [];
    let wrong = 0;
    for (let index = 1; index <= count; index += 1) {
      const command = this.#locate(this.#requests.dequeue());
      if (command === undefined) wrong = wrong === 0 ? index : wrong;
      else commands.push(command);
    }
    if (wrong !== 0) return this.#refuse(address, I2C_ERR_MALFORMED_TRANSACTION, wrong);
    this.#begin(address, commands);
  }

  #begin(address: number, commands: readonly Command[]): void {
    const entries = new Entries(address, commands);
    this.#active = { address, commands, entries, readTo: 0, readAt: 0, awaited: 0, given: [] };
    this.#fill(this.#active);
    this.#regs.write32(r.CTRL, r.CTRL_ENABLEHOST);
  }

  /** @returns undefined for bytes that lie in no client's data */
  #locate({ payload, length, flags }: I2cCommand): Command | undefined {
    if ((flags & I2C_HEADER) !== 0) return undefined;
    // A register's number lies in the buffer, also when nothing is read.
    const bytes = (flags & I2C_WRITE_READ) === 0 ? length : Math.max(length, 1);
    const data = this.#data.find(
      ({ vaddr, sizeBytes }) => payload >= vaddr && payload + bytes <= vaddr + sizeBytes,
    );
    return data === undefined ? undefined : { data, at: payload - data.vaddr, length, flags };
  }

  #refuse(address: number, error: number, command: number): void {
    this.counters.add(COUNT.malformed, 1);
    this.#answer(address, error, command);
  }

  #answer(address: number, error: number, command: number): void {
    this.#active = undefined;
    this.answered += 1;
    this.counters.add(COUNT.transactions, 1);
    this.#responses.enqueue({ address, error, command });
    this.#responses.publish();
    // Not before: a driver that is restarted meanwhile finds the transaction again.
    this.#requests.release();
    this.#pd.notify(this.#pd.config.virt.channel);
  }

  #countLies(): void {
    const lies = this.#requests.lies + this.#responses.lies;
    if (lies === this.#liesSeen) return;
    this.counters.add(COUNT.queueLies, lies - this.#liesSeen);
    this.#liesSeen = lies;
  }
}
