/**
 * Where what passes a run's NICs is written down: one capture, with an interface for each NIC, to a
 * file, standard output or Wireshark.
 */

import { hostEpoch } from '../../host/host-time.ts';
import {
  captureToStream,
  openCaptureFile,
  openWireshark,
  type OpenSink,
  WIRESHARK_COMMAND,
} from '../../host/net/capture-sink.ts';
import { Capture } from '../../host/net/capture.ts';
import { type FrameWriter, PcapngWriter } from '../../host/net/pcapng-writer.ts';
import type { WireParts } from '../../systems/testbed.ts';

/** Where a capture goes. */
export type CaptureTarget =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'stdout' }
  | { readonly kind: 'wireshark' };

export interface CaptureOptions {
  readonly targets: readonly CaptureTarget[];
  readonly clock: 'virtual' | 'host';
  readonly onNotice: (line: string) => void;
}

export class Captures {
  readonly #options: CaptureOptions;
  readonly #sinks: OpenSink[] = [];
  #writer: PcapngWriter | undefined;

  private constructor(options: CaptureOptions) {
    this.#options = options;
  }

  /** @throws UserMistake when a file cannot be written */
  static async open(options: CaptureOptions): Promise<Captures> {
    const captures = new Captures(options);
    for (const target of options.targets) await captures.#openSink(target);
    return captures;
  }

  async #openSink(target: CaptureTarget): Promise<void> {
    const { onNotice } = this.#options;
    if (target.kind === 'file') {
      this.#sinks.push(openCaptureFile(target.path, onNotice));
    } else if (target.kind === 'stdout') {
      this.#sinks.push(captureToStream(process.stdout, 'standard output', onNotice));
    } else {
      const sink = await openWireshark(onNotice);
      if (sink !== undefined) this.#sinks.push(sink);
      else {
        const again = process.argv.slice(2).filter((word) => word !== '--wireshark');
        const command = `npx sddf ${again.join(' ')} --capture - | ${WIRESHARK_COMMAND}`;
        onNotice(`--wireshark: Wireshark is not installed here; where it is: ${command}`);
      }
    }
  }

  /**
   * Adds an interface to the capture.
   *
   * @returns what writes down what passes the NIC; undefined where no sink could be opened
   */
  of({ ram, board }: WireParts, interfaceName: string): Capture | undefined {
    if (this.#sinks.length === 0) return undefined;
    const writer = this.#writer?.addInterface(interfaceName) ?? this.#begin(interfaceName);
    return new Capture({ ram, clock: board.clock, writer });
  }

  #begin(interfaceName: string): FrameWriter {
    this.#writer = new PcapngWriter({
      sink: (bytes) => this.#sinks.forEach((sink) => sink.write(bytes)),
      interfaceName,
      epochNs: this.#options.clock === 'virtual' ? 0n : hostEpoch(),
    });
    return this.#writer;
  }

  get clock(): 'virtual' | 'host' {
    return this.#options.clock;
  }

  /** Frames written down; undefined where nothing is. */
  get frames(): number | undefined {
    return this.#writer?.frames;
  }

  flush(): void {
    this.#writer?.flush();
  }

  /**
   * Begins again: what is written down is another world's, in a stream as a section of its own.
   *
   * @throws UserMistake when a file cannot be made
   */
  rewind(): void {
    this.#writer?.flush();
    this.#writer = undefined;
    for (const sink of this.#sinks) sink.rewind();
  }

  async close(): Promise<void> {
    this.#writer?.flush();
    for (const sink of this.#sinks) await sink.close();
  }
}
