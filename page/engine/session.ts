/**
 * The engine behind one page: it has a scenario and a place in its run, and does what the page
 * asks. It knows no thread and no clock of the host: `worker.ts` has these.
 *
 * Going back is running again: the same scenario gives the same run, and a digest of all state,
 * kept for each moment that was looked at, proves that it is the same.
 */

import { capabilitiesOf } from '../../microkit/capability-table.ts';
import { renderDot } from '../../microkit/graph/dot.ts';
import { flatten, type SystemDescription } from '../../microkit/model.ts';
import { devicesOf, pointsOf } from '../../sim/points/system-points.ts';
import { NO_FAULTS, type Plan, type Rule } from '../../sim/plan/plan.ts';
import { readPlan } from '../../sim/plan/read-plan.ts';
import { planJson } from '../../sim/plan/write-plan.ts';
import { guestsOf } from '../../systems/guests.ts';
import { systems } from '../../systems/index.ts';
import { uartsOf } from '../../systems/serial-devices.ts';
import { completeChoices, type SystemModule } from '../../systems/system.ts';
import { PacketWatch } from '../../systems/trace/packet-watch.ts';
import { perfettoTrace } from '../../systems/trace/perfetto.ts';
import { startRecording } from '../../systems/trace/recording.ts';
import { instrument } from '../../systems/trace/observed-parts.ts';
import type { Answer, CapabilityRow, Request, SystemInfo } from './protocol.ts';
import type { InputData, Moment, Scenario, StepUnit } from './scenario.ts';
import { contentOf, nicsOf } from './plugs.ts';
import { describe, type Onlooker, World } from './world.ts';
import type { WorldView } from './world-view.ts';

/** So long a step looks for what it steps to: nothing may ever happen again. */
const STEP_LIMIT_NS = 2_000_000_000;
/** A packet has so long to come, and to go again. */
const PATH_LIMIT_NS = 1_000_000_000;
/** A slice while the page watches: short, so that there is something to see. */
const WATCHED_SLICE_NS = 200_000;
/** As Microkit's own tool: lines that the monitor prints of a healthy start say nothing. */
const MONITOR_CHATTER = 'MON|INFO';
const BLOCK_BYTES = 512;

interface Loaded {
  readonly module: SystemModule;
  readonly system: SystemDescription;
  scenario: Scenario;
  /** That of the scenario, read. */
  plan: Plan;
}

export class Session {
  readonly #tell: (answer: Answer) => void;
  readonly #digests = new Map<string, number>();
  #loaded: Loaded | undefined;
  #world: World | undefined;
  #view: WorldView | undefined;
  #speed = 0;

  constructor(tell: (answer: Answer) => void) {
    this.#tell = tell;
  }

  get isPlaying(): boolean {
    return this.#speed > 0;
  }

  /** Seconds of virtual time in a second. */
  get speed(): number {
    return this.#speed;
  }

  /** @throws Error with what is wrong, as one line */
  async ask(request: Request): Promise<void> {
    if (request.kind === 'load') {
      await this.#load(request.scenario, request.moment);
      return;
    }
    if (this.#loaded !== undefined) this.#do(request, this.#loaded);
  }

  /**
   * Plays on for a stretch of virtual time, in slices.
   *
   * @param isTime asked after each slice whether it has been long enough
   */
  advance(forNs: number, isTime: () => boolean): void {
    const world = this.#worldAtRest();
    const endNs = world.now() + forNs;
    while (world.now() < endNs && !isTime()) {
      if (world.isAtEnd(endNs) && world.testbed.isQuiet) break;
      world.runSlice(endNs, WATCHED_SLICE_NS);
    }
    this.#bringOut(world);
    if (world.testbed.isQuiet && world.isAtEnd(Infinity)) this.#speed = 0;
    this.#show(world.view('no digest'));
  }

  /** Virtual time of what is shown. */
  get nowNs(): number {
    return this.#view?.timeNs ?? 0;
  }

  #do(request: Exclude<Request, { kind: 'load' }>, loaded: Loaded): void {
    switch (request.kind) {
      case 'play':
        this.#worldAtRest();
        this.#speed = request.speed;
        return;
      case 'pause':
        this.#speed = 0;
        this.#show(this.#worldAtRest().view('digest'));
        return;
      case 'step':
        this.#step(request.unit, request.by);
        return;
      case 'seek':
        this.#speed = 0;
        this.#goTo(request.moment);
        return;
      case 'input':
        this.#input(request.input, loaded);
        return;
      case 'break':
        this.#break(request.rule, loaded);
        return;
      case 'path':
        this.#tell({ kind: 'path', path: this.#followPacket(request.packet, loaded) });
        return;
      case 'trace':
        this.#tell({ kind: 'trace', json: this.#record(loaded) });
        return;
      case 'capabilities':
        this.#tell({ kind: 'capabilities', pd: request.pd, rows: rowsOf(loaded, request.pd) });
        return;
      case 'blocks':
        this.#blocks(request.disk, request.block);
        return;
      case 'report':
        this.#tell({ kind: 'report', json: this.#report(request.forNs, loaded) });
        return;
      default:
        request satisfies never;
    }
  }

  async #load(scenario: Scenario, moment: Moment | undefined): Promise<void> {
    this.#speed = 0;
    const ready = systems.find(({ name }) => name === scenario.system);
    if (ready === undefined) throw new Error(`there is no system '${scenario.system}'`);
    const module = await ready.load();
    const system = describe(module, scenario);
    this.#loaded = { module, system, scenario, plan: planOf(system, scenario) };
    this.#digests.clear();
    this.#tell({ kind: 'loaded', info: infoOf(this.#loaded, ready.summary), scenario });
    this.#goTo(moment ?? { kind: 'time', timeNs: 0 }, 'from power-on');
  }

  // ------------------------------------------------------------------------------------- moments

  #step(unit: StepUnit, by: 1 | -1): void {
    this.#speed = 0;
    const count = (this.#view?.counts[unit] ?? 0) + by;
    if (count < 1) this.#goTo({ kind: 'time', timeNs: 0 });
    else this.#goTo({ kind: unit, count });
  }

  /** Runs there: on from where the world is, or again from power-on. */
  #goTo(moment: Moment, how: 'shortest' | 'from power-on' = 'shortest'): void {
    const limitNs = this.nowNs + STEP_LIMIT_NS;
    const world =
      how === 'shortest' && this.#isAhead(moment) && this.#world !== undefined
        ? this.#world
        : this.#newWorld();
    let middle: WorldView | undefined;
    world.runTo(moment, limitNs, (view) => {
      middle = view;
    });
    this.#bringOut(world);
    const view = middle ?? world.view('digest');
    this.#prove(view);
    this.#show(view);
  }

  /** Whether the world that is there can run to it. */
  #isAhead(moment: Moment): boolean {
    const world = this.#world;
    if (world === undefined || world.isOver) return false;
    return moment.kind === 'time'
      ? moment.timeNs >= world.now()
      : moment.count > world.watch.counts[moment.kind];
  }

  /** Two runs of one scenario that are at one moment are in one state. */
  #prove(view: WorldView): void {
    if (view.digest === undefined) return;
    const where = `${view.stands} ${view.timeNs} ${Object.values(view.counts).join(' ')}`;
    const before = this.#digests.get(where);
    if (before === undefined) this.#digests.set(where, view.digest);
    else if (before !== view.digest) {
      throw new Error('this is not the same run as before: a program does not do the same again');
    }
  }

  /** A world that can go on: the one that is there, or the same again up to what is shown. */
  #worldAtRest(): World {
    if (this.#world !== undefined && !this.#world.isOver) return this.#world;
    const untilNs = this.nowNs;
    const world = this.#newWorld();
    world.runTo({ kind: 'time', timeNs: untilNs }, untilNs, () => undefined);
    return world;
  }

  #newWorld(): World {
    this.#tell({ kind: 'anew' });
    const world = this.#makeWorld();
    this.#world = world;
    return world;
  }

  #makeWorld(onlooker?: Onlooker, scenario?: Scenario): World {
    const loaded = this.#loaded;
    if (loaded === undefined) throw new Error('no system is loaded');
    const isShown = onlooker === undefined && scenario === undefined;
    const log = (pd: string, line: string, timeNs: number): void => {
      if (!isShown || line.startsWith(MONITOR_CHATTER)) return;
      this.#tell({ kind: 'log', pd, line, timeNs });
    };
    return new World({
      ...loaded,
      scenario: scenario ?? loaded.scenario,
      listener: { log },
      ...(onlooker === undefined ? {} : { onlooker }),
    });
  }

  #bringOut(world: World): void {
    for (const { uart, bytes } of world.takeConsoles())
      this.#tell({ kind: 'console', uart, bytes });
    for (const frame of world.plugs.takeFrames()) this.#tell({ kind: 'frame', ...frame });
  }

  #show(view: WorldView): void {
    this.#view = view;
    this.#tell({ kind: 'view', view, playing: this.isPlaying });
  }

  // ------------------------------------------------------------------- what a person does

  #input(input: InputData, loaded: Loaded): void {
    const hadFrames = loaded.scenario.inputs.some(({ kind }) => kind === 'frame');
    const atNs = this.nowNs;
    // What was done later than what is shown has not been done any more.
    const before = loaded.scenario.inputs.filter((each) => each.atNs <= atNs);
    const isShorter = before.length < loaded.scenario.inputs.length;
    const world = this.#worldAtRest();
    this.#changed({ ...loaded.scenario, inputs: [...before, { atNs, ...input }] });
    const needsLink = input.kind === 'frame' && !hadFrames && loaded.scenario.net === 'loop';
    if (needsLink || isShorter || world.now() !== atNs) {
      this.#goTo({ kind: 'time', timeNs: atNs }, 'from power-on');
      return;
    }
    world.give(input);
    this.#bringOut(world);
    this.#show(world.view('no digest'));
  }

  /** The same run up to now, and from now on something may go wrong. */
  #break(rule: Rule, loaded: Loaded): void {
    const atNs = this.nowNs;
    const inputs = loaded.scenario.inputs.filter((each) => each.atNs <= atNs);
    loaded.plan = { ...loaded.plan, rules: [...loaded.plan.rules, rule] };
    this.#changed({ ...loaded.scenario, inputs, plan: JSON.stringify(planJson(loaded.plan)) });
    this.#goTo({ kind: 'time', timeNs: atNs }, 'from power-on');
  }

  #changed(scenario: Scenario): void {
    if (this.#loaded !== undefined) this.#loaded.scenario = scenario;
    this.#digests.clear();
    this.#tell({ kind: 'scenario', scenario });
  }

  #blocks(disk: number, block: number): void {
    const image = this.#worldAtRest().plugs.disks[disk]?.image();
    const from = block * BLOCK_BYTES;
    const bytes = image?.slice(from, from + BLOCK_BYTES) ?? new Uint8Array();
    this.#tell({ kind: 'blocks', disk, block, bytes });
  }

  // ------------------------------------------------------------------------------ runs beside it

  #followPacket(packet: number, { system }: Loaded): ReturnType<PacketWatch['path']> {
    let now = (): number => 0;
    const watch = new PacketWatch({ system, packet, now: () => now() });
    const world = this.#makeWorld({
      instrument: (inner) => instrument(watch, inner),
      wires: (wires, { ram, board }) => {
        now = () => board.now();
        return wires.net === undefined ? wires : { ...wires, net: watch.watch(wires.net, ram) };
      },
    });
    while (!watch.isOver && !world.isAtEnd(PATH_LIMIT_NS)) {
      world.runSlice(PATH_LIMIT_NS, WATCHED_SLICE_NS);
    }
    return watch.path();
  }

  #record({ system, scenario }: Loaded): string {
    const { recorder, around } = startRecording({ system, clock: 'virtual' });
    const world = this.#makeWorld({ instrument: around });
    const untilNs = this.nowNs;
    while (!world.isAtEnd(untilNs)) world.runSlice(untilNs);
    recorder.complete();
    const about = { system: scenario.system, clock: 'virtual', seed: scenario.seed };
    return [...perfettoTrace({ recorder, clock: 'virtual', about })].join('');
  }

  #report(forNs: number, { scenario }: Loaded): string {
    const world = this.#makeWorld(undefined, scenario);
    const untilNs = world.now() + forNs;
    // As the command does: one slice at least, also where nothing is left to happen.
    do {
      world.runSlice(untilNs);
      world.takeConsoles();
    } while (!world.isAtEnd(untilNs));
    return world.report(untilNs);
  }
}

/** @throws Error with the first thing that is wrong in it */
function planOf(system: SystemDescription, { plan: text }: Scenario): Plan {
  if (text === '') return NO_FAULTS;
  const include = (): string => 'a link has no files beside it';
  const read = readPlan({ name: 'plan', text }, { points: pointsOf(system), include });
  if (read.ok) return read.plan;
  throw new Error(read.problems[0] ?? 'the plan cannot be read');
}

function infoOf({ module, system, scenario }: Loaded, summary: string): SystemInfo {
  const values = completeChoices(module, scenario.choices);
  return {
    name: scenario.system,
    summary,
    systems: systems.map(({ name, summary: about }) => ({ name, summary: about })),
    dot: renderDot(system),
    domains: flatten(system).map(({ pd: { name, priority } }) => ({ name, priority })),
    uarts: uartsOf(system),
    nics: nicsOf(system).length,
    disks: devicesOf(system).filter((device) => device.class === 'blk').length,
    content: contentOf(system),
    guests: guestsOf(system),
    points: pointsOf(system),
    options: Object.entries(module.options ?? {}).map(([name, { help, choices }]) => ({
      name,
      help,
      choices,
      value: values[name] ?? '',
    })),
    abilities: ['time', 'faults', 'console', 'frames'],
  };
}

function rowsOf({ system }: Loaded, pd: string): readonly CapabilityRow[] {
  const flat = flatten(system).find((each) => each.pd.name === pd);
  if (flat === undefined) return [];
  return capabilitiesOf(system, flat).map(({ cnode, slot, type, object, rights, badge }) => ({
    slot: cnode === 'own' ? String(slot) : `root ${slot}`,
    type,
    object,
    rights,
    badge: badge === undefined ? '' : `0x${badge.toString(16)}`,
  }));
}
