/**
 * Takes the place of an echo client behind a switch: it answers as that one does, and asks its
 * neighbours besides, those whom it may reach and now and then one whom it may not. It asks when
 * something has come from outside.
 */

import {
  checksumsRight,
  isUdpBetween,
  PAYLOAD_AT,
  type Station,
  writeUdpFrame,
} from '../../board/links/udp-frame.ts';
import type { Random } from '../../board/random.ts';
import type { EchoConfig } from '../../clients/echo/echo.ts';
import { isAnswer, Responder, type ResponderOptions } from '../../clients/echo/responder.ts';
import { parseIpv4, parseMac } from '../../queues/net/wire.ts';
import { demand } from '../../memory/misuse.ts';
import type { ReadonlyRegion, Region } from '../../memory/region.ts';
import type { EntryPoints, Program, ProtectionDomain } from '../../microkit/pd.ts';
import { closeNetEnd, type NetEnd, openNetEnd } from '../../queues/net/net-end.ts';
import {
  fillFreeQueue,
  NET_BUFFER_BYTES,
  NetConsumer,
  NetProducer,
} from '../../queues/net/queue.ts';
import { type Connections, joinRestarts, supervised } from '../../queues/restart/member.ts';
import { type Flow, runFlow } from '../../queues/signal.ts';
import type { NeighbourAccounts } from './neighbour-accounts.ts';

/** Where answers of neighbours come to: no port of an echo client. */
const OWN_PORT = 40_001;
/** Headers and the question's number. */
const QUESTION_BYTES_MIN = PAYLOAD_AT + 4;
const QUESTION_BYTES_SPAN = 600;
/** So few that no queue and no pool of buffers is ever short because of them. */
const ASK_MAX = 3;
const STRANGER_ONE_IN = 8;

export interface Neighbour extends Station {
  readonly name: string;
  readonly mayBeReached: boolean;
}

/** What a client and its workload have in common. */
export interface NeighbourTask {
  readonly own: Station & { readonly name: string };
  readonly neighbours: readonly Neighbour[];
  readonly random: Random;
  readonly accounts: NeighbourAccounts;
  readonly nowNs: () => number;
  /** Questions that may still be asked. */
  left: number;
  /** 'probing': each neighbour that may be reached is asked once more. */
  phase: 'working' | 'probing' | 'over';
}

export function neighbourClient(task: NeighbourTask): Program<EchoConfig> {
  return (pd: ProtectionDomain<EchoConfig>): EntryPoints => {
    const client = new NeighbourClient(pd, task);
    return supervised(client.member, client, {
      notified: () => client.notified(),
      progress: () => client.received,
    });
  };
}

class NeighbourClient implements Connections {
  received = 0;
  readonly member: ReturnType<typeof joinRestarts>;
  readonly #pd: ProtectionDomain<EchoConfig>;
  readonly #task: NeighbourTask;
  readonly #rxActive: NetConsumer;
  readonly #rxFree: NetProducer;
  readonly #txActive: NetProducer;
  readonly #txFree: NetConsumer;
  readonly #rxData: ReadonlyRegion;
  readonly #txData: Region;
  readonly #responder: Responder;
  readonly #bytes = new Uint8Array(NET_BUFFER_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #flow: Flow = {
    drain: () => this.#receiveAll(),
    requestSignal: () => this.#requestSignals(),
    cancelSignal: () => this.#rxActive.cancelSignal(),
    canMove: () => this.#rxActive.hasItems() && this.#hasTxBuffer(),
  };
  #txBuffer: number | undefined;

  constructor(pd: ProtectionDomain<EchoConfig>, task: NeighbourTask) {
    const { rx, tx, rxData, txData } = pd.config.net;
    this.#pd = pd;
    this.member = joinRestarts(pd, pd.config.restart);
    this.#task = task;
    this.#rxActive = new NetConsumer(pd.region(rx.activeQueue), rx.capacity);
    this.#rxFree = new NetProducer(pd.region(rx.freeQueue), rx.capacity);
    this.#txActive = new NetProducer(pd.region(tx.activeQueue), tx.capacity);
    this.#txFree = new NetConsumer(pd.region(tx.freeQueue), tx.capacity);
    this.#rxData = pd.readonlyRegion(rxData.region);
    this.#txData = pd.region(txData.region);
    this.#responder = new Responder({
      received: this.#rxData,
      receivedBuffers: rxData.buffers,
      sent: this.#txData,
      sentBuffers: txData.buffers,
      ...addressOf(pd.config),
    });
    for (const channel of this.member?.abandoned ?? []) closeNetEnd(pd, this.#endOf(channel));
    this.#fillTxFree();
    this.notified();
  }

  close(channel: number): void {
    closeNetEnd(this.#pd, this.#endOf(channel));
    if (channel !== this.#pd.config.net.tx.channel) return;
    this.#txBuffer = undefined;
    this.#fillTxFree();
  }

  open(channel: number): void {
    openNetEnd(this.#endOf(channel));
    this.notified();
  }

  #endOf(channel: number): NetEnd {
    const { rx, tx } = this.#pd.config.net;
    return channel === tx.channel
      ? { connection: tx, out: this.#txActive, in: this.#txFree }
      : { connection: rx, out: this.#rxFree, in: this.#rxActive };
  }

  #fillTxFree(): void {
    const { tx, txData } = this.#pd.config.net;
    const free = new NetProducer(this.#pd.region(tx.freeQueue), tx.capacity);
    fillFreeQueue(free, txData.buffers, 0);
    free.publish();
    this.#txFree.cancelSignal();
  }

  notified(): void {
    runFlow(this.#flow);
    if (this.received > 0) this.#ask();
    this.#txFree.publish();
    if (this.#rxFree.publish()) this.#pd.notify(this.#pd.config.net.rx.channel);
    if (this.#txActive.publish()) this.#pd.notify(this.#pd.config.net.tx.channel);
  }

  #receiveAll(): void {
    const active = this.#rxActive;
    while (active.hasItems() && this.#hasTxBuffer() && active.dequeue()) {
      this.received += 1;
      const { low, high, len } = active;
      this.#receive(low, len, active.checkedOid);
      this.#rxFree.enqueue(low, high, 0, 0);
    }
    active.publish();
    this.#txFree.publish();
  }

  #receive(offset: number, len: number, checked: number): void {
    if (!isBuffer(offset, this.#rxData.sizeBytes) || len > NET_BUFFER_BYTES) return;
    if (this.#judge(offset, len)) return;
    const buffer = this.#txBuffer ?? 0;
    const isChecked = checked !== 0;
    const from = offset / NET_BUFFER_BYTES;
    const done = this.#responder.respond(from, len, buffer / NET_BUFFER_BYTES, isChecked);
    if (isAnswer(done)) this.#send(buffer, len);
  }

  /** @returns whether it is an answer to a question of our own */
  #judge(offset: number, len: number): boolean {
    if (len < QUESTION_BYTES_MIN) return false;
    const { own, neighbours, accounts, nowNs } = this.#task;
    this.#rxData.read(offset, this.#bytes.subarray(0, len));
    const from = neighbours.find(({ mac }) =>
      mac.every((byte, index) => this.#bytes[6 + index] === byte),
    );
    if (from === undefined || !checksumsRight({ u8: this.#bytes, view: this.#view }, 0, len)) {
      return false;
    }
    if (!from.mayBeReached) accounts.reachedBy(own.name, from.name, nowNs());
    if (!isUdpBetween(this.#view, 0, len, from, { ...own, port: OWN_PORT })) return false;
    const question = { number: this.#view.getUint32(PAYLOAD_AT, true), digest: this.#digest(len) };
    accounts.answered([own.name, from.name], question, nowNs());
    return true;
  }

  #ask(): void {
    const { random, neighbours, phase } = this.#task;
    const permitted = neighbours.filter(({ mayBeReached }) => mayBeReached);
    if (phase === 'probing') {
      this.#task.phase = 'over';
      for (const each of permitted) this.#askOne(each, true);
      return;
    }
    if (phase === 'over') return;
    for (let count = random.below(ASK_MAX + 1); count > 0 && this.#task.left > 0; count -= 1) {
      const others = random.below(STRANGER_ONE_IN) === 0 ? neighbours : permitted;
      const other = others[random.below(others.length)];
      if (other !== undefined) this.#askOne(other, false);
    }
  }

  #askOne(to: Neighbour, isProbe: boolean): void {
    if (!this.#hasTxBuffer()) return;
    const { own, random, accounts } = this.#task;
    this.#task.left -= 1;
    const number = accounts.nextNumber();
    const len = QUESTION_BYTES_MIN + random.below(QUESTION_BYTES_SPAN);
    this.#bytes.fill(random.below(256), PAYLOAD_AT, len);
    this.#view.setUint32(PAYLOAD_AT, number, true);
    const flow = { from: { ...own, port: OWN_PORT }, to, identification: number };
    writeUdpFrame({ u8: this.#bytes, view: this.#view }, 0, flow, len);
    const buffer = this.#txBuffer ?? 0;
    this.#txData.write(buffer, this.#bytes.subarray(0, len));
    if (!this.#send(buffer, len)) return;
    const pair = [own.name, to.name] as const;
    if (!to.mayBeReached) return accounts.askedStranger();
    accounts.asked(pair, { number, digest: this.#digest(len) });
    if (isProbe) accounts.probed(pair, number);
  }

  #send(buffer: number, len: number): boolean {
    if (!this.#txActive.enqueue(buffer, 0, len, 0)) return false;
    this.#txBuffer = undefined;
    return true;
  }

  #hasTxBuffer(): boolean {
    while (this.#txBuffer === undefined) {
      if (!this.#txFree.dequeue()) return false;
      if (isBuffer(this.#txFree.low, this.#txData.sizeBytes)) this.#txBuffer = this.#txFree.low;
    }
    return true;
  }

  #requestSignals(): 'requested' {
    if (this.#txBuffer === undefined && !this.#txFree.hasItems()) this.#txFree.requestSignal();
    this.#rxActive.requestSignal();
    return 'requested';
  }

  /** Of the length and the payload. */
  #digest(len: number): number {
    let digest = len;
    for (let at = PAYLOAD_AT; at < len; at += 1) {
      digest = Math.imul(digest ^ (this.#bytes[at] as number), 0x0100_0193);
    }
    return digest;
  }
}

function addressOf({ net, ip }: EchoConfig): Pick<ResponderOptions, 'mac' | 'ip'> {
  const [mac, address] = [parseMac(net.mac), parseIpv4(ip ?? '')];
  demand(mac !== undefined && address !== undefined, 'a client has a MAC and an IPv4 address');
  return { mac, ip: address };
}

function isBuffer(offset: number, dataBytes: number): boolean {
  return offset >= 0 && offset < dataBytes && offset % NET_BUFFER_BYTES === 0;
}
