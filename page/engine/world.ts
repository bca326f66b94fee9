/**
 * One world of the page: the testbed of a scenario, with all that a person has done in it, run to
 * whatever moment is asked for.
 */

import { digestOf } from '../../debug/journal.ts';
import { Census } from '../../kernel/inspect/census.ts';
import type { Kernel } from '../../kernel/boot.ts';
import type { PageTable } from '../../kernel/memory/page-table.ts';
import type { Plan } from '../../sim/plan/plan.ts';
import { PlannedRun } from '../../sim/points/planned-run.ts';
import { plannedWires } from '../../sim/points/planned-wires.ts';
import type { Strike } from '../../sim/points/point.ts';
import type { WorldSystem } from '../../sim/world.ts';
import { diagnose } from '../../systems/diagnosis.ts';
import { restartReport } from '../../systems/restarts.ts';
import { reportJson, type RunResult } from '../../systems/run-report.ts';
import { createTestbed, type RunCounters, type Testbed } from '../../systems/testbed.ts';
import { instrument } from '../../systems/trace/observed-parts.ts';
import { type Traffic, trafficBetween } from '../../systems/traffic.ts';
import { runVirtualSlice, virtualEnding } from '../../systems/virtual-slice.ts';
import { type ConsoleText, Plugs, type ShownDisk } from './plugs.ts';
import type { ReceivedFrame } from './hand-station.ts';
import type { InputData, Scenario } from './scenario.ts';
import type { Onlooker, ShownWorld, WorldListener } from './shown-world.ts';
import { WorldWatch } from './world-watch.ts';
import { viewOf } from './view-of.ts';
import type { WorldView } from './world-view.ts';

export interface WorldParts {
  readonly target: WorldSystem;
  readonly scenario: Scenario;
  /** That of the scenario, read. */
  readonly plan: Plan;
  readonly listener: WorldListener;
  readonly onlooker?: Onlooker;
}

export class World implements ShownWorld {
  readonly watch: WorldWatch;
  readonly plugs: Plugs;
  readonly census = new Census();
  readonly testbed: Testbed;
  readonly #parts: WorldParts;
  readonly #tables: PageTable[] = [];
  readonly #faulted: string[] = [];
  readonly #before: RunCounters;
  readonly #moved: readonly Traffic[];
  #strikes: () => readonly Strike[] = () => [];
  /** Which of the scenario's inputs is next. */
  #nextInput = 0;
  #kernel: Kernel | undefined;
  #isOver = false;

  constructor(parts: WorldParts) {
    const { scenario, listener } = parts;
    const { system } = parts.target;
    this.#parts = parts;
    this.watch = new WorldWatch(system);
    this.plugs = new Plugs(system, scenario, parts.plan);
    this.testbed = this.#makeTestbed(listener);
    this.testbed.settle();
    this.#before = this.testbed.counters();
    this.#moved = this.testbed.traffic();
    this.plugs.start();
  }

  now(): number {
    return this.testbed.now();
  }

  /** It was left in the middle of something. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * Runs one slice, and gives what a person has done at its times.
   *
   * @param untilNs where it ends at the latest
   */
  runSlice(untilNs: number, sliceNs?: number): void {
    this.#giveDue();
    runVirtualSlice(this.testbed, Math.min(untilNs, this.#nextInputNs()), sliceNs);
    this.#giveDue();
    this.plugs.flush();
  }

  /** @returns whether nothing is left to happen before `untilNs` */
  isAtEnd(untilNs: number): boolean {
    if (virtualEnding(this.testbed, untilNs) === 'time') return true;
    return this.testbed.isQuiet && this.#nextInputNs() >= untilNs;
  }

  get isFinished(): boolean {
    return false;
  }

  get isQuiet(): boolean {
    return this.testbed.isQuiet;
  }

  get disks(): readonly ShownDisk[] {
    return this.plugs.disks;
  }

  leave(): void {
    this.#isOver = true;
  }

  /** A person does something, now. */
  give(input: InputData): void {
    this.plugs.give(input);
    this.#nextInput += 1;
  }

  takeConsoles(): readonly ConsoleText[] {
    return this.plugs.takeConsoles();
  }

  takeFrames(): readonly ReceivedFrame[] {
    return this.plugs.takeFrames();
  }

  view(digest: 'digest' | 'no digest'): WorldView {
    const { watch, testbed, plugs } = this;
    const view = viewOf({
      testbed,
      watch,
      before: this.#before,
      packets: plugs.packets,
      roundTripNs: plugs.roundTripNs,
      strikes: this.#strikes(),
      faulted: this.#faulted,
      awaits: this.#nextInputNs() === Infinity ? 'nothing' : 'an input',
    });
    return digest === 'digest' ? { ...view, digest: this.digest() } : view;
  }

  /** See `digestOf`. */
  digest(): number {
    const kernel = this.#kernel;
    if (kernel === undefined) return 0;
    const { board } = this.testbed;
    const nobody = new Map<string, never>();
    return digestOf(board.now(), { kernel, board, tables: this.#tables }, nobody);
  }

  /** The line that `sddf run --clock virtual --json` prints for the same run. */
  report(untilNs: number): string {
    const { testbed } = this;
    testbed.board.turn();
    testbed.flushOutput();
    const restarted = restartReport(testbed);
    const result: RunResult = {
      system: this.#parts.target.system.name,
      clock: 'virtual',
      seed: this.#parts.scenario.seed,
      ending: virtualEnding(testbed, untilNs) ?? 'interrupted',
      before: this.#before,
      after: testbed.counters(),
      attachments: this.plugs.counters(),
      board: testbed.board.snapshot(),
      packets: this.plugs.packets,
      traffic: trafficBetween(this.#moved, testbed.traffic()),
      findings: diagnose(testbed, this.#faulted),
      ...(restarted === undefined ? {} : { restarted }),
    };
    return reportJson(result);
  }

  #makeTestbed(listener: WorldListener): Testbed {
    const { target, scenario, onlooker } = this.#parts;
    const { system, programs = new Map() } = target;
    const { seed, ramBytes } = scenario;
    // Programs print in their init, while the testbed is being made.
    let now = (): number => 0;
    const { plan } = this.#parts;
    const planned =
      plan.rules.length === 0 ? undefined : new PlannedRun({ system, plan, seed, programs });
    const inner = onlooker?.instrument?.(planned?.instrument) ?? planned?.instrument;
    if (planned !== undefined) this.#strikes = () => planned.injector.strikes;
    return createTestbed({
      ...target,
      clock: 'virtual',
      seed,
      stagingBytes: this.plugs.stagingBytes,
      ...(ramBytes === undefined ? {} : { ramBytes }),
      programs: planned?.programs ?? programs,
      instrument: instrument(this.watch, inner),
      wires: (parts) => {
        now = () => parts.board.now();
        this.watch.attach(parts.ram, now);
        const plugged = this.plugs.wires(parts);
        const seen = onlooker?.wires?.(plugged, parts) ?? plugged;
        const wires = planned === undefined ? seen : plannedWires(planned, seen, parts);
        return wires.net === undefined ? wires : { ...wires, net: this.watch.watch(wires.net) };
      },
      onCreate: (object) => {
        this.census.onCreate(object);
        if (object.kind === 'pageTable') this.#tables.push(object);
      },
      onBoot: (kernel) => {
        this.#kernel = kernel;
      },
      observer: {
        log: (pd, line) => listener.log(pd, line, now()),
        faulted: (pd) => void this.#faulted.push(pd),
      },
    });
  }

  #nextInputNs(): number {
    return this.#parts.scenario.inputs[this.#nextInput]?.atNs ?? Infinity;
  }

  #giveDue(): void {
    while (this.#nextInputNs() <= this.now()) {
      const input = this.#parts.scenario.inputs[this.#nextInput];
      if (input !== undefined) this.plugs.give(input);
      this.#nextInput += 1;
    }
  }
}
