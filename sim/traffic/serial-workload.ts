/**
 * Work for a UART: somebody at the far end of the line types to one client after the other, and
 * reads what they answer. The plain echo clients of the system are replaced by ones that know what
 * they should hear (`serial-peer.ts`).
 */

import type { Clock, ClockEvent } from '../../board/clock.ts';
import type { Random } from '../../board/random.ts';
import { SerialLine } from '../../board/uart/serial-line.ts';
import { flatten, type PdDescription, type SystemDescription } from '../../microkit/model.ts';
import type { Program } from '../../microkit/pd.ts';
import type { SerialVirtRxConfig } from '../../queues/serial/config.ts';
import { queueRecords } from '../../queues/classes.ts';
import { Findings } from './findings.ts';
import {
  judge,
  LetterCycle,
  SERIAL_CLIENTS_MAX,
  serialPeer,
  type SerialTask,
} from './serial-peer.ts';
import type { Excused, Violation, Workload } from './workload.ts';

export interface SerialWorkloadOptions {
  readonly system: SystemDescription;
  readonly amount: number;
  readonly random: Random;
  readonly nowNs: () => number;
}

/** Of an image of ours that only echoes. */
const ECHO_IMAGE = /serial-echo/;
const SWITCH = 28;
const ENTER = 13;
const ESCAPE = 27;
const LETTER_M = 109;
const BURST_MAX = 24;
/** On the line, at 115,200 baud. */
const CHARACTER_NS = 87_000;
/** Until an answer comes, when nobody else has anything to say. */
const PATIENCE_NS = 400_000_000;
/** What programs say when they begin is over by then. */
const GREETINGS_NS = 30_000_000;
const PAUSE_NS_MAX = 10_000_000;
/** At most so many characters, whatever is asked for: on a line each takes 87 µs. */
const AMOUNT_MAX = 120;
/** A line that is silent for so long has nothing left to bring. */
const IDLE_NS = 3_000_000;

interface Partner extends SerialTask {
  /** Its number at the receive virtualiser. */
  readonly number: number;
  /** What it was told. */
  readonly told: LetterCycle;
  /** What it was heard to say. */
  readonly spoken: LetterCycle;
  /** Letters of its that were heard, in step or not. */
  letters: number;
  /** Counts when faults stopped. */
  receivedBefore: number;
  lettersBefore: number;
}

/** @returns domains whose program only echoes, so that it can be replaced */
export function plainSerialClients(system: SystemDescription): readonly PdDescription[] {
  return flatten(system)
    .map(({ pd }) => pd)
    .filter(({ image }) => ECHO_IMAGE.test(image.path) && image.program !== undefined)
    .slice(0, SERIAL_CLIENTS_MAX);
}

export class SerialWorkload implements Workload {
  readonly patienceNs: number;
  readonly programs = new Map<string, Program>();
  readonly #options: SerialWorkloadOptions;
  readonly #findings = new Findings();
  readonly #partners: Partner[];
  readonly #amount: number;
  readonly #next: ClockEvent = { fire: (nowNs) => this.#type(nowNs) };
  #line: SerialLine | undefined;
  #clock: Clock | undefined;
  #typed = 0;
  /** Whom the virtualiser gives what is typed; nobody knows at the start. */
  #to: Partner | undefined;
  #isEscape = false;
  #lastHeardNs = 0;

  constructor(options: SerialWorkloadOptions) {
    this.#options = options;
    const { system, random, nowNs } = options;
    this.#amount = Math.min(options.amount, AMOUNT_MAX);
    this.patienceNs = PATIENCE_NS + longestQueue(system) * CHARACTER_NS;
    this.#partners = plainSerialClients(system).map((pd, index) => ({
      name: pd.name,
      number: numberOf(system, pd),
      random: random.fork(pd.name),
      findings: this.#findings,
      nowNs,
      heard: new LetterCycle(index),
      said: new LetterCycle(index),
      told: new LetterCycle(index),
      spoken: new LetterCycle(index),
      received: 0,
      letters: 0,
      receivedBefore: 0,
      lettersBefore: 0,
    }));
    for (const partner of this.#partners) {
      this.programs.set(partner.name, serialPeer(partner) as unknown as Program);
    }
  }

  makeLine(clock: Clock): SerialLine {
    const line = new SerialLine({ clock, rate: 'real' });
    line.setFarEnd({
      outputArrived: () => this.#read(line),
      inputRoom: () => undefined,
      formatChanged: () => undefined,
      breakChanged: () => undefined,
      outputsChanged: () => undefined,
    });
    this.#line = line;
    this.#clock = clock;
    return line;
  }

  start(): void {
    if (this.#clock === undefined || this.#partners.length === 0) return;
    this.#clock.schedule(this.#next, this.#clock.now() + GREETINGS_NS);
  }

  get isDone(): boolean {
    return this.#partners.length === 0 || this.#typed >= this.#amount;
  }

  probe(): void {
    for (const partner of this.#partners) {
      partner.receivedBefore = partner.received;
      partner.lettersBefore = partner.letters;
      // Of a switch that faults have cut off, nothing is left after the first attempt.
      this.#switchTo(partner);
      this.#to = undefined;
      this.#say(partner, 1);
    }
  }

  unserved(): readonly string[] {
    // What a client has said may still be on the line.
    const isMoving = this.#options.nowNs() - this.#lastHeardNs < IDLE_NS;
    return this.#partners
      .filter(
        ({ received, receivedBefore, letters, lettersBefore }) =>
          isMoving || received === receivedBefore || letters === lettersBefore,
      )
      .map(({ name }) => name);
  }

  counters(): Readonly<Record<string, number>> {
    const received = this.#partners.reduce((sum, each) => sum + each.received, 0);
    const said = this.#partners.reduce((sum, each) => sum + each.said.passed, 0);
    return { typed: this.#typed, received, said };
  }

  violations(excused: Excused): readonly Violation[] {
    for (const partner of this.#partners) {
      const { name, said, spoken, told, heard } = partner;
      this.#missing(name, 'says', said.passed - spoken.passed);
      this.#missing(name, 'is told', told.passed - heard.passed);
    }
    return this.#findings.violations(excused);
  }

  #missing(where: string, verb: string, count: number): void {
    if (count === 0) return;
    const what = `${verb} ${count} letters more than arrive`;
    const timeNs = this.#options.nowNs();
    this.#findings.add({
      oracle: 'answered-once',
      excuse: ['loss', 'contents'],
      where,
      what,
      timeNs,
    });
  }

  #type(nowNs: number): void {
    const { random } = this.#options;
    const partner = this.#partners[random.below(this.#partners.length)];
    if (partner === undefined) return;
    const count = Math.min(1 + random.below(BURST_MAX), this.#amount - this.#typed);
    this.#say(partner, count);
    this.#typed += count;
    if (!this.isDone) this.#clock?.schedule(this.#next, nowNs + random.below(PAUSE_NS_MAX));
  }

  #say(partner: Partner, count: number): void {
    if (this.#to !== partner) this.#switchTo(partner);
    this.#send(Array.from({ length: count }, () => partner.told.next()));
  }

  #switchTo(partner: Partner): void {
    const digits = Array.from(String(partner.number), (digit) => digit.charCodeAt(0));
    this.#send([SWITCH, ...digits, ENTER]);
    this.#to = partner;
  }

  #send(codes: readonly number[]): void {
    this.#line?.send(Uint8Array.from(codes));
  }

  #read(line: SerialLine): void {
    const bytes = new Uint8Array(256);
    for (let length = line.takeOutput(bytes); length > 0; length = line.takeOutput(bytes)) {
      for (const code of bytes.subarray(0, length)) this.#heard(code);
    }
  }

  #heard(code: number): void {
    this.#lastHeardNs = this.#options.nowNs();
    if (code === ESCAPE) this.#isEscape = true;
    else if (this.#isEscape) this.#isEscape = code !== LETTER_M;
    else {
      const partner = this.#partners.find(({ spoken }) => spoken.holds(code));
      if (this.#typed === 0 || partner === undefined) return;
      partner.letters += 1;
      judge(partner, 'is heard to say', partner.spoken.take(code), code);
    }
  }
}

/**
 * What one client has put into the driver's queue goes out before the next one's: so many
 * characters, whoever's they are.
 */
function longestQueue(system: SystemDescription): number {
  const records = flatten(system).flatMap(({ pd }) => queueRecords(pd.config));
  const serial = records.filter(({ kind }) => kind.name === 'serial');
  return Math.max(0, ...serial.map(({ capacity }) => capacity));
}

/** @returns the number of a client at the receive virtualiser, which shares a queue with it */
function numberOf(system: SystemDescription, client: PdDescription): number {
  const own = new Set(queueRecords(client.config).map(({ region }) => region));
  for (const { pd } of flatten(system)) {
    const { clients } = (pd.config ?? {}) as Partial<SerialVirtRxConfig>;
    if (!Array.isArray(clients) || pd.name === client.name) continue;
    const records = clients as SerialVirtRxConfig['clients'];
    const number = records.findIndex(({ connection }) => own.has(connection?.queue));
    if (number >= 0) return number;
  }
  return 0;
}
