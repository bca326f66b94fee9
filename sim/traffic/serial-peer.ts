/**
 * A serial client that knows what it should be told, and answers each character with some of its
 * own. It takes the place of a system's own client, in its domain, with that one's queues.
 *
 * Both directions carry a cycle of letters, another one for each client: what is lost, doubled,
 * swapped or meant for somebody else is out of step.
 */

import type { Random } from '../../board/random.ts';
import type { EntryPoints, Program, ProtectionDomain } from '../../microkit/pd.ts';
import type { MemberConfig } from '../../queues/restart/config.ts';
import { joinRestarts } from '../../queues/restart/member.ts';
import type { SerialClientConfig } from '../../queues/serial/config.ts';
import { SerialConsumer, SerialProducer } from '../../queues/serial/queue.ts';
import { supervisedSerial } from '../../queues/serial/restart.ts';
import type { Findings } from './findings.ts';

const ALPHABETS = ['ABCDEFGHIJKLM', 'NOPQRSTUVWXYZ', 'abcdefghijklm', 'nopqrstuvwxyz'];
export const SERIAL_CLIENTS_MAX = ALPHABETS.length;
const ANSWER_MAX = 3;

/** A cycle of letters, and how far it has come. */
export class LetterCycle {
  passed = 0;
  readonly #alphabet: string;

  constructor(client: number) {
    this.#alphabet = ALPHABETS[client % ALPHABETS.length] ?? '';
  }

  next(): number {
    const code = this.#alphabet.charCodeAt(this.passed % this.#alphabet.length);
    this.passed += 1;
    return code;
  }

  holds(code: number): boolean {
    return this.#alphabet.includes(String.fromCharCode(code));
  }

  /**
   * Takes a letter.
   * @returns 'step', or in which way it is out of step; the cycle goes on behind it
   */
  take(code: number): 'step' | 'skipped' | 'repeated' | 'foreign' {
    const at = this.#alphabet.indexOf(String.fromCharCode(code));
    if (at < 0) return 'foreign';
    const length = this.#alphabet.length;
    const ahead = (at - this.passed) % length;
    const skipped = (ahead + length) % length;
    // The one before the expected: it has come twice.
    if (skipped === length - 1) return 'repeated';
    this.passed += skipped + 1;
    return skipped === 0 ? 'step' : 'skipped';
  }
}

export interface SerialTask {
  readonly name: string;
  readonly random: Random;
  readonly findings: Findings;
  readonly nowNs: () => number;
  /** What the client is told, as it sees it; and what it says. */
  readonly heard: LetterCycle;
  readonly said: LetterCycle;
  /** Characters that have come to it, whatever they were. */
  received: number;
}

export interface SerialPeerConfig {
  readonly serial: SerialClientConfig;
  /** Where there is a supervisor. */
  readonly restart?: MemberConfig;
}

export function serialPeer(task: SerialTask): Program<SerialPeerConfig> {
  return (pd: ProtectionDomain<SerialPeerConfig>): EntryPoints => {
    const { tx, rx } = pd.config.serial;
    const output = new SerialProducer(pd.region(tx.queue), pd.region(tx.data), tx.capacity);
    const input =
      rx === undefined
        ? undefined
        : new SerialConsumer(pd.region(rx.queue), pd.readonlyRegion(rx.data), rx.capacity);
    output.cancelSignal();

    const work = (): void => {
      if (input === undefined || rx === undefined) return;
      while (input.length() > 0) {
        if (output.room() < ANSWER_MAX) {
          output.requestSignal();
          if (output.room() < ANSWER_MAX) break;
          output.cancelSignal();
        }
        hear(task, input.dequeue());
        const letters = 1 + task.random.below(ANSWER_MAX);
        for (let i = 0; i < letters; i += 1) output.enqueue(task.said.next());
      }
      if (output.publish()) pd.notify(tx.channel);
      if (input.publish()) pd.notify(rx.channel);
    };
    const member = joinRestarts(pd, pd.config.restart);
    return supervisedSerial(pd, member, { notified: work, progress: () => task.received });
  };
}

function hear(task: SerialTask, code: number): void {
  task.received += 1;
  judge(task, 'hears', task.heard.take(code), code);
}

/** @param verb what the letter is to the client: it hears it, or is heard to say it */
export function judge(
  task: SerialTask,
  verb: string,
  verdict: ReturnType<LetterCycle['take']>,
  code: number,
): void {
  if (verdict === 'step') return;
  const { name: where, findings, nowNs } = task;
  const what = `${verb} ${JSON.stringify(String.fromCharCode(code))}, which is ${verdict}`;
  // A letter that is another one, or a whole round of the alphabet that is lost, looks like any of
  // these.
  const excuse = {
    skipped: ['loss', 'contents'],
    repeated: ['repetition', 'loss', 'contents'],
    foreign: ['contents'],
  } as const;
  findings.add({
    oracle: verdict === 'foreign' ? 'payload' : 'order',
    excuse: excuse[verdict],
    where,
    what,
    timeNs: nowNs(),
  });
}
