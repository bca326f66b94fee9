/**
 * Sends UDP datagrams back to where they came from, a batch at a time: what an echo client does
 * with each good datagram for one of its ports, behind an IPv4 header without options.
 *
 * Fields are compared and written as memory holds them, in words that span fields: the comments at
 * the loads say which. Exchanging source and destination changes no checksum.
 */

import { openWritable, type ReadonlyRegion, type Region } from '../../../memory/region.ts';
import { partsOf, Sealed } from '../../../memory/sealed.ts';
import type { FunctionBody, Label } from '../../../memory/wasm/code.ts';
import {
  add,
  and,
  equal,
  type Expression,
  less,
  load16,
  load32,
  load8,
  more,
  notEqual,
  or,
  shiftLeft,
  shiftRight,
  subtract,
  type Variable,
} from '../../../memory/wasm/expression.ts';
import { Routine } from '../../../memory/wasm/routine.ts';
import { CHECKED, NET_BUFFER_BYTES, type NetConsumer, type NetProducer } from '../queue.ts';
import * as wire from '../wire.ts';
import { BlockLayout } from '../../loops/block.ts';
import {
  buffersOf,
  entriesOf,
  entryAt,
  isNoBuffer,
  LEN_AND_OID,
  LOW,
  HIGH,
  putEntry,
  ramOf,
} from './entries.ts';
import { batchLoop, type BatchLoop, batchModule } from '../../loops/module.ts';

const LEN = 0xffff;
const IP_AT = wire.Ethernet.SIZE;
const UDP_AT = IP_AT + wire.Ipv4.SIZE;
const DATAGRAM_BYTES_MIN = UDP_AT + wire.Udp.SIZE;
const SOURCE_IP_AT = IP_AT + wire.Ipv4.source0.offset;
const UDP_LENGTH_AT = UDP_AT + wire.Udp.length.offset;
const UDP_CHECKSUM_AT = UDP_AT + wire.Udp.checksum.offset;
/**
 * Ethertype, and IPv4 version with a header of five words, as the low three bytes of a word hold
 * them.
 */
const TYPE_AND_VERSION = wire.swap16(wire.ETHERTYPE_IPV4) | (0x45 << 16);
/** More-fragments flag and fragment offset, in the order of the network. */
const FRAGMENT_MASK = wire.swap16(0x3fff);
const PROTOCOL_IN_SUM = wire.swap16(wire.IP_PROTOCOL_UDP);

const BLOCK = new BlockLayout(
  'receivedAt',
  'receivedMask',
  'returnedAt',
  'returnedMask',
  'freeAt',
  'freeMask',
  'filledAt',
  'filledMask',
  'sourceAt',
  'sourceBytes',
  /** Low half of what an entry holds for offset 0. */
  'sourceBase',
  'targetAt',
  'targetBytes',
  'targetBase',
  'targetBaseHigh',
  // Our addresses in halfwords, and two of them as one word.
  'mac01',
  'mac0',
  'mac12',
  'mac2',
  'ip0',
  'ip1',
  // Destination ports, in the order of the network. From the second nothing is answered.
  'port0',
  'port1',
  /** What the last batch has answered. */
  'answeredBytes',
);

/** Where the entries of a queue point. */
export interface EchoBuffers {
  readonly buffers: number;
  /** What an entry holds for offset 0, in signed halves. */
  readonly baseLow: number;
  readonly baseHigh: number;
}

export interface DatagramEchoOptions {
  readonly received: NetConsumer;
  readonly returned: NetProducer;
  readonly source: ReadonlyRegion;
  readonly sourceBuffers: EchoBuffers;
  readonly free: NetConsumer;
  readonly filled: NetProducer;
  readonly target: Region;
  readonly targetBuffers: EchoBuffers;
  /** Three halfwords as memory holds them. */
  readonly mac: readonly [number, number, number];
  readonly ip: readonly [number, number];
  /** In the order of the network; a datagram from the second one is not answered. */
  readonly ports: readonly [number, number];
}

interface Parts extends DatagramEchoOptions {
  readonly loop: BatchLoop | undefined;
  readonly block: number;
  readonly i32: Int32Array;
}

/** Answers what it can of what has been received. */
export class DatagramEcho extends Sealed<Parts> {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  /** Bytes of the frames that {@link run} sent last. */
  bytes = 0;
  readonly #received: NetConsumer = partsOf(this).received;
  readonly #returned: NetProducer = partsOf(this).returned;
  readonly #free: NetConsumer = partsOf(this).free;
  readonly #filled: NetProducer = partsOf(this).filled;
  readonly #loop: BatchLoop | undefined = partsOf(this).loop;
  readonly #block: number = partsOf(this).block;
  readonly #i32: Int32Array = partsOf(this).i32;

  /** @throws Misuse when a region is said to hold no buffers */
  constructor(options: DatagramEchoOptions) {
    super(place(options));
  }

  /** From now on it answers for this address. */
  setAddress([ip0, ip1]: readonly [number, number]): void {
    if (this.#loop === undefined) return;
    this.#i32[(this.#block >>> 2) + BLOCK.index('ip0')] = ip0;
    this.#i32[(this.#block >>> 2) + BLOCK.index('ip1')] = ip1;
  }

  /**
   * Good datagrams with a buffer for each answer, as many as come one behind the other; nothing is
   * published yet.
   *
   * @returns how many; 0 where batches are moved step by step
   */
  run(): number {
    const loop = this.#loop;
    if (loop === undefined) return 0;
    const received = this.#received;
    const free = this.#free;
    const filled = this.#filled;
    const returned = this.#returned;
    // Each peer's index is looked at when the one before has something, as the steps do.
    let most = received.available();
    if (most > 0) most = Math.min(most, free.available());
    if (most > 0) most = Math.min(most, filled.room());
    if (most > 0) most = Math.min(most, returned.room());
    if (most === 0) return 0;
    const block = this.#block;
    const ends = [received.cursor, free.cursor, filled.cursor, returned.cursor] as const;
    const answered = loop(block, most, ends[0], ends[1], ends[2], ends[3]);
    this.bytes = this.#i32[(block >>> 2) + ANSWERED] as number;
    received.advance(answered);
    free.advance(answered);
    filled.advance(answered);
    returned.advance(answered);
    return answered;
  }
}

const ANSWERED = BLOCK.index('answeredBytes');

function place(options: DatagramEchoOptions): Parts {
  const { received, returned, free, filled, source, target } = options;
  const { sourceBuffers, targetBuffers, mac, ip, ports } = options;
  const ram = ramOf(received);
  const [receivedAt, receivedMask] = entriesOf(received);
  const [returnedAt, returnedMask] = entriesOf(returned);
  const [freeAt, freeMask] = entriesOf(free);
  const [filledAt, filledMask] = entriesOf(filled);
  openWritable(target);
  const [sourceAt, sourceBytes] = buffersOf(source, sourceBuffers.buffers);
  const [targetAt, targetBytes] = buffersOf(target, targetBuffers.buffers);
  const words = {
    ...{ receivedAt, receivedMask, returnedAt, returnedMask },
    ...{ freeAt, freeMask, filledAt, filledMask },
    ...{ sourceAt, sourceBytes, sourceBase: sourceBuffers.baseLow },
    ...{ targetAt, targetBytes, targetBase: targetBuffers.baseLow },
    targetBaseHigh: targetBuffers.baseHigh,
    ...{ mac0: mac[0], mac01: mac[0] | (mac[1] << 16) },
    ...{ mac12: mac[1] | (mac[2] << 16), mac2: mac[2] },
    ...{ ip0: ip[0], ip1: ip[1], port0: ports[0], port1: ports[1] },
    answeredBytes: 0,
  };
  return { ...options, ...batchLoop(ram, module, () => BLOCK.place(ram, words)), i32: ram.i32 };
}

type Constant = (name: Parameters<typeof BLOCK.index>[0]) => Variable;

const PARAMETERS = 6;

function module(pages: number): Uint8Array {
  return batchModule(pages, PARAMETERS, datagramEchoLoop);
}

/**
 * Parameters: the block, datagrams at most, and the cursors of `received`, `free`, `filled` and
 * `returned`.
 *
 * @param copy number of the function that copies
 */
function datagramEchoLoop(copy: number): FunctionBody {
  const routine = new Routine(PARAMETERS);
  const block = routine.parameter(0);
  const constant: Constant = (name) => routine.let(BLOCK.load(block, name));
  const receivedEntries = [constant('receivedAt'), constant('receivedMask')] as const;
  const freeEntries = [constant('freeAt'), constant('freeMask')] as const;
  const filledEntries = [constant('filledAt'), constant('filledMask')] as const;
  const returnedEntries = [constant('returnedAt'), constant('returnedMask')] as const;
  const [sourceAt, sourceBytes] = [constant('sourceAt'), constant('sourceBytes')];
  const [targetAt, targetBytes] = [constant('targetAt'), constant('targetBytes')];
  const [sourceBase, targetBase] = [constant('sourceBase'), constant('targetBase')];
  const targetBaseHigh = constant('targetBaseHigh');
  const own = ownAddresses(constant);
  const bytes = routine.let(0);
  const answered = routine.countUp(routine.parameter(1), (index, leave) => {
    const entry = routine.let(entryAt(receivedEntries, routine.parameter(2), index));
    const low = routine.let(load32(entry, LOW));
    const lenAndOid = routine.let(load32(entry, LEN_AND_OID));
    const len = routine.let(and(lenAndOid, LEN));
    const from = routine.let(subtract(low, sourceBase));
    const empty = routine.let(entryAt(freeEntries, routine.parameter(3), index));
    const targetLow = routine.let(load32(empty, LOW));
    const to = routine.let(subtract(targetLow, targetBase));
    routine.leaveIf(leave, or(isNoBuffer(from, 0, sourceBytes), isNoBuffer(to, 0, targetBytes)));
    const isBadLength = or(less(len, DATAGRAM_BYTES_MIN), less(NET_BUFFER_BYTES, len));
    routine.leaveIf(leave, isBadLength);
    const at = routine.let(add(sourceAt, from));
    const words = judge({ routine, leave, at, len, own });
    routine.when(equal(and(lenAndOid, CHECKED), 0), () => leaveUnlessRight(routine, leave, at));
    const answerAt = routine.let(add(targetAt, to));
    routine.call(copy, answerAt, at, len);
    writeExchanged(routine, answerAt, words, own);
    const filled = routine.let(entryAt(filledEntries, routine.parameter(4), index));
    putEntry(routine, filled, [targetLow, targetBaseHigh, len]);
    const returned = routine.let(entryAt(returnedEntries, routine.parameter(5), index));
    putEntry(routine, returned, [low, load32(entry, HIGH), 0]);
    bytes.set(add(bytes, len));
  });
  routine.store32(block, bytes, BLOCK.offset('answeredBytes'));
  return routine.finish(answered);
}

type OwnName = 'mac01' | 'mac0' | 'mac12' | 'mac2' | 'ip0' | 'ip1' | 'port0' | 'port1';
type Own = Readonly<Record<OwnName, Variable>>;

function ownAddresses(constant: Constant): Own {
  const names = ['mac01', 'mac0', 'mac12', 'mac2', 'ip0', 'ip1', 'port0', 'port1'] as const;
  return Object.fromEntries(names.map((name) => [name, constant(name)])) as Own;
}

/** The words of a header that go into the answer. */
interface Words {
  readonly w1: Variable;
  readonly w2: Variable;
  readonly w6: Variable;
  readonly w7: Variable;
  readonly w8: Variable;
  readonly w9: Variable;
}

interface Judged {
  readonly routine: Routine;
  readonly leave: Label;
  /** Where the frame is, and its bytes. */
  readonly at: Variable;
  readonly len: Variable;
  readonly own: Own;
}

/** Leaves the loop unless it is a datagram for us whose header is right. */
function judge({ routine, leave, at, len, own }: Judged): Words {
  const word = (index: number): Variable => routine.let(load32(at, 4 * index));
  const [w1, w3] = [word(1), word(3)]; // destination 4..5, source 0..1; type, version, service
  routine.leaveIf(
    leave,
    or(
      or(notEqual(load32(at), own.mac01), notEqual(low(w1), own.mac2)),
      notEqual(and(w3, 0x00ff_ffff), TYPE_AND_VERSION),
    ),
  );
  const [w4, w5] = [word(4), word(5)]; // total length, id; fragment, time to live, protocol
  const [w6, w7] = [word(6), word(7)]; // checksum, source 0..1; source 2..3, destination 0..1
  const [w8, w9] = [word(8), word(9)]; // destination 2..3, source port; port, UDP length
  routine.leaveIf(
    leave,
    or(
      or(and(w5, FRAGMENT_MASK), notEqual(shiftRight(w5, 24), wire.IP_PROTOCOL_UDP)),
      or(notEqual(high(w7), own.ip0), notEqual(low(w8), own.ip1)),
    ),
  );
  const lows = add(add(low(w4), low(w5)), add(low(w6), add(low(w7), low(w8))));
  const highs = add(add(high(w3), high(w4)), add(high(w5), add(high(w6), high(w7))));
  const sum = routine.let(add(lows, highs));
  routine.leaveIf(leave, notEqual(fold(routine, sum), 0xffff));
  const total = routine.let(swapped(low(w4)));
  const udp = routine.let(swapped(high(w9)));
  routine.leaveIf(
    leave,
    or(
      more(total, subtract(len, IP_AT)),
      or(less(udp, wire.Udp.SIZE), more(udp, subtract(total, wire.Ipv4.SIZE))),
    ),
  );
  const isOtherPort = and(notEqual(low(w9), own.port0), notEqual(low(w9), own.port1));
  routine.leaveIf(leave, or(isOtherPort, equal(high(w8), own.port1)));
  return { w1, w2: word(2), w6, w7, w8, w9 };
}

/**
 * Leaves the loop unless the datagram's checksum is right or its sender has made none. Over the
 * pseudo-header, too: addresses, protocol and length (RFC 768).
 */
function leaveUnlessRight(routine: Routine, leave: Label, at: Variable): void {
  routine.when(load16(at, UDP_CHECKSUM_AT), () => {
    const bytes = routine.let(swapped(load16(at, UDP_LENGTH_AT)));
    const addresses = add(
      add(load16(at, SOURCE_IP_AT), load16(at, SOURCE_IP_AT + 2)),
      add(load16(at, SOURCE_IP_AT + 4), load16(at, SOURCE_IP_AT + 6)),
    );
    const sum = routine.let(add(add(addresses, PROTOCOL_IN_SUM), load16(at, UDP_LENGTH_AT)));
    const place = routine.let(add(at, UDP_AT));
    const end = routine.let(add(place, bytes));
    routine.repeatWhile(less(place, subtract(end, 3)), () => {
      const word = routine.let(load32(place));
      sum.set(add(sum, add(low(word), high(word))));
      place.set(add(place, 4));
    });
    routine.when(less(place, subtract(end, 1)), () => {
      sum.set(add(sum, load16(place)));
      place.set(add(place, 2));
    });
    // An odd last byte counts as the low half of a halfword.
    routine.when(less(place, end), () => sum.set(add(sum, load8(place))));
    routine.leaveIf(leave, notEqual(fold(routine, sum), 0xffff));
  });
}

/** The answer's header: addresses and ports exchanged. */
function writeExchanged(
  routine: Routine,
  at: Variable,
  { w1, w2, w6, w7, w8, w9 }: Words,
  own: Own,
): void {
  const upper = (one: Variable): Expression => and(one, ~0xffff);
  const words: readonly (readonly [index: number, value: Expression | Variable])[] = [
    [0, or(high(w1), shiftLeft(w2, 16))],
    [1, or(high(w2), shiftLeft(own.mac0, 16))],
    [2, own.mac12],
    [6, or(low(w6), shiftLeft(own.ip0, 16))],
    [7, or(own.ip1, upper(w6))],
    [8, or(low(w7), shiftLeft(w9, 16))],
    [9, or(high(w8), upper(w9))],
  ];
  for (const [index, value] of words) routine.store32(at, value, 4 * index);
}

function low(word: Variable): Expression {
  return and(word, 0xffff);
}

function high(word: Variable): Expression {
  return shiftRight(word, 16);
}

/** The two bytes of a halfword exchanged. */
function swapped(half: Expression): Expression {
  return or(shiftRight(half, 8), and(shiftLeft(half, 8), 0xff00));
}

/** The one's-complement sum of 16 bits. */
function fold(routine: Routine, sum: Variable): Expression {
  const once = routine.let(add(low(sum), high(sum)));
  return add(low(once), high(once));
}
