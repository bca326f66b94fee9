/**
 * A user-mode network without sockets: a gateway that answers ARP and ping for itself, gives
 * addresses by DHCP, and forwards datagrams between peers on the host and ports of guests on the
 * board, in the manner of QEMU's `-netdev user`.
 *
 * A peer on the host appears to the guest as a port of the gateway; see `address-translation.ts`.
 *
 *     host peer 127.0.0.1:40000 ─► forward 127.0.0.1:1235 ─► 10.0.2.2:40000 ─► guest 10.0.2.15:1235
 */

import { AddressTranslation } from './address-translation.ts';
import type { HostPeer } from './address-translation.ts';
import type { DhcpReply, DhcpRequest } from './dhcp-message.ts';
import {
  DHCP,
  DHCP_CLIENT_PORT,
  DHCP_REPLY_BYTES,
  DHCP_SERVER_PORT,
  readDhcpRequest,
  wantsBroadcast,
  writeDhcpReply,
} from './dhcp-message.ts';
import { DhcpServer } from './dhcp-server.ts';
import { checksumAdd, checksumFinish } from '../../board/internet-checksum.ts';
import {
  ARP_REPLY,
  ARP_REQUEST,
  Arp,
  BROADCAST_HIGH,
  BROADCAST_LOW,
  DATAGRAM_BYTES_MAX,
  Ethernet,
  FRAGMENT_MASK,
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
  IPV4_AT,
  IcmpEcho,
  Ipv4,
  PROTOCOL_ICMP,
  PROTOCOL_UDP,
  TYPE_ARP,
  TYPE_IPV4,
  UDP_AT,
  UDP_DATA_AT,
  Udp,
  VERSION_4_NO_OPTIONS,
  pseudoHeaderSum,
} from '../../board/packets.ts';
import { ipv4Number, ipv4Text } from './socket-address.ts';

export const NETWORK_IP = '10.0.2.0';
export const GATEWAY_IP = '10.0.2.2';
/** What DHCP names; nobody answers there. */
export const DNS_IP = '10.0.2.3';
/** The first address that DHCP gives. */
export const DHCP_START = '10.0.2.15';
const BROADCAST_IP = 0xffff_ffff;
const GATEWAY_MAC_HIGH = 0x5255;
const GATEWAY_MAC_LOW = 0x0a00_0202; // 52:55:0a:00:02:02, as QEMU's gateway
const ENTRIES_MAX = 4096;
/** Datagrams held for a guest whose MAC is not known yet. */
const HELD_MAX = 256;
const ARP_INTERVAL_NS = 100_000_000;

/** One `hostfwd`: a guest's UDP port that is reachable from the host. */
export interface Forward {
  readonly guestIp: number;
  readonly guestPort: number;
}

export interface UserNetworkOptions {
  /** Takes a frame for the board; the bytes are valid during the call only. */
  readonly toBoard: (frame: Uint8Array) => void;
  /**
   * Takes a datagram for a peer of a forward's socket; the bytes are valid during the call only.
   */
  readonly toHost: (forward: number, peer: HostPeer, payload: Uint8Array) => void;
  readonly forwards: readonly Forward[];
  readonly nowNs: () => number;
  /** The first address that DHCP gives; 10.0.2.15 unless told. */
  readonly dhcpStart?: number;
  /** Addresses that DHCP leaves alone, because guests have them by their configuration. */
  readonly fixedAddresses?: readonly number[];
  /** Told once, when a guest claims an address that another one has. */
  readonly onNotice?: (text: string) => void;
}

interface Neighbour {
  macHigh: number;
  macLow: number;
  state: 'asking' | 'known';
  askedAt: number;
  readonly held: Uint8Array[];
}

export class UserNetwork {
  readonly #options: UserNetworkOptions;
  readonly #gatewayIp = ipv4Number(GATEWAY_IP);
  readonly #translations = new AddressTranslation(ENTRIES_MAX);
  readonly #neighbours = new Map<number, Neighbour>();
  readonly #frame = new Uint8Array(1514);
  readonly #view = new DataView(this.#frame.buffer);
  readonly #dhcp: DhcpServer;
  #identification = 0;
  readonly count = {
    arpReplies: 0,
    arpRequests: 0,
    /** ARP frames whose two sender addresses differ. */
    arpForgedDropped: 0,
    /** Claims of an address that another guest has. */
    arpConflicts: 0,
    pingReplies: 0,
    datagramsIn: 0,
    datagramsOut: 0,
    tooLargeDropped: 0,
    unresolvedDropped: 0,
    noTranslationDropped: 0,
    fragmentsDropped: 0,
    /** DHCP messages that are none, and those of a hardware address that is not the sender's. */
    dhcpMalformedDropped: 0,
    dhcpForgedDropped: 0,
    malformedDropped: 0,
    otherDropped: 0,
  };

  constructor(options: UserNetworkOptions) {
    this.#options = options;
    this.#dhcp = new DhcpServer({
      server: this.#gatewayIp,
      dns: ipv4Number(DNS_IP),
      first: options.dhcpStart ?? ipv4Number(DHCP_START),
      taken: options.fixedAddresses ?? [],
      nowNs: options.nowNs,
      onFreed: (ip) => this.#forget(ip),
    });
  }

  /** A datagram from a peer on the host, for the guest behind a forward. */
  fromHost(forward: number, peer: HostPeer, payload: Uint8Array): void {
    const target = this.#options.forwards[forward];
    if (target === undefined) throw new RangeError(`there is no forward ${String(forward)}`);
    if (payload.length > DATAGRAM_BYTES_MAX) {
      this.count.tooLargeDropped += 1;
      return;
    }
    const translation = this.#translations.ofPeer(forward, peer);
    const length = this.#buildDatagram(target, translation.gatewayPort, payload);
    this.count.datagramsIn += 1;
    this.#sendTo(target.guestIp, length);
  }

  /** A frame that the board has sent. */
  fromBoard(frame: Uint8Array): void {
    const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    switch (Ethernet.type.get(view, 0)) {
      case TYPE_ARP:
        this.#onArp(view);
        break;
      case TYPE_IPV4:
        this.#onIpv4(frame, view);
        break;
      default:
        this.count.otherDropped += 1;
    }
  }

  /** What the DHCP server has answered, and not answered. */
  get dhcp(): Readonly<Record<string, number>> {
    return this.#dhcp.count;
  }

  get translationsEvicted(): number {
    return this.#translations.evicted;
  }

  /** Entries of the address translation in use. */
  get translations(): number {
    return this.#translations.size;
  }

  #onArp(view: DataView): void {
    if (view.byteLength < Ethernet.SIZE + Arp.SIZE) {
      this.count.malformedDropped += 1;
      return;
    }
    const at = Ethernet.SIZE;
    const senderIp = Arp.senderIp.get(view, at);
    const macHigh = Arp.senderMacHigh.get(view, at);
    const macLow = Arp.senderMacLow.get(view, at);
    const isOwn =
      Ethernet.sourceHigh.get(view, 0) === macHigh && Ethernet.sourceLow.get(view, 0) === macLow;
    // Nobody answers ARP for another here: such a frame would divert somebody's traffic.
    if (!isOwn) {
      this.count.arpForgedDropped += 1;
      return;
    }
    this.#learn(senderIp, macHigh, macLow);
    const forUs = Arp.targetIp.get(view, at) === this.#gatewayIp;
    if (Arp.operation.get(view, at) !== ARP_REQUEST || !forUs) return;
    this.count.arpReplies += 1;
    this.#sendArp(ARP_REPLY, senderIp, macHigh, macLow);
  }

  #learn(ip: number, macHigh: number, macLow: number): void {
    const neighbour = this.#neighbours.get(ip);
    // Only addresses that we asked for: a guest cannot make the table grow.
    if (neighbour === undefined) return;
    if (neighbour.state === 'known') {
      const isSame = neighbour.macHigh === macHigh && neighbour.macLow === macLow;
      if (!isSame) this.#refuseConflict(ip);
      return;
    }
    neighbour.macHigh = macHigh;
    neighbour.macLow = macLow;
    neighbour.state = 'known';
    for (const frame of neighbour.held.splice(0)) {
      const view = new DataView(frame.buffer);
      Ethernet.targetHigh.set(view, 0, macHigh);
      Ethernet.targetLow.set(view, 0, macLow);
      this.#options.toBoard(frame);
    }
  }

  /** The first to answer keeps its address: guests do not change theirs while the board runs. */
  #refuseConflict(ip: number): void {
    this.count.arpConflicts += 1;
    if (this.count.arpConflicts > 1) return;
    this.#options.onNotice?.(
      `a guest claims ${ipv4Text(ip)}, which another guest has; the claim is ignored ` +
        '(further ones are only counted)',
    );
  }

  #sendArp(operation: number, targetIp: number, macHigh: number, macLow: number): void {
    const view = this.#view;
    this.#setEthernet(macHigh, macLow, TYPE_ARP);
    const at = Ethernet.SIZE;
    Arp.hardwareType.set(view, at, 1);
    Arp.protocolType.set(view, at, TYPE_IPV4);
    Arp.hardwareLength.set(view, at, 6);
    Arp.protocolLength.set(view, at, 4);
    Arp.operation.set(view, at, operation);
    Arp.senderMacHigh.set(view, at, GATEWAY_MAC_HIGH);
    Arp.senderMacLow.set(view, at, GATEWAY_MAC_LOW);
    Arp.senderIp.set(view, at, this.#gatewayIp);
    Arp.targetMacHigh.set(view, at, operation === ARP_REQUEST ? 0 : macHigh);
    Arp.targetMacLow.set(view, at, operation === ARP_REQUEST ? 0 : macLow);
    Arp.targetIp.set(view, at, targetIp);
    this.#options.toBoard(this.#frame.subarray(0, Ethernet.SIZE + Arp.SIZE));
  }

  #onIpv4(frame: Uint8Array, view: DataView): void {
    if (
      view.byteLength < UDP_DATA_AT ||
      Ipv4.versionLength.get(view, IPV4_AT) !== VERSION_4_NO_OPTIONS
    ) {
      this.count.malformedDropped += 1;
      return;
    }
    const totalLength = Ipv4.totalLength.get(view, IPV4_AT);
    if (totalLength < Ipv4.SIZE + Udp.SIZE || IPV4_AT + totalLength > view.byteLength) {
      this.count.malformedDropped += 1;
      return;
    }
    if (checksumFinish(checksumAdd(frame, IPV4_AT, Ipv4.SIZE, 0)) !== 0) {
      this.count.malformedDropped += 1;
      return;
    }
    if ((Ipv4.fragment.get(view, IPV4_AT) & FRAGMENT_MASK) !== 0) {
      this.count.fragmentsDropped += 1;
      return;
    }
    const target = Ipv4.target.get(view, IPV4_AT);
    const protocol = Ipv4.protocol.get(view, IPV4_AT);
    const isHere = target === this.#gatewayIp;
    if (protocol === PROTOCOL_UDP && (isHere || target === BROADCAST_IP)) {
      this.#onUdp(frame, view, totalLength);
    } else if (protocol === PROTOCOL_ICMP && isHere) {
      this.#onIcmp(frame, view, totalLength);
    } else {
      this.count.otherDropped += 1;
    }
  }

  #onUdp(frame: Uint8Array, view: DataView, totalLength: number): void {
    const udpLength = Udp.length.get(view, UDP_AT);
    const source = Ipv4.source.get(view, IPV4_AT);
    const target = Ipv4.target.get(view, IPV4_AT);
    if (udpLength < Udp.SIZE || udpLength > totalLength - Ipv4.SIZE) {
      this.count.malformedDropped += 1;
      return;
    }
    if (Udp.checksum.get(view, UDP_AT) !== 0) {
      const pseudo = pseudoHeaderSum(source, target, udpLength);
      if (checksumFinish(checksumAdd(frame, UDP_AT, udpLength, pseudo)) !== 0) {
        this.count.malformedDropped += 1;
        return;
      }
    }
    if (Udp.targetPort.get(view, UDP_AT) === DHCP_SERVER_PORT) {
      this.#onDhcp(view, udpLength);
      return;
    }
    if (target !== this.#gatewayIp) {
      this.count.otherDropped += 1;
      return;
    }
    const translation = this.#translations.ofPort(Udp.targetPort.get(view, UDP_AT));
    const forward = translation && this.#options.forwards[translation.forward];
    const matches =
      forward?.guestIp === source && forward.guestPort === Udp.sourcePort.get(view, UDP_AT);
    if (translation === undefined || !matches) {
      this.count.noTranslationDropped += 1;
      return;
    }
    this.count.datagramsOut += 1;
    const payload = frame.subarray(UDP_DATA_AT, UDP_AT + udpLength);
    this.#options.toHost(translation.forward, translation.peer, payload);
  }

  #onDhcp(view: DataView, udpLength: number): void {
    const message = new DataView(view.buffer, view.byteOffset + UDP_DATA_AT, udpLength - Udp.SIZE);
    const request = readDhcpRequest(message);
    if (request === undefined) {
      this.count.dhcpMalformedDropped += 1;
      return;
    }
    // There is no relay here, and nobody asks for another: such a message would take or free
    // somebody's address.
    const isOwn =
      Ethernet.sourceHigh.get(view, 0) === request.macHigh &&
      Ethernet.sourceLow.get(view, 0) === request.macLow;
    if (!isOwn || request.relayIp !== 0) {
      this.count.dhcpForgedDropped += 1;
      return;
    }
    const reply = this.#dhcp.answer(request);
    if (reply !== undefined) this.#sendDhcp(request, reply);
  }

  /**
   * RFC 2131 §4.1: to the client's address when it has one, else as it has asked; a refusal to all.
   */
  #sendDhcp(request: DhcpRequest, reply: DhcpReply): void {
    const known = request.clientIp === 0 ? reply.yourIp : request.clientIp;
    const toAll = reply.type === DHCP.nak || (request.clientIp === 0 && wantsBroadcast(request));
    const guestIp = toAll ? BROADCAST_IP : known;
    writeDhcpReply(this.#view, UDP_DATA_AT, request, reply);
    const payload = this.#frame.subarray(UDP_DATA_AT, UDP_DATA_AT + DHCP_REPLY_BYTES);
    const length = this.#buildDatagram(
      { guestIp, guestPort: DHCP_CLIENT_PORT },
      DHCP_SERVER_PORT,
      payload,
    );
    if (toAll) this.#setEthernet(BROADCAST_HIGH, BROADCAST_LOW, TYPE_IPV4);
    else this.#setEthernet(request.macHigh, request.macLow, TYPE_IPV4);
    this.#options.toBoard(this.#frame.subarray(0, length));
  }

  /** What has been learnt of an address that may be another guest's from now on. */
  #forget(ip: number): void {
    if (this.#neighbours.get(ip)?.state === 'known') this.#neighbours.delete(ip);
  }

  #onIcmp(frame: Uint8Array, view: DataView, totalLength: number): void {
    const icmpLength = totalLength - Ipv4.SIZE;
    if (checksumFinish(checksumAdd(frame, UDP_AT, icmpLength, 0)) !== 0) {
      this.count.malformedDropped += 1;
      return;
    }
    if (IcmpEcho.type.get(view, UDP_AT) !== ICMP_ECHO_REQUEST) {
      this.count.otherDropped += 1;
      return;
    }
    this.#frame.set(frame.subarray(UDP_AT, UDP_AT + icmpLength), UDP_AT);
    IcmpEcho.type.set(this.#view, UDP_AT, ICMP_ECHO_REPLY);
    IcmpEcho.checksum.set(this.#view, UDP_AT, 0);
    const sum = checksumFinish(checksumAdd(this.#frame, UDP_AT, icmpLength, 0));
    IcmpEcho.checksum.set(this.#view, UDP_AT, sum);
    this.#setIpv4(Ipv4.source.get(view, IPV4_AT), PROTOCOL_ICMP, totalLength);
    this.#setEthernet(Ethernet.sourceHigh.get(view, 0), Ethernet.sourceLow.get(view, 0), TYPE_IPV4);
    this.count.pingReplies += 1;
    this.#options.toBoard(this.#frame.subarray(0, IPV4_AT + totalLength));
  }

  /** @returns bytes of the frame that now lies in the scratch buffer, all but the guest's MAC */
  #buildDatagram(target: Forward, gatewayPort: number, payload: Uint8Array): number {
    const view = this.#view;
    const udpLength = Udp.SIZE + payload.length;
    this.#setIpv4(target.guestIp, PROTOCOL_UDP, Ipv4.SIZE + udpLength);
    Udp.sourcePort.set(view, UDP_AT, gatewayPort);
    Udp.targetPort.set(view, UDP_AT, target.guestPort);
    Udp.length.set(view, UDP_AT, udpLength);
    Udp.checksum.set(view, UDP_AT, 0);
    this.#frame.set(payload, UDP_DATA_AT);
    const pseudo = pseudoHeaderSum(this.#gatewayIp, target.guestIp, udpLength);
    const sum = checksumFinish(checksumAdd(this.#frame, UDP_AT, udpLength, pseudo));
    Udp.checksum.set(view, UDP_AT, sum === 0 ? 0xffff : sum);
    return UDP_DATA_AT + payload.length;
  }

  #setEthernet(targetHigh: number, targetLow: number, type: number): void {
    Ethernet.targetHigh.set(this.#view, 0, targetHigh);
    Ethernet.targetLow.set(this.#view, 0, targetLow);
    Ethernet.sourceHigh.set(this.#view, 0, GATEWAY_MAC_HIGH);
    Ethernet.sourceLow.set(this.#view, 0, GATEWAY_MAC_LOW);
    Ethernet.type.set(this.#view, 0, type);
  }

  #setIpv4(target: number, protocol: number, totalLength: number): void {
    const view = this.#view;
    this.#identification = (this.#identification + 1) & 0xffff;
    Ipv4.versionLength.set(view, IPV4_AT, VERSION_4_NO_OPTIONS);
    Ipv4.service.set(view, IPV4_AT, 0);
    Ipv4.totalLength.set(view, IPV4_AT, totalLength);
    Ipv4.identification.set(view, IPV4_AT, this.#identification);
    Ipv4.fragment.set(view, IPV4_AT, 0);
    Ipv4.timeToLive.set(view, IPV4_AT, 64);
    Ipv4.protocol.set(view, IPV4_AT, protocol);
    Ipv4.checksum.set(view, IPV4_AT, 0);
    Ipv4.source.set(view, IPV4_AT, this.#gatewayIp);
    Ipv4.target.set(view, IPV4_AT, target);
    const sum = checksumFinish(checksumAdd(this.#frame, IPV4_AT, Ipv4.SIZE, 0));
    Ipv4.checksum.set(view, IPV4_AT, sum);
  }

  /**
   * Sends the frame in the scratch buffer to a guest, or holds it until the guest's MAC is known.
   */
  #sendTo(guestIp: number, lengthBytes: number): void {
    let neighbour = this.#neighbours.get(guestIp);
    if (neighbour === undefined) {
      neighbour = { macHigh: 0, macLow: 0, state: 'asking', askedAt: -Infinity, held: [] };
      this.#neighbours.set(guestIp, neighbour);
    }
    this.#setEthernet(neighbour.macHigh, neighbour.macLow, TYPE_IPV4);
    if (neighbour.state === 'known') {
      this.#options.toBoard(this.#frame.subarray(0, lengthBytes));
      return;
    }
    if (neighbour.held.length < HELD_MAX) neighbour.held.push(this.#frame.slice(0, lengthBytes));
    else this.count.unresolvedDropped += 1;
    const now = this.#options.nowNs();
    if (now - neighbour.askedAt < ARP_INTERVAL_NS) return;
    neighbour.askedAt = now;
    this.count.arpRequests += 1;
    this.#sendArp(ARP_REQUEST, guestIp, BROADCAST_HIGH, BROADCAST_LOW);
  }
}
