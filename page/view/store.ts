/** What the page knows, and who draws it anew when that changes. */

import { useEffect, useState } from 'preact/hooks';
import type { Answer, Request } from '../engine/protocol.ts';
import { FIRST_SCENARIO, type Moment, type OwnSystem, type Scenario } from '../engine/scenario.ts';
import type { WorldView } from '../engine/world-view.ts';
import type { LinkMode, Shared } from '../share/link.ts';
import { speedAtOpening } from '../share/opening.ts';
import { findCulprit, type Search } from './culprit.ts';
import { type Now, nowOfPulse, nowOfView } from './now.ts';
import {
  type EngineLink,
  type EngineListener,
  LiveLink,
  type Loss,
  WorkerLink,
} from './engine-link.ts';
import { type ChosenGuide, EMPTY, type PageState } from './page-state.ts';

const LOG_MAX = 500;
const SAMPLES_MAX = 2000;
const FRAMES_MAX = 100;

type ComesOut = 'anew' | 'console' | 'log' | 'frame';
type LookedInto = 'capabilities' | 'blocks' | 'files' | 'timeline' | 'judged' | 'campaign';

export type ConsoleListener = (uart: number, bytes: Uint8Array | 'clear') => void;

export class Store {
  state: PageState;
  /** What moves with each picture; it is no part of the state, which is drawn anew less often. */
  now: Now | undefined;
  readonly #nowListeners = new Set<() => void>();
  readonly #listeners = new Set<() => void>();
  readonly #consoles = new Set<ConsoleListener>();
  readonly #files = new Set<(json: string) => void>();
  #link: EngineLink;
  #isLost = false;
  /** The link that is being opened, until its moment is there. */
  #opening: Shared | undefined;
  #search: Search | undefined;
  /** Up to here the engine has come, in the world that it has. */
  #reachedNs = 0;
  /** What it began last, of what may never end; undefined when it has said something since. */
  #began: string | undefined;

  /** @param live address of a run's WebSocket; undefined: the engine is a worker of this page */
  constructor(mode: LinkMode, live: string | undefined) {
    this.state = { ...EMPTY, mode };
    this.#link = live === undefined ? this.#worker() : new LiveLink(live, this.#listener());
  }

  get isLive(): boolean {
    return this.#link.kind === 'live';
  }

  /** Whether the engine takes requests: a live run does not. */
  get isHeard(): boolean {
    const { info, campaign } = this.state;
    return !this.isLive || campaign !== undefined || info?.abilities.includes('time') === true;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onNow(listener: () => void): () => void {
    this.#nowListeners.add(listener);
    return () => this.#nowListeners.delete(listener);
  }

  /** Bytes of consoles do not go by way of the state: there may be many. */
  onConsole(listener: ConsoleListener): () => void {
    this.#consoles.add(listener);
    return () => this.#consoles.delete(listener);
  }

  /** @param listener is given the next recording */
  onceRecorded(listener: (json: string) => void): void {
    this.#files.add(listener);
  }

  ask(request: Request): void {
    if (!this.isHeard) return;
    // A timeline the page asks for by itself: what has gone wrong stays to be read.
    const isByHand = request.kind !== 'load' && request.kind !== 'timeline';
    if (isByHand) this.#set({ problem: undefined, isLedHere: false });
    this.#link.send(request);
  }

  /** @param binaries those that are there already unless told */
  load(
    scenario: Scenario,
    moment?: Moment,
    binaries: PageState['binaries'] = this.state.binaries,
  ): void {
    // The page stays usable: an engine that hangs is replaced by a new one.
    this.#search?.close();
    if (this.#isLost && this.#link.kind === 'worker') this.#link = this.#worker();
    this.#isLost = false;
    this.#opening = undefined;
    this.#reachedNs = 0;
    const { mode, campaign, info, guide, speed } = this.state;
    // What can be chosen stays, also when this cannot be loaded.
    this.#set({ ...EMPTY, scenario, mode, campaign, info, binaries, guide, speed });
    this.ask({
      kind: 'load',
      scenario,
      ...(moment === undefined ? {} : { moment }),
      ...(scenario.own === undefined ? {} : { binaries }),
    });
  }

  /** Opens a link: at once, unless it brings what somebody has written. */
  open(shared: Shared): void {
    if (shared.scenario.own === undefined) this.#open(shared);
    else this.#set({ brought: shared });
  }

  /** Somebody wants to see what a link brings. */
  runBrought(): void {
    const { brought } = this.state;
    if (brought !== undefined) this.#open(brought);
  }

  #open(shared: Shared): void {
    const { scenario, moment, binaries = {} } = shared;
    this.load(scenario, moment, binaries);
    this.#opening = shared;
  }

  play(speed: number): void {
    this.#set({ speed });
    this.ask({ kind: 'play', speed });
  }

  /** Of the time that passes, or will. */
  setSpeed(speed: number): void {
    if (this.state.playing) this.play(speed);
    else this.#set({ speed });
  }

  guide(guide: ChosenGuide | undefined): void {
    this.#set({ guide });
  }

  /** @param draft undefined: as it was run */
  edit(draft: OwnSystem | undefined): void {
    this.#set({ draft });
  }

  /** Another system: one of somebody's files, from its beginning. */
  openOwn(own: OwnSystem, binaries: PageState['binaries']): void {
    const { scenario } = this.state;
    const isSame = scenario.own?.main === own.main;
    const system = own.main.replace(/\.(?:ts|system)$/, '');
    const begin: Scenario = isSame ? scenario : { ...FIRST_SCENARIO, system };
    this.load({ ...begin, own }, undefined, binaries);
  }

  /** Runs what has been written: the same run otherwise, up to the time that is shown. */
  runOwn(): void {
    const { draft, scenario, view } = this.state;
    const own = draft ?? scenario.own;
    if (own === undefined || this.state.mode !== 'whole') return;
    const timeNs = view?.timeNs ?? 0;
    this.load({ ...scenario, own }, { kind: 'time', timeNs });
  }

  tellProblem(problem: string): void {
    this.#set({ problem });
  }

  #worker(): EngineLink {
    return new WorkerLink(this.#listener());
  }

  #listener(): EngineListener {
    return {
      answered: (answer) => {
        this.#began = answer.kind === 'begins' && answer.what !== '' ? answer.what : undefined;
        this.#answered(answer);
      },
      misheard: () => this.#set({ problem: MISHEARD }),
      lost: (loss) => this.#lost(loss),
    };
  }

  #lost(loss: Loss): void {
    this.#isLost = true;
    const why = loss.kind === 'gone' ? loss.why : SILENT;
    this.#set({ problem: why, playing: false, onItsWayNs: undefined });
    const { scenario, binaries } = this.state;
    if (this.isLive || scenario.own === undefined) return;
    if (this.#began !== undefined) {
      this.#set({ culprit: this.#began, problem: endless(this.#began) });
      return;
    }
    this.#set({ problem: `${why}. The page looks for the program that does not return …` });
    const fromNs = this.#reachedNs;
    const untilNs = fromNs + SEARCH_NS;
    this.#search = findCulprit({ kind: 'probe', scenario, binaries, fromNs, untilNs }, (culprit) =>
      this.#set({ culprit, problem: culprit === undefined ? LOST : endless(culprit) }),
    );
  }

  #answered(answer: Answer): void {
    switch (answer.kind) {
      case 'done':
      case 'begins':
      case 'probed':
        return;
      case 'on its way':
        this.#reachedNs = answer.timeNs;
        this.#set({ onItsWayNs: answer.timeNs });
        return;
      case 'loaded':
        this.#loaded(answer);
        return;
      case 'scenario':
        this.#set({ scenario: answer.scenario });
        return;
      case 'view':
        this.#viewed(answer.view, answer.playing);
        return;
      case 'pulse':
        this.#reachedNs = answer.pulse.timeNs;
        this.#moved(nowOfPulse(answer.pulse, this.now));
        return;
      case 'anew':
      case 'console':
      case 'log':
      case 'frame':
        this.#heard(answer);
        return;
      case 'path':
        this.#set({ path: answer.path });
        return;
      case 'trace':
      case 'report':
        for (const listener of this.#files) listener(answer.json);
        this.#files.clear();
        return;
      case 'capabilities':
      case 'blocks':
      case 'files':
      case 'timeline':
      case 'judged':
      case 'campaign':
        this.#lookedInto(answer);
        return;
      case 'dropped':
        this.#set({ dropped: answer.frames });
        return;
      case 'failed':
        this.#set({ problem: answer.text });
        return;
      default:
        answer satisfies never;
    }
  }

  /** What comes out of the world that is shown; a world that is made anew has said nothing yet. */
  #heard(answer: Extract<Answer, { kind: ComesOut }>): void {
    switch (answer.kind) {
      case 'anew':
        this.#reachedNs = 0;
        for (const listener of this.#consoles) listener(0, 'clear');
        this.#set({ log: [], frames: [] });
        return;
      case 'console':
        for (const listener of this.#consoles) listener(answer.uart, answer.bytes);
        return;
      case 'log':
        this.#set({ log: [...this.state.log, answer].slice(-LOG_MAX) });
        return;
      case 'frame':
        this.#set({ frames: [...this.state.frames, answer].slice(-FRAMES_MAX) });
        return;
      default:
        answer satisfies never;
    }
  }

  /** What one looks into besides the run itself. */
  #lookedInto(answer: Extract<Answer, { kind: LookedInto }>): void {
    switch (answer.kind) {
      case 'capabilities':
        this.#set({ capabilities: answer });
        return;
      case 'blocks':
        this.#set({ blocks: answer });
        return;
      case 'files':
        this.#set({ files: answer });
        return;
      case 'timeline':
        this.#set({ timeline: answer.timeline });
        return;
      case 'judged':
        this.#set({ judged: answer, seenNs: answer.judgement.endNs });
        return;
      case 'campaign':
        this.#set({ campaign: answer.campaign });
        return;
      default:
        answer satisfies never;
    }
  }

  /** Another run: what is known of the one before is void. */
  #loaded({ info, scenario }: Extract<Answer, { kind: 'loaded' }>): void {
    const { mode, campaign, problem, binaries, guide, speed } = this.state;
    this.#set({ ...EMPTY, mode, campaign, problem, binaries, guide, speed, info, scenario });
    this.now = undefined;
  }

  #viewed(view: WorldView, playing: boolean): void {
    const { timeNs, packets, roundTripNs, queues } = view;
    this.#reachedNs = timeNs;
    this.#moved(nowOfView(view));
    const depths = queues.map(({ depth }) => depth);
    const queued = queues.reduce(
      (sum, { depth, carries }) => sum + (carries === 'empty buffers' ? 0 : depth),
      0,
    );
    const samples = this.state.samples.filter((sample) => sample.timeNs < timeNs);
    this.#set({
      view,
      seenNs: Math.max(this.state.seenNs, timeNs),
      playing,
      onItsWayNs: undefined,
      samples: [...samples, { timeNs, packets, roundTripNs, queued, depths }].slice(-SAMPLES_MAX),
    });
    this.#goOn(view);
  }

  /** A link has come to its moment. */
  #goOn(view: WorldView): void {
    if (this.#opening === undefined) return;
    const speed = speedAtOpening(this.#opening, view);
    this.#opening = undefined;
    if (speed === undefined || matchMedia(LESS_MOTION).matches) this.#set({ isLedHere: true });
    else this.play(speed);
  }

  #moved(now: Now): void {
    this.now = now;
    for (const listener of this.#nowListeners) listener();
  }

  #set(change: Partial<PageState>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.#listeners) listener();
  }
}

const LESS_MOTION = '(prefers-reduced-motion: reduce)';
const MISHEARD = 'a program has changed what the engine says: what no engine says is not shown';
const SILENT = 'the engine has not answered for long, and was ended';
/** So far on it is looked for who does not return. */
const SEARCH_NS = 2_000_000_000;
const LOST =
  'the engine was ended: it did not answer, though every program returns. Choose a system to begin anew';

function endless(culprit: string): string {
  return `${culprit}, does not return: the run was ended. Change the program and run it again`;
}

/** @returns the state, and has the component drawn anew with the next frame after a change */
export function useStore(store: Store): PageState {
  const [state, setState] = useState(store.state);
  useEffect(() => {
    let isDue = false;
    // It may have changed since it was drawn first.
    setState(store.state);
    return store.subscribe(() => {
      if (isDue) return;
      isDue = true;
      requestAnimationFrame(() => {
        isDue = false;
        setState(store.state);
      });
    });
  }, [store]);
  return state;
}
