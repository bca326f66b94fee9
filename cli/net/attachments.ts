/** What all NICs of a run are plugged into. */

import { UserMistake } from '../../host/problem.ts';
import type { EthernetWire } from '../../board/ethernet.ts';
import type { OutsideRecord } from '../../host/record/outside-record.ts';
import type { WireParts, Wires } from '../../systems/testbed.ts';
import type { Attachment } from '../run/attachment.ts';
import type { NetAttachment } from './attachment.ts';
import type { Captures } from './captures.ts';

/** A NIC by its number: 0 for `nic0`. */
export interface AttachedNic {
  readonly nic: number;
  readonly attachment: NetAttachment;
}

export class NetAttachments implements Attachment {
  readonly unrecorded = undefined;
  readonly #nics: readonly AttachedNic[];
  readonly #captures: Captures | undefined;

  /** @param nics in the order of their numbers */
  constructor(nics: readonly AttachedNic[], captures: Captures | undefined) {
    this.#nics = nics;
    this.#captures = captures;
  }

  get first(): NetAttachment {
    const [nic] = this.#nics;
    if (nic === undefined) throw new UserMistake('the system has no NIC');
    return nic.attachment;
  }

  get #all(): readonly NetAttachment[] {
    return this.#nics.map(({ attachment }) => attachment);
  }

  record(record: OutsideRecord): void {
    for (const attachment of this.#all) attachment.record(record);
  }

  wires(parts: WireParts): Wires {
    const wires: (EthernetWire | undefined)[] = [];
    for (const { nic, attachment } of this.#nics) wires[nic] = attachment.wire(parts);
    const [net, ...furtherNets] = Array.from(wires);
    return { ...(net === undefined ? {} : { net }), furtherNets };
  }

  async plugIn(wake: () => void): Promise<void> {
    for (const attachment of this.#all) await attachment.plugIn(wake);
  }

  start(): void {
    for (const attachment of this.#all) attachment.start();
  }

  get pace(): 'host' | 'own' {
    return this.#all.some(({ pace }) => pace === 'host') ? 'host' : 'own';
  }

  /** Over when one replay is, and nothing is coming at another NIC. */
  get input(): 'endless' | 'coming' | 'over' {
    const inputs = this.#all.map(({ input }) => input);
    return (['coming', 'over'] as const).find((input) => inputs.includes(input)) ?? 'endless';
  }

  get packets(): number {
    return this.#all.reduce((sum, { packets }) => sum + packets, 0);
  }

  flush(): void {
    for (const attachment of this.#all) attachment.flush();
    // A person who watches in Wireshark wants to see frames now; a file is written in large pieces.
    if (this.#captures?.clock === 'host') this.#captures.flush();
  }

  async rewind(): Promise<void> {
    for (const attachment of this.#all) await attachment.rewind();
    this.#captures?.rewind();
  }

  async close(): Promise<void> {
    for (const attachment of this.#all) await attachment.close();
    await this.#captures?.close();
  }

  /** Those of a single NIC, or of each by its name. */
  counters(): Record<string, unknown> {
    const frames = this.#captures?.frames;
    const captured = frames === undefined ? {} : { framesCaptured: frames };
    if (this.#nics.length === 1) return { ...this.first.counters(), ...captured };
    const named = this.#nics.map(({ nic, attachment }) => [`nic${nic}`, attachment.counters()]);
    return { ...Object.fromEntries(named), ...captured };
  }
}
