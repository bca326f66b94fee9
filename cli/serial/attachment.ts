/**
 * What the UART of a run is plugged into: the line that the testbed is made with, and the bridge
 * behind it, opened once the system has booted.
 *
 *     UART ── SerialLine ── HostLine ── bridge (stdio, pty, port, tcp, telnet, rfc2217, file)
 */

import type { LineRate } from '../../board/serial-wire.ts';
import { SerialLine } from '../../board/uart/serial-line.ts';
import type { OutsideRecord } from '../../host/record/outside-record.ts';
import { RecordedLine } from '../../host/record/recorded-line.ts';
import type { SerialBridge } from '../../host/serial/bridge.ts';
import { HostLine } from '../../host/serial/host-line.ts';
import type { SerialPlug, Uart } from '../../systems/serial-devices.ts';
import type { WireParts } from '../../systems/testbed.ts';
import type { Attachment } from '../run/attachment.ts';
import type { SerialOptions } from './options.ts';

export interface SerialAttachmentOptions {
  readonly serial: SerialOptions;
  readonly uart: Uart;
  readonly rate: LineRate;
  readonly clock: 'virtual' | 'host';
  readonly onNotice: (line: string) => void;
}

/** One UART's; `attachments.ts` puts together those of a run. */
export class SerialAttachment implements Omit<Attachment, 'wires' | 'packets'> {
  readonly unrecorded = undefined;
  readonly #options: SerialAttachmentOptions;
  #line: SerialLine | undefined;
  #record: OutsideRecord | undefined;
  #recorded: RecordedLine | undefined;
  #bridge: SerialBridge | undefined;
  #quit = false;

  constructor(options: SerialAttachmentOptions) {
    this.#options = options;
  }

  get terminal(): 'free' | 'taken' {
    return this.#options.serial.kind === 'stdio' ? 'taken' : 'free';
  }

  get pace(): 'host' | 'own' {
    const { kind } = this.#options.serial;
    return kind === 'file' || kind === 'none' ? 'own' : 'host';
  }

  get input(): 'endless' | 'coming' | 'over' {
    if (this.#quit) return 'over';
    const { kind } = this.#options.serial;
    if (kind === 'none') return 'endless';
    if (this.#bridge?.inputOver === true) return 'over';
    // Files end, and so does standard input that is not a terminal.
    const ends = kind === 'file' || (kind === 'stdio' && !process.stdin.isTTY);
    return ends ? 'coming' : 'endless';
  }

  record(record: OutsideRecord): void {
    this.#record = record;
  }

  /** What the UART is plugged into; called while a testbed is made. */
  plug({ board }: WireParts): SerialPlug {
    const { rate, uart, serial } = this.#options;
    const flow = serial.kind === 'port' && serial.flow === 'rtscts' ? 'rtscts' : 'none';
    const line = new SerialLine({ clock: board.clock, rate, flow });
    this.#line = line;
    if (this.#record !== undefined) {
      this.#recorded ??= new RecordedLine(this.#record, line);
      this.#recorded.renew(line);
    }
    return { wire: line, uart };
  }

  async plugIn(wake: () => void): Promise<void> {
    const { serial, onNotice } = this.#options;
    const line = this.#recorded ?? this.#line;
    if (line === undefined) throw new Error('the wire is made before the bridge');
    // Of a world that is made again, the bridge is there already.
    if (this.#bridge !== undefined) return;
    const host = new HostLine(line, wake);
    this.#bridge = await this.#openBridge(host);
    if (this.#bridge !== undefined && serial.kind !== 'none') onNotice(this.#bridge.description);
  }

  /** Loads the code of its kind alone. */
  async #openBridge(host: HostLine): Promise<SerialBridge | undefined> {
    const { serial, onNotice } = this.#options;
    switch (serial.kind) {
      case 'none':
        return openFiles(host, {});
      case 'stdio': {
        const { StdioBridge } = await import('../../host/serial/stdio-bridge.ts');
        const onQuit = (): void => {
          this.#quit = true;
          host.wake();
        };
        return new StdioBridge({ host, onQuit });
      }
      case 'pty': {
        const { PtyBridge } = await import('../../host/serial/pty-bridge.ts');
        return PtyBridge.open({
          host,
          ...(serial.link === undefined ? {} : { link: serial.link }),
        });
      }
      case 'port': {
        const { PortBridge } = await import('../../host/serial/port-bridge.ts');
        const { openWithSerialport: open } = await import('../../host/serial/port-driver.ts');
        const { path, format, flow } = serial;
        return PortBridge.open({ host, path, format, flow, open, onNotice });
      }
      case 'socket': {
        const { SocketBridge } = await import('../../host/serial/socket-bridge.ts');
        const { protocol, address, port } = serial;
        return SocketBridge.open({ host, protocol, address, port, onNotice });
      }
      case 'file':
        return openFiles(host, serial);
    }
  }

  start(): void {
    // Input begins when the host has some.
  }

  flush(): void {
    this.#bridge?.flush();
  }

  async rewind(): Promise<void> {
    if (this.#record !== undefined) return;
    await this.close();
    this.#bridge = undefined;
    this.#quit = false;
  }

  async close(): Promise<void> {
    this.#bridge?.flush();
    await this.#bridge?.close();
  }

  counters(): Record<string, unknown> {
    const { serial, uart, rate } = this.#options;
    const kind = serial.kind === 'socket' ? serial.protocol : serial.kind;
    return { kind, uart, lineRate: rate, ...this.#bridge?.counters() };
  }
}

async function openFiles(
  host: HostLine,
  { inPath, outPath }: { readonly inPath?: string; readonly outPath?: string },
): Promise<SerialBridge> {
  const { FileBridge } = await import('../../host/serial/file-bridge.ts');
  return new FileBridge({
    host,
    ...(inPath === undefined ? {} : { inPath }),
    ...(outPath === undefined ? {} : { outPath }),
  });
}
