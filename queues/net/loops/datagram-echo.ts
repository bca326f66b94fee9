/**
 * Sends UDP datagrams back to where they came from, a batch at a time: what an echo client does
 * with each good datagram for one of its ports, behind an IPv4 header without options.
 *
 * Headers are compared and exchanged as vectors (`datagram-headers.ts`). Exchanging source and
 * destination changes no checksum.
 */

import { openWritable, type ReadonlyRegion, type Region } from '../../../memory/region.ts';
import { partsOf, Sealed } from '../../../memory/sealed.ts';
import type { FunctionBody, Label } from '../../../memory/wasm/code.ts';
import { copyBytes } from '../../../memory/wasm/copy.ts';
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
  notBelow,
  notEqual,
  or,
  shiftLeft,
  shiftRight,
  subtract,
  type Variable,
} from '../../../memory/wasm/expression.ts';
import { walkRings } from '../../../memory/wasm/ring-walk.ts';
import { Routine } from '../../../memory/wasm/routine.ts';
import {
  above64,
  add64,
  and128,
  arranged,
  constant64,
  exclusiveOr128,
  isAnySet,
  load128,
  load64,
  loadWidened16,
  loadWidened32,
  lowOf,
  multiply64,
  or128,
  or64,
  widened,
} from '../../../memory/wasm/wide-expression.ts';
import { CHECKED, NET_BUFFER_BYTES, type NetConsumer, type NetProducer } from '../queue.ts';
import * as wire from '../wire.ts';
import {
  BACK_AT,
  headerVectors,
  IP_AT,
  SOURCE_IP_AT,
  UDP_AT,
  type VectorName,
  VECTORS,
  type Vectors,
} from './datagram-headers.ts';
import { BlockLayout } from '../../loops/block.ts';
import {
  BUFFER_MASK,
  buffersOf,
  entriesOf,
  entryRing,
  LEN_AND_OID,
  putEntry,
  ramOf,
} from './entries.ts';
import { batchLoop, type BatchLoop, batchModule } from '../../loops/module.ts';

const LEN = 0xffff;
const TOTAL_LENGTH_AT = IP_AT + wire.Ipv4.totalLength.offset;
const DESTINATION_PORT_AT = UDP_AT + wire.Udp.destinationPort.offset;
const UDP_LENGTH_AT = UDP_AT + wire.Udp.length.offset;
const UDP_CHECKSUM_AT = UDP_AT + wire.Udp.checksum.offset;
const PROTOCOL_IN_SUM = wire.swap16(wire.IP_PROTOCOL_UDP);
/** Of the inverse of 0xffff modulo 2^64, and of the largest quotient by 0xffff below that. */
const INVERSE_OF_0XFFFF = constant64(0xfffe_ffff, 0xfffe_fffe);
const LARGEST_QUOTIENT = constant64(0x0001_0001, 0x0001_0001);

/** Each vector is four words of the block. */
const WORDS_OF_VECTOR = [0, 1, 2, 3] as const;
type VectorWord = `${VectorName}${(typeof WORDS_OF_VECTOR)[number]}`;

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
  /** Low half of what holds the high half of the same. */
  'zero',
  'targetBaseHigh',
  // Destination ports, in the order of the network. From the second nothing is answered.
  'port0',
  'port1',
  /** What the last batch has answered. */
  'answeredBytes',
  ...VECTORS.flatMap((name) => WORDS_OF_VECTOR.map((word) => `${name}${word}` as const)),
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
  setAddress(ip: readonly [number, number]): void {
    if (this.#loop === undefined) return;
    const { back } = headerVectors(partsOf(this).mac, ip);
    this.#i32.set(new Int32Array(back.buffer), (this.#block >>> 2) + BLOCK.index('back0'));
  }

  /**
   * Good datagrams with a buffer for each answer, as many as come one behind the other; nothing is
   * published yet.
   *
   * @returns how many; 0 where batches, or so few, are moved step by step
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
    if (most === 0 || !loop.isWorth(most)) return 0;
    const block = this.#block;
    const ends = [received.cursor, free.cursor, filled.cursor, returned.cursor] as const;
    const answered = loop.run(block, most, ends[0], ends[1], ends[2], ends[3]);
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
    ...{ zero: 0, targetBaseHigh: targetBuffers.baseHigh },
    ...{ port0: ports[0], port1: ports[1], answeredBytes: 0 },
    ...wordsOf(headerVectors(mac, ip)),
  };
  return { ...options, ...batchLoop(ram, module, () => BLOCK.place(ram, words)), i32: ram.i32 };
}

/** The vectors, word by word. */
function wordsOf(vectors: Vectors): Record<VectorWord, number> {
  const words = VECTORS.flatMap((name) => {
    const view = new DataView(vectors[name].buffer);
    return WORDS_OF_VECTOR.map((word) => [`${name}${word}`, view.getInt32(4 * word, true)]);
  });
  return Object.fromEntries(words) as Record<VectorWord, number>;
}

const PARAMETERS = 6;

function module(pages: number): Uint8Array {
  return batchModule(pages, PARAMETERS, datagramEchoLoop);
}

/**
 * Parameters: the block, datagrams at most, and the cursors of `received`, `free`, `filled` and
 * `returned`.
 */
function datagramEchoLoop(): FunctionBody {
  const routine = new Routine(PARAMETERS);
  const block = routine.parameter(0);
  const load = (name: Parameters<typeof BLOCK.index>[0]) => BLOCK.load(block, name);
  const [sourceAt, targetAt] = [routine.let(load('sourceAt')), routine.let(load('targetAt'))];
  const [sourceBase, targetBase] = [
    routine.let(load('sourceBase')),
    routine.let(load('targetBase')),
  ];
  const [sourceBytes, targetBytes] = [
    routine.let(load('sourceBytes')),
    routine.let(load('targetBytes')),
  ];
  const targetBaseHigh = routine.let64(BLOCK.load64(block, 'zero', 'targetBaseHigh'));
  const echo = new HeaderEcho(routine, block);
  const rings = [
    entryRing(load('receivedAt'), load('receivedMask'), routine.parameter(2)),
    entryRing(load('freeAt'), load('freeMask'), routine.parameter(3)),
    entryRing(load('filledAt'), load('filledMask'), routine.parameter(4)),
    entryRing(load('returnedAt'), load('returnedMask'), routine.parameter(5)),
  ] as const;
  const bytes = routine.let(0);
  const answered = walkRings(routine, routine.parameter(1), rings, (places, leave) => {
    const [entry, empty, filled, returned] = places;
    const address = routine.let64(load64(entry));
    const lenAndOid = routine.let(load32(entry, LEN_AND_OID));
    const len = routine.let(and(lenAndOid, LEN));
    const from = routine.let(subtract(lowOf(address), sourceBase));
    const target = routine.let(load32(empty));
    const to = routine.let(subtract(target, targetBase));
    leaveUnlessInRegion(routine, leave, from, sourceBytes);
    leaveUnlessInRegion(routine, leave, to, targetBytes);
    routine.leaveIf(leave, less(NET_BUFFER_BYTES, len));
    const at = routine.let(add(sourceAt, from));
    echo.judge(leave, at, len);
    routine.when(equal(and(lenAndOid, CHECKED), 0), () => leaveUnlessRight(routine, leave, at));
    echo.write(routine.let(add(targetAt, to)), at, len);
    putEntry(routine, filled, or64(widened(target), targetBaseHigh), len);
    putEntry(routine, returned, address, 0);
    bytes.set(add(bytes, len));
  });
  routine.store32(block, bytes, BLOCK.offset('answeredBytes'));
  return routine.finish(answered);
}

/** Low halves alone count here, as in the client. */
function leaveUnlessInRegion(
  routine: Routine,
  leave: Label,
  offset: Variable,
  bytes: Variable,
): void {
  routine.leaveIf(leave, and(offset, BUFFER_MASK));
  routine.leaveIf(leave, notBelow(offset, bytes));
}

/** Judges a datagram's headers and writes those of its answer, with constants in locals. */
class HeaderEcho {
  readonly #routine: Routine;
  readonly #ports: readonly [Variable, Variable];
  readonly #vectors: Readonly<Record<VectorName, Variable>>;

  constructor(routine: Routine, block: Variable) {
    const vector = (name: VectorName): Variable => routine.let128(BLOCK.load128(block, `${name}0`));
    this.#routine = routine;
    this.#ports = [
      routine.let(BLOCK.load(block, 'port0')),
      routine.let(BLOCK.load(block, 'port1')),
    ];
    this.#vectors = {
      frontMask: vector('frontMask'),
      front: vector('front'),
      backMask: vector('backMask'),
      back: vector('back'),
      macOrder: vector('macOrder'),
      ipOrder: vector('ipOrder'),
    };
  }

  /** Leaves the loop unless it is a datagram for us whose header is right. */
  judge(leave: Label, at: Variable, len: Variable): void {
    const routine = this.#routine;
    const { frontMask, front, backMask, back } = this.#vectors;
    const differs = or128(
      exclusiveOr128(and128(load128(at), frontMask), front),
      exclusiveOr128(and128(load128(at, BACK_AT), backMask), back),
    );
    routine.leaveIf(leave, isAnySet(differs));
    const words = [0, 4, 8, 12, 16].map((offset) => loadWidened32(at, IP_AT + offset));
    routine.leaveIf(leave, isNoChecksum(words.reduce(add64)));
    const total = routine.let(swapped(load16(at, TOTAL_LENGTH_AT)));
    const udp = routine.let(swapped(load16(at, UDP_LENGTH_AT)));
    // So a frame that is too short for the headers leaves here at the latest.
    routine.leaveIf(leave, more(total, subtract(len, IP_AT)));
    routine.leaveIf(leave, less(udp, wire.Udp.SIZE));
    routine.leaveIf(leave, more(udp, subtract(total, wire.Ipv4.SIZE)));
    const [from, to] = [load16(at, UDP_AT), routine.let(load16(at, DESTINATION_PORT_AT))];
    routine.leaveIf(leave, equal(from, this.#ports[1]));
    const isOther = and(notEqual(to, this.#ports[0]), notEqual(to, this.#ports[1]));
    routine.leaveIf(leave, isOther);
  }

  /** The answer: the frame with addresses and ports exchanged. */
  write(to: Variable, from: Variable, len: Variable): void {
    const routine = this.#routine;
    routine.store128(to, load128(from, 16), 16);
    const rest = [add(to, 32), add(from, 32), subtract(len, 32)] as const;
    copyBytes(routine, routine.let(rest[0]), routine.let(rest[1]), routine.let(rest[2]));
    routine.store128(to, arranged(load128(from), this.#vectors.macOrder));
    const addresses = arranged(load128(from, SOURCE_IP_AT), this.#vectors.ipOrder);
    routine.store128(to, addresses, SOURCE_IP_AT);
  }
}

/**
 * Leaves the loop unless the datagram's checksum is right or its sender has made none. Over the
 * pseudo-header, too: addresses, protocol and length (RFC 768).
 */
function leaveUnlessRight(routine: Routine, leave: Label, at: Variable): void {
  routine.when(load16(at, UDP_CHECKSUM_AT), () => {
    const bytes = routine.let(swapped(load16(at, UDP_LENGTH_AT)));
    const addresses = add64(loadWidened32(at, SOURCE_IP_AT), loadWidened32(at, SOURCE_IP_AT + 4));
    const length = loadWidened16(at, UDP_LENGTH_AT);
    const sum = routine.let64(add64(add64(addresses, constant64(PROTOCOL_IN_SUM, 0)), length));
    const place = routine.let(add(at, UDP_AT));
    const end = routine.let(add(place, bytes));
    for (const words of [4, 1]) {
      routine.repeatWhile(less(place, subtract(end, 4 * words - 1)), () => {
        for (let word = 0; word < words; word += 1) {
          sum.set(add64(sum, loadWidened32(place, 4 * word)));
        }
        place.set(add(place, 4 * words));
      });
    }
    routine.when(less(place, subtract(end, 1)), () => {
      sum.set(add64(sum, loadWidened16(place)));
      place.set(add(place, 2));
    });
    // An odd last byte counts as the low half of a halfword.
    routine.when(less(place, end), () => sum.set(add64(sum, widened(load8(place)))));
    routine.leaveIf(leave, isNoChecksum(sum));
  });
}

/**
 * Whether the one's-complement sum of 16 bits is not 0xffff, of words of 32 bits that are not all
 * zeros: such a sum is a multiple of 0xffff, for which one looks with a product (H. S. Warren,
 * Hacker's Delight, 10-17).
 */
function isNoChecksum(sum: Expression | Variable): Expression {
  return above64(multiply64(sum, INVERSE_OF_0XFFFF), LARGEST_QUOTIENT);
}

/** The two bytes of a halfword exchanged. */
function swapped(half: Expression): Expression {
  return or(shiftRight(half, 8), and(shiftLeft(half, 8), 0xff00));
}
