/**
 * The books of a network workload: which questions a NIC took for whom, and which answers it sent.
 */

import type { Excuse } from '../points/point.ts';
import { Findings } from './findings.ts';
import type { Excused, Violation } from './workload.ts';

interface Question {
  readonly number: number;
  readonly digest: number;
  /** Number of a later question that was answered before this one; -1 as long as there is none. */
  overtakenBy: number;
}

export class NetAccounts {
  readonly counters = {
    /** Whole questions that the NIC took, and other frames. */
    taken: 0,
    damaged: 0,
    answered: 0,
    answeredDamaged: 0,
  };
  readonly #clients: readonly string[];
  /** Questions that wait for their answers, oldest first. */
  readonly #open: Question[][];
  readonly #findings = new Findings();
  /** Numbers of the probes that are open, by client. */
  readonly #probes = new Map<number, string>();
  /** Damaged frames that a client may have answered. A wrong checksum hides whose they were. */
  #maybe = 0;

  constructor(clients: readonly string[]) {
    this.#clients = clients;
    this.#open = clients.map(() => []);
  }

  took(client: number, number: number, digest: number): void {
    this.counters.taken += 1;
    this.#openOf(client).push({ number, digest, overtakenBy: -1 });
  }

  tookDamaged(): void {
    this.counters.damaged += 1;
    this.#maybe += 1;
  }

  sent(client: number, number: number, digest: number, nowNs: number): void {
    this.#probes.delete(number);
    const open = this.#openOf(client);
    const at = open.findIndex(
      (question) => question.number === number && question.digest === digest,
    );
    if (at < 0) {
      this.#unexpected(client, number, nowNs);
      return;
    }
    this.counters.answered += 1;
    const [answered] = open.splice(at, 1);
    // Those before it may be lost; only if their answers still come was the order wrong.
    for (const before of open.slice(0, at)) before.overtakenBy = number;
    if (answered === undefined || answered.overtakenBy < 0) return;
    const what = `answers ${number} after ${answered.overtakenBy}`;
    this.#say('order', 'order', client, nowNs, what);
  }

  sentDamaged(client: number, nowNs: number): void {
    this.counters.answeredDamaged += 1;
    this.#maybe -= 1;
    if (this.#maybe >= 0) return;
    this.#maybe = 0;
    this.#say('payload', 'contents', client, nowNs, 'answers with a wrong checksum');
  }

  /** @param numbers one for each client */
  expectProbes(numbers: readonly number[]): void {
    numbers.forEach((number, client) => this.#probes.set(number, this.#clients[client] ?? ''));
  }

  unserved(): readonly string[] {
    return [...this.#probes.values()];
  }

  get areAllAnswered(): boolean {
    return this.#open.every((open) => open.length === 0);
  }

  violations(excused: Excused, nowNs: number): readonly Violation[] {
    this.#open.forEach((open, client) => {
      const [oldest] = open;
      if (oldest === undefined) return;
      const what = `has not answered ${open.length} questions, the oldest is ${oldest.number}`;
      this.#say('answered-once', 'loss', client, nowNs, what);
    });
    return this.#findings.violations(excused);
  }

  #unexpected(client: number, number: number, nowNs: number): void {
    const isOpen = this.#openOf(client).some((question) => question.number === number);
    if (isOpen) this.#say('payload', 'contents', client, nowNs, `changes the bytes of ${number}`);
    else this.#say('answered-once', 'repetition', client, nowNs, `answers ${number} once more`);
  }

  #say(oracle: string, excuse: Excuse, client: number, timeNs: number, what: string): void {
    const where = this.#clients[client] ?? 'a client';
    this.#findings.add({ oracle, excuse, where, what, timeNs });
  }

  #openOf(client: number): Question[] {
    const open = this.#open[client];
    if (open === undefined) throw new RangeError(`no client ${client}`);
    return open;
  }
}
