/**
 * Driver of the NS16550A.
 *
 * Transmit: the queue is drained into the FIFO, 16 bytes whenever it is empty; while bytes are left
 * the transmitter's interrupt is on. Receive: the FIFO is drained into the queue; when the queue is
 * full the byte is dropped and counted, because the line does not wait. Received characters with a
 * parity or framing error are dropped and counted; a break is counted and is no data.
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
const DEFAULT_CLOCK_HZ = 3_686_400;
/**
 * Causes handled for one interrupt; each drains a FIFO, so more than these is a device that is
 * stuck.
 */
const CAUSES_MAX = 64;

/** Names of the counters in `stats`, for whoever runs this program from a description. */
export { COUNT as counters };

export function main(pd: ProtectionDomain<SerialDriverConfig>): EntryPoints {
  const driver = new Ns16550aDriver(pd);
  const { end } = driver;
  return supervisedSerial(pd, driver.member, {
    notified: (channel) => end.notified(channel, driver),
    progress: () => end.moved,
    counters: end.counters,
  });
}

class Ns16550aDriver implements SerialDevicePart {
  readonly end: SerialDriverEnd;
  readonly member: ReturnType<typeof joinRestarts>;
  readonly #regs: DeviceRegion;
  /**
   * Errors of the character at the top of the FIFO: a read of LSR shows them once, whatever it was
   * read for.
   */
  #seenErrors = 0;
  /** What IER holds, so that it is written only when it changes. */
  #ier = 0;

  constructor(pd: ProtectionDomain<SerialDriverConfig>) {
    const { config } = pd;
    this.#regs = pd.deviceRegion(config.registers);
    this.member = joinRestarts(pd, config.restart);
    this.end = new SerialDriverEnd(pd);
    this.#init(config);
  }

  #init(config: SerialDriverConfig): void {
    const regs = this.#regs;
    const { defaultBaud = DEFAULT_BAUD, clockHz = DEFAULT_CLOCK_HZ, flow = 'none' } = config;
    const divisor = Math.max(1, Math.round(clockHz / (16 * defaultBaud)));
    // 1. No interrupts while the device is set up.
    regs.write8(r.IER, 0);
    // 2. Baud rate (§8.3) and format (§8.1).
    regs.write8(r.LCR, r.LCR_DLAB | r.LCR_8N1);
    regs.write8(r.DLL, divisor & 0xff);
    regs.write8(r.DLM, divisor >>> 8);
    regs.write8(r.LCR, r.LCR_8N1);
    // 3. FIFOs on and empty (§8.5). What came while we were down is kept.
    const clear = this.member?.isRestarted === true ? 0 : r.FCR_RX_RESET | r.FCR_TX_RESET;
    regs.write8(r.FCR, r.FCR_ENABLE | r.FCR_TRIGGER_8 | clear);
    // 4. Ready for the far end (§8.7).
    const auto = flow === 'rtscts' ? r.MCR_AFE : 0;
    regs.write8(r.MCR, r.MCR_DTR | r.MCR_RTS | r.MCR_OUT2 | auto);
    // 5. Clear what was pending, then interrupts on.
    regs.read8(r.LSR);
    regs.read8(r.MSR);
    const receive = this.end.rx === undefined ? 0 : r.IER_ERBFI | r.IER_ELSI;
    this.#setIer(receive | r.IER_EDSSI);
    this.txProvide();
    this.end.sendNotifications();
  }

  handleIrq(): void {
    this.end.counters.add(COUNT.interrupts, 1);
    for (let causes = 0; causes < CAUSES_MAX; causes += 1) {
      const iir = this.#regs.read8(r.IIR);
      if ((iir & r.IIR_NONE) !== 0) {
        if (causes === 0) this.end.counters.add(COUNT.spuriousInterrupts, 1);
        return;
      }
      switch (iir & r.IIR_ID) {
        case r.IIR_RLS:
        case r.IIR_RDA:
        case r.IIR_CTI:
          this.#rxReturn();
          break;
        case r.IIR_THRE:
          this.txProvide();
          break;
        default:
          this.#regs.read8(r.MSR);
          this.end.counters.add(COUNT.modemChanges, 1);
      }
    }
  }

  txProvide(): void {
    const regs = this.#regs;
    const { tx } = this.end;
    let left = tx.length();
    let sent = 0;
    while (left > 0 && (this.#readLsr() & r.LSR_THRE) !== 0) {
      // An empty FIFO takes 16 characters without being asked again.
      const batch = left < r.TX_FIFO_BYTES ? left : r.TX_FIFO_BYTES;
      for (let index = 0; index < batch; index += 1) regs.write8(r.THR, tx.dequeue());
      sent += batch;
      left -= batch;
      if (left === 0) left = tx.length();
    }
    this.#setIer(left > 0 ? this.#ier | r.IER_ETBEI : this.#ier & ~r.IER_ETBEI);
    this.end.publishTx(sent);
  }

  /**
   * Takes what the device has received. Bounded, so that a line that never pauses cannot hold the
   * driver.
   */
  #rxReturn(): void {
    const regs = this.#regs;
    const { rx } = this.end;
    let passed = 0;
    for (let taken = 0; taken < CAUSES_MAX * r.TX_FIFO_BYTES; taken += 1) {
      if ((this.#readLsr() & r.LSR_DR) === 0) break;
      const character = regs.read8(r.RBR);
      const errors = this.#seenErrors;
      this.#seenErrors = 0;
      if (errors !== 0) this.#countLineError(errors);
      else if (rx === undefined || !rx.enqueue(character))
        this.end.counters.add(COUNT.rxDroppedFull, 1);
      else passed += 1;
    }
    this.end.publishRx(passed);
  }

  #readLsr(): number {
    const lsr = this.#regs.read8(r.LSR);
    if ((lsr & r.LSR_OE) !== 0) this.end.counters.add(COUNT.overruns, 1);
    this.#seenErrors |= lsr & (r.LSR_BI | r.LSR_FE | r.LSR_PE);
    return lsr;
  }

  #countLineError(lsr: number): void {
    if ((lsr & r.LSR_BI) !== 0) this.end.counters.add(COUNT.breaks, 1);
    else if ((lsr & r.LSR_FE) !== 0) this.end.counters.add(COUNT.framingErrors, 1);
    else this.end.counters.add(COUNT.parityErrors, 1);
  }

  #setIer(ier: number): void {
    if (ier === this.#ier) return;
    this.#ier = ier;
    this.#regs.write8(r.IER, ier);
  }
}
