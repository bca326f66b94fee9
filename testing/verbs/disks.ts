/** Disks: what stands on them, and what the device asks of them. */

import type { Given } from '../given/given.ts';
import type { DiskOperation, DiskOperationKind } from '../run/ends.ts';
import type { Scene } from '../run/scene.ts';
import { Unmet } from '../run/step.ts';
import type { TestRun } from '../run/test-run.ts';
import { bytesWords, CONTENT_FIELDS, readContents, sameBytes } from './bytes.ts';
import { type Verb, withinOf } from './verb.ts';

/** Of the block class. */
const BLOCK_BYTES = 4096;
const BLOCKS_MAX = 0x4_0000;
const SECTORS_PER_BLOCK = 8;
const OPERATIONS = ['read', 'write', 'flush', 'discard', 'zero'] as const;
const SHOWN = 8;

const lacks = ({ has }: Scene): string | undefined =>
  has.disks > 0 ? undefined : 'this system has no disk';

export const DISK_VERBS: readonly Verb[] = [
  {
    name: 'write disk',
    what: 'changes what stands on a disk, behind the system’s back; a block has 4096 bytes',
    example: 'write disk: {block: 8, text: hello}',
    lacks,
    read: (given, scene) => {
      const { disk, at, bytes } = readPlace(given, scene);
      return { run: (run) => diskOf(run, disk).put(bytes, at) };
    },
  },
  {
    name: 'expect disk',
    what: 'waits until a block of a disk begins with these bytes',
    example: 'expect disk: {block: 8, text: hello, within: 10ms}',
    lacks,
    read: (given, scene) => {
      const { disk, at, bytes } = readPlace(given, scene);
      const withinNs = withinOf(given);
      return { run: (run) => expectContents(run, { disk, at, bytes, withinNs }) };
    },
  },
  {
    name: 'expect operation',
    what: 'waits for an operation of the device at a disk; it is then taken',
    example: 'expect operation: {op: write, block: 8, blocks: 1}',
    lacks,
    read: (given, scene) => {
      const wanted = readOperation(given, scene);
      const withinNs = withinOf(given);
      return { run: (run) => expectOperation(run, wanted, withinNs) };
    },
  },
  {
    name: 'expect no operation',
    what: 'waits for rest: no such operation has come that was not taken; `any`: none at all',
    example: 'expect no operation: {op: write}',
    lacks,
    read: (given, scene) => {
      const wanted = given.value === 'any' ? { disk: 0 } : readOperation(given, scene);
      return { run: (run) => expectNoOperation(run, wanted) };
    },
  },
];

interface Place {
  readonly disk: number;
  readonly at: number;
  readonly bytes: Uint8Array;
}

function readPlace(given: Given, scene: Scene): Place {
  given.onlyHas(['disk', 'block', 'within', ...CONTENT_FIELDS]);
  const block = given.field('block')?.number({ min: 0, max: BLOCKS_MAX }) ?? 0;
  return {
    disk: readDisk(given, scene),
    at: block * BLOCK_BYTES,
    bytes: readContents(given, BLOCK_BYTES),
  };
}

function readDisk(given: Given, { has }: Scene): number {
  return given.field('disk')?.number({ min: 0, max: Math.max(0, has.disks - 1) }) ?? 0;
}

interface WantedOperation {
  readonly disk: number;
  readonly op?: DiskOperationKind;
  readonly block?: number;
  readonly blocks?: number;
}

function readOperation(given: Given, scene: Scene): WantedOperation {
  given.onlyHas(['disk', 'op', 'block', 'blocks', 'within']);
  const op = given.field('op')?.choice(OPERATIONS);
  const block = given.field('block')?.number({ min: 0, max: BLOCKS_MAX });
  const blocks = given.field('blocks')?.number({ min: 1, max: 0xffff });
  if (op === 'flush' && (block ?? blocks) !== undefined) given.problem('a flush has no blocks');
  return {
    disk: readDisk(given, scene),
    ...(op === undefined ? {} : { op }),
    ...(block === undefined ? {} : { block }),
    ...(blocks === undefined ? {} : { blocks }),
  };
}

function diskOf({ disks }: TestRun, index: number) {
  const disk = disks[index];
  if (disk === undefined) throw new Unmet(`disk ${index}`, ['the system has fewer']);
  return disk;
}

function expectContents(run: TestRun, wanted: Place & { readonly withinNs: number }): void {
  const { disk, at, bytes, withinNs } = wanted;
  const found = (): Uint8Array => diskOf(run, disk).contents(at, bytes.length);
  if (run.until(() => sameBytes(found(), bytes), withinNs)) return;
  throw new Unmet(`block ${at / BLOCK_BYTES} to begin with ${bytesWords(bytes)}`, [
    bytesWords(found()),
  ]);
}

function fits(each: DiskOperation, { op, block, blocks }: WantedOperation): boolean {
  return (
    (op === undefined || each.op === op) &&
    (block === undefined || each.sector === block * SECTORS_PER_BLOCK) &&
    (blocks === undefined || each.sectors === blocks * SECTORS_PER_BLOCK)
  );
}

function untaken(run: TestRun, disk: number): readonly DiskOperation[] {
  return diskOf(run, disk).operations.filter(({ isTaken }) => !isTaken);
}

function expectOperation(run: TestRun, wanted: WantedOperation, withinNs: number): void {
  const found = (): DiskOperation | undefined =>
    untaken(run, wanted.disk).find((each) => fits(each, wanted));
  if (!run.until(() => found() !== undefined, withinNs)) {
    throw new Unmet(
      wantedWords(wanted),
      untaken(run, wanted.disk).slice(-SHOWN).map(operationWords),
    );
  }
  const met = found();
  if (met !== undefined) met.isTaken = true;
}

function expectNoOperation(run: TestRun, wanted: WantedOperation): void {
  run.rest();
  const found = untaken(run, wanted.disk).filter((each) => fits(each, wanted));
  if (found.length > 0)
    throw new Unmet(`no ${wantedWords(wanted)}`, found.slice(0, SHOWN).map(operationWords));
}

function wantedWords({ op, block, blocks }: WantedOperation): string {
  const what = op ?? 'operation';
  const where = block === undefined ? '' : ` at block ${block}`;
  return `${what}${where}${blocks === undefined ? '' : ` of ${blocks} blocks`}`;
}

function operationWords({ op, sector, sectors }: DiskOperation): string {
  if (op === 'flush') return 'flush';
  return `${op} at block ${sector / SECTORS_PER_BLOCK} of ${sectors / SECTORS_PER_BLOCK} blocks`;
}
