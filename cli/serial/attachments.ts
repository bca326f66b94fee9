/** What all UARTs of a run are plugged into. */

import { TYPED_SLICE_NS } from '../../host/event-loop.ts';
import type { WireParts, Wires } from '../../systems/testbed.ts';
import type { OutsideRecord } from '../../host/record/outside-record.ts';
import type { Attachment } from '../run/attachment.ts';
import { SerialAttachment, type SerialAttachmentOptions } from './attachment.ts';

export class SerialAttachments implements Attachment {
  readonly unrecorded = undefined;
  /** Characters are no packets: work is not divided by them. */
  readonly packets = 0;
  readonly #lines: readonly SerialAttachment[];

  /** @param lines in the order of the UARTs' numbers */
  constructor(lines: readonly SerialAttachmentOptions[]) {
    this.#lines = lines.map((line) => new SerialAttachment(line));
  }

  get terminal(): 'free' | 'taken' {
    return this.#lines.some(({ terminal }) => terminal === 'taken') ? 'taken' : 'free';
  }

  get pace(): 'host' | 'own' {
    return this.#lines.some(({ pace }) => pace === 'host') ? 'host' : 'own';
  }

  /** Somebody may type. */
  get sliceNs(): number {
    return this.pace === 'host' ? TYPED_SLICE_NS : Infinity;
  }

  /** Over when somebody has quit or one script has ended, and none is coming at another UART. */
  get input(): 'endless' | 'coming' | 'over' {
    const inputs = this.#lines.map(({ input }) => input);
    return (['coming', 'over'] as const).find((input) => inputs.includes(input)) ?? 'endless';
  }

  record(record: OutsideRecord): void {
    for (const line of this.#lines) line.record(record);
  }

  wires(parts: WireParts): Wires {
    const [serial, ...furtherSerials] = this.#lines.map((line) => line.plug(parts));
    return { ...(serial === undefined ? {} : { serial }), furtherSerials };
  }

  async plugIn(wake: () => void): Promise<void> {
    for (const line of this.#lines) await line.plugIn(wake);
  }

  start(): void {
    // Input begins when the host has some.
  }

  flush(): void {
    for (const line of this.#lines) line.flush();
  }

  async rewind(): Promise<void> {
    for (const line of this.#lines) await line.rewind();
  }

  async close(): Promise<void> {
    for (const line of this.#lines) await line.close();
  }

  /** Those of a single UART, or of each by its name. */
  counters(): Record<string, unknown> {
    const [first, ...further] = this.#lines.map((line) => line.counters());
    if (first === undefined || further.length === 0) return first ?? {};
    return Object.fromEntries([first, ...further].map((each, index) => [`uart${index}`, each]));
  }
}
