/**
 * The books of what clients ask each other through a switch: each question to a neighbour that may
 * be reached is answered once, with its bytes, in order; from one that may not be reached nothing
 * ever comes.
 */

import type { SystemDescription } from '../../microkit/model.ts';
import { flatten } from '../../microkit/model.ts';
import type { NetVswitchConfig } from '../../queues/net/config.ts';
import type { Excuse } from '../points/point.ts';
import { type Finding, Findings } from './findings.ts';
import type { Excused, Violation } from './workload.ts';

interface Question {
  readonly number: number;
  readonly digest: number;
}

export class NeighbourAccounts {
  readonly counters = { neighboursAsked: 0, neighboursAnswered: 0, strangersAsked: 0 };
  /** Questions that wait for their answers, oldest first, by who asks whom. */
  readonly #open = new Map<string, Question[]>();
  /** Questions that wait, and the later one that was answered before them. */
  readonly #overtaken = new Map<number, number>();
  readonly #probes = new Map<number, readonly [asker: string, asked: string]>();
  readonly #findings = new Findings();
  #number = 1;

  nextNumber(): number {
    this.#number += 1;
    return this.#number;
  }

  asked(pair: readonly [asker: string, asked: string], question: Question): void {
    this.counters.neighboursAsked += 1;
    const key = pair.join(' ');
    const open = this.#open.get(key) ?? [];
    open.push(question);
    this.#open.set(key, open);
  }

  /** A question that has to come to nothing. */
  askedStranger(): void {
    this.counters.strangersAsked += 1;
  }

  probed(pair: readonly [asker: string, asked: string], number: number): void {
    this.#probes.set(number, pair);
  }

  answered(
    pair: readonly [asker: string, asked: string],
    { number, digest }: Question,
    timeNs: number,
  ): void {
    const open = this.#open.get(pair.join(' ')) ?? [];
    const at = open.findIndex((question) => question.number === number);
    const say = (oracle: string, excuse: Excuse, what: string): void => {
      this.#say({ oracle, excuse, what, timeNs }, pair);
    };
    if (at < 0) return say('answered-once', 'repetition', `is answered ${number} once more`);
    this.#probes.delete(number);
    const [question] = open.splice(at, 1);
    if (question?.digest !== digest)
      say('payload', 'contents', `is answered ${number} with other bytes`);
    else this.counters.neighboursAnswered += 1;
    // Those before it may be lost; only if their answers still come was the order wrong.
    for (const before of open.slice(0, at)) this.#overtaken.set(before.number, number);
    const later = this.#overtaken.get(number);
    if (later !== undefined) say('order', 'order', `is answered ${number} after ${later}`);
  }

  /** A whole datagram has come from somebody whom the access list keeps away. */
  reachedBy(client: string, stranger: string, timeNs: number): void {
    const what = `is reached by ${stranger}, which may not reach it`;
    this.#say({ oracle: 'isolation', excuse: 'contents', what, timeNs }, [client, stranger]);
  }

  get areAllAnswered(): boolean {
    return [...this.#open.values()].every((open) => open.length === 0);
  }

  unserved(): readonly string[] {
    return [...new Set([...this.#probes.values()].map((pair) => pair.join(' and ')))];
  }

  violations(excused: Excused, timeNs: number): readonly Violation[] {
    for (const [key, [oldest, ...more]] of this.#open) {
      if (oldest === undefined) continue;
      const [asker = '', asked = ''] = key.split(' ');
      const what = `waits for ${more.length + 1} answers of ${asked}, the oldest is ${oldest.number}`;
      this.#say({ oracle: 'answered-once', excuse: 'loss', what, timeNs }, [asker, asked]);
    }
    return this.#findings.violations(excused);
  }

  /** @param pair the first is to be seen to, and whatever has struck one of them excuses it */
  #say(
    finding: Omit<Finding, 'where' | 'between'>,
    pair: readonly [where: string, other: string],
  ): void {
    this.#findings.add({ ...finding, where: pair[0], between: pair });
  }
}

/**
 * @returns whether one address may reach another by the access list of the system's switch, there
 * and back
 */
export function reachOf(system: SystemDescription): (mac: string, other: string) => boolean {
  const ports = switchOf(system)?.ports ?? [];
  const portOf = (mac: string): number => ports.findIndex(({ macs }) => macs.includes(mac));
  return (mac, other) => {
    const [a, b] = [portOf(mac), portOf(other)];
    return ports[a]?.reach.includes(b) === true && ports[b]?.reach.includes(a) === true;
  };
}

/** @returns the configuration of the system's switch, if it has one */
export function switchOf(system: SystemDescription): NetVswitchConfig | undefined {
  return flatten(system)
    .map(({ pd }) => pd.config)
    .find(
      (config): config is NetVswitchConfig =>
        typeof config === 'object' && config !== null && 'ports' in config && 'uplink' in config,
    );
}
