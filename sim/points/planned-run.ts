/**
 * A run with a plan: what a testbed is made of so that the plan can strike. Whatever no rule names
 * is made as usual.
 *
 *     new PlannedRun({ system, plan, random })     then, for `createTestbed`:
 *     instrument, programs                         board, images and programs
 *     net(…), line(…), disk(…)                     wrappers for its wires, which do nothing where nothing is planned
 */

import type { BlockWire } from '../../board/block-wire.ts';
import type { Clock } from '../../board/clock.ts';
import type { EthernetWire } from '../../board/ethernet.ts';
import { Random } from '../../board/random.ts';
import type { SerialWire } from '../../board/serial-wire.ts';
import type { SerialLine } from '../../board/uart/serial-line.ts';
import type { HartThread, MachineCode, ProgramImage, UserThread } from '../../kernel/user.ts';
import type { Ram } from '../../memory/ram.ts';
import { flatten, type SystemDescription } from '../../microkit/model.ts';
import type { Program } from '../../microkit/pd.ts';
import { locateRegion } from '../../systems/trace/queue-probes.ts';
import type { Instrument } from '../../systems/trace/observer.ts';
import type { Plan } from '../plan/plan.ts';
import type { CuttableDisk } from './cuttable-disk.ts';
import { type DiskObserver, PlannedDisk } from './disk.ts';
import { diskPoints } from './disk-points.ts';
import { CallOrder, calledDomains } from './called-domains.ts';
import { type DomainNotes, notifyChannels, plannedProgram, slowImage } from './domains.ts';
import { Injector, type OnStrike, type Point } from './injector.ts';
import { plannedMachineCode } from './machine-domains.ts';
import { PlannedWire } from './net-wire.ts';
import { PlannedBoard } from './planned-board.ts';
import type { Excuse, PointKind } from './point.ts';
import { faultNamed } from './point.ts';
import { clientQueues, planSharedQueue } from './shared-queues.ts';
import { devicesOf, pointsOf } from './system-points.ts';
import { PlannedLine } from './uart-line.ts';

export interface PlannedRunOptions {
  readonly system: SystemDescription;
  readonly plan: Plan;
  /** Seeds the chances of the plan. */
  readonly seed: number;
  /** Programs in place of those of the description. */
  readonly programs?: ReadonlyMap<string, Program>;
  /** Strikes that are kept one by one; all unless told. */
  readonly strikesKept?: number;
  readonly onStrike?: OnStrike;
  /** Makes the board; a plain planned one unless told. */
  readonly makeBoard?: (...parts: ConstructorParameters<typeof PlannedBoard>) => PlannedBoard;
}

export class PlannedRun {
  readonly points: readonly PointKind[];
  readonly instrument: Instrument;
  /** Those of the options, and those around which something goes wrong. */
  readonly programs: ReadonlyMap<string, Program>;
  readonly #options: PlannedRunOptions;
  readonly #planned: ReadonlySet<string>;
  readonly #notes = new Map<string, DomainNotes>();
  /** Where a domain that others call may be held up. */
  readonly #calls: CallOrder | undefined;
  #injector: Injector | undefined;
  #board: PlannedBoard | undefined;

  constructor(options: PlannedRunOptions) {
    const { system, plan } = options;
    this.#options = options;
    this.points = pointsOf(system);
    this.#planned = new Set(plan.rules.map(({ at }) => at));
    const hasBusy = [...calledDomains(system)].some((name) => this.#isDomainPlanned(name));
    this.#calls = hasBusy ? new CallOrder(system) : undefined;
    this.programs = this.programsAround(options.programs ?? new Map());
    this.instrument = {
      makeBoard: (boardOptions) => {
        this.#injector = new Injector({
          plan,
          points: this.points,
          clock: boardOptions.clock,
          random: new Random(options.seed).fork('faults'),
          strikesKept: options.strikesKept,
          onStrike: options.onStrike,
        });
        const make = options.makeBoard ?? ((...parts) => new PlannedBoard(...parts));
        this.#board = make(boardOptions, this.#injector, devicesOf(system));
        return this.#board;
      },
      observe: (image) => this.#plannedImage(image),
      observeMachineCode: (start, index) => this.#plannedMachineCode(start, index),
    };
  }

  get injector(): Injector {
    if (this.#injector === undefined) throw new Error('the board is made first');
    return this.#injector;
  }

  get board(): PlannedBoard | undefined {
    return this.#board;
  }

  /** The cable of the NIC. */
  net(wire: EthernetWire, ram: Ram, clock: Clock): EthernetWire {
    const [incoming, outgoing, link] = ['net.wire.in', 'net.wire.out', 'net.link'].map((name) =>
      this.injector.point(name),
    );
    if (incoming === undefined || outgoing === undefined || link === undefined) return wire;
    const isPlanned = incoming.isPlanned || outgoing.isPlanned || link.isPlanned;
    return isPlanned ? new PlannedWire({ wire, ram, clock, incoming, outgoing, link }) : wire;
  }

  line(line: SerialLine, clock: Clock): SerialWire {
    const isPlanned = ['uart.line', 'uart.line.in', 'uart.line.out'].some((name) =>
      this.#planned.has(name),
    );
    return isPlanned ? new PlannedLine(line, 'uart', { injector: this.injector, clock }) : line;
  }

  /** @param device such as 'blk0' */
  disk(
    device: string,
    wire: BlockWire,
    parts: {
      readonly ram: Ram;
      readonly clock: Clock;
      readonly cuttable?: CuttableDisk;
      readonly observer?: DiskObserver;
    },
  ): BlockWire {
    const points = diskPoints(device, this.injector);
    const isPlanned = Object.values(points).some((point) => point.isPlanned);
    return isPlanned || parts.observer !== undefined
      ? new PlannedDisk({ ...parts, wire, points })
      : wire;
  }

  /** @returns whether what has struck excuses something: everywhere, or for one domain alone */
  isExcused(excuse: Excuse, where: string): boolean {
    const kinds = new Map(this.points.map((point) => [point.name, point]));
    return this.injector.strikes.some(({ at, fault }) => {
      const point = kinds.get(at);
      if (point === undefined || (point.only !== undefined && point.only !== where)) return false;
      return faultNamed(point, fault)?.excuses.includes(excuse) === true;
    });
  }

  /** @returns the same programs, those around which something goes wrong in other ones */
  programsAround(programs: ReadonlyMap<string, Program>): ReadonlyMap<string, Program> {
    const { system } = this.#options;
    const all = new Map(programs);
    for (const { pd } of flatten(system)) {
      const program = programs.get(pd.name) ?? pd.image.program;
      if (program === undefined || !this.#planned.has(`pd.${pd.name}`)) continue;
      const channels = notifyChannels(system, pd.name);
      all.set(
        pd.name,
        plannedProgram(
          program as unknown as Program,
          channels,
          this.#point(`pd.${pd.name}`),
          this.#notesOf(pd.name),
        ),
      );
    }
    return all;
  }

  #plannedImage(image: ProgramImage): ProgramImage {
    const slow = this.#imageAround(image);
    const inner = this.#calls?.around(slow) ?? slow;
    const hasQueues = this.#queuesOf(image.name).length > 0;
    return hasQueues
      ? startedImage(inner, (thread) => this.#planQueues(image.name, thread))
      : inner;
  }

  #imageAround(image: ProgramImage): ProgramImage {
    const entry = `pd.${image.name}.entry`;
    return this.#planned.has(entry)
      ? slowImage(image, this.#point(entry), this.#notesOf(image.name))
      : image;
  }

  #notesOf(name: string): DomainNotes {
    const notes = this.#notes.get(name) ?? { isBabbling: false };
    this.#notes.set(name, notes);
    return notes;
  }

  #isDomainPlanned(name: string): boolean {
    return this.#planned.has(`pd.${name}`) || this.#planned.has(`pd.${name}.entry`);
  }

  #plannedMachineCode(
    start: (thread: HartThread) => MachineCode,
    index: number,
  ): (thread: HartThread) => MachineCode {
    const { system } = this.#options;
    const name = flatten(system)[index]?.pd.name ?? '';
    const [program, entry] = [`pd.${name}`, `pd.${name}.entry`].map((point) =>
      this.#planned.has(point) ? this.#point(point) : undefined,
    );
    const channels = notifyChannels(system, name);
    const inner =
      program === undefined && entry === undefined
        ? start
        : plannedMachineCode({ start, channels, program, entry });
    if (this.#queuesOf(name).length === 0) return inner;
    return (thread) => {
      this.#planQueues(name, thread);
      return inner(thread);
    };
  }

  /** A client's memory is there when it starts, not before. */
  #planQueues(client: string, thread: UserThread): void {
    const { system } = this.#options;
    const described = flatten(system).find(({ pd }) => pd.name === client)?.pd;
    if (described === undefined) return;
    for (const queue of this.#queuesOf(client)) {
      const { region } = queue.record;
      const place = locateRegion(system, described, region, thread);
      if (place === undefined) continue;
      planSharedQueue(queue, place.ram, place.at, this.injector.point(`queue.${region}`));
    }
  }

  #queuesOf(client: string): ReturnType<typeof clientQueues> {
    if (![...this.#planned].some((name) => name.startsWith('queue.'))) return [];
    return clientQueues(this.#options.system).filter(
      (queue) => queue.client === client && this.#planned.has(`queue.${queue.record.region}`),
    );
  }

  #point(name: string): () => Point {
    let point: Point | undefined;
    return () => {
      point ??= this.injector.point(name);
      return point;
    };
  }
}

function startedImage(image: ProgramImage, onStart: (thread: UserThread) => void): ProgramImage {
  return {
    name: image.name,
    start: (thread) => {
      onStart(thread);
      return image.start(thread);
    },
  };
}
