/**
 * The serial line on a serial port of the host. What the driver programs into the UART (baud, bits,
 * parity, stop bits, break, RTS, DTR) is set on the port, and the port's modem lines are the UART's
 * inputs.
 *
 * A port that lacks something (a pseudo-terminal has no modem lines) is told about once, and the
 * rest goes on. A port that is unplugged is told about and tried again every second; the board runs
 * on, and its output is kept meanwhile.
 */

import type { LineFormat } from '../../board/serial-wire.ts';
import { formatName } from '../../board/serial-wire.ts';
import {
  INPUT_CTS,
  INPUT_DCD,
  INPUT_DSR,
  OUTPUT_DTR,
  OUTPUT_RTS,
} from '../../board/serial-wire.ts';
import { every } from '../event-loop.ts';
import type { HostTimer } from '../event-loop.ts';
import { KeptOutput } from './bridge.ts';
import type { NoticeListener, SerialBridge } from './bridge.ts';
import type { HostLine } from './host-line.ts';
import type { HostPort, OpenHostPort, PortOutputs } from './port-driver.ts';
import { thrownText } from '../../memory/thrown-text.ts';

const BUFFERED_BYTES_MAX = 65_536;
const PIECE_BYTES_MAX = 4096;
const MODEM_POLL_MS = 20;
const RETRY_MS = 1000;

export interface PortBridgeOptions {
  readonly host: HostLine;
  readonly path: string;
  /** What the port is opened with, until the driver programs the UART. */
  readonly format: LineFormat;
  readonly flow: 'none' | 'rtscts';
  readonly open: OpenHostPort;
  readonly onNotice: NoticeListener;
  /** Milliseconds between attempts to open a port that has gone. */
  readonly retryMs?: number;
}

export class PortBridge implements SerialBridge {
  readonly inputOver = false;
  readonly #options: PortBridgeOptions;
  readonly #host: HostLine;
  readonly #kept = new KeptOutput();
  readonly #told = new Set<string>();
  readonly #timers: HostTimer[] = [];
  #port: HostPort | undefined;
  #format: LineFormat;
  #state: 'open' | 'changing' | 'gone' | 'closed' = 'changing';
  #modemLines = true;
  #polling = false;
  readonly #counts = { reopened: 0, formatChanges: 0, unplugged: 0 };

  private constructor(options: PortBridgeOptions) {
    this.#options = options;
    this.#host = options.host;
    this.#format = options.format;
  }

  /** @throws UserMistake when the port cannot be opened */
  static async open(options: PortBridgeOptions): Promise<PortBridge> {
    const bridge = new PortBridge(options);
    await bridge.#openPort();
    bridge.#host.listen({
      roomForInput: () => bridge.#port?.resume(),
      formatChanged: (format) => bridge.#formatChanged(format),
      breakChanged: (level) => bridge.#setOutputs({ brk: level === 'space' }, 'break'),
      outputsChanged: (outputs) => bridge.#outputsChanged(outputs),
    });
    bridge.#outputsChanged(bridge.#host.line.outputs);
    bridge.#formatChanged(bridge.#host.line.format);
    bridge.#timers.push(every(MODEM_POLL_MS, () => bridge.#pollModem()));
    bridge.#timers.push(every(options.retryMs ?? RETRY_MS, () => bridge.#retry()));
    return bridge;
  }

  get description(): string {
    return `serial: port ${this.#options.path}, ${formatName(this.#format)}`;
  }

  flush(): void {
    this.#host.flush();
    const port = this.#state === 'open' ? this.#port : undefined;
    if (port !== undefined) {
      for (const bytes of this.#kept.take()) port.write(bytes);
    }
    while (port === undefined || port.writableLength < BUFFERED_BYTES_MAX) {
      const bytes = this.#host.read(PIECE_BYTES_MAX);
      if (bytes === undefined) return;
      if (port === undefined) this.#kept.put(bytes);
      else port.write(bytes);
    }
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    for (const timer of this.#timers) timer.cancel();
    await this.#port?.close().catch((error: unknown) => this.#tell('close', error));
    this.#host.unplug();
  }

  counters(): Record<string, number> {
    return { ...this.#host.counters(), keptDropped: this.#kept.dropped, ...this.#counts };
  }

  async #openPort(): Promise<void> {
    const { path, flow, open } = this.#options;
    const events = {
      data: (bytes: Uint8Array) => {
        if (this.#host.offer(bytes) === 'wait') this.#port?.pause();
      },
      gone: (reason: string) => this.#gone(reason),
      drained: () => this.#host.wake(),
    };
    this.#port = await open({ path, flow, format: this.#format }, events);
    this.#state = 'open';
  }

  #gone(reason: string): void {
    if (this.#state !== 'open') return;
    this.#state = 'gone';
    this.#counts.unplugged += 1;
    this.#options.onNotice(
      `serial: port ${this.#options.path} has gone (${reason}); trying again every second`,
    );
  }

  #retry(): void {
    if (this.#state !== 'gone') return;
    this.#state = 'changing';
    this.#openPort().then(
      () => {
        this.#counts.reopened += 1;
        this.#options.onNotice(`serial: port ${this.#options.path} is back`);
        this.#outputsChanged(this.#host.line.outputs);
        this.#host.wake();
      },
      () => (this.#state = 'gone'),
    );
  }

  #formatChanged(format: LineFormat): void {
    // Without a clock there is nothing to set; between two register writes a format may be one that
    // nobody meant.
    if (format.baud === 0 || sameSettings(format, this.#format)) return;
    const onlyBaud = sameSettings({ ...format, baud: this.#format.baud }, this.#format);
    this.#format = format;
    this.#counts.formatChanges += 1;
    const port = this.#port;
    if (port === undefined || this.#state !== 'open') return;
    if (onlyBaud) port.setBaud(format.baud).catch((error: unknown) => this.#tell('baud', error));
    else void this.#reopen(port);
  }

  /**
   * The package can change the baud rate of an open port; for bits and parity it has to be opened
   * again.
   */
  async #reopen(port: HostPort): Promise<void> {
    this.#state = 'changing';
    try {
      await port.close();
      await this.#openPort();
    } catch (error) {
      this.#state = 'gone';
      this.#tell('format', error);
    }
  }

  #outputsChanged(outputs: number): void {
    const rts = this.#options.flow === 'none' ? { rts: (outputs & OUTPUT_RTS) !== 0 } : {};
    this.#setOutputs({ dtr: (outputs & OUTPUT_DTR) !== 0, ...rts }, 'modem lines');
  }

  #setOutputs(outputs: PortOutputs, what: string): void {
    if (this.#state !== 'open') return;
    this.#port?.setOutputs(outputs).catch((error: unknown) => this.#tell(what, error));
  }

  #pollModem(): void {
    const port = this.#port;
    if (port === undefined || this.#state !== 'open') return;
    if (!this.#modemLines || this.#polling) return;
    this.#polling = true;
    port
      .inputs()
      .then(({ cts, dsr, dcd }) => {
        const inputs = (cts ? INPUT_CTS : 0) | (dsr ? INPUT_DSR : 0) | (dcd ? INPUT_DCD : 0);
        if (inputs !== this.#host.line.inputs()) {
          this.#host.setInputs(inputs);
        }
      })
      .catch((error: unknown) => {
        if (this.#state !== 'open') return;
        this.#modemLines = false;
        this.#tell('modem lines', error);
      })
      .finally(() => (this.#polling = false));
  }

  /** Says once that the port cannot do something. */
  #tell(what: string, error: unknown): void {
    if (this.#told.has(what) || this.#state === 'closed') return;
    this.#told.add(what);
    const reason = thrownText(error);
    this.#options.onNotice(
      `serial: port ${this.#options.path} cannot do ${what} (${reason}); going on without`,
    );
  }
}

function sameSettings(one: LineFormat, other: LineFormat): boolean {
  return (
    Math.round(one.baud) === Math.round(other.baud) &&
    one.dataBits === other.dataBits &&
    one.parity === other.parity &&
    one.stopBits === other.stopBits
  );
}
