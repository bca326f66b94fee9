/**
 * The block device's loop over many requests, in WebAssembly: what `VirtioBlk` does with one that
 * reads or writes whole sectors of a disk in memory, made as drivers make it: an indirect table of
 * a header, one piece of data and a status byte. It stops in front of any other, without effect on
 * it: that is for the steps in TypeScript, which are the specification (`blk-loops.test.ts`
 * compares them).
 */

import {
  add,
  and,
  below,
  choose,
  exclusiveOr,
  load16,
  load32,
  notBelow,
  notEqual,
  shiftLeft,
  shiftRight,
  subtract,
  type Variable,
} from '../../memory/wasm/expression.ts';
import type { FunctionBody, Label } from '../../memory/wasm/code.ts';
import { ModuleWriter } from '../../memory/wasm/module.ts';
import { TYPE } from '../../memory/wasm/opcodes.ts';
import { walkRings } from '../../memory/wasm/ring-walk.ts';
import { Routine } from '../../memory/wasm/routine.ts';
import {
  above64,
  constant64,
  load64,
  loadWidened32,
  lowOf,
  notEqual64,
  widened,
} from '../../memory/wasm/wide-expression.ts';
import { SECTOR_BYTES } from '../block-wire.ts';
import { BlkRequestHeader, VIRTIO_BLK_S_OK, VIRTIO_BLK_T_OUT } from './blk-registers.ts';
import {
  type Given,
  GIVEN_COUNT,
  givenOf,
  IndirectChains,
  KIND,
  LENGTH_AND_FLAGS,
  ringsOf,
} from './chain-loops.ts';
import { DESC_BYTES, VIRTQ_DESC_F_NEXT, VIRTQ_DESC_F_WRITE } from './split-ring.ts';

/** What the device keeps for the loop, in words. */
export const OWN = {
  /** Where the disk lies in RAM, and its sectors. */
  diskAt: 0,
  sectors: 1,
  /** Most bytes of a request. */
  bytesMax: 2,
  /** What the last batch has read from the disk and written to it. */
  readBytes: 3,
  writtenBytes: 4,
} as const;
export const OWN_BYTES = Object.keys(OWN).length * 4;

const SECTOR_SHIFT = Math.log2(SECTOR_BYTES);
const HEADER_BYTES = BlkRequestHeader.SIZE;
const SECTOR_AT = BlkRequestHeader.sectorLow.offset;
const FLAGS = 12;
const LENGTH = 8;
const DATA = DESC_BYTES;
const STATUS = 2 * DESC_BYTES;
const NEXT = VIRTQ_DESC_F_NEXT;
const WRITE = VIRTQ_DESC_F_WRITE;
/** `next`, behind the flags. */
const NEXT_SHIFT = 16;

/** A module with `transfer`. */
export function blkLoops(pages: number): Uint8Array {
  const module = new ModuleWriter();
  module.importMemory('host', 'memory', pages);
  const parameters = new Array<number>(GIVEN_COUNT).fill(TYPE.i32);
  const type = module.type({ parameters, results: [TYPE.i32] });
  module.exportFunction('transfer', module.function(type, transfer()));
  return module.finish();
}

function transfer(): FunctionBody {
  const routine = new Routine(GIVEN_COUNT);
  const given = givenOf(routine);
  const own = (name: keyof typeof OWN): Variable =>
    routine.let(load32(given.ownAt, OWN[name] << 2));
  const requests = new Requests(routine, given, own('bytesMax'));
  const [diskAt, sectors] = [own('diskAt'), own('sectors')];
  const [readBytes, writtenBytes] = [routine.let(0), routine.let(0)];
  const rings = ringsOf(given);
  const done = walkRings(routine, given.most, rings, ([available, used], leave) => {
    const { head, type, sectorAt, dataAt, bytes, statusAt } = requests.read(leave, available);
    const wideSector = routine.let64(load64(sectorAt));
    routine.leaveIf(leave, above64(wideSector, widened(sectors)));
    const sector = routine.let(lowOf(wideSector));
    routine.leaveIf(leave, below(subtract(sectors, sector), shiftRight(bytes, SECTOR_SHIFT)));
    const place = routine.let(add(diskAt, shiftLeft(sector, SECTOR_SHIFT)));
    routine.when(
      type,
      () => {
        routine.moveBytes(place, dataAt, bytes);
        writtenBytes.set(add(writtenBytes, bytes));
      },
      () => {
        routine.moveBytes(dataAt, place, bytes);
        readBytes.set(add(readBytes, bytes));
      },
    );
    routine.store8(statusAt, VIRTIO_BLK_S_OK);
    routine.store32(used, head);
    routine.store32(used, choose(type, 1, add(bytes, 1)), 4);
  });
  routine.store32(given.ownAt, readBytes, OWN.readBytes << 2);
  routine.store32(given.ownAt, writtenBytes, OWN.writtenBytes << 2);
  return routine.finish(done);
}

interface Request {
  readonly head: Variable;
  /** VIRTIO_BLK_T_IN or VIRTIO_BLK_T_OUT. */
  readonly type: Variable;
  readonly sectorAt: Variable;
  readonly dataAt: Variable;
  /** A whole number of sectors, above 0. */
  readonly bytes: Variable;
  readonly statusAt: Variable;
}

/** Reads requests (virtio 1.2 §5.2.6) of three descriptors. */
class Requests {
  readonly #routine: Routine;
  readonly #bytesMax: Variable;
  readonly #chains: IndirectChains;

  constructor(routine: Routine, given: Given, bytesMax: Variable) {
    this.#routine = routine;
    this.#bytesMax = bytesMax;
    this.#chains = new IndirectChains(routine, given);
  }

  /** The one that is available there; leaves the loop for any other chain. */
  read(leave: Label, available: Variable): Request {
    const routine = this.#routine;
    const chains = this.#chains;
    const { head, table } = chains.read(leave, available, 3);
    const first = constant64(HEADER_BYTES, NEXT | (1 << NEXT_SHIFT));
    routine.leaveIf(leave, notEqual64(load64(table, LENGTH_AND_FLAGS), first));
    const dataFlags = routine.let(load32(table, DATA + FLAGS));
    routine.leaveIf(leave, notEqual(and(dataFlags, ~WRITE), NEXT | (2 << NEXT_SHIFT)));
    routine.leaveIf(leave, notEqual(and(load16(table, STATUS + FLAGS), KIND), WRITE));
    routine.leaveIf(leave, notEqual(load32(table, STATUS + LENGTH), 1));
    const wideBytes = routine.let64(loadWidened32(table, DATA + LENGTH));
    const headerAt = chains.find(leave, load64(table), widened(HEADER_BYTES));
    const dataAt = chains.find(leave, load64(table, DATA), wideBytes);
    const statusAt = chains.find(leave, load64(table, STATUS), widened(1));
    const bytes = routine.let(lowOf(wideBytes));
    chains.leaveIfOnRings(leave, headerAt, HEADER_BYTES);
    chains.leaveIfOnRings(leave, dataAt, bytes);
    chains.leaveIfOnRings(leave, statusAt, 1);
    routine.leaveIf(leave, and(bytes, SECTOR_BYTES - 1));
    routine.leaveIf(leave, notBelow(subtract(bytes, 1), this.#bytesMax));
    const type = routine.let(load32(headerAt));
    routine.leaveIf(leave, below(VIRTIO_BLK_T_OUT, type));
    // What is read from the disk the device writes to memory, and the other way round.
    const direction = and(exclusiveOr(dataFlags, WRITE), WRITE);
    routine.leaveIf(leave, notEqual(shiftLeft(type, Math.log2(WRITE)), direction));
    const sectorAt = routine.let(add(headerAt, SECTOR_AT));
    return { head, type, sectorAt, dataAt, bytes, statusAt };
  }
}
