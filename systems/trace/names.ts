/**
 * What the numbers in registers and records mean in one system: channels, interrupts, capability
 * addresses.
 */

import {
  SYS_CALL,
  SYS_NB_RECV,
  SYS_NB_SEND,
  SYS_NB_SEND_RECV,
  SYS_NB_SEND_WAIT,
  SYS_NB_WAIT,
  SYS_RECV,
  SYS_REPLY_RECV,
  SYS_SEND,
  SYS_WAIT,
  SYS_YIELD,
} from '../../kernel/abi.ts';
import { channelsOf, flatten, type SystemDescription } from '../../microkit/model.ts';
import {
  IDENTIFIER_MAX,
  SLOT_CHILD_TCB,
  SLOT_IRQ_HANDLER,
  SLOT_MONITOR_ENDPOINT,
  SLOT_OUTPUT_ENDPOINT,
  SLOT_OUTPUT_NOTIFICATION,
} from '../../microkit/slots.ts';

const SYSTEM_CALLS: ReadonlyMap<number, string> = new Map([
  [SYS_CALL, 'Call'],
  [SYS_REPLY_RECV, 'ReplyRecv'],
  [SYS_NB_SEND_RECV, 'NBSendRecv'],
  [SYS_NB_SEND_WAIT, 'NBSendWait'],
  [SYS_SEND, 'Send'],
  [SYS_NB_SEND, 'NBSend'],
  [SYS_RECV, 'Recv'],
  [SYS_NB_RECV, 'NBRecv'],
  [SYS_WAIT, 'Wait'],
  [SYS_NB_WAIT, 'NBWait'],
  [SYS_YIELD, 'Yield'],
]);

/** What a capability address of a domain leads to. */
export type Target =
  | { readonly kind: 'notify' | 'call'; readonly pd: number; readonly channel: number }
  | { readonly kind: 'ack'; readonly irq: number }
  | { readonly kind: 'child' | 'monitor' | 'other' };

/** Who is behind an identifier of a domain. */
export type Source =
  | { readonly kind: 'pd'; readonly pd: number; readonly channel: number }
  | { readonly kind: 'irq'; readonly irq: number };

/** Where an interrupt arrives. */
export interface IrqTarget {
  readonly pd: number;
  readonly channel: number;
}

const OTHER: Target = { kind: 'other' };

export class SystemNames {
  /** By number; the monitor is the last. */
  readonly pds: readonly string[];
  readonly #sources: readonly ReadonlyMap<number, Source>[];
  readonly #irqs = new Map<number, IrqTarget>();

  constructor(system: SystemDescription) {
    const flat = flatten(system);
    this.pds = [...flat.map(({ pd }) => pd.name), 'monitor'];
    this.#sources = flat.map(({ pd, index }) => {
      const sources = new Map<number, Source>();
      for (const { own, peer } of channelsOf(system, pd.name)) {
        sources.set(own.id, { kind: 'pd', pd: this.pds.indexOf(peer.pd), channel: peer.id });
      }
      for (const irq of pd.irqs) {
        if (irq.kind !== 'conventional') continue;
        sources.set(irq.id, { kind: 'irq', irq: irq.irq });
        this.#irqs.set(irq.irq, { pd: index, channel: irq.id });
      }
      return sources;
    });
  }

  pd(number: number): string {
    return this.pds[number] ?? `thread ${number}`;
  }

  systemCall(number: number): string {
    return SYSTEM_CALLS.get(number) ?? `system call ${number}`;
  }

  source(pd: number, channel: number): Source | undefined {
    return this.#sources[pd]?.get(channel);
  }

  /** @returns such as "net_virt_rx" or "irq 1" */
  sourceName(pd: number, channel: number): string {
    const source = this.source(pd, channel);
    if (source === undefined) return `channel ${channel}`;
    return source.kind === 'irq' ? `irq ${source.irq}` : this.pd(source.pd);
  }

  irqTarget(irq: number): IrqTarget | undefined {
    return this.#irqs.get(irq);
  }

  /** @param cptr capability address in the domain's own CNode */
  target(pd: number, cptr: number): Target {
    if (cptr === SLOT_MONITOR_ENDPOINT) return { kind: 'monitor' };
    if (cptr >= SLOT_CHILD_TCB) return { kind: 'child' };
    const irqId = identifier(cptr, SLOT_IRQ_HANDLER);
    if (irqId >= 0) {
      const source = this.source(pd, irqId);
      return source?.kind === 'irq' ? { kind: 'ack', irq: source.irq } : OTHER;
    }
    return (
      this.#peer(pd, identifier(cptr, SLOT_OUTPUT_ENDPOINT), 'call') ??
      this.#peer(pd, identifier(cptr, SLOT_OUTPUT_NOTIFICATION), 'notify') ??
      OTHER
    );
  }

  #peer(pd: number, channel: number, kind: 'notify' | 'call'): Target | undefined {
    const source = channel < 0 ? undefined : this.source(pd, channel);
    return source?.kind === 'pd' ? { kind, pd: source.pd, channel: source.channel } : undefined;
  }

  /** @returns such as "notify net_virt_rx"; empty when there is nothing to say */
  targetText(target: Target): string {
    switch (target.kind) {
      case 'notify':
      case 'call':
        return `${target.kind} ${this.pd(target.pd)}`;
      case 'ack':
        return `ack irq ${target.irq}`;
      case 'child':
      case 'monitor':
        return target.kind;
      case 'other':
        return '';
      default:
        return target satisfies never;
    }
  }
}

/**
 * @returns the identifier that a capability address of a range of slots stands for, -1 when it is
 * not in the range
 */
function identifier(cptr: number, first: number): number {
  return cptr >= first && cptr <= first + IDENTIFIER_MAX ? cptr - first : -1;
}
