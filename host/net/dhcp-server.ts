/**
 * The DHCP server of the user-mode network (RFC 2131), with the addresses that QEMU's gives: 16
 * from 10.0.2.15 on, netmask 255.255.255.0, gateway 10.0.2.2, name server 10.0.2.3, for a day.
 *
 *     DISCOVER ──► OFFER            the address is kept for a minute
 *     REQUEST  ──► ACK or NAK       ... and then for the lease
 *     INFORM   ──► ACK, no address
 *     RELEASE, DECLINE              free again, or left alone for a minute
 *
 * A client is its hardware address. The first that asks gets the first address that nobody has, so
 * that the same run gives the same addresses. A client that asks for an address in the range gets
 * it when it is free, also if it was never offered: it may have been told before this board was
 * switched on.
 */

import type { DhcpReply, DhcpRequest } from './dhcp-message.ts';
import { DHCP } from './dhcp-message.ts';

export const DHCP_ADDRESSES = 16;
const LEASE_SECONDS = 86_400;
const OFFER_SECONDS = 60;
const NETMASK = 0xffff_ff00;
const NS_PER_SECOND = 1e9;

export interface DhcpServerOptions {
  /** The server's own address, which is the gateway's. */
  readonly server: number;
  readonly dns: number;
  /** The first of {@link DHCP_ADDRESSES}. */
  readonly first: number;
  /** Addresses that somebody has without asking. */
  readonly taken: readonly number[];
  readonly nowNs: () => number;
  /** Told when an address may belong to another guest from now on. */
  readonly onFreed: (ip: number) => void;
}

interface Lease {
  /** Undefined for an address that a client found in use. */
  readonly client: number | undefined;
  readonly untilNs: number;
}

export class DhcpServer {
  readonly #options: DhcpServerOptions;
  readonly #leases = new Map<number, Lease>();
  readonly count = { dhcpOffers: 0, dhcpAcks: 0, dhcpNaks: 0, dhcpNoAddress: 0, dhcpIgnored: 0 };

  constructor(options: DhcpServerOptions) {
    this.#options = options;
  }

  /** @returns undefined for a message that has no answer */
  answer(request: DhcpRequest): DhcpReply | undefined {
    const client = request.macHigh * 2 ** 32 + request.macLow;
    switch (request.type) {
      case DHCP.discover:
        return this.#offer(client, request);
      case DHCP.request:
        return this.#grant(client, request);
      case DHCP.inform:
        this.count.dhcpAcks += 1;
        return this.#reply(DHCP.ack, 0);
      case DHCP.release:
        if (this.#has(client, request.clientIp)) this.#free(request.clientIp);
        return undefined;
      case DHCP.decline:
        this.#decline(client, request);
        return undefined;
      default:
        this.count.dhcpIgnored += 1;
        return undefined;
    }
  }

  #offer(client: number, request: DhcpRequest): DhcpReply | undefined {
    const wish = request.requestedIp;
    const ip =
      this.#addressOf(client) ??
      (wish !== undefined && this.#isFree(wish) ? wish : this.#firstFree());
    if (ip === undefined) {
      this.count.dhcpNoAddress += 1;
      return undefined;
    }
    this.#keep(ip, client, OFFER_SECONDS);
    this.count.dhcpOffers += 1;
    return this.#reply(DHCP.offer, ip);
  }

  /**
   * §4.3.2: the answer to an offer names a server; the rest ask for an address that they had, or
   * have.
   */
  #grant(client: number, request: DhcpRequest): DhcpReply | undefined {
    const { server } = this.#options;
    const had = this.#addressOf(client);
    if (request.serverId !== undefined && request.serverId !== server) {
      if (had !== undefined) this.#free(had); // it has chosen another server's offer
      this.count.dhcpIgnored += 1;
      return undefined;
    }
    const wish = request.requestedIp ?? request.clientIp;
    const isItsOwn = had === wish;
    const mayHave = isItsOwn || (request.serverId === undefined && this.#isFree(wish));
    if (!mayHave) {
      this.count.dhcpNaks += 1;
      return { type: DHCP.nak, yourIp: 0, server };
    }
    if (had !== undefined && !isItsOwn) this.#free(had);
    this.#keep(wish, client, LEASE_SECONDS);
    this.count.dhcpAcks += 1;
    return this.#reply(DHCP.ack, wish);
  }

  #decline(client: number, request: DhcpRequest): void {
    const ip = request.requestedIp;
    if (ip === undefined || !this.#has(client, ip)) return;
    this.#keep(ip, undefined, OFFER_SECONDS);
  }

  #reply(type: number, yourIp: number): DhcpReply {
    const { server, dns } = this.#options;
    const network = { netmask: NETMASK, router: server, dns };
    const lease = yourIp === 0 ? {} : { leaseSeconds: LEASE_SECONDS };
    return { type, yourIp, server, network, ...lease };
  }

  /** At least for so long: an offer does not shorten the lease of who has the address already. */
  #keep(ip: number, client: number | undefined, seconds: number): void {
    const { nowNs, onFreed } = this.#options;
    const before = this.#leases.get(ip);
    if (before?.client !== client) onFreed(ip);
    const least = before?.client === client ? before?.untilNs : undefined;
    const untilNs = Math.max(least ?? 0, nowNs() + seconds * NS_PER_SECOND);
    this.#leases.set(ip, { client, untilNs });
  }

  #free(ip: number): void {
    this.#leases.delete(ip);
    this.#options.onFreed(ip);
  }

  #has(client: number, ip: number): boolean {
    return this.#leases.get(ip)?.client === client;
  }

  #addressOf(client: number): number | undefined {
    for (const [ip, lease] of this.#leases) if (lease.client === client) return ip;
    return undefined;
  }

  #firstFree(): number | undefined {
    const { first } = this.#options;
    for (let ip = first; ip < first + DHCP_ADDRESSES; ip += 1) if (this.#isFree(ip)) return ip;
    return undefined;
  }

  #isFree(ip: number): boolean {
    const { first, taken, nowNs } = this.#options;
    if (ip < first || ip >= first + DHCP_ADDRESSES || taken.includes(ip)) return false;
    const lease = this.#leases.get(ip);
    return lease === undefined || lease.untilNs <= nowNs();
  }
}
