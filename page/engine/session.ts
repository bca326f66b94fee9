/**
 * The engine behind one page: it has a scenario and a place in its run, and does what the page
 * asks. It knows no thread and no clock of the host: `worker.ts` has these.
 *
 * Going back is running again: the same scenario gives the same run, and a digest of all state,
 * kept for each moment that was looked at, proves that it is the same.
 */

import type { Rule } from '../../sim/plan/plan.ts';
import { planJson } from '../../sim/plan/write-plan.ts';
import type { WorldSystem } from '../../sim/world.ts';
import { WorldMemory } from '../../sim/world-memory.ts';
import { uartsOf } from '../../systems/serial-devices.ts';
import { followPacket, judged, recorded, reportOf, type Worlds } from './beside.ts';
import { listFiles } from './disk-files.ts';
import { type FindSystem, readyMade } from './found-system.ts';
import { Hunt } from './hunt.ts';
import { infoOf, type Loaded, loadedOf, rowsOf } from './loaded.ts';
import { guestsAtCable } from './plugs.ts';
import { probe } from './probe.ts';
import type { Answer, LoadRequest, Request } from './protocol.ts';
import type { InputData, Moment, Scenario, StepUnit } from './scenario.ts';
import { type Onlooker, pulseOf, runToMoment, type ShownWorld } from './shown-world.ts';
import { scenarioOf, TestedWorld } from './tested-world.ts';
import { World } from './world.ts';
import type { WorldView } from './world-view.ts';

/** So long a step looks for what it steps to: nothing may ever happen again. */
const STEP_LIMIT_NS = 2_000_000_000;
/** A slice while the page watches: short, so that there is something to see. */
const WATCHED_SLICE_NS = 200_000;
/** As Microkit's own tool: lines that the monitor prints of a healthy start say nothing. */
const MONITOR_CHATTER = 'MON|INFO';
const BLOCK_BYTES = 512;
/** One that is judged, and one that is shown. */
const WORLDS_OF_A_REQUEST = 2;

export class Session {
  readonly #tell: (answer: Answer) => void;
  readonly #digests = new Map<string, number>();
  readonly #find: FindSystem;
  /** Of tested worlds: of the one that is shown, and of those beside it. */
  readonly #memory = { shown: new WorldMemory(), beside: new WorldMemory() };
  #loaded: Loaded | undefined;
  #world: ShownWorld | undefined;
  /** What is shown. */
  #at: Pick<WorldView, 'timeNs' | 'counts'> | undefined;
  #hunt: Hunt | undefined;
  #speed = 0;
  /** What no world has been made of yet, of a system whose programs may keep something. */
  #fresh: WorldSystem[] = [];

  /** @param find where it has its systems from */
  constructor(tell: (answer: Answer) => void, find: FindSystem = readyMade) {
    this.#tell = tell;
    this.#find = find;
  }

  get isPlaying(): boolean {
    return this.#speed > 0;
  }

  /** Seconds of virtual time in a second. */
  get speed(): number {
    return this.#speed;
  }

  /** Worlds of a campaign are to be run: see {@link huntOn}. */
  get isHunting(): boolean {
    return this.#hunt !== undefined && !this.#hunt.isOver;
  }

  /** Runs the next world of the campaign. */
  huntOn(): void {
    const hunt = this.#hunt;
    if (hunt === undefined || hunt.isOver) return;
    hunt.runNext();
    this.#tell({ kind: 'campaign', campaign: hunt.view() });
  }

  /** @throws Error with what is wrong, as one line */
  async ask(request: Request): Promise<void> {
    if (request.kind === 'load') {
      this.#hunt = undefined;
      await this.#load(request);
      return;
    }
    if (request.kind === 'probe') {
      const found = await this.#find(request.scenario, request.binaries);
      try {
        probe(request, found, this.#tell);
      } finally {
        found.close?.();
      }
      return;
    }
    if (request.kind === 'open') {
      const failure = this.#hunt?.failureOf(request.seed);
      if (failure !== undefined) await this.#load({ scenario: scenarioOf(failure) });
      return;
    }
    if (this.#loaded === undefined) return;
    await this.#replenish(this.#loaded);
    this.#do(request, this.#loaded);
  }

  /** A request makes so many worlds at most. */
  async #replenish({ found: { renew } }: Loaded): Promise<void> {
    while (renew !== undefined && this.#fresh.length < WORLDS_OF_A_REQUEST) {
      this.#fresh.push(await renew());
    }
  }

  /** What the next world is made of. */
  #target({ found }: Loaded): WorldSystem {
    return this.#fresh.pop() ?? found.target;
  }

  /**
   * Plays on for a stretch of virtual time, in slices.
   *
   * @param isTime asked after each slice whether it has been long enough
   * @param shown what is told then; the last of it is always a view
   */
  advance(forNs: number, isTime: () => boolean, shown: 'view' | 'pulse' = 'view'): void {
    const world = this.#worldAtRest();
    // Whole nanoseconds: a moment is put into links.
    const endNs = Math.round(world.now() + forNs);
    while (world.now() < endNs && !isTime()) {
      if (world.isFinished) break;
      world.runSlice(endNs, WATCHED_SLICE_NS);
    }
    this.#bringOut(world);
    if (world.isFinished || (!this.#awaitsSomebody && world.isAtEnd(Infinity))) this.#speed = 0;
    if (shown === 'view' || !this.isPlaying) {
      this.#show(world.view('no digest'));
      return;
    }
    const pulse = pulseOf(world, world.now());
    this.#at = pulse;
    this.#tell({ kind: 'pulse', pulse });
  }

  /** Time goes on while somebody may type or send something. */
  get #awaitsSomebody(): boolean {
    const loaded = this.#loaded;
    if (loaded === undefined || loaded.scenario.net === 'test') return false;
    return uartsOf(loaded.system).length > 0 || guestsAtCable(loaded.system).length > 0;
  }

  /** Virtual time of what is shown. */
  get nowNs(): number {
    return this.#at?.timeNs ?? 0;
  }

  #do(request: Exclude<Request, { kind: 'load' | 'open' | 'probe' }>, loaded: Loaded): void {
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
        this.#tell({ kind: 'path', path: followPacket(request.packet, this.#worlds(loaded)) });
        return;
      case 'trace':
        this.#tell({ kind: 'trace', json: recorded(this.nowNs, this.#worlds(loaded)) });
        return;
      case 'timeline':
        this.#timeline(request.lastNs);
        return;
      case 'capabilities':
        this.#tell({ kind: 'capabilities', pd: request.pd, rows: rowsOf(loaded, request.pd) });
        return;
      case 'blocks':
        this.#blocks(request.disk, request.block);
        return;
      case 'files':
        this.#files(request.disk, request.path);
        return;
      case 'hunt':
        this.#hunt = new Hunt(loaded, request, this.#memory.beside);
        this.#tell({ kind: 'campaign', campaign: this.#hunt.view() });
        return;
      case 'stop hunt':
        this.#hunt?.stop();
        if (this.#hunt !== undefined) this.#tell({ kind: 'campaign', campaign: this.#hunt.view() });
        return;
      case 'report':
        this.#tell({ kind: 'report', json: reportOf(request.forNs, this.#worlds(loaded)) });
        return;
      default:
        request satisfies never;
    }
  }

  async #load({ scenario, moment, binaries }: Omit<LoadRequest, 'kind'>): Promise<void> {
    this.#speed = 0;
    // What was there before is gone, also when what comes cannot be loaded.
    this.#loaded?.found.close?.();
    this.#loaded = undefined;
    this.#world = undefined;
    this.#at = undefined;
    this.#fresh = [];
    this.#digests.clear();
    const found = await this.#find(scenario, binaries);
    const loaded = loadedOf(found, scenario);
    this.#loaded = loaded;
    await this.#replenish(loaded);
    this.#tell({ kind: 'loaded', info: infoOf(loaded), scenario });
    const first = this.#judge(loaded, found.outcome);
    this.#goTo(moment ?? { kind: 'time', timeNs: first }, 'from power-on');
  }

  /**
   * @param then what came out of this world before
   * @returns the moment at which there is something to see: ns
   */
  #judge(loaded: Loaded, then?: string): number {
    if (loaded.scenario.net !== 'test') return 0;
    const judgement = judged(this.#worlds(loaded));
    const isSame = then === undefined ? undefined : judgement.outcome === then;
    this.#tell({ kind: 'judged', judgement, isSame });
    return judgement.story[0]?.timeNs ?? 0;
  }

  // ------------------------------------------------------------------------------------- moments

  #step(unit: StepUnit, by: 1 | -1): void {
    this.#speed = 0;
    const count = (this.#at?.counts[unit] ?? 0) + by;
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
    const middle = runToMoment(world, moment, limitNs, this.#onItsWay);
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
  #worldAtRest(): ShownWorld {
    if (this.#world !== undefined && !this.#world.isOver) return this.#world;
    const timeNs = this.nowNs;
    const world = this.#newWorld();
    runToMoment(world, { kind: 'time', timeNs }, timeNs, this.#onItsWay);
    return world;
  }

  readonly #onItsWay = (timeNs: number): void => this.#tell({ kind: 'on its way', timeNs });

  #newWorld(): ShownWorld {
    const loaded = this.#loaded;
    if (loaded === undefined) throw new Error('no system is loaded');
    this.#tell({ kind: 'anew' });
    const log = (pd: string, line: string, timeNs: number): void => {
      if (!line.startsWith(MONITOR_CHATTER)) this.#tell({ kind: 'log', pd, line, timeNs });
    };
    const { scenario, plan } = loaded;
    const parts = { target: this.#target(loaded), scenario, plan, listener: { log } };
    const world =
      scenario.net === 'test'
        ? new TestedWorld({ ...parts, memory: this.#memory.shown })
        : new World(parts);
    this.#world = world;
    return world;
  }

  /** Worlds of the same scenario beside the one that is shown: nobody hears what they print. */
  #worlds(loaded: Loaded): Worlds {
    const { scenario, plan } = loaded;
    const target = this.#target(loaded);
    const memory = this.#memory.beside;
    const listener = { log: (): void => undefined };
    const parts = { target, scenario, plan, listener };
    return {
      ...parts,
      memory,
      make: (onlooker: Onlooker) =>
        scenario.net === 'test'
          ? new TestedWorld({ ...parts, memory, onlooker })
          : new World({ ...parts, onlooker }),
    };
  }

  #bringOut(world: ShownWorld): void {
    for (const { uart, bytes } of world.takeConsoles())
      this.#tell({ kind: 'console', uart, bytes });
    for (const frame of world.takeFrames()) this.#tell({ kind: 'frame', ...frame });
  }

  #show(view: WorldView): void {
    this.#at = view;
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
    if (needsLink || isShorter || world.now() !== atNs || !(world instanceof World)) {
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
    this.#judge(loaded);
    this.#goTo({ kind: 'time', timeNs: atNs }, 'from power-on');
  }

  #changed(scenario: Scenario): void {
    if (this.#loaded !== undefined) this.#loaded.scenario = scenario;
    this.#digests.clear();
    this.#tell({ kind: 'scenario', scenario });
  }

  #blocks(disk: number, block: number): void {
    const image = this.#worldAtRest().disks[disk]?.image();
    const from = block * BLOCK_BYTES;
    const bytes = image?.slice(from, from + BLOCK_BYTES) ?? new Uint8Array();
    this.#tell({ kind: 'blocks', disk, block, bytes });
  }

  #files(disk: number, path: string): void {
    const image = this.#worldAtRest().disks[disk]?.image() ?? new Uint8Array();
    this.#tell({ kind: 'files', disk, listing: listFiles(image, path) });
  }

  /** Of the world that is shown, or that was left at what is shown. */
  #timeline(lastNs: number): void {
    const timeline = this.#world?.watch.timeline;
    if (timeline === undefined) return;
    this.#tell({ kind: 'timeline', timeline: timeline.view(this.nowNs - lastNs, this.nowNs) });
  }
}
