/**
 * Driver of the PL011.
 *
 * Transmit: the queue is drained into the FIFO until that is full; the transmit interrupt comes
 * when the FIFO falls through its trigger, so bytes are left behind only when the FIFO is above it:
 * that is what primes the interrupt. Receive, line errors and a full queue are treated as in the
 * other drivers: dropped and counted, never waited for.
 */

import type { EntryPoints, ProtectionDomain } from '../../../microkit/pd.ts';
import type { DeviceRegion } from '../../../memory/region.ts';
import type { SerialDriverConfig } from '../../../queues/serial/config.ts';
import { joinRestarts } from '../../../queues/restart/member.ts';
import { SERIAL_DRIVER_COUNTERS as COUNT } from '../../../queues/serial/counters.ts';
import { type SerialDevicePart, SerialDriverEnd } from '../../../queues/serial/driver-end.ts';
import { supervisedSerial } from '../../../queues/serial/restart.ts';
import * as r from './regs.ts';

const DEFAULT_BAUD = 115_200;
const DEFAULT_CLOCK_HZ = 24_000_000;
/**
 * Characters taken for one interrupt at most, so that a line that never pauses cannot hold the
 * driver.
 */
const RX_BATCH_MAX = 1024;
const DISABLE_POLLS_MAX = 64;

/** Names of the counters in `stats`, for whoever runs this program from a description. */
export { COUNT as counters };

export function main(pd: ProtectionDomain<SerialDriverConfig>): EntryPoints {
  const driver = new Pl011Driver(pd);
  const { end } = driver;
  return supervisedSerial(pd, joinRestarts(pd, pd.config.restart), {
    notified: (channel) => end.notified(channel, driver),
    progress: () => end.moved,
    counters: end.counters,
  });
}

class Pl011Driver implements SerialDevicePart {
  readonly end: SerialDriverEnd;
  readonly #regs: DeviceRegion;
  /** What UARTIMSC holds, so that it is written only when it changes. */
  #imsc = 0;

  constructor(pd: ProtectionDomain<SerialDriverConfig>) {
    const { config } = pd;
    this.#regs = pd.deviceRegion(config.registers);
    this.end = new SerialDriverEnd(pd);
    this.#init(config);
  }

  /** The sequence of §3.3.8: disable, wait, program, enable. */
  #init(config: SerialDriverConfig): void {
    const regs = this.#regs;
    const { defaultBaud = DEFAULT_BAUD, clockHz = DEFAULT_CLOCK_HZ, flow = 'none' } = config;
    // 1. Disable the UART.
    regs.write32(r.UARTCR, 0);
    // 2. Wait for the end of the present character.
    for (let polls = 0; polls < DISABLE_POLLS_MAX; polls += 1) {
      if ((regs.read32(r.UARTFR) & r.UARTFR_BUSY) === 0) break;
    }
    // 3. Flush the FIFOs by turning them off.
    regs.write32(r.UARTLCR_H, 0);
    // 4. Baud rate, taken over by the write of UARTLCR_H (§3.3.6): 8 bits, no parity, one stop bit,
    //    FIFOs on.
    const divisor64 = Math.max(64, Math.round((clockHz * 4) / defaultBaud));
    regs.write32(r.UARTIBRD, divisor64 >>> 6);
    regs.write32(r.UARTFBRD, divisor64 & 0x3f);
    regs.write32(r.UARTLCR_H, r.UARTLCR_H_WLEN_8 | r.UARTLCR_H_FEN);
    // 5. Triggers; nothing pending; interrupts on.
    regs.write32(r.UARTIFLS, r.UARTIFLS_TX_1_8 | r.UARTIFLS_RX_1_2);
    regs.write32(r.UARTICR, r.INT_ALL);
    const receive = this.end.rx === undefined ? 0 : r.INT_RX | r.INT_RT | r.INT_ERRORS;
    this.#setImsc(receive | r.INT_MODEM);
    // 6. Enable.
    const auto = flow === 'rtscts' ? r.UARTCR_CTSEN | r.UARTCR_RTSEN : 0;
    const direction = r.UARTCR_TXE | (this.end.rx === undefined ? 0 : r.UARTCR_RXE);
    regs.write32(r.UARTCR, r.UARTCR_UARTEN | direction | r.UARTCR_DTR | r.UARTCR_RTS | auto);
    this.txProvide();
    this.end.sendNotifications();
  }

  handleIrq(): void {
    const status = this.#regs.read32(r.UARTMIS);
    this.end.counters.add(COUNT.interrupts, 1);
    if (status === 0) {
      this.end.counters.add(COUNT.spuriousInterrupts, 1);
      return;
    }
    // RX and RT fall by themselves when the FIFO is drained; the others are cleared before their
    // cause is looked at.
    const clear = status & (r.INT_TX | r.INT_ERRORS | r.INT_MODEM);
    if (clear !== 0) this.#regs.write32(r.UARTICR, clear);
    if ((status & r.INT_MODEM) !== 0) this.end.counters.add(COUNT.modemChanges, 1);
    if ((status & (r.INT_RX | r.INT_RT | r.INT_ERRORS)) !== 0) this.#rxReturn();
    if ((status & r.INT_TX) !== 0) this.txProvide();
  }

  txProvide(): void {
    const regs = this.#regs;
    const { tx } = this.end;
    let left = tx.length();
    let sent = 0;
    while (left > 0) {
      const flags = regs.read32(r.UARTFR);
      if ((flags & r.UARTFR_TXFF) !== 0) break;
      // An empty FIFO takes 16 characters, in every revision, without being asked again.
      const room = (flags & r.UARTFR_TXFE) !== 0 ? r.TX_FIFO_BYTES_MIN : 1;
      const batch = left < room ? left : room;
      for (let index = 0; index < batch; index += 1) regs.write32(r.UARTDR, tx.dequeue());
      sent += batch;
      left -= batch;
      if (left === 0) left = tx.length();
    }
    this.#setImsc(left > 0 ? this.#imsc | r.INT_TX : this.#imsc & ~r.INT_TX);
    this.end.publishTx(sent);
  }

  /** Takes what the device has received. */
  #rxReturn(): void {
    const regs = this.#regs;
    const { rx } = this.end;
    let passed = 0;
    for (let taken = 0; taken < RX_BATCH_MAX; taken += 1) {
      if ((regs.read32(r.UARTFR) & r.UARTFR_RXFE) !== 0) break;
      const data = regs.read32(r.UARTDR);
      if ((data & r.UARTDR_OE) !== 0) this.end.counters.add(COUNT.overruns, 1);
      if ((data & (r.UARTDR_BE | r.UARTDR_FE | r.UARTDR_PE)) !== 0) this.#countLineError(data);
      else if (rx === undefined || !rx.enqueue(data & 0xff)) {
        this.end.counters.add(COUNT.rxDroppedFull, 1);
      } else passed += 1;
    }
    this.end.publishRx(passed);
  }

  #countLineError(data: number): void {
    if ((data & r.UARTDR_BE) !== 0) this.end.counters.add(COUNT.breaks, 1);
    else if ((data & r.UARTDR_FE) !== 0) this.end.counters.add(COUNT.framingErrors, 1);
    else this.end.counters.add(COUNT.parityErrors, 1);
  }

  #setImsc(imsc: number): void {
    if (imsc === this.#imsc) return;
    this.#imsc = imsc;
    this.#regs.write32(r.UARTIMSC, imsc);
  }
}
