/**
 * Supervisor: restarts its children when they die, in such a way that their neighbours go on. The
 * protocol, and why it is so, is in `docs/restart.md`.
 *
 *     a child faults     its epoch becomes odd; its neighbours are told, and let go of what they share
 *     all have answered  and who serves it is up, and it has backed off: it is started
 *     it says so         its epoch becomes even; its neighbours are told, and use their queues again
 *
 * A child that dies too often is given up, with a line that says so, and the rest goes on. One that
 * does not speak the protocol cannot let go of what it shares with a neighbour that has died, so it
 * is started again together with that one; two such neighbours are given up.
 *
 * A child that runs and does not answer any more is taken for dead: `watch.ts`.
 */

import type { ReadonlyRegion } from '../../memory/region.ts';
import {
  type Channel,
  type ChildFault,
  type EntryPoints,
  messageInfo,
  type ProtectionDomain,
  ProgramState,
} from '../../microkit/pd.ts';
import { Counters } from '../../queues/counters.ts';
import type { SupervisorConfig } from '../../queues/restart/config.ts';
import {
  addDownTime,
  isDown,
  readAnswer,
  readEpoch,
  writeEpoch,
} from '../../queues/restart/pages.ts';
import { TIMER_GET_TIME, TIMER_SET_TIMEOUT } from '../../queues/timer/config.ts';
import { type Child, makeChild } from './child.ts';
import { SUPERVISOR_COUNTERS } from './counters.ts';
import { Watch } from './watch.ts';

const COUNT = SUPERVISOR_COUNTERS;
/** A child that hangs whenever it runs is found in every second round. */
const HANGS_WITHIN_ROUNDS = 20;

/** Names of the counters in `stats`, for whoever runs this program from a description. */
export { SUPERVISOR_COUNTERS as counters };

/** Microkit's `init`. */
export function main(pd: ProtectionDomain<SupervisorConfig>): EntryPoints {
  const supervisor = new Supervisor(pd);
  return {
    notified: (channel) => supervisor.notified(channel),
    fault: (child, fault) => supervisor.fault(child, fault),
    awaitsTime: () => supervisor.awaitsTime(),
  };
}

class Supervisor extends ProgramState<SupervisorConfig> {
  readonly #config = this.pd.config;
  readonly #epochs = this.pd.region(this.#config.epochs);
  readonly #counters = new Counters(SUPERVISOR_COUNTERS, this.optionalRegion(this.#config.stats));
  readonly #children: readonly Child[] = this.#config.children.map((config) =>
    makeChild(config, this.#answersOf(config.member?.answers)),
  );
  /** Who has no timer cannot wait for an answer. */
  readonly #watch = this.#makeWatch();

  constructor(pd: ProtectionDomain<SupervisorConfig>) {
    super(pd);
    this.#advance();
  }

  /** Whether a start is ahead, or an answer that may fail to come. */
  awaitsTime(): boolean {
    const isStarting = ({ state }: Child): boolean => state === 'down' || state === 'starting';
    return this.#children.some(isStarting) || this.#watch?.isAwaited === true;
  }

  notified(channel: Channel): void {
    const child = this.#children.find(({ config }) => config.member?.channel === channel);
    if (child !== undefined) this.#listen(child);
    this.#advance();
  }

  fault(number: number, { label }: ChildFault): 'stay' {
    const child = this.#childOf(number);
    if (child === undefined) return 'stay';
    this.#dies(child, this.#now(), `fault ${label}`);
    this.#advance();
    return 'stay';
  }

  #dies(child: Child, nowNs: number, how: string): void {
    this.#counters.add(COUNT.deaths, 1);
    child.deathsNs = [...child.deathsNs, nowNs].filter(
      (atNs) => nowNs - atNs < this.#config.withinNs,
    );
    this.#takeDown(child, nowNs);
    for (const other of this.#takenAlong(child)) {
      this.#counters.add(COUNT.takenAlong, 1);
      this.#takeDown(other, nowNs);
    }
    const hopeless = this.#whyHopeless(child);
    if (hopeless !== undefined) this.#giveUp(child, `${how}: ${hopeless}`);
  }

  #hangs(child: Child, nowNs: number): void {
    const { hangNs = 0 } = this.#config;
    this.#counters.add(COUNT.hangs, 1);
    child.hangsNs = [...child.hangsNs, nowNs].filter(
      (atNs) => nowNs - atNs < HANGS_WITHIN_ROUNDS * hangNs,
    );
    this.pd.log(`${child.config.name} has not answered within ${hangNs / 1e6} ms`);
    this.#dies(child, nowNs, 'no answer');
  }

  /** A child has let go of somebody, or says that it runs. */
  #listen(child: Child): void {
    const { config, answers } = child;
    if (answers === undefined) return;
    const said = readAnswer(answers, config.child);
    if (child.state === 'starting' && said === this.#epochOf(child)) this.#up(child);
    else if (said !== child.saidEpoch) this.#counters.add(COUNT.pretended, 1);
    child.saidEpoch = said;
  }

  /** Starts every child that can be started, and looks again as long as there was one. */
  #advance(): void {
    let again = true;
    while (again) {
      again = false;
      const nowNs = this.#now();
      const hung = this.#watch?.turn(nowNs);
      if (hung !== undefined) this.#hangs(hung, nowNs);
      for (const child of this.#children) {
        if (child.state !== 'down' || !this.#mayStart(child, nowNs)) continue;
        this.#start(child, nowNs);
        again = true;
      }
    }
    this.#requestTimeout();
  }

  #mayStart(child: Child, nowNs: number): boolean {
    if (nowNs < child.startsAtNs) return false;
    if (this.#predecessorsOf(child).some(({ state }) => state === 'down' || state === 'starting')) {
      return false;
    }
    if (this.#silentOf(child).length === 0) return true;
    if (nowNs < child.downSinceNs + this.#config.patienceNs) return false;
    this.#counters.add(COUNT.unanswered, 1);
    return true;
  }

  /** Neighbours that run and have not let go of this child yet. */
  #silentOf(child: Child): readonly Child[] {
    const epoch = this.#epochOf(child);
    return this.#neighboursOf(child).filter(
      ({ state, answers }) =>
        (state === 'up' || state === 'starting') &&
        answers !== undefined &&
        readAnswer(answers, child.config.child) !== epoch,
    );
  }

  #takeDown(child: Child, nowNs: number): void {
    const { config, state } = child;
    this.pd.stop(config.child);
    const epoch = this.#epochOf(child);
    writeEpoch(this.#epochs, config.child, epoch + (isDown(epoch) ? 2 : 1));
    if (state === 'up') child.downSinceNs = nowNs;
    child.state = 'down';
    child.startsAtNs = nowNs + this.#backOffNs(child);
    this.#tellNeighbours(child);
  }

  #start(child: Child, nowNs: number): void {
    child.state = 'starting';
    child.startedAtNs = nowNs;
    const { config } = child;
    this.pd.restart(config.child, config.keepsMemory === true ? 'as it is' : this.#config.memory);
    // A child that does not speak the protocol never says that it runs.
    if (config.member === undefined) this.#up(child);
  }

  #up(child: Child): void {
    const { config, downSinceNs } = child;
    child.state = 'up';
    writeEpoch(this.#epochs, config.child, this.#epochOf(child) + 1);
    const durationNs = this.#now() - downSinceNs;
    addDownTime(this.#epochs, config.child, durationNs);
    this.#counters.add(COUNT.restarts, 1);
    this.pd.log(`${config.name} runs again, after ${durationNs / 1000} us`);
    this.#tellNeighbours(child);
  }

  #giveUp(child: Child, why: string): void {
    child.state = 'given up';
    this.#counters.add(COUNT.givenUp, 1);
    this.pd.log(`${child.config.name} is given up: ${why}`);
  }

  /** @returns undefined while it is worth another try */
  #whyHopeless(child: Child): string | undefined {
    const { deathsMax, withinNs } = this.#config;
    const deaths = child.deathsNs.length;
    if (deaths > deathsMax) return `it has died ${deaths} times within ${withinNs / 1e6} ms`;
    const hangs = child.hangsNs.length;
    if (hangs > deathsMax) return `it has hung ${hangs} times within ${HANGS_WITHIN_ROUNDS} rounds`;
    if (child.config.member !== undefined) return undefined;
    const other = this.#neighboursOf(child).find(({ config }) => config.member === undefined);
    return other === undefined
      ? undefined
      : `neither it nor its neighbour ${other.config.name} speaks the restart protocol`;
  }

  /** Who is stopped and started together with a child that has died. */
  #takenAlong(child: Child): readonly Child[] {
    const behind = this.#children.slice(this.#children.indexOf(child) + 1);
    const rest = this.#config.policy === 'rest-for-one' ? behind : [];
    const mute = this.#neighboursOf(child).filter(({ config }) => config.member === undefined);
    return [...new Set([...rest, ...mute])].filter(
      ({ state }) => state === 'up' || state === 'starting',
    );
  }

  /**
   * How long a child that has died waits for its start, in ns: not at all the first time, then
   * `backOffNs`, and twice as long each further time.
   */
  #backOffNs({ deathsNs }: Child): number {
    const again = deathsNs.length - 1;
    return again <= 0 ? 0 : this.#config.backOffNs * 2 ** (again - 1);
  }

  #tellNeighbours(child: Child): void {
    for (const { config, state } of this.#neighboursOf(child)) {
      if (config.member === undefined || state === 'down' || state === 'given up') continue;
      this.pd.notify(config.member.channel);
    }
  }

  /**
   * Neighbours that have to run before it is started: those before it in the list, which serve it.
   * A child that does not speak the protocol comes behind all that do, since it empties no queue.
   */
  #predecessorsOf(child: Child): readonly Child[] {
    const members = this.#neighboursOf(child).filter(({ config }) => config.member !== undefined);
    if (child.config.member === undefined) return members;
    const place = this.#children.indexOf(child);
    return members.filter((other) => this.#children.indexOf(other) < place);
  }

  #neighboursOf({ config }: Child): readonly Child[] {
    return this.#children.filter((other) => config.neighbours.includes(other.config.child));
  }

  #childOf(number: number): Child | undefined {
    return this.#children.find(({ config }) => config.child === number);
  }

  #epochOf({ config }: Child): number {
    return readEpoch(this.#epochs, config.child);
  }

  #answersOf(region: string | undefined): ReadonlyRegion | undefined {
    return region === undefined ? undefined : this.pd.readonlyRegion(region);
  }

  #makeWatch(): Watch | undefined {
    const { hangNs, timer } = this.#config;
    if (hangNs === undefined || timer === undefined) return undefined;
    const parts = { hangNs, epochs: this.#epochs, children: this.#children };
    return new Watch({ ...parts, ask: (channel) => this.pd.notify(channel) });
  }

  #requestTimeout(): void {
    const { timer } = this.#config;
    if (timer === undefined) return;
    const nowNs = this.#now();
    const next = Math.min(...this.#momentsAhead().filter((atNs) => atNs > nowNs));
    if (next === Infinity) return;
    this.pd.setMr(0, next - nowNs);
    this.pd.ppcall(timer.channel, messageInfo(TIMER_SET_TIMEOUT, 1));
  }

  /** When somebody may be started, or somebody's patience ends, ns. */
  #momentsAhead(): readonly number[] {
    const { patienceNs, hangNs = Infinity } = this.#config;
    const ofChildren = this.#children.flatMap((child) => {
      const { state, startsAtNs, startedAtNs, downSinceNs } = child;
      if (state === 'starting') return [startedAtNs + hangNs];
      return state === 'down' ? [startsAtNs, downSinceNs + patienceNs] : [];
    });
    return [...ofChildren, this.#watch?.endsAtNs ?? Infinity];
  }

  /** @returns ns; 0 without a timer: then no start waits, and no patience ends */
  #now(): number {
    const { timer } = this.#config;
    if (timer === undefined) return 0;
    this.pd.ppcall(timer.channel, messageInfo(TIMER_GET_TIME, 0));
    return this.pd.mr(0);
  }
}
