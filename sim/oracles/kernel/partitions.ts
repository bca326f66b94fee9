/**
 * Random programs in two partitions. After every kernel entry each object, slot and page that has
 * changed is held against what the thread that entered could reach before (integrity), and what
 * each partition holds against its own memory and the channels (confinement). Everything that the
 * scheduler does on its own is left out.
 */

import { assert } from '../../../memory/assert.ts';
import { Ram } from '../../../memory/ram.ts';
import { SYS_RECV } from '../../../kernel/abi.ts';
import type { BootInfo } from '../../../kernel/boot-info.ts';
import { boot } from '../../../kernel/boot.ts';
import type { Kernel } from '../../../kernel/boot.ts';
import { capBase } from '../../../kernel/objects/cap.ts';
import { generatorImage } from '../../../kernel/generator-context.ts';
import type { Cap, Tcb } from '../../../kernel/objects/objects.ts';
import type { KernelState } from '../../../kernel/state.ts';
import type { ThreadBody, ThreadStep } from '../../../kernel/system-call.ts';
import { Reach } from './authority.ts';
import { Census, nameOf, objectOf, placeOf } from '../../../kernel/inspect/census.ts';
import type { PlacedSlot, Progress, Snapshot } from '../../../kernel/inspect/census.ts';
import { Chance } from './chance.ts';
import { IDLER_EXCEPTION, idlerBody } from './fuzz-guardian.ts';
import { FuzzMachine } from './fuzz-machine.ts';
import { randomRequest } from './fuzz-requests.ts';
import {
  bufferOf,
  IDLER_ENTRY,
  PARTITION_ENTRY,
  PARTITION_THREADS,
  PartitionBuilder,
  PARTITIONS,
  restart,
} from './partition-setup.ts';
import type { Channel, Partition, Stage } from './partition-setup.ts';
import { describeChange, Shadow } from './shadow.ts';
import { TableWatch } from './table-watch.ts';

const RAM_BYTES = 2 ** 20;
const PAGE = 4096;
/** Starts of all threads at most, and how many calls one has to bring. */
const STARTS_MAX = 60;
const STEPS_MIN = 2;

/** What a planted bug has at hand. */
export interface PlantSite {
  readonly k: KernelState;
  /** Whose kernel entry it is. */
  readonly subject: Tcb;
  /** Slots in the CNodes and threads of the subject's partition. */
  readonly own: readonly PlacedSlot[];
  /** Slots of the other, with capabilities to what the subject does not reach. */
  readonly others: readonly PlacedSlot[];
}

/** Does something that a correct kernel would not do. */
export type Plant = (site: PlantSite) => void;

export interface PartitionOptions {
  readonly seed: number;
  readonly steps: number;
  readonly channel: Channel;
  /** Called once, at the end of kernel entry number {@link PLANT_AT} of a partition's thread. */
  readonly plant?: Plant;
}

/** The kernel entry of a hostile thread after which a bug is planted. */
const PLANT_AT = 40;

export interface PartitionResult {
  readonly steps: number;
  /** Kernel entries of hostile threads that were compared before and after. */
  readonly compared: number;
  /**
   * Changes outside the partition of the thread that made them, all of them allowed: by channels.
   */
  readonly across: number;
  readonly broken: readonly string[];
}

export function runPartitions(options: PartitionOptions): PartitionResult {
  return new PartitionRun(options).run();
}

/** A range of physical memory. */
interface Range {
  readonly start: number;
  readonly end: number;
}

class PartitionRun {
  readonly #options: PartitionOptions;
  readonly #chance: Chance;
  readonly #machine: FuzzMachine;
  readonly #census = new Census();
  readonly #tables = new TableWatch();
  readonly #kernel: Kernel;
  readonly #shadow: Shadow;
  readonly #pages = new Map<number, Uint32Array>();
  readonly #broken: string[] = [];
  #ranges: readonly Range[] = [];
  #threads: readonly Tcb[] = [];
  #subject: Tcb | undefined;
  #reach: Reach;
  #reachOfInterrupts: Reach;
  #interrupts = 0;
  #steps = 0;
  #compared = 0;
  #across = 0;

  constructor(options: PartitionOptions) {
    this.#options = options;
    this.#chance = new Chance(options.seed);
    this.#machine = new FuzzMachine(new Ram({ sizeBytes: RAM_BYTES }), this.#chance, 40);
    this.#kernel = boot({
      machine: this.#machine,
      rootCNodeSizeBits: 8,
      workUnitsMax: 1 + this.#chance.below(4),
      rootTask: (bootInfo) => generatorImage('root', () => this.#root(bootInfo)),
      images: [
        ...Array.from({ length: PARTITIONS * PARTITION_THREADS }, (_, i) => ({
          entry: PARTITION_ENTRY + i * 64,
          image: generatorImage(`hostile ${i}`, () => this.#hostile()),
        })),
        { entry: IDLER_ENTRY, image: generatorImage('idler', idlerBody) },
      ],
      onCreate: this.#census.onCreate,
      onProgramError: (_, error) => {
        throw error;
      },
    });
    this.#shadow = new Shadow(this.#kernel.state);
    this.#reach = new Reach(this.#kernel.state);
    this.#reachOfInterrupts = this.#reach;
  }

  run(): PartitionResult {
    try {
      this.#runToEnd();
    } catch (error) {
      // A kernel that has done wrong must not go on with what it has made of its state.
      if (this.#broken.length === 0) throw error;
    }
    return {
      steps: this.#steps,
      compared: this.#compared,
      across: this.#across,
      broken: this.#broken,
    };
  }

  #runToEnd(): void {
    for (let wakeUps = 0; wakeUps < 100 + this.#options.steps; wakeUps += 1) {
      this.#machine.deadlineNs = Infinity;
      this.#kernel.run(Infinity);
      if (this.#machine.deadlineNs === Infinity || this.#isOver()) break;
      this.#machine.charge(Math.max(0, this.#machine.deadlineNs - this.#machine.now()));
    }
  }

  #isOver(): boolean {
    return this.#steps >= this.#options.steps || this.#broken.length > 0;
  }

  // -------------------------------------------------------------------------------------- programs

  *#root(bootInfo: BootInfo): ThreadBody {
    const stage = yield* new PartitionBuilder(bootInfo, this.#options.channel).build();
    this.#begin(stage);
    for (let starts = 0; starts < STARTS_MAX && !this.#isOver(); starts += 1) {
      const before = this.#steps;
      yield* restartAll(stage);
      for (;;) {
        const fault = yield { kind: 'call', sys: SYS_RECV, cptr: stage.faults, reply: stage.reply };
        if (fault.label === 3 && fault.mrs[2] === IDLER_EXCEPTION) break;
      }
      if (this.#steps - before < STEPS_MIN) break;
    }
    this.#kernel.state.onExit = null;
  }

  *#hostile(): ThreadBody {
    while (!this.#isOver()) {
      this.#steps += 1;
      yield randomRequest(this.#chance);
    }
  }

  /** The partitions are built: from here on everything is compared. */
  #begin(stage: Stage): void {
    const k = this.#kernel.state;
    const rootNode = this.#census.objects.find((object) => object.kind === 'cnode');
    assert(rootNode?.kind === 'cnode', 'the initial thread has a CNode');
    const capAt = (slot: number): Cap => rootNode.slotAt(slot).cap;
    const rangeOf = ({ memory }: Partition): Range => {
      const cap = capAt(memory);
      assert(cap.kind === 'untyped', 'a partition has memory');
      return { start: cap.base, end: cap.base + 2 ** cap.sizeBits };
    };
    this.#ranges = stage.partitions.map(rangeOf);
    this.#threads = stage.partitions.flatMap(({ tcbs }) =>
      tcbs.map((slot) => {
        const cap = capAt(slot);
        assert(cap.kind === 'thread', 'a partition has threads');
        return cap.tcb;
      }),
    );
    k.onExit = () => this.#onExit();
  }

  // ------------------------------------------------------------------------------------- comparing

  #onExit(): void {
    const k = this.#kernel.state;
    const { plant } = this.#options;
    const subject = this.#subject;
    if (subject !== undefined && this.#compared === PLANT_AT) plant?.(this.#siteOf(subject));
    const progress = this.#census.advance(k);
    const { snapshot } = progress;
    const tables = this.#tables.advance(snapshot.live);
    const changes = this.#shadow.advance(snapshot.live, tables);
    const pages = this.#comparePages(progress);
    if (subject !== undefined) {
      this.#compared += 1;
      const reaches = [this.#reach];
      if (k.counters.interrupts !== this.#interrupts) reaches.push(this.#reachOfInterrupts);
      const isAllowed = (test: (reach: Reach) => boolean): boolean => reaches.some(test);
      for (const { placed, before, kind } of progress.changes) {
        // The place of others on the list changes with each copy.
        if (kind === 'place') continue;
        const { holder } = placed;
        const paddr = holder === 'irq' ? subject.paddr : holder.paddr;
        const isFine = isAllowed((reach) => reach.allowsSlot(placed, before));
        this.#judge(isFine, subject, paddr, placeOf(placed));
      }
      for (const change of changes) {
        const { object, field } = change;
        const paddr = object === 'kernel' ? subject.paddr : object.paddr;
        const isFine = isAllowed((reach) =>
          object === 'kernel' ? reach.allowsKernelField(field) : reach.allowsObject(object),
        );
        this.#judge(isFine, subject, paddr, describeChange(change));
      }
      for (const base of pages) {
        if (this.#homeOf(base) === this.#homeOf(subject.paddr)) continue;
        const isFine = isAllowed((reach) => reach.allowsFrame(base));
        this.#judge(isFine, subject, base, `the page at 0x${base.toString(16)}`);
      }
    }
    this.#prepare(snapshot);
    assert(this.#broken.length === 0, 'the partitions keep to themselves');
  }

  #siteOf(subject: Tcb): PlantSite {
    const k = this.#kernel.state;
    const home = this.#homeOf(subject.paddr);
    const { slots } = this.#census.look(k);
    const at = (partition: number): PlacedSlot[] =>
      slots.filter(({ holder }) => holder !== 'irq' && this.#homeOf(holder.paddr) === partition);
    const others = at(1 - home).filter(({ slot }) => !this.#reaches(slot.cap));
    return { k, subject, own: at(home), others };
  }

  #reaches(cap: Cap): boolean {
    if (cap.kind === 'frame') return this.#reach.allowsFrame(cap.base);
    const object = objectOf(cap);
    return object !== undefined && this.#reach.allowsObject(object);
  }

  #judge(isAllowed: boolean, subject: Tcb, paddr: number, what: string): void {
    if (!isAllowed) this.#broken.push(`${nameOf(subject)} cannot reach what it changed: ${what}`);
    else if (this.#homeOf(paddr) !== this.#homeOf(subject.paddr)) this.#across += 1;
  }

  /**
   * Before the next kernel entry: who will make it, and what that thread and the interrupts reach.
   */
  #prepare(snapshot: Snapshot): void {
    const k = this.#kernel.state;
    this.#subject = this.#threads.includes(k.current) ? k.current : undefined;
    if (this.#subject === undefined) return;
    this.#interrupts = k.counters.interrupts;
    this.#reachOfInterrupts = new Reach(k);
    this.#reachOfInterrupts.addInterrupts();
    this.#reach = new Reach(k);
    this.#reach.addThread(this.#subject, snapshot);
    if (this.#options.channel === 'messages') this.#checkConfined(this.#subject, this.#reach);
  }

  /**
   * Where messages alone go between partitions, no capability of the one ever names what belongs to
   * the other.
   */
  #checkConfined(subject: Tcb, reach: Reach): void {
    const home = this.#homeOf(subject.paddr);
    for (const cap of reach.heldCaps()) {
      const base = capBase(cap);
      const owner = base < 0 ? -1 : this.#homeOf(base);
      if (owner < 0 || owner === home) continue;
      const what = `${cap.kind} at 0x${base.toString(16)}`;
      this.#broken.push(`${nameOf(subject)} has got a capability of the other: ${what}`);
    }
  }

  /** @returns the partition whose memory an address is in, -1 when it belongs to neither */
  #homeOf(paddr: number): number {
    return this.#ranges.findIndex(({ start, end }) => paddr >= start && paddr < end);
  }

  /** @returns the bases of pages whose content has changed */
  #comparePages({ snapshot }: Progress): readonly number[] {
    const { ram } = this.#kernel.state;
    const changed: number[] = [];
    const bases = new Set<number>();
    for (const { slot } of snapshot.slots) {
      const cap = slot.cap;
      if (cap.kind === 'frame' && !cap.isDevice && cap.sizeBits === 12) bases.add(cap.base);
    }
    for (const base of bases) {
      const at = (base - ram.base) / 4;
      const now = ram.u32.subarray(at, at + PAGE / 4);
      const before = this.#pages.get(base);
      if (before === undefined) this.#pages.set(base, now.slice());
      else if (copyChanges(now, before)) changed.push(base);
    }
    for (const base of this.#pages.keys()) if (!bases.has(base)) this.#pages.delete(base);
    return changed;
  }
}

/** @returns whether anything was different */
function copyChanges(from: Uint32Array, to: Uint32Array): boolean {
  let isDifferent = false;
  for (let i = 0; i < from.length; i += 1) {
    if (from[i] === to[i]) continue;
    to[i] = from[i] as number;
    isDifferent = true;
  }
  return isDifferent;
}

function* restartAll(stage: Stage): ThreadStep<void> {
  for (const [p, { tcbs }] of stage.partitions.entries()) {
    for (const [i, tcb] of tcbs.entries()) {
      const entry = PARTITION_ENTRY + (p * PARTITION_THREADS + i) * 64;
      yield* restart(tcb, entry, bufferOf(i));
    }
  }
  yield* restart(stage.idler, IDLER_ENTRY, 0);
}
