/**
 * Router: forwards IPv4 between two networks (RFC 1812), as far as an access list lets it. Answers
 * ARP and ping for its own address on each side, asks for the addresses of others, and tells
 * senders by ICMP what became of a packet that it does not forward. A packet whose source is not of
 * the network that it comes from is dropped (RFC 2827).
 *
 * A packet is copied once, from the buffer in which the device has put it to one of ours. What the
 * other network does not take is dropped, and counted: a network without a cable stops nobody.
 *
 * Not modelled: routes beyond the two networks, redirects, fragmentation (both sides carry 1500
 * bytes), options of the header, state of connections.
 */

import {
  type Channel,
  type EntryPoints,
  messageInfo,
  type ProtectionDomain,
  ProgramState,
} from '../../microkit/pd.ts';
import { Counters } from '../../queues/counters.ts';
import { NET_BUFFER_BYTES } from '../../queues/net/queue.ts';
import * as wire from '../../queues/net/wire.ts';
import { type Connections, joinRestarts, supervised } from '../../queues/restart/member.ts';
import { type Flow, runFlow } from '../../queues/signal.ts';
import { TIMER_GET_TIME, TIMER_SET_TIMEOUT } from '../../queues/timer/config.ts';
import { AccessList, type Side } from './access-list.ts';
import { ArpResponder } from './arp.ts';
import { ROUTER_COUNTERS, type RouterConfig } from './config.ts';
import { type Neighbour, NOTHING } from './neighbours.ts';
import { OwnAnswers } from './own-answers.ts';
import { HEADER_CHECKSUM, Packet, TTL_AND_PROTOCOL } from './packet.ts';
import { Port } from './port.ts';

export { ROUTER_COUNTERS as counters } from './config.ts';
export type { AccessRule, RouterConfig } from './config.ts';

const COUNT = ROUTER_COUNTERS;
const TICK_NS = 1e9;
const NO_BUFFER = -1;
const ETHERTYPE = wire.Ethernet.type.offset >>> 1;
const TYPE_IPV4 = wire.swap16(wire.ETHERTYPE_IPV4);
const TYPE_ARP = wire.swap16(wire.ETHERTYPE_ARP);
const BUFFER_BYTES = NET_BUFFER_BYTES;

/** Microkit's `init`. */
export function main(pd: ProtectionDomain<RouterConfig>): EntryPoints {
  const router = new Router(pd);
  return supervised(router.member, router, {
    notified: (channel) => router.notified(channel),
    progress: () => router.received,
    awaitsTime: () => router.isAsking,
    counters: router.counters,
  });
}

class Router extends ProgramState<RouterConfig> implements Connections {
  /** Frames received so far. */
  received = 0;
  readonly member = joinRestarts(this.pd, this.pd.config.restart);
  readonly counters = new Counters(COUNT, this.optionalRegion(this.pd.config.stats));
  readonly #ports: readonly [Port, Port] = [this.#port(0), this.#port(1)];
  readonly #flows: readonly [Flow, Flow] = [this.#flow(0), this.#flow(1)];
  readonly #list = new AccessList(this.pd.config.rules);
  readonly #packet = new Packet();
  readonly #own = new OwnAnswers(() => this.#timeNs());
  readonly #arp = new ArpResponder();
  #isTicking = false;

  /** Whether it waits for somebody's address. */
  get isAsking(): boolean {
    return this.#ports.some(({ neighbours }) => neighbours.isWaiting);
  }

  notified(channel: Channel): void {
    if (channel === this.pd.config.timer.channel) this.#tick();
    this.#work();
  }

  close(channel: Channel): void {
    for (const port of this.#ports) {
      if (port.has(channel)) this.counters.add(COUNT.dropUnresolved, port.close(channel));
    }
  }

  open(channel: Channel): void {
    for (const port of this.#ports) if (port.has(channel)) port.open(channel);
    this.#work();
  }

  #work(): void {
    for (const flow of this.#flows) runFlow(flow);
    for (const port of this.#ports) {
      if (port.publishRx()) this.pd.notify(port.rxChannel);
      if (port.publishTx()) this.pd.notify(port.txChannel);
    }
  }

  #flow(side: Side): Flow {
    const port = this.#ports[side];
    return {
      drain: () => this.#receive(port, this.#ports[side === 0 ? 1 : 0]),
      requestSignal: () => {
        port.requestSignal();
        return 'requested';
      },
      cancelSignal: () => port.cancelSignal(),
      canMove: () => port.hasFrames(),
    };
  }

  #port(side: Side): Port {
    const { prefix, net0, net1 } = this.pd.config;
    const network = side === 0 ? net0 : net1;
    return new Port({ side, network, prefix, memory: this.pd }, this.member?.abandoned);
  }

  #receive(port: Port, other: Port): void {
    for (let taken = port.take(); taken !== 'nothing'; taken = port.take()) {
      this.received += 1;
      if (taken === 'bad buffer') {
        this.counters.add(COUNT.badRxBuffer, 1);
        continue;
      }
      this.counters.add(this.#judge(port, other), 1);
      if (port.giveBack() === 'queue full') this.counters.add(COUNT.queueFull, 1);
    }
  }

  /** @returns the counter of what was done with the frame that the port has taken */
  #judge(port: Port, other: Port): number {
    const { reader, lenBytes } = port;
    if (lenBytes < wire.Ethernet.SIZE) return COUNT.dropShort;
    const type = reader.half(ETHERTYPE);
    if (type === TYPE_ARP) return this.#takeArp(port);
    if (type !== TYPE_IPV4) return COUNT.dropEthertype;
    const [m0, m1, m2] = port.mac;
    if (reader.half(0) !== m0 || reader.half(1) !== m1 || reader.half(2) !== m2) {
      return COUNT.dropNotForUs;
    }
    const packet = this.#packet;
    const verdict = packet.read(reader, lenBytes);
    if (verdict !== 'good') {
      return verdict === 'bad header' ? COUNT.dropIpHeader : COUNT.dropIpChecksum;
    }
    if (!port.holds(packet.source) || port.isForAll(packet.source) || packet.source === port.ip) {
      return COUNT.dropSpoofed;
    }
    const { destination } = packet;
    if (destination === port.ip || destination === other.ip) return this.#answer(port);
    if (!other.holds(destination)) return this.#dropUnroutable(port);
    if (other.isForAll(destination)) return COUNT.dropNoRoute;
    if (!this.#list.allows(packet, port.side)) {
      this.#complain(port, wire.ICMP_UNREACHABLE, wire.ICMP_PROHIBITED);
      return COUNT.refused;
    }
    if (packet.timeToLive <= 1) {
      this.#complain(port, wire.ICMP_TIME_EXCEEDED, 0);
      return COUNT.dropTimeToLive;
    }
    return this.#forward(port, other);
  }

  #forward(port: Port, other: Port): number {
    const known = other.neighbours.get(this.#packet.destination);
    const to = this.#bufferFor(other, known);
    if (to === NO_BUFFER) return COUNT.dropNoBuffer;
    // What is behind the packet is padding, which the other network makes for itself.
    const lenBytes = wire.Ethernet.SIZE + this.#packet.totalBytes;
    other.sent.copyFrom(port.received, port.from * BUFFER_BYTES, to * BUFFER_BYTES, lenBytes);
    this.counters.add(COUNT.copies, 1);
    this.counters.add(COUNT.bytesCopied, lenBytes);
    if (known?.mac === undefined) return this.#hold(other, known, to, lenBytes);
    return this.#sendOn(other, known.mac, to, lenBytes);
  }

  /** An empty buffer; or that of a packet which waits already for the same address. */
  #bufferFor(port: Port, known: Neighbour | undefined): number {
    if (known === undefined || known.held === NOTHING) return this.#takeTx(port);
    this.counters.add(COUNT.dropUnresolved, 1);
    return known.held;
  }

  /** Sends a packet that lies in a transmit buffer, with one hop less to live. */
  #sendOn(port: Port, mac: readonly [number, number, number], at: number, bytes: number): number {
    const { writer, readBack } = port;
    writer.moveTo(at);
    readBack.moveTo(at);
    mac.forEach((half, index) => writer.setHalf(index, half));
    port.mac.forEach((half, index) => writer.setHalf(3 + index, half));
    const before = readBack.half(TTL_AND_PROTOCOL);
    const after = before - 1;
    writer.setHalf(TTL_AND_PROTOCOL, after);
    // RFC 1624, equation 3: HC' = ~(~HC + ~m + m').
    const sum = (~readBack.half(HEADER_CHECKSUM) & 0xffff) + (~before & 0xffff) + after;
    const once = (sum & 0xffff) + (sum >>> 16);
    writer.setHalf(HEADER_CHECKSUM, ~((once & 0xffff) + (once >>> 16)) & 0xffff);
    this.counters.add(COUNT.bytesForwarded, bytes);
    if (port.send(at, bytes) === 'queue full') this.counters.add(COUNT.queueFull, 1);
    return COUNT.forwarded;
  }

  /** Keeps a packet until somebody says whose address it is for. */
  #hold(port: Port, known: Neighbour | undefined, at: number, lenBytes: number): number {
    const entry = known ?? this.#begin(port);
    entry.held = at;
    entry.heldBytes = lenBytes;
    return COUNT.held;
  }

  #begin(port: Port): Neighbour {
    const { entry, pushedOut } = port.neighbours.begin(this.#packet.destination);
    if (pushedOut !== undefined) this.#forget(port, pushedOut);
    this.#ask(port, entry);
    this.#startTicking();
    return entry;
  }

  #ask(port: Port, { ip }: Neighbour): void {
    if (this.#send(port, this.#arp.request(port, ip))) this.counters.add(COUNT.arpAsked, 1);
  }

  #takeArp(port: Port): number {
    const asked = this.#arp.read(port);
    if (asked === undefined) return COUNT.dropArp;
    const entry = port.neighbours.get(asked.ip);
    if (entry !== undefined) this.#learn(port, entry, asked.mac);
    if (asked.kind === 'request') {
      this.#send(port, this.#arp.reply(port, asked));
      return COUNT.arpAnswered;
    }
    return entry === undefined ? COUNT.dropArp : COUNT.arpLearnt;
  }

  #learn(port: Port, entry: Neighbour, mac: readonly [number, number, number]): void {
    const { held, heldBytes } = entry;
    entry.held = NOTHING;
    port.neighbours.learn(entry, mac);
    if (held !== NOTHING) this.counters.add(this.#sendOn(port, mac, held, heldBytes), 1);
  }

  /** Nobody has said whose address it is: whoever has sent the packet that waits is told. */
  #forget(port: Port, { held, heldBytes }: Neighbour): void {
    if (held === NOTHING) return;
    this.counters.add(COUNT.dropUnresolved, 1);
    const { frame } = this.#own;
    frame.fill(0);
    port.sent.read(held * BUFFER_BYTES, frame.subarray(0, heldBytes));
    port.keepTx(held);
    const back = this.#ports[port.side === 0 ? 1 : 0];
    this.#sendError(back, wire.ICMP_UNREACHABLE, wire.ICMP_HOST_UNREACHABLE);
  }

  #dropUnroutable(port: Port): number {
    if (!port.holds(this.#packet.destination)) {
      this.#complain(port, wire.ICMP_UNREACHABLE, wire.ICMP_NET_UNREACHABLE);
    }
    return COUNT.dropNoRoute;
  }

  /** For an address of the router's: a ping is answered, and other ports are closed. */
  #answer(port: Port): number {
    this.#readFrame(port);
    const { protocol, isWhole } = this.#packet;
    if (!isWhole) return COUNT.dropLocal;
    if (protocol === wire.IP_PROTOCOL_UDP) {
      this.#sendError(port, wire.ICMP_UNREACHABLE, wire.ICMP_PORT_UNREACHABLE);
      return COUNT.dropLocal;
    }
    const echo = protocol === wire.IP_PROTOCOL_ICMP ? this.#own.echo(port.lenBytes) : undefined;
    if (echo === undefined) return COUNT.dropLocal;
    return this.#send(port, echo) ? COUNT.icmpEchoed : COUNT.dropNoBuffer;
  }

  #complain(port: Port, type: number, code: number): void {
    this.#readFrame(port);
    this.#sendError(port, type, code);
  }

  #readFrame(port: Port): void {
    const { frame } = this.#own;
    frame.fill(0);
    port.received.read(port.from * BUFFER_BYTES, frame.subarray(0, port.lenBytes));
  }

  #sendError(port: Port, type: number, code: number): void {
    const error = this.#own.error(type, code, port.ip);
    if (error === 'nobody is told') return;
    if (error === 'too many') this.counters.add(COUNT.errorsLimited, 1);
    else if (this.#send(port, error)) {
      const isLate = type === wire.ICMP_TIME_EXCEEDED;
      this.counters.add(isLate ? COUNT.timeExceeded : COUNT.unreachable, 1);
    }
  }

  /** Sends a frame of the router's own. @returns whether there was a buffer for it */
  #send(port: Port, frame: Uint8Array): boolean {
    const to = this.#takeTx(port);
    if (to === NO_BUFFER) return false;
    port.sent.write(to * BUFFER_BYTES, frame);
    this.counters.add(COUNT.copies, 1);
    this.counters.add(COUNT.bytesCopied, frame.length);
    if (port.send(to, frame.length) === 'done') return true;
    this.counters.add(COUNT.queueFull, 1);
    return false;
  }

  /** @returns index of an empty transmit buffer, {@link NO_BUFFER} when there is none */
  #takeTx(port: Port): number {
    for (;;) {
      const index = port.takeTx();
      if (index >= NO_BUFFER) return index;
      this.counters.add(COUNT.badTxBuffer, 1);
    }
  }

  #tick(): void {
    this.#isTicking = false;
    for (const port of this.#ports) {
      port.neighbours.tick({
        ask: (entry) => this.#ask(port, entry),
        giveUp: (entry) => this.#forget(port, entry),
      });
    }
    if (this.#ports.some(({ neighbours }) => !neighbours.isEmpty)) this.#startTicking();
  }

  #startTicking(): void {
    if (this.#isTicking) return;
    this.#isTicking = true;
    this.pd.setMr(0, TICK_NS);
    this.pd.ppcall(this.pd.config.timer.channel, messageInfo(TIMER_SET_TIMEOUT, 1));
  }

  #timeNs(): number {
    this.pd.ppcall(this.pd.config.timer.channel, messageInfo(TIMER_GET_TIME, 0));
    return this.pd.mr(0);
  }
}
