/**
 * The switch: forwards frames between clients, and between them and the virtualisers, by
 * destination address and by an access list that says which port may be reached from which. No byte
 * is copied here: the receiver's copier reads the frame where its sender wrote it, and the buffer
 * goes back when the last receiver has returned it.
 *
 *     client0 ── copier0 ─┐
 *     client1 ── copier1 ─┤ vswitch ── net_virt_rx, net_virt_tx ── driver
 *
 * A frame for an address that no client has goes to the uplink; one from there, nowhere. A
 * broadcast goes to every port that may be reached. Ports are served in their order. Clients are
 * not trusted: each entry is taken out once and then checked, and a refused one goes back and is
 * counted by reason. Source: sDDF 0.7, `docs/network/vswitch.md`. Not done as there: checksums are
 * left as they are, because no device here computes them.
 */

import { demand } from '../../../memory/misuse.ts';
import type { EntryPoints, MessageInfo, ProtectionDomain } from '../../../microkit/pd.ts';
import { counterNames, Counters } from '../../../queues/counters.ts';
import type { NetVswitchConfig } from '../../../queues/net/config.ts';
import { closeNetEnd, type NetEnd, openNetEnd } from '../../../queues/net/net-end.ts';
import { NET_BUFFER_BYTES } from '../../../queues/net/queue.ts';
import { type Connections, joinRestarts, supervised } from '../../../queues/restart/member.ts';
import { type Flow, runFlow } from '../../../queues/signal.ts';
import { Directory } from './directory.ts';
import { MacTable, NOBODY } from '../mac-table.ts';
import { NO_BUFFER } from '../data.ts';
import { Port } from './port.ts';

export const NET_VSWITCH_COUNTERS = counterNames(
  /** Frames that at least one port was given. */
  'packets',
  'broadcasts',
  /** Of {@link packets}, those to the virtualisers and from them. */
  'toUplink',
  'fromUplink',
  /** Buffers that came back. */
  'returned',
  /** The access list does not let the sender reach the receiver. */
  'denied',
  /** Frames from the uplink for no client of ours, and those for the port that they came from. */
  'dropNobody',
  /** The receiver's queue is full. */
  'dropFull',
  // Entries that ports handed over and that were refused, by reason.
  'refusedLength',
  'refusedBuffer',
  /** The buffer has been sent already and is not back. */
  'refusedDuplicate',
  // Entries that receivers returned: no such buffer; one that the port does not hold.
  'refusedNoBuffer',
  'refusedNotHeld',
  /** Buffers that could not go back: their owner's free queue is full. */
  'returnLost',
  /** Peers' indices that cannot be. */
  'queueLies',
);
const COUNT = NET_VSWITCH_COUNTERS;

/** Names of the counters in `stats`, for whoever runs this program from a description. */
export { NET_VSWITCH_COUNTERS as counters };

const FRAME_BYTES_MIN = 14;
/** What a wire carries is for the driver and its device to say. */
const FRAME_BYTES_MAX = NET_BUFFER_BYTES;

interface PortFlows {
  readonly port: Port;
  readonly forward: Flow;
  readonly takeBack: Flow;
}

/** Microkit's `init`. */
export function main(pd: ProtectionDomain<NetVswitchConfig>): EntryPoints {
  const vswitch = new NetVswitch(pd);
  return supervised(vswitch.member, vswitch, {
    notified: () => vswitch.notified(),
    protected: (channel, message) => vswitch.protected(channel, message),
    progress: () => vswitch.moved,
    counters: vswitch.counters,
  });
}

class NetVswitch implements Connections {
  /** Buffers moved so far, in either direction. */
  moved = 0;
  readonly member: ReturnType<typeof joinRestarts>;
  readonly #pd: ProtectionDomain<NetVswitchConfig>;
  readonly counters: Counters<keyof typeof NET_VSWITCH_COUNTERS>;
  readonly #ports: readonly Port[];
  readonly #flows: readonly PortFlows[];
  readonly #uplink: Port;
  readonly #macs: MacTable;
  readonly #directory: Directory;
  #liesSeen = 0;

  constructor(pd: ProtectionDomain<NetVswitchConfig>) {
    const { ports, uplink, stats } = pd.config;
    this.#pd = pd;
    this.member = joinRestarts(pd, pd.config.restart);
    this.counters = new Counters(
      NET_VSWITCH_COUNTERS,
      stats === undefined ? undefined : pd.region(stats),
    );
    this.#ports = this.#makePorts();
    for (const channel of this.member?.abandoned ?? []) closeNetEnd(pd, this.#endOf(channel));
    this.#flows = this.#ports.map((port) => this.#makeFlows(port));
    const last = this.#ports[uplink];
    demand(last !== undefined, `the uplink ${uplink} is none of the ports`);
    this.#uplink = last;
    this.#macs = new MacTable(ports.map(({ macs }) => macs));
    const reach = this.#ports.map((port) => port.reach);
    this.#directory = new Directory(reach, uplink);
    this.notified();
  }

  notified(): void {
    for (const { forward } of this.#flows) runFlow(forward);
    for (const { takeBack } of this.#flows) runFlow(takeBack);
    for (const port of this.#ports) {
      if (port.given.publish()) this.#pd.notify(port.rxChannel);
      if (port.sentFree.publish()) this.#pd.notify(port.txChannel);
    }
    this.#countLies();
  }

  protected(channel: number, message: MessageInfo): MessageInfo {
    const port = this.#ports.find((each) => each.txChannel === channel);
    demand(port !== undefined, `a call on channel ${channel}, which is no client's`);
    return this.#directory.answer(port.number, message, this.#pd);
  }

  close(channel: number): void {
    closeNetEnd(this.#pd, this.#endOf(channel));
    const receiver = this.#receiverOn(channel);
    // What has gone up the link a device may still read: it is kept until the link is there again.
    if (receiver !== undefined && receiver !== this.#uplink) this.#reclaim(receiver);
    this.notified();
    // Behind the link nobody hurries to return a buffer.
    const isWaiting = this.#ports.some((port) => port.isWaitedFor);
    if (isWaiting) this.#pd.notify(this.#uplink.rxChannel);
  }

  /** Whoever sends may be started once its buffers are back from those who have received them. */
  isClear(channel: number): boolean {
    return !this.#ports.some((port) => port.txChannel === channel && port.isWaitedFor);
  }

  open(channel: number): void {
    const receiver = this.#receiverOn(channel);
    if (receiver === undefined) {
      this.#ports.find((port) => port.txChannel === channel)?.openSent();
    } else {
      openNetEnd(receiver.rxEnd);
      if (receiver === this.#uplink) this.#reclaim(receiver);
    }
    this.notified();
  }

  /** All that a port had received, and that it has not returned, is its senders' again. */
  #reclaim(by: Port): void {
    let taken = 0;
    for (const owner of this.#ports) taken += owner.takeAllBack(by);
    this.member?.tookBack(taken);
  }

  #receiverOn(channel: number): Port | undefined {
    return this.#ports.find((port) => port.rxChannel === channel);
  }

  #endOf(channel: number): NetEnd {
    const port = this.#ports.find(
      ({ rxChannel, txChannel }) => rxChannel === channel || txChannel === channel,
    );
    demand(port !== undefined, `a neighbour on channel ${channel}, which is no port's`);
    return port.rxChannel === channel ? port.rxEnd : port.txEnd;
  }

  /** Takes what a port has sent, and gives it to those that it is for. */
  #forward(from: Port): void {
    const { sent } = from;
    let taken = 0;
    while (sent.dequeue()) {
      taken += 1;
      const refusal = this.#check(from);
      if (refusal === undefined) this.#deliver(from, from.indexOf(sent.low, 0), sent.len);
      else this.#refuse(from, refusal);
    }
    if (taken === 0) return;
    this.moved += taken;
    sent.publish();
  }

  /** @returns the counter of what is wrong with the entry that was taken out last */
  #check(from: Port): number | undefined {
    const { low, high, len } = from.sent;
    if (len < FRAME_BYTES_MIN || len > FRAME_BYTES_MAX) return COUNT.refusedLength;
    const index = from.indexOf(low, high);
    if (index === NO_BUFFER) return COUNT.refusedBuffer;
    if (!from.isOut(index)) return undefined;
    from.adopt(index);
    return COUNT.refusedDuplicate;
  }

  /**
   * Gives the entry back as it came. A duplicate does not go back: its buffer will, when it has
   * been received.
   */
  #refuse(from: Port, reason: number): void {
    this.counters.add(reason, 1);
    if (reason === COUNT.refusedDuplicate) return;
    const { low, high } = from.sent;
    if (!from.sentFree.enqueue(low, high, 0, 0)) this.counters.add(COUNT.returnLost, 1);
  }

  #deliver(from: Port, index: number, len: number): void {
    from.frame.moveTo(index);
    const word = from.frame.word(0);
    const half = from.frame.half(2);
    const isBroadcast = word === -1 && half === 0xffff;
    const given = isBroadcast
      ? this.#giveToAll(from, index, len)
      : this.#giveToOne(from, this.#receiver(from, this.#macs.find(word, half)), { index, len });
    if (given === 0) {
      if (!from.sentFree.enqueue(index << 11, 0, 0, 0)) this.counters.add(COUNT.returnLost, 1);
      return;
    }
    this.counters.add(COUNT.packets, 1);
    if (isBroadcast) this.counters.add(COUNT.broadcasts, 1);
    if (from === this.#uplink) this.counters.add(COUNT.fromUplink, 1);
  }

  /** @returns undefined when the frame is for nobody */
  #receiver(from: Port, owner: number): Port | undefined {
    const to = owner === NOBODY ? this.#uplink : this.#ports[owner];
    return to === from ? undefined : to;
  }

  /** @returns how many ports were given the frame */
  #giveToOne(
    from: Port,
    to: Port | undefined,
    { index, len }: { readonly index: number; readonly len: number },
  ): number {
    if (to === undefined) {
      this.counters.add(COUNT.dropNobody, 1);
      return 0;
    }
    if (from.reach[to.number] !== true) {
      this.counters.add(COUNT.denied, 1);
      return 0;
    }
    if (!from.giveTo(to, index, len)) {
      this.counters.add(COUNT.dropFull, 1);
      return 0;
    }
    if (to === this.#uplink) this.counters.add(COUNT.toUplink, 1);
    return 1;
  }

  #giveToAll(from: Port, index: number, len: number): number {
    let given = 0;
    for (const to of this.#ports) {
      if (to === from || from.reach[to.number] !== true) continue;
      given += this.#giveToOne(from, to, { index, len });
    }
    return given;
  }

  /** Takes back what a port has received. */
  #takeBack(by: Port): void {
    const free = by.givenFree;
    let taken = 0;
    while (free.dequeue()) {
      taken += 1;
      const owner = this.#ports[free.oid];
      const index = owner?.indexOf(free.low, free.high) ?? NO_BUFFER;
      if (owner === undefined || index === NO_BUFFER) {
        this.counters.add(COUNT.refusedNoBuffer, 1);
        continue;
      }
      const outcome = owner.takeBack(by, index);
      if (outcome === 'not held') this.counters.add(COUNT.refusedNotHeld, 1);
      else if (outcome === 'lost') this.counters.add(COUNT.returnLost, 1);
      else if (outcome === 'back') this.counters.add(COUNT.returned, 1);
    }
    if (taken === 0) return;
    this.moved += taken;
    free.publish();
  }

  /**
   * While every port has most of its buffers, those that have been received can wait until there is
   * more to forward.
   */
  #requestBack(by: Port): 'requested' | 'content' {
    const isPatient = ({ out, buffers, isWaitedFor }: Port): boolean =>
      out * 2 <= buffers && !isWaitedFor;
    if (this.#ports.every(isPatient)) return 'content';
    by.givenFree.requestSignal();
    return 'requested';
  }

  #makePorts(): readonly Port[] {
    const { ports, bufferMetadata } = this.#pd.config;
    const refs = this.#pd.region(bufferMetadata);
    let refsFrom = 0;
    return ports.map((config, number) => {
      const port = new Port({
        number,
        config,
        ports: ports.length,
        region: (name) => this.#pd.region(name),
        readonlyRegion: (name) => this.#pd.readonlyRegion(name),
        refs,
        refsFrom,
      });
      refsFrom += port.buffers;
      return port;
    });
  }

  #makeFlows(port: Port): PortFlows {
    return {
      port,
      forward: {
        drain: () => this.#forward(port),
        requestSignal: () => {
          port.sent.requestSignal();
          return 'requested';
        },
        cancelSignal: () => port.sent.cancelSignal(),
        canMove: () => port.sent.hasItems(),
      },
      takeBack: {
        drain: () => this.#takeBack(port),
        requestSignal: () => this.#requestBack(port),
        cancelSignal: () => port.givenFree.cancelSignal(),
        canMove: () => port.givenFree.hasItems(),
      },
    };
  }

  #countLies(): void {
    const lies = this.#ports.reduce((sum, port) => sum + port.lies, 0);
    if (lies === this.#liesSeen) return;
    this.counters.add(COUNT.queueLies, lies - this.#liesSeen);
    this.#liesSeen = lies;
  }
}
