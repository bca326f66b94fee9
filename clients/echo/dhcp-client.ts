/**
 * A DHCP client's states (RFC 2131 §4.4, figure 5), without network and clock: it is told the time
 * and what has come, and says what to send.
 *
 *     init ─DISCOVER─▶ selecting ─OFFER/REQUEST─▶ requesting ─ACK─▶ bound ─T1/REQUEST─▶ renewing
 *      ▲                                              │ NAK           ▲ ACK  ◀────────────┤ T2
 *      └──────────────── NAK, lease over ─────────────┴───────────────┴──── rebinding ◀───┘
 *
 * Not here: DECLINE (nobody is asked whether the address is in use), INFORM, RELEASE, and the
 * remembered address of INIT-REBOOT.
 */

import { DHCP, type DhcpReply, type DhcpRequest } from './dhcp-message.ts';

export type DhcpState = 'init' | 'selecting' | 'requesting' | 'bound' | 'renewing' | 'rebinding';

const SECOND_NS = 1e9;
/** §4.1: the waits between attempts, give or take a second; then the last one again and again. */
const RETRY_SECONDS = [4, 8, 16, 32, 64] as const;
/** Attempts to have an offer confirmed, before all begins again. */
const REQUESTS_MAX = 4;
/** §4.4.5: the least wait between attempts to renew. */
const RENEWAL_RETRY_SECONDS = 60;
const FOR_EVER = 0xffff_ffff;
const LEASE_SECONDS_MIN = 8;

interface Lease {
  readonly ip: number;
  readonly serverId: number;
  /** When to ask the server, when to ask all, and when it is over. */
  readonly renewAtNs: number;
  readonly rebindAtNs: number;
  readonly endAtNs: number;
}

export class DhcpClient {
  #state: DhcpState = 'init';
  #nextAtNs = 0;
  #attempts = 0;
  #beganAtNs = 0;
  #transaction: number;
  #offer: DhcpReply | undefined;
  #lease: Lease | undefined;

  /** @param seed numbers its transactions, and spreads its attempts: the hardware address */
  constructor(seed: number) {
    this.#transaction = seed >>> 0;
  }

  get state(): DhcpState {
    return this.#state;
  }

  /** The address that may be used now. */
  get ip(): number | undefined {
    return this.#lease?.ip;
  }

  /** Whom a message goes to: the server alone while it is asked to renew, else all. */
  get serverIp(): number | undefined {
    return this.#state === 'renewing' ? this.#lease?.serverId : undefined;
  }

  /** When {@link tick} has something to do; `Infinity` for a lease for ever. */
  get nextAtNs(): number {
    return this.#nextAtNs;
  }

  /** Time has passed. @returns what to send */
  tick(nowNs: number): DhcpRequest | undefined {
    if (nowNs < this.#nextAtNs) return undefined;
    const lease = this.#lease;
    if (lease !== undefined && nowNs >= lease.endAtNs) this.#begin(nowNs);
    switch (this.#state) {
      case 'requesting':
        if (this.#attempts < REQUESTS_MAX) return this.#confirm(nowNs);
        this.#begin(nowNs);
        return this.#discover(nowNs);
      case 'bound':
      case 'renewing':
      case 'rebinding':
        return this.#renew(nowNs);
      default:
        return this.#discover(nowNs);
    }
  }

  /** A message has come. @returns what to send */
  receive(reply: DhcpReply, nowNs: number): DhcpRequest | undefined {
    if (reply.transaction !== this.#transaction) return undefined;
    if (this.#state === 'selecting' && reply.type === DHCP.offer && reply.yourIp !== 0) {
      this.#state = 'requesting';
      this.#offer = reply;
      this.#attempts = 0;
      return this.#confirm(nowNs);
    }
    const isAsking = ['requesting', 'renewing', 'rebinding'].includes(this.#state);
    if (!isAsking) return undefined;
    if (reply.type === DHCP.nak) {
      this.#begin(nowNs);
      return this.#discover(nowNs);
    }
    if (reply.type === DHCP.ack && reply.yourIp !== 0) this.#bind(reply, nowNs);
    return undefined;
  }

  #begin(nowNs: number): void {
    this.#state = 'init';
    this.#lease = undefined;
    this.#offer = undefined;
    this.#attempts = 0;
    this.#beganAtNs = nowNs;
  }

  #discover(nowNs: number): DhcpRequest {
    if (this.#state === 'init') {
      this.#state = 'selecting';
      this.#newTransaction();
    }
    this.#waitForNext(nowNs);
    return this.#message(DHCP.discover, nowNs, 0);
  }

  #confirm(nowNs: number): DhcpRequest {
    this.#waitForNext(nowNs);
    const { yourIp = 0, serverId = 0 } = this.#offer ?? {};
    return {
      ...this.#message(DHCP.request, nowNs, 0),
      requestedIp: yourIp,
      serverId,
    };
  }

  /** Renewing and rebinding: half of what is left, a minute at least. */
  #renew(nowNs: number): DhcpRequest {
    const lease = this.#lease as Lease;
    if (this.#state === 'bound') {
      this.#newTransaction();
      this.#beganAtNs = nowNs;
    }
    const isLate = nowNs >= lease.rebindAtNs;
    this.#state = isLate ? 'rebinding' : 'renewing';
    const untilNs = isLate ? lease.endAtNs : lease.rebindAtNs;
    const halfNs = Math.max((untilNs - nowNs) / 2, RENEWAL_RETRY_SECONDS * SECOND_NS);
    this.#nextAtNs = Math.min(nowNs + halfNs, untilNs);
    return this.#message(DHCP.request, nowNs, lease.ip);
  }

  #bind(reply: DhcpReply, nowNs: number): void {
    const given = reply.leaseSeconds ?? FOR_EVER;
    const seconds = given === FOR_EVER ? Infinity : Math.max(given, LEASE_SECONDS_MIN);
    // §4.4.5: half and seven eighths, unless the server says otherwise; and in this order.
    const rebind = within(reply.rebindingSeconds, seconds, seconds * 0.875);
    const renew = within(reply.renewalSeconds, rebind, seconds * 0.5);
    this.#lease = {
      ip: reply.yourIp,
      serverId: reply.serverId,
      renewAtNs: nowNs + renew * SECOND_NS,
      rebindAtNs: nowNs + rebind * SECOND_NS,
      endAtNs: nowNs + seconds * SECOND_NS,
    };
    this.#state = 'bound';
    this.#attempts = 0;
    this.#nextAtNs = this.#lease.renewAtNs;
  }

  #message(type: number, nowNs: number, clientIp: number): DhcpRequest {
    const seconds = Math.floor((nowNs - this.#beganAtNs) / SECOND_NS);
    return { type, transaction: this.#transaction, seconds, clientIp };
  }

  #newTransaction(): void {
    this.#transaction = (Math.imul(this.#transaction, 1_664_525) + 1_013_904_223) >>> 0;
  }

  /** The next attempt, a second earlier or later, so that clients do not all ask at once. */
  #waitForNext(nowNs: number): void {
    const index = Math.min(this.#attempts, RETRY_SECONDS.length - 1);
    const spread = ((this.#transaction >>> 8) & 0xff) / 0x80 - 1;
    this.#attempts += 1;
    this.#nextAtNs = nowNs + ((RETRY_SECONDS[index] as number) + spread) * SECOND_NS;
  }
}

function within(given: number | undefined, most: number, standard: number): number {
  return given === undefined || given === 0 || given > most ? Math.min(standard, most) : given;
}
